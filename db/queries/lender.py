"""Statements about the lender's settings."""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.models.owes import Lender


def settings_row(session: Session) -> dict[str, Any]:
    """The one settings row, as keyword arguments of `services.lender.LenderSettings`."""
    row = session.execute(
        select(
            Lender.name,
            Lender.currency,
            Lender.locale,
            Lender.time_zone,
            Lender.bucket_edges,
            Lender.segment_attribute,
            Lender.closed_through,
            Lender.data_version,
        )
    ).one()
    return {**row._mapping, "bucket_edges": tuple(row.bucket_edges)}  # noqa: SLF001 - SQLAlchemy's public name


def bump_data_version(session: Session) -> None:
    """Tell caches that facts or state changed. Call last in a transaction: the row is a point of contention."""
    session.execute(update(Lender).values(data_version=Lender.data_version + 1))
