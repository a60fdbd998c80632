"""Acts and looks that tests of performance share."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

from sqlalchemy import select

from db.models.performance import PerformanceDay
from db.models.work import Allocation
from services.performance import Sums

D = Decimal

OCT, NOV = date(2025, 10, 31), date(2025, 11, 20)

START = date(2025, 11, 1)


def give(session, case_id, owner_id, on):
    """Allocate at noon in India."""
    at = datetime.combine(on, time(6, 30), UTC)
    session.add(Allocation(case_id=case_id, owner_id=owner_id, allocated_at=at, reason="test"))
    session.flush()


def days(session, as_of=NOV):
    """What was summed, by owner and bucket."""
    rows = session.execute(select(PerformanceDay).where(PerformanceDay.as_of == as_of)).scalars()
    found: dict[tuple[int, int], Sums] = {}
    for row in rows:
        sums = Sums(*(getattr(row, name) for name in fairness_names()))
        found[row.owner_id, row.bucket] = found.get((row.owner_id, row.bucket), Sums()) + sums
    session.expunge_all()
    return found


def fairness_names():
    return Sums.__dataclass_fields__
