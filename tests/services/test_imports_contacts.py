"""Numbers, addresses and consent from files, encrypted, with the history of consent."""

import pytest
from sqlalchemy import text

from services import imports, personal_data
from services.actors import SYSTEM
from services.imports import UndoRefused, batches
from tests.services.import_files import LOANS, count, load, one


def test_contacts_are_encrypted_and_consent_keeps_its_history(session, tmp_path):
    load(tmp_path, LOANS)
    content = "Customer ID,Mobile,Consent\nC1,98765 43210,yes\nC8,9876543211,yes\nC1,12,yes\n"
    batch = load(tmp_path, content, "contacts")
    assert (batch.counts["points_new"], batch.counts["rejected"]) == (1, 2)
    point = one(session, "SELECT value_encrypted, value_hint, consent FROM contact_point")
    assert (personal_data.decrypt(point[0]), point[1], point[2]) == ("+919876543210", "••••••3210", True)
    load(tmp_path, content.replace("yes", "no"), "contacts")
    assert session.execute(text("SELECT given FROM consent_event ORDER BY id")).scalars().all() == [True, False]


@pytest.mark.parametrize(
    ("columns", "said", "told"),
    [
        ("", "", ("import", None)),
        (",consent_source,consent_at", ",branch visit,2025-03-04", ("branch visit", "2025-03-04")),
    ],
)
def test_consent_of_new_points_has_its_event_as_the_file_tells_it(session, tmp_path, columns, said, told):
    load(tmp_path, LOANS.replace("L2,C1", "L2,C2"))
    content = (
        f"borrower_number,phone,email,consent{columns}\nC1,9876543210,a@example.in,yes{said}\nC2,9876543211,,{said}\n"
    )
    batch = load(tmp_path, content, "contacts")
    assert batch.counts["points_new"] == 3
    events = session.execute(
        text(
            "SELECT c.kind, e.given, e.source, e.at::date::text FROM consent_event e "
            "JOIN contact_point c ON c.id = e.contact_point_id ORDER BY c.kind"
        )
    ).all()
    today = one(session, "SELECT now()::date::text")[0]
    assert [tuple(event) for event in events] == [
        (kind, True, told[0], told[1] or today) for kind in ("email", "phone")
    ]
    assert load(tmp_path, content, "contacts").counts["unchanged"] == 3
    assert count(session, "consent_event") == 2


def test_point_that_came_between_check_and_commit_is_not_written_twice(session, tmp_path):
    load(tmp_path, LOANS.replace("L2,C1", "L2,C2"))
    path = tmp_path / "contacts.csv"
    path.write_text("borrower_number,phone\nC1,9876543210\nC2,9876543211\n")
    batch = batches.begin(SYSTEM, path, file_name="contacts.csv", kind=imports.Kind.CONTACTS)
    assert imports.check(SYSTEM, batch.id).counts["new"] == 2
    number = "+919876543210"
    session.execute(
        text(
            "INSERT INTO contact_point (borrower_id, kind, value_encrypted, value_index, value_hint) "
            "SELECT id, 'phone', :sealed, :index, 'hint' FROM borrower WHERE external_id = 'C1'"
        ),
        {"sealed": personal_data.encrypt(number), "index": personal_data.blind_index(number)},
    )
    assert imports.commit(SYSTEM, batch.id).counts["points_new"] == 1
    assert count(session, "contact_point") == 2


def test_undone_contacts_leave_no_person_they_named(session, tmp_path):
    load(tmp_path, LOANS)
    named = "Customer ID,Mobile,Role,Name\nC1,9876543210,guarantor,Ravi\n"
    mapping = {"Customer ID": "borrower_number", "Mobile": "phone", "Role": "party_role", "Name": "party_name"}
    first = load(tmp_path, named, "contacts", mapping=mapping)
    second = load(tmp_path, named.replace("9876543210", "9876543211"), "contacts", mapping=mapping)
    assert count(session, "party") == 1
    with pytest.raises(UndoRefused, match="people it named"):
        imports.undo(SYSTEM, first.id)
    imports.undo(SYSTEM, second.id)
    imports.undo(SYSTEM, first.id)
    assert [count(session, t) for t in ("party", "contact_point")] == [0, 0]
