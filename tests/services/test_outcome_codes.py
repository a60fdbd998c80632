"""Outcome codes as a maintained table."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from db.models.audit import AuditEvent
from db.models.work import ContactAttempt, Disposition
from services import contacts
from services.contacts import codes
from services.contacts.codes import Terms
from services.errors import InvalidInput, NotAllowed, NotFound, Refused
from tests import builders

TODAY = date(2025, 6, 16)


@pytest.fixture
def case(session, ana, frozen_clock):
    borrower_id, _ = builders.make_overdue(session, dpd=45)
    builders.make_phone(session, borrower_id, is_primary=True, consent=True)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id


def add(leader, code="asks_for_time", *, counts_as="right_party", **terms):
    codes.add(leader, code, counts_as=counts_as, terms=Terms(**{"label": "Asks for time", **terms}))


def code_of(leader, code):
    return next(each for each in codes.all_codes(leader) if each.code == code)


def log(actor, borrower_id, outcome, *, person="borrower", channel="call", direction="outbound", **entry):
    return contacts.record(
        actor, borrower_id, channel=channel, direction=direction, person=person, outcome=outcome, **entry
    )


def test_added_code_is_offered_used_reworded_and_retired_but_never_lost(session, marek, ana, case, frozen_clock):
    add(marek, requires=("note",), next_action="call_back")
    assert contacts.outcomes(ana)[-1].code == "asks_for_time"
    contact = log(ana, case, "asks_for_time", note="until the salary comes")
    assert (contact.next_action, contact.outcome_label) == ("call_back", "Asks for time")
    codes.change(marek, "asks_for_time", terms=Terms(label="Wants more time"), reason="Clearer")
    assert code_of(marek, "asks_for_time").uses == 1
    codes.retire(marek, "asks_for_time", reason="Too vague", on=TODAY + timedelta(days=1))
    log(ana, case, "asks_for_time")  # still offered today
    frozen_clock(datetime(2025, 6, 17, 6, 0, tzinfo=UTC))
    with pytest.raises(InvalidInput, match="outcomes in the list"):
        log(ana, case, "asks_for_time")
    assert "asks_for_time" not in [outcome.code for outcome in contacts.outcomes(ana)]
    assert contacts.latest(session, case)[0].outcome_label == "Wants more time"
    codes.restore(marek, "asks_for_time", reason="Missed")
    log(ana, case, "asks_for_time")
    assert session.execute(
        select(AuditEvent.action, AuditEvent.reason)
        .where(AuditEvent.action.startswith("outcome_code."))
        .order_by(AuditEvent.id)
    ).all() == [
        ("outcome_code.added", None),
        ("outcome_code.changed", "Clearer"),
        ("outcome_code.retired", "Too vague"),
        ("outcome_code.restored", "Missed"),
    ]


def test_code_is_offered_from_its_day_on(marek, ana, frozen_clock):
    with pytest.raises(InvalidInput, match="day is past"):
        codes.add(marek, "later", counts_as="right_party", terms=Terms("Later"), on=TODAY - timedelta(days=1))
    codes.add(marek, "later", counts_as="right_party", terms=Terms("Later"), on=TODAY + timedelta(days=1))
    assert "later" not in [outcome.code for outcome in contacts.outcomes(ana)]
    frozen_clock(datetime(2025, 6, 17, 6, 0, tzinfo=UTC))
    assert "later" in [outcome.code for outcome in contacts.outcomes(ana)]


def test_what_a_code_counts_as_outlives_each_change(session, marek):
    add(marek, counts_as="no_contact", label="Line busy")
    codes.change(marek, "asks_for_time", terms=Terms(label="Engaged", is_quick=False), reason="Wording")
    row = session.execute(select(Disposition).where(Disposition.code == "asks_for_time")).scalar_one()
    assert (row.label, row.is_connected, row.is_right_party) == ("Engaged", False, False)


@pytest.mark.parametrize(
    ("code", "counts_as", "terms", "field"),
    [
        ("Asks for time", "right_party", {}, "code"),
        ("no_answer", "no_contact", {}, "code"),
        ("x_code", "anything", {}, "counts_as"),
        ("x_code", "connected", {"requires": ("promise",)}, "requires"),
        ("x_code", "right_party", {"requires": ("money",)}, "requires"),
        ("x_code", "right_party", {"requires": ("hold",)}, "hold_kind"),
        ("x_code", "right_party", {"hold_kind": "dispute"}, "hold_kind"),
        ("x_code", "right_party", {"channels": ("telegram",)}, "channels"),
        ("x_code", "no_contact", {"direction": "inbound"}, "direction"),
        ("x_code", "right_party", {"label": " "}, "label"),
        ("x_code", "right_party", {"next_action": "dance"}, "next_action"),
        ("x_code", "right_party", {"is_quick": True}, "is_quick"),  # eight are quick already
    ],
)
def test_fields_that_do_not_go_together_are_refused(marek, code, counts_as, terms, field):
    with pytest.raises(InvalidInput) as refusal:
        codes.add(marek, code, counts_as=counts_as, terms=Terms(**{"label": "A label", **terms}))
    assert field in refusal.value.fields


def test_order_is_the_leaders_and_the_quick_ones_come_first(session, marek, ana):
    codes.move(marek, "no_answer", places=-6)
    assert [outcome.code for outcome in contacts.outcomes(ana)][:2] == ["no_answer", "promise_to_pay"]
    codes.move(marek, "no_answer", places=-5)  # no further than the top
    codes.change(marek, "dispute", terms=Terms("Disputes", ("hold",), "dispute"), reason="Rare")
    assert [outcome.is_quick for outcome in contacts.outcomes(ana)][:8] == [True] * 7 + [False]


def test_code_fits_its_channel_and_direction_only(ana, marek, case):
    for entry in ({"channel": "call"}, {"channel": "visit", "direction": "inbound"}):
        with pytest.raises(InvalidInput, match="Door locked"):
            log(ana, case, "door_locked", person="nobody", **entry)


def test_own_codes_of_the_system_stay(marek, ana):
    assert "message_sent" not in [outcome.code for outcome in contacts.outcomes(ana)]
    with pytest.raises(Refused):
        codes.retire(marek, "message_sent", reason="Why not")
    with pytest.raises(NotFound):
        codes.retire(marek, "no_such", reason="Why not")
    with pytest.raises(InvalidInput):
        codes.retire(marek, "no_answer", reason=" ")


def test_only_who_changes_strategy_changes_codes(ana, anil, adam):
    for actor in (ana, anil, adam):
        with pytest.raises(NotAllowed):
            add(actor)
        with pytest.raises(NotAllowed):
            codes.retire(actor, "no_answer", reason="Why not")
        with pytest.raises(NotAllowed):
            codes.move(actor, "no_answer", places=1)
    assert codes.all_codes(anil)
    with pytest.raises(NotAllowed):
        codes.all_codes(ana)


def test_the_application_cannot_delete_a_code(session, case):
    with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(text("DELETE FROM disposition WHERE code = 'no_answer'"))
    assert session.execute(select(ContactAttempt.id)).all() == []
