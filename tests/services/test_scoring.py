"""The risk score: the statement over a range and the points table read by hand agree; only changes are written."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from db.models.owes import Lender
from db.models.stands import LoanState, RiskScore
from db.models.work import CollectionCase, Promise
from db.queries import scoring as queries
from services import scoring
from services.actors import SYSTEM
from services.errors import NotAllowed, Refused
from tests import builders

AS_OF = date(2025, 6, 16)
STATES = st.fixed_dictionaries(
    {
        "dpd": st.integers(0, 400),
        "missed_instalments": st.integers(0, 12),
        "bounces": st.integers(0, 7),
        "partial_payments": st.integers(0, 6),
        "broken": st.integers(0, 4),
    }
)


def _points(steps, value):
    """The points table as a person reads it: the first row whose range holds the value."""
    for step in steps:
        if step.low <= value and (step.high is None or value <= step.high):
            return step
    return None


def by_hand(table, state):
    """Score, band and reasons in plain Python."""
    values = {
        "dpd": state["dpd"],
        "missed": state["missed_instalments"],
        "bounces": state["bounces"],
        "broken_promises": state["broken"],
        "partial_payments": state["partial_payments"],
    }
    parts = []
    for feature, value in values.items():
        found = _points(table.features[feature], value)
        if found is not None and found.points > 0:
            parts.append((found.points, scoring.code_of(feature, found)))
    parts.sort(key=lambda part: (-part[0], part[1]))
    score = min(sum(points for points, _ in parts), 100)
    band = 1 + sum(score > edge for edge in table.bands)
    return score, band, [f"{code}:{points}" for points, code in parts]


def _loan(session, **state):
    broken = state.pop("broken", 0)
    borrower = builders.make_borrower(session)
    loan = builders.make_loan(session, borrower)
    builders.make_state(session, loan, as_of=AS_OF, risk_score=None, risk_band=0, **state)
    for number in range(broken):
        due_on = AS_OF - timedelta(days=5 + number)
        session.add(
            Promise(borrower_id=borrower, loan_id=loan, amount=100, due_on=due_on, promised_on=due_on - timedelta(3),
                    channel="call", status="broken", resolved_on=due_on + timedelta(2))
        )  # fmt: skip
    session.flush()  # the statement under test reads them
    return loan


def _scored(session, loan):
    session.expire_all()
    state = session.get_one(LoanState, loan)
    return state.risk_score, state.risk_band, [f"{r.code}:{r.points}" for r in scoring.reasons_of(session, loan)]


def _rows(session, loan):
    return session.execute(select(RiskScore.scored_on).where(RiskScore.loan_id == loan)).scalars().all()


@pytest.fixture
def table(session):
    return scoring.PointsTable.from_parameters(queries.active_model(session)[1])


@given(states=st.lists(STATES, min_size=1, max_size=8))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_statement_and_points_table_read_by_hand_agree(session, table, states):
    loans = [_loan(session, **state) for state in states]
    scoring.score_range(session, AS_OF, min(loans), max(loans))
    for loan, state in zip(loans, states, strict=True):
        assert _scored(session, loan) == by_hand(table, state)


def test_score_of_a_loan_without_trouble_is_zero_without_reasons(session):
    loan = _loan(session, dpd=0, missed_instalments=0, bounces=0, partial_payments=0)
    scoring.score(SYSTEM, AS_OF)
    assert _scored(session, loan) == (0, 1, [])


def test_scoring_twice_changes_nothing(session):
    loan = _loan(session, dpd=45, missed_instalments=2, broken=1)
    assert scoring.score(SYSTEM, AS_OF).changed == 1
    assert scoring.score(SYSTEM, AS_OF + timedelta(days=1)).changed == 0
    assert _rows(session, loan) == [AS_OF]


def test_a_change_of_reasons_alone_is_kept(session):
    loan = _loan(session, dpd=0, missed_instalments=0, bounces=1, partial_payments=0)
    scoring.score(SYSTEM, AS_OF)
    session.execute(text("UPDATE loan_state SET bounces = 0, missed_instalments = 1 WHERE loan_id = :id"), {"id": loan})
    scoring.score(SYSTEM, AS_OF + timedelta(days=1))
    assert _scored(session, loan) == (4, 1, ["missed_1:4"])
    assert len(_rows(session, loan)) == 2


@pytest.mark.parametrize("by", ["close", "scores"])
def test_scores_of_a_past_day_stay_as_they_were(session, by):
    loan = _loan(session, dpd=45, missed_instalments=2)
    scoring.score(SYSTEM, AS_OF)
    next_day = AS_OF + timedelta(days=1)
    if by == "close":
        session.execute(update(Lender).values(closed_through=next_day))
    else:
        scoring.score(SYSTEM, next_day)
    kept = session.execute(select(RiskScore.__table__)).all()
    session.execute(update(LoanState).where(LoanState.loan_id == loan).values(bounces=7))
    with pytest.raises(Refused, match=r"16 Jun 2025 stay as they are.*loans stand as of 17 Jun 2025 now"):
        scoring.score(SYSTEM, AS_OF)
    assert session.execute(select(RiskScore.__table__)).all() == kept
    assert scoring.present_day() == next_day
    assert scoring.score(SYSTEM, next_day).changed == 1


def test_closed_loans_keep_their_last_score(session):
    loan = _loan(session, dpd=45, missed_instalments=2)
    scoring.score(SYSTEM, AS_OF)
    before = _scored(session, loan)
    session.execute(text("UPDATE loan_state SET status = 'closed', dpd = 0 WHERE loan_id = :id"), {"id": loan})
    assert scoring.score(SYSTEM, AS_OF + timedelta(days=1)).changed == 0
    assert _scored(session, loan) == before


def test_promises_broken_half_a_year_ago_no_longer_count(session):
    loan = _loan(session, dpd=0, missed_instalments=0, bounces=0, partial_payments=0, broken=1)
    scoring.score(SYSTEM, AS_OF)
    assert _scored(session, loan)[2] == ["broken_promises_1:6"]
    scoring.score(SYSTEM, AS_OF + timedelta(days=200))
    assert _scored(session, loan) == (0, 1, [])


def test_priority_of_the_case_follows_a_new_band(session):
    borrower_id, loan_id = builders.make_overdue(session, dpd=45, as_of=AS_OF)
    builders.make_case(session, borrower_id, opened_on=AS_OF)
    session.commit()
    scoring.score(SYSTEM, AS_OF)
    calm = _case(session, borrower_id)
    session.execute(update(LoanState).where(LoanState.loan_id == loan_id).values(bounces=7, missed_instalments=9))
    session.commit()
    scoring.score(SYSTEM, AS_OF)
    pressing = _case(session, borrower_id)
    assert pressing.risk_band > calm.risk_band
    assert pressing.priority > calm.priority
    assert pressing.priority_reasons != calm.priority_reasons


def _case(session, borrower_id):
    columns = (CollectionCase.risk_band, CollectionCase.priority, CollectionCase.priority_reasons)
    return session.execute(select(*columns).where(CollectionCase.borrower_id == borrower_id)).one()


def test_a_run_is_one_audit_event(session):
    _loan(session, dpd=45)
    scoring.score(SYSTEM, AS_OF)
    actions = session.execute(text("SELECT action FROM audit_event")).scalars().all()
    assert actions == ["score.computed"]


def test_an_agent_may_not_start_scoring(session, ana):
    with pytest.raises(NotAllowed):
        scoring.score(ana, AS_OF)


def test_a_feature_unknown_to_the_code_never_reaches_the_statement(session):
    with pytest.raises(KeyError):
        queries.score_range(
            session, features={"1; DROP TABLE loan": [(1, 2, 3, "x")]}, bands=[1], model_id=1, as_of=AS_OF, loans=(1, 1)
        )


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("dpd_31_60", "31–60 days past due"),
        ("dpd_over_180", "over 180 days past due"),
        ("missed_1", "1 missed instalment"),
        ("missed_2", "2 missed instalments"),
        ("bounces_over_2", "3 or more bounces in 180 days"),
        ("broken_promises_over_1", "2 or more broken promises in 180 days"),
        ("broken_promises_1", "1 broken promise in 180 days"),
        ("partial_payments_1_2", "1–2 partial payments in 180 days"),
        ("early_warning", "early warning"),
    ],
)
def test_reasons_read_as_words(code, label):
    assert scoring.reason_label(code) == label


def test_every_step_of_the_first_model_has_words(session, table):
    codes = [scoring.code_of(name, step) for name, steps in table.features.items() for step in steps]
    assert len(set(codes)) == len(codes)
    assert all(scoring.reason_label(code) != code.replace("_", " ") for code in codes)


def test_a_date_that_has_not_begun_is_not_scored(session, frozen_clock):
    _loan(session, dpd=45)
    with pytest.raises(Refused, match="17 Jun 2025 has not begun yet"):
        scoring.score(SYSTEM, AS_OF + timedelta(days=1))
    assert session.execute(select(RiskScore)).first() is None
    assert scoring.score(SYSTEM, AS_OF).changed == 1
