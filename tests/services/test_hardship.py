"""Hardship: what may be applied for, what a decision does, reviews, and where relief stands on each day."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from db.models.audit import AuditEvent
from db.models.hardship import Hardship as Row
from db.models.hardship import HardshipReview
from db.models.plans import RepaymentPlan
from db.queries import hardship as queries
from services import approvals, clock, documents, hardship, policy
from services.actors import Role
from services.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refused
from services.hardship import Application, Evidence, Relief
from services.plans import Affordability
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")
MEANS = Affordability(income=Decimal(20_000), housing=Decimal(8_000), food=Decimal(6_000), dependants=2)
"""6,000 are left a month."""
HOLIDAY = Relief("holiday", TODAY + timedelta(days=1), date(2025, 9, 1))
SLIP = Evidence("dismissal.txt", b"Your employment ends on 31 May.")


@pytest.fixture
def meera(session, ana):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45)
    builders.make_case(session, borrower_id, owner_id=ana.id)
    return borrower_id, loan_id


def lower(loan_id, **over):
    terms = {"starts_on": TODAY + timedelta(days=5), "loan_id": loan_id, "amount": Decimal(2_000), "months": 12}
    return Relief("lower_instalment", **{**terms, **over})


def wanted(relief=HOLIDAY, **over):
    values = {
        "cause": "job_loss",
        "story": "The mill closed",
        "since_on": date(2025, 5, 31),
        "means": MEANS,
        "relief": relief,
        "review_on": date(2025, 7, 15),
    }
    return Application(**{**values, **over})


def request_of(session, made):
    return session.execute(
        text("SELECT id FROM approval_request WHERE subject_kind = 'hardship' AND subject_id = :id"), {"id": made.id}
    ).scalar_one()


def granted(session, actor, boss, borrower_id, relief=HOLIDAY):
    made = hardship.apply(actor, borrower_id, wanted(relief))
    approvals.decide(boss, request_of(session, made), approve=True, reason="Papers are in order")
    return made


def standing(session, made, today=TODAY):
    return queries.by_id(session, made.id, today=today).status


def held(session, borrower_id):
    return session.execute(
        text("SELECT ends_on FROM hold WHERE borrower_id = :id AND released_at IS NULL"), {"id": borrower_id}
    ).scalars().all()  # fmt: skip


def _is_held(session, borrower_id):
    """Whether the gate holds a reminder back for hardship."""
    asked = policy.preview_many(session, [borrower_id], "email", clock.now(), is_automated=True)[borrower_id]
    return not asked.is_allowed and asked.rule == "hold"


# --- applying ------------------------------------------------------------------------------------------------------


def test_application_stops_reminders_keeps_evidence_and_waits(session, ana, marek, meera):
    made = hardship.apply(ana, meera[0], wanted(), evidence=[SLIP])
    assert (made.status, made.means.disposable) == ("waiting", 6_000)
    assert held(session, meera[0]) == [TODAY + timedelta(days=30)]
    assert _is_held(session, meera[0])
    assert [each.file_name for each in documents.of_subject(session, ("hardship", made.id))] == ["dismissal.txt"]
    assert session.scalars(select(AuditEvent.action)).all() == ["hardship.applied"]
    hardship.add_evidence(ana, made.id, Evidence("letter.pdf", b"%PDF-1.7 a letter"))
    assert len(documents.of_subject(session, ("hardship", made.id))) == 2


def test_hostile_evidence_is_refused_and_nothing_is_kept(session, ana, marek, meera):
    with pytest.raises(InvalidInput), session.begin_nested():
        hardship.apply(ana, meera[0], wanted(), evidence=[SLIP, Evidence("slip.pdf", b"<html><script>1</script>")])
    assert session.scalars(select(Row.id)).all() == []
    assert held(session, meera[0]) == []


def test_same_form_twice_is_one_application(session, ana, marek, meera):
    first = hardship.apply(ana, meera[0], wanted(), request_key="form-1")
    assert hardship.apply(ana, meera[0], wanted(), request_key="form-1").id == first.id
    other, _ = builders.make_overdue(session)
    builders.make_case(session, other, owner_id=ana.id)
    with pytest.raises(Conflict):
        hardship.apply(ana, other, wanted(), request_key="form-1")
    with pytest.raises(Refused, match="waits for a decision"):
        hardship.apply(ana, meera[0], wanted())


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"cause": "bad luck"}, "cause"),
        ({"story": " "}, "story"),
        ({"since_on": TODAY + timedelta(days=1)}, "since_on"),
        ({"means": Affordability(income=Decimal(-1))}, "income"),
        ({"relief": Relief("gift", TODAY)}, "relief"),
        ({"relief": Relief("holiday", TODAY - timedelta(days=1), date(2025, 7, 1))}, "starts_on"),
        ({"relief": Relief("holiday", TODAY, TODAY)}, "ends_on"),
        ({"relief": Relief("holiday", TODAY, date(2025, 9, 17))}, "ends_on"),
        ({"relief": lower(1, months=25)}, "months"),
        ({"relief": lower(1, amount=Decimal(0))}, "amount"),
        ({"review_on": TODAY}, "review_on"),
        ({"review_on": date(2025, 9, 2)}, "review_on"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(ana, marek, meera, over, field):
    with pytest.raises(InvalidInput) as told:
        hardship.apply(ana, meera[0], wanted(**over))
    assert field in told.value.fields


def test_lower_instalment_fits_the_debt_and_the_means(session, ana, marek, meera):
    for over, words in (
        ({"months": 24, "amount": Decimal(4_000)}, "more than the"),
        ({"amount": Decimal(6_001)}, "left a month"),
    ):
        with pytest.raises(Refused, match=words):
            hardship.apply(ana, meera[0], wanted(lower(meera[1], **over)))
    _, strange = builders.make_overdue(session)
    with pytest.raises(NotFound):
        hardship.apply(ana, meera[0], wanted(lower(strange)))


def test_who_may_not_make_arrangements_is_refused(session, ana, ada, anil, marek, meera):
    for actor in (ada, anil):
        with pytest.raises(NotAllowed):
            hardship.apply(actor, meera[0], wanted())
    with pytest.raises(NotAllowed):
        hardship.listing(ana, ["waiting"])
    with pytest.raises(NotFound):
        hardship.apply(make_actor(session, "sara", "Sara Stranger", Role.AGENT), meera[0], wanted())


# --- deciding ------------------------------------------------------------------------------------------------------


def test_holiday_holds_to_its_end_and_tells_the_borrower(session, ana, marek, meera):
    made = granted(session, ana, marek, meera[0])
    assert standing(session, made) == "in_relief"
    assert held(session, meera[0]) == [date(2025, 9, 1)]
    assert [each.kind for each in documents.of_subject(session, ("hardship", made.id))] == ["hardship_letter"]
    due = session.execute(
        text("SELECT (due_at AT TIME ZONE 'Asia/Kolkata')::date FROM follow_up WHERE done_at IS NULL")
    )
    assert due.scalars().all() == [date(2025, 7, 15)]
    assert "hardship.granted" in session.scalars(select(AuditEvent.action)).all()


def test_lower_instalment_becomes_a_plan_in_force_marked_as_restructuring(session, ana, marek, meera):
    made = granted(session, ana, marek, meera[0], lower(meera[1]))
    plan = session.execute(select(RepaymentPlan)).scalar_one()
    assert (plan.status, plan.amount, plan.starts_on) == ("running", 24_000, TODAY + timedelta(days=5))
    assert plan.approval_reasons == []
    assert "hardship" in plan.restructuring
    assert held(session, meera[0]) == []
    hardship.review(ana, made.id, is_continued=False, note="Works again")
    session.refresh(plan)
    assert (plan.status, standing(session, made)) == ("cancelled", "ended")


def test_who_applied_never_decides(session, ana, marek, meera):
    borrower_id = meera[0]
    made = hardship.apply(marek, borrower_id, wanted())
    with pytest.raises(Refused, match="asked for this yourself"):
        approvals.decide(marek, request_of(session, made), approve=True, reason="Fine")
    assert standing(session, made) == "waiting"


def test_refusal_releases_the_hold_and_gives_the_reason(session, ana, marek, meera):
    made = hardship.apply(ana, meera[0], wanted())
    approvals.decide(marek, request_of(session, made), approve=False, reason="No paper shows the loss")
    assert standing(session, made) == "refused"
    assert held(session, meera[0]) == []
    told = hardship.listing(marek, ["refused"])
    assert [each.decision_reason for each in told] == ["No paper shows the loss"]


def test_taken_back_releases_the_hold_and_closes_the_request(session, ana, marek, meera):
    made = hardship.apply(ana, meera[0], wanted())
    with pytest.raises(InvalidInput):
        hardship.withdraw(ana, made.id, reason="")
    hardship.withdraw(ana, made.id, reason="Found work")
    assert (standing(session, made), held(session, meera[0])) == ("withdrawn", [])
    with pytest.raises(Conflict):
        approvals.decide(marek, request_of(session, made), approve=True, reason="Fine")
    with pytest.raises(Refused):
        hardship.withdraw(ana, made.id, reason="Again")


# --- reviewing -----------------------------------------------------------------------------------------------------


def test_review_moves_the_date_or_ends_the_relief(session, ana, marek, meera, frozen_clock):
    made = granted(session, ana, marek, meera[0])
    frozen_clock(datetime(2025, 7, 15, 5, 30, tzinfo=UTC))
    assert standing(session, made, date(2025, 7, 15)) == "review_due"
    assert [each.id for each in hardship.listing(marek, ["review_due"])] == [made.id]
    with pytest.raises(InvalidInput) as told:
        hardship.review(ana, made.id, is_continued=True, note="", next_review_on=date(2025, 9, 2))
    assert set(told.value.fields) == {"note", "next_review_on"}
    hardship.review(ana, made.id, is_continued=True, note="Still without work", next_review_on=date(2025, 8, 15))
    assert standing(session, made, date(2025, 7, 15)) == "in_relief"
    assert standing(session, made, date(2025, 8, 15)) == "review_due"
    hardship.review(ana, made.id, is_continued=False, note="Works again")
    assert (standing(session, made, date(2025, 7, 15)), held(session, meera[0])) == ("ended", [])
    with pytest.raises(Refused):
        hardship.review(ana, made.id, is_continued=True, note="Once more")


def test_relief_ends_by_itself_on_its_date(session, ana, marek, meera, frozen_clock):
    made = granted(session, ana, marek, meera[0])
    assert standing(session, made, date(2025, 8, 31)) == "review_due"
    assert standing(session, made, date(2025, 9, 1)) == "ended"
    assert _is_held(session, meera[0])
    assert not queries.live_of(session, meera[0], today=date(2025, 9, 1))
    frozen_clock(datetime(2025, 9, 1, 5, 30, tzinfo=UTC))
    assert not _is_held(session, meera[0])


_DAYS = st.dates(TODAY, date(2025, 9, 10))
_REVIEWS = st.lists(st.tuples(_DAYS, st.booleans(), st.none() | _DAYS), max_size=4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(decided=st.sampled_from([None, True, False]), reviews=_REVIEWS, today=_DAYS)
def test_where_it_stands_is_what_a_replay_of_its_facts_gives(session, ana, decided, reviews, today):
    with session.begin_nested() as undo:
        borrower_id = builders.make_borrower(session)
        row = Row(
            borrower_id=borrower_id, cause="illness", story="x", since_on=TODAY, income=0, housing=0, food=0,
            utilities=0, dependants=0, dependant_costs=0, other_debts=0, other=0, relief="holiday",
            relief_from=TODAY, relief_until=date(2025, 9, 1), review_on=date(2025, 7, 15), applied_on=TODAY,
            decided_on=TODAY if decided is not None else None, is_granted=decided,
        )  # fmt: skip
        session.add(row)
        session.flush()
        for on, is_continued, following in sorted(reviews, key=lambda each: each[0]):
            outcome = "continue" if is_continued else "end"
            session.add(HardshipReview(hardship_id=row.id, on_date=on, outcome=outcome, note="x",
                                       next_review_on=following if is_continued else None))  # fmt: skip
            session.flush()
        assert queries.by_id(session, row.id, today=today).status == _replayed(decided, reviews, today)
        undo.rollback()


def _replayed(decided, reviews, today):
    if not decided:
        return "waiting" if decided is None else "refused"
    review_on: date | None = date(2025, 7, 15)
    is_over = False
    for on, is_continued, following in sorted(reviews, key=lambda each: each[0]):
        if on <= today:
            review_on, is_over = (following if is_continued else None), not is_continued
    if is_over or today >= date(2025, 9, 1):
        return "ended"
    return "review_due" if review_on is not None and review_on <= today else "in_relief"


def test_limits_are_changed_with_a_reason(session, adam, marek):
    now = hardship.current(adam)
    with pytest.raises(NotAllowed):
        hardship.change(marek, now, reason="x")
    with pytest.raises(InvalidInput):
        hardship.change(adam, hardship.Policy(0, 12, 20, 60), reason="")
    hardship.change(adam, hardship.Policy(6, 12, 20, 60), reason="Board of 3 June")
    assert hardship.current(adam) == hardship.Policy(6, 12, 20, 60)
