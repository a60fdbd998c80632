"""`manage.py audit check-document`: what it says, and its exit code."""

from typer.testing import CliRunner

from db.engine import transaction
from ops.commands.audit import app
from services import signing
from services.actors import SYSTEM
from services.audit import documents
from tests import builders


def test_a_record_is_told_from_a_changed_one_and_from_any_other_file(database, tmp_path):
    with transaction() as session:
        builders.make_borrower(session, external_id="C-7")
    made = documents.borrower_record(SYSTEM, "C-7", reason="letter 12")
    file = tmp_path / "record.pdf"
    for content, code, said in (
        (made.content, 0, "Issued here and unchanged."),
        (made.content + b"x", 1, "something was ADDED"),
        (made.content.replace(b"PDF-1.7", b"PDF-1.5"), 1, "CHANGED"),
        (b"anything", 1, "NOT KNOWN"),
    ):
        file.write_bytes(content)
        done = CliRunner().invoke(app, ["check-document", str(file)])
        assert (done.exit_code, said in done.stdout) == (code, True), done.output
        assert ("borrower C-7" in done.stdout and "letter 12" in done.stdout) == (content != b"anything")


def test_the_certificate_is_printed():
    done = CliRunner().invoke(app, ["certificate"])
    assert done.exit_code == 0
    assert signing.identity().certificate_pem.decode() in done.output
