"""A borrower's record as a document: what it says, that it is signed, and that any change to it is found out."""

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.exceptions import InternalError
from cryptography.hazmat.bindings._rust import test_support
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs7, pkcs12
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pypdf import PdfReader

from db.queries import audit as queries
from services import audit, clock, pdf, policy, signing
from services.actors import SYSTEM
from services.audit import checking, documents, sealing, searching, verifying
from services.audit.checking import Verdict
from services.audit.documents import Form
from services.audit.searching import Search
from services.errors import InvalidInput, NotAllowed, NotFound, Refused
from tests import builders
from tests.conftest import _environment

NAME = "मीरा अय्यर <b>"


def act(session, actor, action="promise.recorded", **over) -> None:
    audit.record(session, actor, action, subject=("promise", 1), summary=f"did {action}", **over)


@pytest.fixture
def meera(session, ana) -> int:
    """A borrower about whom something is known of every kind that a record names."""
    borrower_id = builders.make_borrower(session, external_id="C-7", name=NAME)
    loan_id = builders.make_loan(session, borrower_id, external_id="L-77")
    builders.make_state(session, loan_id, dpd=45)
    builders.make_phone(session, borrower_id, "+919876543210")
    builders.make_contact(session, borrower_id, note="said தமிழ் 😀 later")
    builders.make_promise(session, loan_id, promised_on=date(2025, 6, 1), due_on=date(2025, 6, 9), amount=5000)
    builders.make_hold(session, borrower_id, kind="dispute", starts_on=clock.today("Asia/Kolkata"))
    at_night = datetime.combine(clock.today("Asia/Kolkata"), time(2), ZoneInfo("Asia/Kolkata"))  # so that it is blocked
    policy.ask(session, borrower_id, channel="call", purpose="log", at=at_night)
    act(session, ana, "contact.recorded", borrower_id=borrower_id, reason="she asked")
    act(session, ana, borrower_id=borrower_id, after={"note": "<script>", "lines": "z\n" * 30})
    session.commit()
    return borrower_id


def words(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def signed_field(content: bytes) -> Any:
    fields = PdfReader(BytesIO(content)).get_fields()
    assert fields is not None
    return fields["Signature"]["/V"]


def taken_out(ada, **over) -> documents.Document:
    return documents.borrower_record(ada, "C-7", reason="regulator's letter 12", **over)


class TestRecord:
    def test_both_forms_say_what_the_last_check_of_the_trail_found(self, session, meera, ada):
        def said() -> str:
            printed, page = taken_out(ada).content, taken_out(ada, form=Form.HTML).content.decode()
            line = page.partition("Last check of the trail: ")[2].partition(".</p>")[0]
            assert line.split(" on ")[0] in words(printed).replace("\n", " ")
            return line

        assert said() == "none yet"
        sealing.seal(SYSTEM)
        verifying.verify(SYSTEM)
        assert said().startswith("intact on ")
        queries.insert_verification(
            session,
            verified_by=None,
            is_intact=False,
            seals=1,
            events=3,
            sealed_through=None,
            finding="Event 4 was changed.",
        )
        assert said().startswith("BROKEN on ")
        assert "Event 4 was changed" in said()

    def test_the_pdf_says_all_that_the_web_page_says_and_no_number_in_the_clear(self, session, meera, ada):
        act(session, ada, "contact.recorded", borrower_id=meera, after={"long": "y" * 3000})
        printed = words(taken_out(ada).content)
        page = taken_out(ada, form=Form.HTML).content.decode()
        for said in (
            "C-7", "L-77", "regulator's letter 12", "Ada Byrne", "5,000.00", "did contact.recorded", "she asked",
            "said தமிழ்", "Contact details, masked", "What the contact gate answered", "blocked", "Digest", "recorded",
        ):  # fmt: skip
            assert said in printed or said in printed.replace("\n", " "), said
            assert said.replace("'", "&#39;").replace("5,000.00", "5000.00") in page, said
        assert "मीरा" in printed
        assert printed.index("did contact.recorded") < printed.index("did promise.recorded")
        assert printed.count("y") > 3000, "long values are not cut off"
        assert "&lt;b&gt;" in page
        assert "<script>" not in page
        assert "9876543210" not in printed + page

    def test_its_fingerprint_and_that_of_its_signature_are_in_the_trail(self, session, meera, ada):
        made = taken_out(ada)
        (newest, *_) = searching.search(ada, Search(whom="C-7")).events
        after = searching.detail(ada, newest.id).after or {}
        assert after["sha256"] == made.sha256 == hashlib.sha256(made.content).hexdigest()
        assert after["bytes"] == len(made.content)
        assert after["certificate_sha256"] == signing.identity().fingerprint
        assert newest.reason == "regulator's letter 12"
        assert made.file_name == "record-C-7.pdf"

    def test_an_unknown_number_or_a_record_too_long_for_a_pdf_is_explained(self, session, meera, ada, ana, monkeypatch):
        with pytest.raises(NotFound, match="C-404"):
            documents.borrower_record(ada, "C-404", reason="asked")
        monkeypatch.setattr(documents, "PDF_LINES_AT_MOST", 2)
        with pytest.raises(Refused, match="as a web page"):
            taken_out(ada)
        assert taken_out(ada, form=Form.HTML).content
        with pytest.raises(NotAllowed):
            taken_out(ana)


class TestSignature:
    def test_it_covers_every_byte_and_verifies_under_the_certificate_in_it(self, session, meera, ada):
        made = taken_out(ada)
        field = signed_field(made.content)
        assert (field["/Name"], field["/Reason"]) == (signing.OWN_NAME, "regulator's letter 12")
        _, place, after, rest = field["/ByteRange"]
        assert after + rest == len(made.content)
        assert after - place == len(field["/Contents"]) * 2 + 2
        (found,) = pdf.signatures(made.content)
        signed = made.content[:place] + made.content[after:]
        (certificate,) = pkcs7.load_der_pkcs7_certificates(found.cms)
        assert certificate == signing.identity().certificate
        test_support.pkcs7_verify(Encoding.DER, found.cms, signed, [certificate], [])
        with pytest.raises(InternalError, match="digest failure"):
            test_support.pkcs7_verify(Encoding.DER, found.cms, signed + b" ", [certificate], [])

    def test_the_key_is_made_once_and_kept_for_the_owner_alone(self):
        from settings import settings

        first = signing.identity()
        signing._own.cache_clear()
        assert signing.identity().fingerprint == first.fingerprint
        kept = settings().home / "secrets" / "document_signer.pem"
        assert kept.stat().st_mode & 0o077 == 0
        assert first.certificate.not_valid_after_utc > clock.now() + timedelta(days=15 * 365)

    def test_the_lenders_own_key_signs_instead(self, session, meera, ada, tmp_path):
        file = tmp_path / "lender.p12"
        file.write_bytes(_pkcs12("Meridian Finance"))
        with _environment(RECOUP_SIGNING_PKCS12=str(file), RECOUP_SIGNING_PASSWORD="open"):
            made = taken_out(ada)
        assert signed_field(made.content)["/Name"] == "Meridian Finance"
        assert checking.check(ada, made.content).verdict is Verdict.UNCHANGED, "whatever key signs now"
        for password, path, said in (("wrong", file, "cannot be opened"), ("open", tmp_path / "no.p12", "be read")):
            with (
                _environment(RECOUP_SIGNING_PKCS12=str(path), RECOUP_SIGNING_PASSWORD=password),
                pytest.raises(signing.SigningKeyUnusable, match=said),
            ):
                taken_out(ada)


def _pkcs12(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 17, now, now + timedelta(days=9))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return pkcs12.serialize_key_and_certificates(b"k", key, certificate, None, BestAvailableEncryption(b"open"))


class TestCheck:
    def test_an_unchanged_copy_is_told_with_whose_record_it_is_when_it_was_issued_and_by_whom(
        self, session, meera, ada, frozen_clock
    ):
        for form in Form:
            made = taken_out(ada, form=form)
            found = checking.check(ada, made.content)
            assert (found.verdict, found.sha256) == (Verdict.UNCHANGED, made.sha256)
            assert (found.issue.borrower_number, found.issue.by, found.issue.role) == ("C-7", "Ada Byrne", "auditor")
            assert found.issue.reason == "regulator's letter 12"

    def test_the_event_counts_as_sealed_once_it_is(self, database):
        from db.engine import transaction
        from services.actors import SYSTEM

        with transaction() as session:
            builders.make_borrower(session, external_id="C-7")
        made = documents.borrower_record(SYSTEM, "C-7", reason="asked")
        assert not checking.check(SYSTEM, made.content).issue.is_sealed
        sealing.seal(SYSTEM)
        assert checking.check(SYSTEM, made.content).issue.is_sealed

    def test_a_byte_changed_anywhere_is_found_out(self, session, meera, ada):
        content = taken_out(ada).content
        (signature,) = pdf.signatures(content)
        inside = content.rindex(b"/Contents <") + 40
        for place in (0, 9, len(content) // 3, content.rindex(b"/Reason"), len(content) - 8):
            changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            found = checking.check(ada, changed)
            assert found.verdict is Verdict.CHANGED, place
            assert found.issue.borrower_number == "C-7"
        other = b"1" if content[inside : inside + 1] != b"1" else b"2"
        broken = content[:inside] + other + content[inside + 1 :]
        assert checking.check(ada, broken).verdict is Verdict.UNKNOWN, "its signature is gone"
        assert signature.end == len(content)

    def test_what_was_added_after_the_signature_is_told_from_a_change(self, session, meera, ada):
        content = taken_out(ada).content
        found = checking.check(ada, content + b"\n5 0 obj\n<<>>\nendobj\n")
        assert (found.verdict, found.issue.borrower_number) == (Verdict.ADDED_TO, "C-7")
        # another's signature after ours does not hide ours
        again = pdf.sign(content, signing.identity().sign, signer="Someone", reason="seen", at=clock.now())
        found = checking.check(ada, again)
        assert (found.verdict, found.signatures) == (Verdict.ADDED_TO, 2)

    def test_a_signature_moved_to_another_document_gives_that_document_no_credit(self, session, meera, ada):
        content = taken_out(ada).content
        blocks = [pdf.Paragraph("Nothing is owed.")]
        forged = pdf.render(title="Record of Meera", blocks=blocks, made_at=clock.now())
        forged = pdf.sign(forged, lambda _: next(pdf.signatures(content)).cms, signer="x", reason="y", at=clock.now())
        assert checking.check(ada, forged).verdict is Verdict.CHANGED

    def test_what_was_never_issued_is_unknown_also_when_our_key_signed_it(self, session, meera, ada):
        unsigned = pdf.render(title="Receipt", blocks=[pdf.Paragraph("₹5")], made_at=clock.now())
        signed = pdf.sign(unsigned, signing.identity().sign, signer="x", reason="y", at=clock.now())
        for content, signatures in ((unsigned, 0), (signed, 1), (b"MZ\x90", 0), (b"%PDF-1.7", 0)):
            found = checking.check(ada, content)
            assert (found.verdict, found.issue, found.signatures) == (Verdict.UNKNOWN, None, signatures)

    def test_empty_and_huge_files_are_refused_and_others_may_not_ask(self, session, ada, ana, monkeypatch):
        with pytest.raises(InvalidInput, match="empty"):
            checking.check(ada, b"")
        monkeypatch.setattr(checking, "MAX_BYTES", 1024 * 1024)
        with pytest.raises(InvalidInput, match="more than 1 MB"):
            checking.check(ada, b"x" * (1024 * 1024 + 1))
        with pytest.raises(NotAllowed):
            checking.check(ana, b"x")


_NUMBER = st.sampled_from(["0", "1", "9", "47", "999999999999", "00"])
_PIECE = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"<", b">", b"<3082000400>", b"<30820002abcd>", b"/Contents ", b"%PDF-1.7\n", b"<30zz>"]),
    st.tuples(_NUMBER, _NUMBER, _NUMBER, _NUMBER).map(lambda four: f"/ByteRange [{' '.join(four)}]".encode()),
)


@given(st.lists(_PIECE, max_size=12))
@hypothesis_settings(max_examples=50, deadline=None)
def test_no_file_whatever_breaks_the_search_for_signatures(pieces):
    content = b"".join(pieces)
    for found in pdf.signatures(content):
        assert found.end <= len(content)
        assert len(found.cms) >= 4


def test_a_file_full_of_false_signatures_is_looked_at_in_no_time():
    started = datetime.now(UTC)
    assert not list(pdf.signatures(b"/ByteRange [0 1 2 3] <" * 200_000))
    assert datetime.now(UTC) - started < timedelta(seconds=5)
