"""Legal notices: their texts, PDFs and batches."""

import pytest
from sqlalchemy import select

from db.models.audit import AuditEvent
from services import documents, legal
from services.errors import Conflict, InvalidInput, Refused
from services.legal.texts import filled
from tests import builders
from tests.services.legal.steps import TODAY, opened

pytestmark = pytest.mark.usefixtures("frozen_clock")


def test_the_notice_is_kept_with_its_fingerprint(session, marek, loan):
    action_id = opened(marek, loan)
    legal.issue(marek, action_id, how="speed_post")
    [document] = legal.detail(marek, action_id).documents
    content = documents.fetch(marek, document.id).content
    assert content.startswith(b"%PDF-")
    event = session.execute(select(AuditEvent.after).where(AuditEvent.action == "legal.notice_issued")).scalar_one()
    assert event["sha256"] == document.sha256


def test_a_borrowers_braces_stay_braces_and_hidden_signs_are_dropped():
    told = filled("Dear {borrower_name},\n\n{amount}", {"borrower_name": "{amount}\n\x07 {x.y}", "amount": "₹5"})
    assert told == ["Dear {amount} {x.y},", "₹5"]


@pytest.mark.parametrize(
    "body",
    [
        "{amount} {instrument_number} {borrower_name.__class__}",
        "{amount} {instrument_number} {amount!r}",
        "{amount} {instrument_number} {0}",
        "{amount} {instrument_number} {{ 7*7 }}",
        "{amount} {instrument_number} { }",
        "{amount} {instrument_number} }",
        "{amount} only",
    ],
)
def test_a_text_names_fields_and_nothing_else(session, marek, body):
    with pytest.raises(InvalidInput):
        legal.save(marek, "s138", title="Notice", body=body, reason="test", based_on=1)


def test_a_saved_text_is_a_new_version_and_two_editors_do_not_overwrite(session, marek, leela):
    body = "Pay {amount} for {instrument_number}."
    assert legal.save(marek, "s138", title="Notice", body=body, reason="Shorter", based_on=1) == 2
    with pytest.raises(Conflict):
        legal.save(leela, "s138", title="Notice", body=body, reason="Mine", based_on=1)
    assert [each.version for each in legal.templates(leela, "s138")] == [2, 1]


def test_no_notice_without_address_or_to_the_deceased(session, marek):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    action_id = opened(marek, (borrower_id, loan_id), "recall")
    with pytest.raises(Refused, match="No address"):
        legal.issue(marek, action_id, how="courier")
    builders.make_address(session, borrower_id)
    builders.make_hold(session, borrower_id, kind="deceased", starts_on=TODAY)
    with pytest.raises(Refused, match="deceased"):
        legal.issue(marek, action_id, how="courier")


def test_a_batch_makes_one_notice_each_and_takes_the_carriers_numbers_back(session, marek, loan):
    without, _other = builders.make_overdue(session, dpd=50, name="Nobody Home")
    builders.make_case(session, without, stage="legal", max_dpd=50)
    assert legal.recallable(marek, stage="legal", min_dpd=30) == 2
    assert legal.open_recalls(marek, stage="legal", min_dpd=30, reason="Ninety days") == 2
    with pytest.raises(Refused):
        legal.open_recalls(marek, stage="legal", min_dpd=30, reason="Ninety days")
    choice = legal.Choice("recall")
    assert legal.awaiting(marek, choice) == 2
    batch_id = legal.request(marek, choice, how="registered_post", request_key="b")
    assert legal.request(marek, choice, how="registered_post", request_key="b") == batch_id
    assert legal.produce(batch_id, lambda *_: None) == 1
    assert legal.produce(batch_id, lambda *_: None) == 0
    [batch] = legal.batches(marek)
    assert (batch.actions, batch.issued, batch.refused, batch.is_done) == (2, 1, 1, True)
    assert "No address" in legal.refusals(marek, batch_id)[0][1]
    listed = legal.dispatch_list(marek, batch_id).decode("utf-8-sig").splitlines()
    assert "Hill Road" in listed[1]
    reference = listed[1].split(",")[0]
    sent = f"reference,tracking_number\n{reference},RM123IN\nLEG-99999,X\n".encode()
    first = legal.upload_dispatch(marek, batch_id, sent)
    again = legal.upload_dispatch(marek, batch_id, sent)
    assert (first.recorded, len(first.wrong), again.recorded, again.unchanged) == (1, 1, 0, 1)
    with pytest.raises(InvalidInput):
        legal.upload_dispatch(marek, batch_id, b"a,b\n1,2\n")
    assert legal.notices_zip(marek, batch_id).startswith(b"PK")
