"""A number is found however it was written, in the file that brought it and in the search."""

import pytest
from sqlalchemy import update

from db.models.owes import Lender
from services import borrowers, imports
from services.actors import SYSTEM
from tests import builders


@pytest.mark.parametrize("typed", ["+919876543210", "98765 43210", "098765-43210"])
@pytest.mark.parametrize("written", ["98765 43210", "+91-98765-43210", "09876543210", "+91 0 98765 43210"])
def test_an_imported_number_is_found_as_people_type_it(session, marek, tmp_path, written, typed):
    builders.make_borrower(session, external_id="C-77")
    session.commit()
    file = tmp_path / "contacts.csv"
    file.write_text(f"Customer No,Mobile\nC-77,{written}\n")
    imports.load_file(SYSTEM, file, kind="contacts", mapping={"Customer No": "borrower_number", "Mobile": "phone"})
    assert len(borrowers.search(marek, typed)) == 1


def test_numbers_without_a_country_are_of_the_lenders(session, marek, tmp_path):
    session.execute(update(Lender).values(locale="en_US"))
    builders.make_borrower(session, external_id="C-78")
    session.commit()
    file = tmp_path / "contacts.csv"
    file.write_text("Customer No,Mobile\nC-78,202-555-0123\n")
    imports.load_file(SYSTEM, file, kind="contacts", mapping={"Customer No": "borrower_number", "Mobile": "phone"})
    assert len(borrowers.search(marek, "(202) 555-0123")) == 1
    assert len(borrowers.search(marek, "+1 202 555 0123")) == 1
