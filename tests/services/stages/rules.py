"""Rules of stages, cases for them to decide, and what they should say in plain Python."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from sqlalchemy import select

from db.models.stages import StageMove
from db.models.work import CollectionCase
from services import cases, stages
from services.stages import Rule, RuleSet
from tests import builders

TODAY = date(2025, 6, 16)
TOMORROW = TODAY + timedelta(days=1)

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
