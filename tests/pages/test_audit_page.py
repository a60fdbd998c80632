"""The audit page as an auditor uses it: search, open, verify, take out a record."""

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from components import browser
from db.engine import transaction
from db.models.owes import Borrower
from services import audit
from services.actors import SYSTEM, Role
from services.audit import documents, overrides, sealing
from tests.pages.conftest import APP, opened, token_of, words


@pytest.fixture(scope="module")
def trail(cast):
    with transaction() as session:
        meera = Borrower(external_id="C-1042", name="Meera")
        session.add(meera)
        session.flush()
        audit.record(
            session,
            cast[Role.AGENT],
            "promise.recorded",
            subject=("promise", 1),
            summary="recorded a promise of 5000.00 for 2026-12-01",
            borrower_id=meera.id,
        )
    sealing.seal(SYSTEM)


def sentences(app) -> list[str]:
    return list(app.dataframe[0].value["sentence"]) if len(app.dataframe) else []


def test_an_auditor_finds_an_act_by_whom_and_what(cast, trail):
    app = opened(token_of(Role.AUDITOR), url_path="audit")
    assert len(sentences(app)) > 5
    app.text_input(key="audit.whom").set_value("C-1042").run()
    assert sentences(app) == ["Agent Person recorded a promise of 5000.00 for 2026-12-01 · C-1042"]
    app.selectbox(key="audit.what").set_value("promise.").run()
    assert len(sentences(app)) == 1
    assert not app.warning
    app.text_input(key="audit.who").set_value("Leader").run()
    assert "Nothing matches" in words(app)


def test_contacts_against_the_gate_stand_out_and_are_shown_at_a_press(cast, trail):
    app = opened(token_of(Role.AUDITOR), url_path="audit")
    assert "No contact was made against the gate" in words(app)
    with transaction() as session:
        subject = ("contact", 1)
        audit.record(
            session, cast[Role.LEADER], overrides.ACTION, subject=subject, summary="recorded a contact AGAINST"
        )
    app = opened(token_of(Role.AUDITOR), url_path="audit")
    assert "1 contact was made against the gate" in words(app)
    app.button(key="audit.overrides").click().run()
    assert sentences(app) == ["Leader Person recorded a contact AGAINST"]


@pytest.mark.parametrize("field", ["audit.who", "audit.whom"])
def test_a_character_that_cannot_be_kept_is_told_and_the_page_goes_on(cast, trail, field):
    app = opened(token_of(Role.AUDITOR), url_path="audit")
    app.text_input(key=field).set_value("Me\0era").run()
    assert [error.value[:45] for error in app.error] == ["A text holds a character that cannot be kept:"]
    app.text_input(key=field).set_value("").run()
    assert not app.error
    by_address = AppTest.from_file(APP, default_timeout=90)
    by_address.session_state[browser.TAB_KEY] = token_of(Role.AUDITOR)
    by_address.switch_page("pages/audit.py")
    by_address.query_params[field] = "Me\0era"
    assert [error.value[:45] for error in by_address.run().error] == ["A text holds a character that cannot be kept:"]


def test_an_unknown_number_is_said_on_the_page(cast, trail):
    app = opened(token_of(Role.AUDITOR), url_path="audit")
    app.text_input(key="audit.whom").set_value("C-404").run()
    assert [error.value for error in app.error] == ["No borrower or loan has the number “C-404”."]


def test_the_chain_is_verified_at_the_press_of_a_button_and_a_break_is_told(cast, trail, pages_database):
    app = opened(token_of(Role.AUDITOR), url_path="audit")
    verify = next(button for button in app.button if button.label == "Verify now")
    verify.click().run()
    assert "Chain intact" in words(app)
    _tamper(pages_database)
    next(button for button in app.button if button.label == "Verify now").click().run()
    assert "Chain broken" in words(app)
    assert "was changed after it was recorded" in words(app)
    app.text_input(key="audit.whom").set_value("C-1042").run()
    assert "and that the last check failed" in app.warning[0].value


def test_the_record_of_a_borrower_needs_a_reason(cast, trail):
    app = opened(token_of(Role.AUDITOR), url_path="audit")
    app.text_input(key="audit.whom").set_value("C-1042").run()
    assert app.button(key="audit.prepare").disabled
    app.text_input(key="audit.reason").set_value("letter 12").run()
    app.button(key="audit.prepare").click().run()
    assert not app.error
    assert "also in the trail" in " ".join(caption.value for caption in app.caption)
    assert sentences(app)[0].startswith("Agent Person")


def test_a_borrower_whom_nobody_has_dealt_with_has_a_record_too(cast, trail):
    with transaction() as session:
        session.add(Borrower(external_id="C-1043", name="Savita"))
    app = opened(token_of(Role.AUDITOR), url_path="audit")
    app.text_input(key="audit.whom").set_value("C-1043").run()
    assert "Nothing matches" in words(app)
    app.text_input(key="audit.reason").set_value("letter 14").run()
    app.button(key="audit.prepare").click().run()
    assert not app.error
    assert "also in the trail" in " ".join(caption.value for caption in app.caption)


def test_a_document_is_checked_by_its_bytes(cast, trail):
    made = documents.borrower_record(cast[Role.AUDITOR], "C-1042", reason="letter 13")
    changed = made.content.replace(b"%PDF-1.7", b"%PDF-1.6")
    for content, said in (
        (made.content, "Issued here and unchanged"),
        (made.content + b"\n", "something was added"),
        (changed, "Changed after it was issued"),
        (b"%PDF-1.7 of another house", "It carries no signature"),
    ):
        app = opened(token_of(Role.AUDITOR), url_path="audit")
        app.file_uploader(key="audit.check").set_value(("record.pdf", content, "application/pdf")).run()
        told = words(app) + " ".join(each.value for each in (*app.success, *app.warning))
        assert said in told
        assert ("taken out" in told and r"C\-1042" in told and "letter 13" in told) == (b"another" not in content)
    app.file_uploader(key="audit.check").set_value(("record.pdf", b"", "application/pdf")).run()
    assert "The file is empty" in words(app)


def _tamper(database) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(database.superuser_url)
    with engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("UPDATE audit_event SET summary = 'nothing' WHERE action = 'user.created'"))
    engine.dispose()
