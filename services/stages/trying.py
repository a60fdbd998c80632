"""The dry run: where rules that do not hold yet would put the open cases, as they stand now. Nothing is changed."""

from dataclasses import dataclass
from decimal import Decimal

from db.engine import reading
from db.queries import stage_rules as queries
from services import products
from services.actors import Actor, Permission
from services.stages.checking import check, notes
from services.stages.rules import RuleSet

SAMPLES = 5
"""Cases shown of each way, those with the largest overdue amount."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A case that would move."""

    borrower_id: int
    number: str
    from_stage: str
    to_stage: str
    max_dpd: int
    overdue_amount: Decimal
    risk_band: int
    product: str | None
    is_npa: bool


@dataclass(frozen=True, slots=True)
class Way:
    """Open cases that stand in one stage and would be put in another, or the same."""

    from_stage: str
    to_stage: str
    cases: int
    overdue_amount: Decimal

    @property
    def is_move(self) -> bool:
        """Whether the stage changes."""
        return self.from_stage != self.to_stage


@dataclass(frozen=True, slots=True)
class Outcome:
    """What rules would do to the open cases."""

    ways: tuple[Way, ...]
    samples: tuple[Sample, ...]
    notes: tuple[str, ...]

    @property
    def cases(self) -> int:
        """All open cases."""
        return sum(way.cases for way in self.ways)

    @property
    def moved(self) -> int:
        """Cases that would change their stage."""
        return sum(way.cases for way in self.ways if way.is_move)

    @property
    def moved_amount(self) -> Decimal:
        """Overdue on cases that would change their stage."""
        return sum((way.overdue_amount for way in self.ways if way.is_move), Decimal(0))


def try_out(actor: Actor, wanted: RuleSet) -> Outcome:
    """Where the rules would put the open cases, by stage, with the largest cases of each way.

    Raises:
        NotAllowed: the actor may not change strategy.
        InvalidInput: the rules cannot hold; see `check`.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    with reading() as session:
        check(wanted, product_ids=products.ids(session))
        rows = queries.try_out(session, wanted.stored(), samples=SAMPLES)
        to_stage = {case_id: row.to_stage for row in rows for case_id in row.case_ids or ()}
        cases = queries.cases_with_numbers(session, list(to_stage))
    samples = [
        Sample(
            borrower_id=case.borrower_id,
            number=case.number,
            from_stage=case.stage,
            to_stage=to_stage[case.id],
            max_dpd=case.max_dpd,
            overdue_amount=case.overdue_amount,
            risk_band=case.risk_band,
            product=case.product,
            is_npa=case.is_npa,
        )
        for case in cases
    ]
    samples.sort(key=lambda sample: (sample.from_stage, sample.to_stage, -sample.overdue_amount))
    ways = tuple(Way(row.from_stage, row.to_stage, row.cases, row.overdue_amount) for row in rows)
    return Outcome(ways=ways, samples=tuple(samples), notes=tuple(notes(wanted)))
