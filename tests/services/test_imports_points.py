"""Contact points from files on their way from the staged row to their own."""

import pytest
from sqlalchemy import text

from services import imports
from services.actors import SYSTEM
from services.imports import batches

LOANS = "Loan No,Customer ID,Customer Name,Loan Amount\nL1,C1,Asha,1000\nL2,C2,Ravi,2000\n"


@pytest.fixture
def load(session, tmp_path):
    def load_text(content, kind="contacts"):
        path = tmp_path / "file.csv"
        path.write_text(content)
        return imports.load_file(SYSTEM, path, kind=kind)

    load_text(LOANS, "loan_book")
    return load_text


def _events(session):
    statement = (
        "SELECT b.external_id, c.value_hint, e.given FROM consent_event e "
        "JOIN contact_point c ON c.id = e.contact_point_id JOIN borrower b ON b.id = c.borrower_id ORDER BY 1, e.id"
    )
    return [tuple(row) for row in session.execute(text(statement))]


def test_points_of_an_older_version_are_read_again(session, load, tmp_path):
    path = tmp_path / "contacts.csv"
    path.write_text("borrower_number,phone,consent\nC1,9876543210,yes\n")
    batch = batches.begin(SYSTEM, path, file_name="c.csv", kind=imports.Kind.CONTACTS)
    imports.check(SYSTEM, batch.id)
    session.execute(text(f"ALTER TABLE staging.points_{batch.id} DROP COLUMN id"))
    assert imports.commit(SYSTEM, batch.id).counts["points_new"] == 1
    assert _events(session) == [("C1", "••••••3210", True)]


def test_a_file_of_known_and_new_points_tells_each_consent_once(session, load):
    load("borrower_number,phone,consent\nC1,9876543210,yes\n")
    done = load("borrower_number,phone,consent\nC1,9876543210,no\nC2,9876543211,yes\nC2,9876543212,\n")
    assert (done.counts["points_new"], done.counts["points_changed"]) == (2, 1)
    told = [("C1", "••••••3210", True), ("C1", "••••••3210", False), ("C2", "••••••3211", True)]
    assert _events(session) == told


def test_of_a_point_in_two_rows_the_later_row_is_taken_and_told_once(session, load):
    done = load("borrower_number,phone,consent\nC1,9876543210,\nC1,98765 43210,yes\nC2,9876543210,yes\n")
    assert done.counts["points_new"] == 2
    assert _events(session) == [("C1", "••••••3210", True), ("C2", "••••••3210", True)]
