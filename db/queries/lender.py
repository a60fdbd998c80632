"""Statements about the lender's settings."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from db.models.owes import Lender, Loan

_lender = Lender.__table__.c
_SETTINGS = select(
    _lender.name,
    _lender.currency,
    _lender.locale,
    _lender.time_zone,
    _lender.bucket_edges,
    _lender.segment_attribute,
    _lender.closed_through,
    _lender.data_version,
    _lender.pre_due_days,
    _lender.pre_due_bands,
)
"""Of the table rather than the model, which is twice as fast: every page reads this several times."""


def settings_row(session: Session) -> dict[str, Any]:
    """The one settings row, as keyword arguments of `services.lender.LenderSettings`."""
    row = session.execute(_SETTINGS).one()
    listed = {"bucket_edges": tuple(row.bucket_edges), "pre_due_bands": tuple(row.pre_due_bands)}
    return {**row._mapping, **listed}  # noqa: SLF001 - SQLAlchemy's public name


_PROFILE = select(_lender.name, _lender.currency, _lender.locale, _lender.time_zone, _lender.grievance_contact)


def profile_row(session: Session) -> dict[str, Any]:
    """Who the lender is, as keyword arguments of `services.lender_profile.Profile`."""
    return dict(session.execute(_PROFILE).one()._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def set_profile(session: Session, values: Mapping[str, str | None]) -> None:
    """Write who the lender is."""
    session.execute(update(Lender).values(**values))


def has_loans(session: Session) -> bool:
    """Whether any loan is there."""
    return session.execute(select(exists().where(Loan.id.is_not(None)))).scalar_one()


def set_pre_due(session: Session, *, days: int, bands: Sequence[int]) -> None:
    """Change from when, and for which risk bands, borrowers are called before an instalment."""
    session.execute(update(Lender).values(pre_due_days=days, pre_due_bands=list(bands)))


def bump_data_version(session: Session) -> None:
    """Tell caches that facts or state changed. Call last in a transaction: the row is a point of contention."""
    session.execute(update(Lender).values(data_version=Lender.data_version + 1))


def npa_by_borrower(session: Session) -> bool:
    """Whether one NPA loan makes all loans of its borrower NPA."""
    return session.execute(select(Lender.npa_by_borrower)).scalar_one()


def set_closed_through(session: Session, business_date: date) -> None:
    """Note that the day-end close of the date is complete; never goes back."""
    session.execute(update(Lender).values(closed_through=func.greatest(Lender.closed_through, business_date)))


def scored_through(session: Session) -> date | None:
    """The newest date that scores are kept under."""
    return session.execute(select(Lender.scored_through)).scalar_one()


def set_scored_through(session: Session, day: date) -> None:
    """Note that scores are kept under the date; never goes back."""
    session.execute(update(Lender).values(scored_through=func.greatest(Lender.scored_through, day)))
