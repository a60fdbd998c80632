"""Stage rules: what they decide, from when, who may change them, and what moves."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import ProgrammingError

from db.engine import transaction
from db.models.audit import AuditEvent
from db.models.owes import Segment
from db.models.stages import StageMove
from db.models.stands import LoanState
from db.models.work import CollectionCase
from services import cases, stages, timeline
from services.actors import SYSTEM, Role
from services.errors import Conflict, InvalidInput, NotAllowed, Refused
from services.stages import Rule, RuleSet, State
from tests import builders
from tests.conftest import make_actor

TODAY = date(2025, 6, 16)
TOMORROW = TODAY + timedelta(days=1)
pytestmark = pytest.mark.usefixtures("frozen_clock")

FIRST = RuleSet((Rule("soft", max_dpd=30), Rule("mid", 31, 60), Rule("hard", 61, 90)), "recovery")
STRICT = RuleSet((Rule("soft", max_dpd=15), Rule("mid", 16, 45), Rule("hard", 46, 90)), "recovery")


def save(actor, wanted, *, seen=1, begins=TODAY, reason="Steering", **over):
    return stages.save(actor, wanted, seen_version=seen, effective_from=begins, reason=reason, **over)


def make_cases(session, *dpds, **state):
    """Ids of cases so many days past due, recomputed."""
    made = []
    for dpd in dpds:
        borrower_id, _ = builders.make_overdue(session, dpd=dpd, **state)
        made.append(builders.make_case(session, borrower_id))
    cases.refresh(session, TODAY, 0, 2**62)
    return made


def stages_now(session):
    return session.execute(select(CollectionCase.stage).order_by(CollectionCase.borrower_id)).scalars().all()


def moves(session):
    columns = (StageMove.from_stage, StageMove.to_stage, StageMove.cause, StageMove.version, StageMove.position)
    return [tuple(row) for row in session.execute(select(*columns).order_by(StageMove.id))]


def plain_stage(wanted, facts):
    """The stage of a case in plain Python: what the statement must say, too."""
    for rule in wanted.rules:
        asked = (
            rule.min_dpd is None or facts["max_dpd"] >= rule.min_dpd,
            rule.max_dpd is None or facts["max_dpd"] <= rule.max_dpd,
            rule.min_overdue is None or facts["overdue"] >= rule.min_overdue,
            rule.below_overdue is None or facts["overdue"] < rule.below_overdue,
            not rule.risk_bands or facts["band"] in rule.risk_bands,
            not rule.product_ids or facts["product"] in rule.product_ids,
            rule.is_npa is None or facts["npa"] == rule.is_npa,
        )
        if all(asked):
            return rule.stage
    return wanted.default_stage


# --- what decides -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dpd", "stage"),
    [(1, "soft"), (30, "soft"), (31, "mid"), (60, "mid"), (61, "hard"), (90, "hard"), (91, "recovery")],
)
def test_first_version_decides_by_days_past_due(session, dpd, stage):
    make_cases(session, dpd)
    assert stages_now(session) == [stage]
    assert moves(session) == []  # where a case opens is no move


def test_first_version_is_what_the_tests_call_first(marek):
    assert stages.view(marek).in_force.rule_set == FIRST


@pytest.fixture
def varied(session):
    """Cases around every edge that the generated rules use, with their facts, and ids of two products."""
    products = []
    for code in ("gold", "personal"):
        segment = builders.make_segment(session, product=code)
        products.append((segment, session.get_one(Segment, segment).product_id))
    facts = {}
    for number, dpd in enumerate((1, 29, 30, 31, 60, 61, 89, 90, 91, 400) * 3):
        segment, product = products[number % 2]
        amount = Decimal(["0.01", "4999.99", "5000", "25000", "25000.01"][number % 5])
        borrower_id = builders.make_borrower(session)
        loan_id = builders.make_loan(session, borrower_id, segment_id=segment)
        npa = "npa" if number % 3 == 0 else "sma_1"
        builders.make_state(session, loan_id, dpd=dpd, overdue_amount=amount, risk_band=number % 6, asset_class=npa)
        facts[borrower_id] = {
            "max_dpd": dpd,
            "overdue": amount,
            "band": number % 6,
            "product": product,
            "npa": npa == "npa",
        }
    cases.refresh(session, TODAY, 0, 2**62)
    return facts, [product for _, product in products]


SOME_DPD = (0, 1, 30, 31, 60, 61, 90, 91)
SOME_AMOUNTS = (Decimal("0.01"), Decimal(5000), Decimal(25000), Decimal("25000.01"), Decimal(99_999))
EDGES = st.sampled_from(SOME_DPD)
AMOUNTS = st.sampled_from(SOME_AMOUNTS)


def some_rules(product_ids):
    rule = st.builds(
        Rule,
        stage=st.sampled_from(sorted(cases.STAGES)),
        min_dpd=st.none() | EDGES,
        max_dpd=st.none() | EDGES,
        min_overdue=st.none() | AMOUNTS,
        below_overdue=st.none() | AMOUNTS,
        risk_bands=st.lists(st.integers(0, 5), max_size=3, unique=True).map(tuple),
        product_ids=st.lists(st.sampled_from(product_ids), max_size=1).map(tuple),
        is_npa=st.none() | st.booleans(),
    )
    return st.builds(RuleSet, st.lists(rule, max_size=5).map(tuple), st.sampled_from(sorted(cases.STAGES)))


def test_statement_and_plain_evaluation_agree_and_the_dry_run_is_what_happens(session, marek, varied):
    """For any rules: plain Python, the dry run and the recompute give each case the same stage."""
    facts, product_ids = varied
    tried = []

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(some_rules(product_ids))
    def agree(wanted):
        expected = {borrower_id: plain_stage(wanted, one) for borrower_id, one in facts.items()}
        point = session.begin_nested()
        before = dict(session.execute(select(CollectionCase.borrower_id, CollectionCase.stage)).all())
        try:
            found = stages.try_out(marek, wanted)
            version = save(marek, wanted)
        except InvalidInput:
            point.rollback()
            return
        cases.reprioritise(session, TODAY, 0, 2**62)
        after = dict(session.execute(select(CollectionCase.borrower_id, CollectionCase.stage)).all())
        assert after == expected
        told = {(way.from_stage, way.to_stage): way.cases for way in found.ways}
        happened: dict[tuple[str, str], int] = {}
        for borrower_id, stage in after.items():
            way = (before[borrower_id], stage)
            happened[way] = happened.get(way, 0) + 1
        assert told == happened
        assert found.moved == len(moves(session)) == sum(1 for key in after if after[key] != before[key])
        assert {row[2:4] for row in moves(session)} <= {("rules", version)}
        tried.append(wanted)
        point.rollback()

    agree()
    assert len(tried) > 5  # else nearly all were refused, and nothing was shown


def test_recompute_of_one_borrower_and_of_the_book_agree(session, marek, varied):
    facts, [gold, _] = varied
    wanted = RuleSet((Rule("legal", product_ids=(gold,), is_npa=True), Rule("mid", min_overdue=Decimal(5000))), "soft")
    save(marek, wanted)
    for borrower_id in list(facts)[:10]:
        cases.refresh_for(session, TODAY, [borrower_id])
    one_by_one = stages_now(session)[:10]
    cases.refresh(session, TODAY, 0, 2**62)
    assert stages_now(session)[:10] == one_by_one


# --- from when ----------------------------------------------------------------------------------------------------


def test_version_holds_from_its_date_and_until_the_next(session, marek, frozen_clock):
    make_cases(session, 20)
    save(marek, STRICT, begins=TOMORROW)
    cases.refresh(session, TODAY, 0, 2**62)
    assert stages_now(session) == ["soft"]
    frozen_clock(datetime(2025, 6, 17, 5, 30, tzinfo=UTC))
    cases.refresh(session, TOMORROW, 0, 2**62)
    assert stages_now(session) == ["mid"]
    assert moves(session) == [("soft", "mid", "rules", 2, 2)]
    assert [(one.version, one.state, one.holds_until) for one in stages.view(marek).versions] == [
        (2, State.IN_FORCE, None),
        (1, State.REPLACED, TOMORROW),
    ]


def test_night_that_closes_yesterday_does_not_take_back_what_holds_from_today(session, marek):
    make_cases(session, 20)
    save(marek, STRICT)
    cases.refresh(session, TODAY, 0, 2**62)
    cases.refresh(session, TODAY - timedelta(days=1), 0, 2**62)
    assert stages_now(session) == ["mid"]


def test_earlier_version_saved_later_holds_until_the_later_one_begins(marek, frozen_clock):
    save(marek, STRICT, begins=TODAY + timedelta(days=10))
    save(marek, replace(FIRST, default_stage="legal"), seen=2)
    states = {one.version: one.state for one in stages.view(marek).versions}
    assert states == {1: State.REPLACED, 2: State.FUTURE, 3: State.IN_FORCE}
    frozen_clock(datetime(2025, 6, 26, 5, 30, tzinfo=UTC))
    assert stages.view(marek).in_force.version == 2


def test_withdrawn_version_never_holds_and_stays_in_the_history(session, marek, frozen_clock):
    save(marek, STRICT, begins=TOMORROW)
    stages.withdraw(marek, 2, reason="Too early")
    with pytest.raises(Conflict):
        stages.withdraw(marek, 2, reason="Again")
    frozen_clock(datetime(2025, 6, 17, 5, 30, tzinfo=UTC))
    newest = stages.view(marek).versions[0]
    assert (newest.state, newest.withdraw_reason, newest.withdrawn_by_name) == (
        State.WITHDRAWN,
        "Too early",
        marek.name,
    )
    assert stages.view(marek).in_force.version == 1


def test_version_that_holds_cannot_be_withdrawn(marek):
    save(marek, STRICT)
    with pytest.raises(Refused, match="holds already"):
        stages.withdraw(marek, 2, reason="Regret")


@pytest.mark.parametrize("table", ["stage_rule_set", "stage_rule", "stage_rule_withdrawal", "stage_move"])
@pytest.mark.parametrize("order", ["DELETE FROM {}", "UPDATE {} SET version = 9", "TRUNCATE {}"])
def test_history_cannot_be_changed(session, table, order):
    with pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text(order.format(table)))


# --- moves --------------------------------------------------------------------------------------------------------


def test_case_that_ages_moves_by_its_facts(session, marek):
    [case_id] = make_cases(session, 30)
    session.execute(update(LoanState).values(dpd=31))
    cases.refresh(session, TODAY, 0, 2**62)
    cases.refresh(session, TODAY, 0, 2**62)
    assert moves(session) == [("soft", "mid", "facts", 1, 2)]
    borrower_id = session.get_one(CollectionCase, case_id).borrower_id
    [entry] = timeline.of(marek, borrower_id, kinds=["stage"]).entries
    assert (entry.title, entry.detail) == ("Stage Soft → Mid", "31 days past due · rule 2 of version 1")


def test_timeline_says_when_the_rules_moved_it(session, marek):
    make_cases(session, 20)
    save(marek, STRICT)
    stages.apply(SYSTEM)
    borrower_id = session.execute(select(CollectionCase.borrower_id)).scalar_one()
    [entry] = timeline.of(marek, borrower_id, kinds=["stage"]).entries
    assert entry.detail == "20 days past due · rule 2 of version 2 · the rules changed"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.integers(1, 120), min_size=2, max_size=5))
def test_moves_chain_from_where_the_case_opened_to_where_it_stands(session, days):
    point = session.begin_nested()
    borrower_id, _ = builders.make_overdue(session, dpd=days[0])
    cases.refresh_for(session, TODAY, [borrower_id])
    expected = [plain_stage(FIRST, {"max_dpd": dpd}) for dpd in days]
    for dpd in days[1:]:
        session.execute(update(LoanState).where(LoanState.borrower_id == borrower_id).values(dpd=dpd))
        cases.refresh_for(session, TODAY, [borrower_id])
    changed = [pair for pair in itertools.pairwise(expected) if pair[0] != pair[1]]
    assert [(row[0], row[1]) for row in moves(session)] == changed
    point.rollback()


def test_close_and_facts_that_recompute_a_case_at_once_keep_one_move(database):
    """Four at the same moment: who waits for another's write finds nothing left to move."""
    with transaction() as own:
        borrower_id, _ = builders.make_overdue(own, dpd=30)
        cases.refresh_for(own, TODAY, [borrower_id])
        own.execute(update(LoanState).values(dpd=31))

    def recompute(_):
        with transaction() as mine:
            cases.refresh_for(mine, TODAY, [borrower_id])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(recompute, range(4)))
    with transaction() as own:
        assert moves(own) == [("soft", "mid", "facts", 1, 2)]


# --- applying -----------------------------------------------------------------------------------------------------


def test_rules_of_today_are_applied_by_a_job_which_may_run_twice(session, marek):
    make_cases(session, 10, 20, 50)
    assert save(marek, STRICT) == 2
    kinds = session.execute(text("SELECT kind FROM job_run")).scalars().all()
    assert kinds == ["stages.apply"]
    assert stages.view(marek).applying_run_id is not None
    assert stages_now(session) == ["soft", "soft", "mid"]
    assert stages.apply(SYSTEM) == {"version": 2, "moved": 2}
    assert stages_now(session) == ["soft", "mid", "hard"]
    assert stages.apply(SYSTEM) == {"version": 2, "moved": 0}


def test_rules_of_a_later_date_ask_for_no_job(session, marek):
    save(marek, STRICT, begins=TOMORROW)
    assert session.execute(text("SELECT count(*) FROM job_run")).scalar_one() == 0


def test_save_is_one_event_with_what_it_replaced(session, marek):
    save(marek, STRICT, reason="Call earlier")
    [event] = session.execute(select(AuditEvent)).scalars()
    assert (event.action, event.reason) == ("stage_rules.saved", "Call earlier")
    assert event.before["version"] == 1
    assert event.after["rules"][0] == {"stage": "soft", "max_dpd": 15, "position": 1}


def test_form_sent_twice_is_one_version(marek):
    assert save(marek, STRICT, request_key="k") == save(marek, STRICT, request_key="k") == 2
    assert stages.view(marek).newest == 2


# --- who, and what is refused -------------------------------------------------------------------------------------


def test_who_saves_from_an_older_version_is_told(marek):
    save(marek, STRICT)
    with pytest.raises(Conflict, match="while you were editing"):
        save(marek, replace(FIRST, default_stage="legal"))


def test_of_two_leaders_at_once_one_is_told(database):
    with transaction() as own:
        leaders = [make_actor(own, f"leader{n}", f"Leader {n}", Role.LEADER) for n in range(4)]

    def attempt(pair):
        number, leader = pair
        try:
            return stages.save(
                leader,
                RuleSet((Rule("mid", min_dpd=10 + number),), "soft"),
                seen_version=1,
                effective_from=stages.view(leader).today,
                reason="Mine",
            )
        except Conflict as told:
            return told.message

    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(attempt, enumerate(leaders)))
    assert min(map(str, ended)) == "2"
    assert sum("while you were editing" in str(one) for one in ended) == 3
    assert stages.view(leaders[0]).newest == 2


def test_only_leaders_change_and_agents_do_not_see(ana, anil, ada, adam):
    for actor in (ana, anil, ada, adam):
        with pytest.raises(NotAllowed):
            save(actor, STRICT)
        with pytest.raises(NotAllowed):
            stages.try_out(actor, STRICT)
        with pytest.raises(NotAllowed):
            stages.withdraw(actor, 1, reason="x")
    for actor in (ana, adam):
        with pytest.raises(NotAllowed):
            stages.view(actor)
        with pytest.raises(NotAllowed):
            stages.counts(actor)
    with pytest.raises(NotAllowed):
        stages.apply(ana)
    assert stages.view(anil).newest == stages.view(ada).newest == 1


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"begins": TODAY - timedelta(days=1)}, "effective_from"),
        ({"begins": TODAY + timedelta(days=400)}, "effective_from"),
        ({"reason": "  "}, "reason"),
        ({"wanted": FIRST}, "rules"),
    ],
)
def test_wrong_terms_are_named(marek, over, field):
    with pytest.raises(InvalidInput) as refusal:
        save(marek, over.pop("wanted", STRICT), **over)
    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([Rule("soft")], "Rule 1: it asks nothing"),
        ([Rule("", max_dpd=3)], "Rule 1: choose its stage"),
        ([Rule("soft", 31, 30)], "Rule 1: days past due from 31 to 30 is no range"),
        ([Rule("soft", min_dpd=-1)], "Rule 1: days past due are between"),
        ([Rule("soft", min_overdue=Decimal(9), below_overdue=Decimal(9))], "no overdue amount is 9 or more"),
        ([Rule("soft", product_ids=(987654,))], "a product of it is not there any more"),
        ([Rule("soft", max_dpd=30), Rule("mid", 10, 20)], "Rule 2 can never decide: rule 1 before it takes every case"),
        (
            [Rule("soft", max_dpd=30), Rule("mid", min_dpd=31), Rule("hard", 20, 40)],
            "Rule 3 can never decide: rules 1 and 2 before it take every case",
        ),
        ([Rule("soft", is_npa=True), Rule("mid", is_npa=False), Rule("hard", 1, 9)], "Rule 3 can never decide"),
        ([Rule("mid", n, n) for n in range(31)], "There are 31 rules; at most 30"),
    ],
)
def test_rules_that_cannot_hold_are_refused_in_words(marek, rules, told):
    with pytest.raises(InvalidInput) as refusal:
        stages.try_out(marek, RuleSet(tuple(rules), "recovery"))
    assert any(told in sentence for sentence in refusal.value.fields.values())


def test_missing_default_is_refused(marek):
    with pytest.raises(InvalidInput, match="cases that no rule matches"):
        stages.try_out(marek, RuleSet((Rule("soft", max_dpd=30),), ""))


@settings(max_examples=60, deadline=None)
@given(some_rules([1]))
def test_rule_is_called_unreachable_just_when_no_case_reaches_it(wanted):
    """Against every case that the generated edges can tell apart."""
    try:
        stages.check(replace(wanted, rules=()), product_ids=[1])
        for rule in wanted.rules:
            stages.check(RuleSet((rule,), "soft"), product_ids=[1])
    except InvalidInput:
        return  # a rule is wrong alone
    told = set()
    try:
        stages.check(wanted, product_ids=[1])
    except InvalidInput as refusal:
        told = {int(field.removeprefix("rule.")) for field in refusal.fields}
    labelled = RuleSet(tuple(replace(rule, stage=str(n)) for n, rule in enumerate(wanted.rules, 1)), "0")
    # ranges begin at an edge, or on the day after the last day of one: a case there stands for all up to the next
    days = {*SOME_DPD, *(last + 1 for last in SOME_DPD)}
    reached = {
        plain_stage(labelled, {"max_dpd": dpd, "overdue": overdue, "band": band, "product": product, "npa": npa})
        for dpd in days
        for overdue in (Decimal(0), *SOME_AMOUNTS)
        for band in range(6)
        for product in (1, 2)
        for npa in (True, False)
    }
    assert told == {n for n in range(1, len(wanted.rules) + 1) if str(n) not in reached}
    if not told:
        assert ("0" not in reached) == any("never used" in note for note in stages.notes(wanted))


def test_overlaps_are_told(marek):
    found = stages.try_out(marek, RuleSet((Rule("soft", max_dpd=40), Rule("mid", min_dpd=31)), "hard"))
    assert found.notes == (
        "Rule 2 overlaps with rule 1: for cases that both match the first decides.",
        "The rules take every case, so the stage of all other cases is never used.",
    )


def test_dry_run_shows_the_largest_cases_of_each_move_and_changes_nothing(session, marek):
    make_cases(session, 20, 20, overdue_amount=Decimal(7000))
    make_cases(session, 25, overdue_amount=Decimal(9000))
    found = stages.try_out(marek, STRICT)
    assert (found.cases, found.moved, found.moved_amount) == (3, 3, 23_000)
    assert [sample.overdue_amount for sample in found.samples] == [9000, 7000, 7000]
    assert stages_now(session) == ["soft"] * 3
    assert moves(session) == []
