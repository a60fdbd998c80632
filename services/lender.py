"""The lender's settings and business date."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import phonenumbers
from sqlalchemy.orm import Session

from db.engine import reading
from db.queries import lender as queries
from services import clock


@dataclass(frozen=True, slots=True)
class LenderSettings:
    """What the whole product needs to know of its lender."""

    name: str
    currency: str
    locale: str
    time_zone: str
    bucket_edges: tuple[int, ...]
    """Upper DPD of each bucket but the last."""
    segment_attribute: str | None
    closed_through: date | None
    data_version: int
    """Changes whenever facts or derived state change: the key of caches."""
    pre_due_days: int = 0
    """Days before an instalment from which its borrower is called; 0: never."""
    pre_due_bands: tuple[int, ...] = ()
    """Risk bands that are called for; empty: all."""

    @property
    def bucket_labels(self) -> tuple[str, ...]:
        """Names of the buckets, in order: 'Current', '1–30', ... '180+'."""
        edges = self.bucket_edges
        first = "Current" if edges[0] == 0 else f"0–{edges[0]}"
        between = [f"{low + 1}–{high}" for low, high in pairwise(edges)]
        return (first, *between, f"{edges[-1]}+")

    @property
    def region(self) -> str:
        """The lender's country, ISO 3166: 'IN'."""
        return self.locale[-2:]

    @property
    def phone_country(self) -> str:
        """Calling code of the lender's country, digits: numbers written without one are of it."""
        return str(phonenumbers.country_code_for_region(self.region))

    @property
    def today(self) -> date:
        """The business date now, in the lender's zone."""
        return clock.today(self.time_zone)


def not_begun(settings: LenderSettings, day: date) -> str:
    """Why a business date is refused that has not come, as a sentence; and what may be wrong with the clock."""
    said = f"{day:%-d %b %Y} has not begun yet: it is {settings.today:%-d %b %Y} for the lender ({settings.time_zone})."
    if settings.closed_through is None or settings.closed_through <= settings.today:
        return said
    return (
        f"{said} The book is closed through {settings.closed_through:%-d %b %Y} already: "
        "was the clock or the lender's time zone set back?"
    )


def load(session: Session) -> LenderSettings:
    """The settings, read in the caller's transaction."""
    return LenderSettings(**queries.settings_row(session))


def current() -> LenderSettings:
    """The settings, read in a transaction of its own. Holds no personal data: any signed-in actor may know them."""
    with reading() as session:
        return load(session)
