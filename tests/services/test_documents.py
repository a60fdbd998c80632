import hashlib

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from db.models.audit import AuditEvent
from services import documents
from services.actors import SYSTEM
from services.errors import InvalidInput, NotAllowed, NotFound
from tests import builders

PDF = b"%PDF-1.7 a letter"


@pytest.fixture
def borrower(session, ana):
    borrower_id, _ = builders.make_overdue(session)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id


def test_document_is_kept_byte_for_byte_with_its_fingerprint(session, ana, borrower):
    stored = documents.add(ana, borrower, kind="evidence", file_name="slip.pdf", content=PDF)
    assert stored.sha256 == hashlib.sha256(PDF).hexdigest()
    assert documents.of_borrower(ana, borrower) == [stored]
    assert documents.fetch(ana, stored.id).content == PDF


def test_storing_and_every_download_stand_in_the_trail(session, ana, marek, borrower):
    stored = documents.add(ana, borrower, kind="evidence", file_name="slip.pdf", content=PDF)
    documents.fetch(marek, stored.id)
    told = select(AuditEvent.action, AuditEvent.actor_id, AuditEvent.borrower_id).order_by(AuditEvent.id)
    events = session.execute(told).all()
    assert events == [("document.stored", ana.id, borrower), ("document.downloaded", marek.id, borrower)]


def test_who_may_not_see_the_borrower_gets_no_document(session, ana, marek, adam, borrower):
    stored = documents.add(ana, borrower, kind="evidence", file_name="slip.pdf", content=PDF)
    session.execute(text("UPDATE collection_case SET owner_id = :id"), {"id": marek.id})
    with pytest.raises(NotFound):
        documents.fetch(ana, stored.id)
    with pytest.raises(NotFound):
        documents.of_borrower(ana, borrower)
    with pytest.raises(NotAllowed):
        documents.fetch(adam, stored.id)


def test_document_of_nobody_is_for_those_who_see_all(session, ana, marek):
    stored = documents.store(session, marek, kind="report", file_name="day.pdf", content=PDF, borrower_id=None)
    with pytest.raises(NotAllowed):
        documents.fetch(ana, stored.id)
    assert documents.fetch(marek, stored.id).content == PDF


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<html><script>alert(1)</script></html>"),
        ("page.txt", b"  <!DOCTYPE html><p>hello"),
        ("drawing.csv", b"<svg onload=alert(1)>"),
        ("picture.png", b"<html>not a picture"),
        ("program.exe", b"MZ\x90\x00"),
        ("data.csv", b"a,b\x00c"),
        ("data.txt", b"\xff\xfe\x00broken"),
        ("sheet.xlsx", b"PK\x03\x04"),
        ("empty.pdf", b""),
        ("large.pdf", b"%PDF-" + bytes(documents.MAX_BYTES)),
    ],
)
def test_hostile_or_unknown_file_is_refused(session, ana, borrower, name, content):
    with pytest.raises(InvalidInput) as refusal:
        documents.add(ana, borrower, kind="evidence", file_name=name, content=content)
    assert set(refusal.value.fields) == {"file"}
    assert documents.of_borrower(ana, borrower) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\x\\slip 1.pdf", "slip 1.pdf"),
        ('a"; filename=evil.html', "a_ filename_evil.pdf"),
        ("invoice.pdf.exe", "invoice.pdf.pdf"),
        ("line\r\nSet-Cookie: x.pdf", "line_Set-Cookie_ x.pdf"),
        ("वेतन.pdf", "वेतन.pdf"),
        (".pdf", "pdf.pdf"),
        ("x" * 500 + ".pdf", "x" * 100 + ".pdf"),
    ],
)
def test_name_cannot_mislead(given, kept):
    assert documents.safe_name(given, "application/pdf") == kept


def test_stored_document_cannot_be_changed_or_removed(session, ana, borrower):
    documents.add(ana, borrower, kind="evidence", file_name="slip.pdf", content=PDF)
    for statement in ("UPDATE document SET file_name = 'x'", "DELETE FROM document"):
        with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
            session.execute(text(statement))


def test_documents_of_a_subject_are_those_of_borrowers_one_may_see(session, ana, marek, borrower):
    stranger = builders.make_borrower(session)
    for each in (borrower, stranger):
        documents.store(
            session,
            SYSTEM,
            kind="evidence",
            file_name="slip.pdf",
            content=PDF,
            borrower_id=each,
            subject=("hardship", 7),
        )
    assert [each.borrower_id for each in documents.with_subject(ana, ("hardship", 7))] == [borrower]
    assert len(documents.with_subject(marek, ("hardship", 7))) == 2
    assert documents.with_subject(marek, ("hardship", 8)) == []


def test_a_kind_that_recoup_makes_cannot_be_uploaded(ana, borrower):
    with pytest.raises(InvalidInput) as told:
        documents.add(ana, borrower, kind="settlement_letter", file_name="slip.pdf", content=PDF)
    assert set(told.value.fields) == {"kind"}
