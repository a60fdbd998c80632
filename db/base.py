"""The declarative base: constraint names by convention, so that a violated rule can be told by its name."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import BigInteger, Date, DateTime, Identity, MetaData, Numeric, Row, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
"""A surrogate key made by the database."""
Money = Annotated[Decimal, mapped_column(Numeric(16, 2))]
"""An amount in the lender's currency; never a float."""
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
"""A moment, UTC."""
Code = Annotated[str, mapped_column(Text)]


class Base(DeclarativeBase):
    """Parent of all models."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        str: Text,
        int: BigInteger,
        date: Date,
        datetime: DateTime(timezone=True),
        Decimal: Numeric(16, 2),
        dict[str, Any]: JSONB,
    }


def refers(parent: str) -> dict[str, Any]:
    """What a column says of itself that holds ids of `parent`, kept true by checks a statement at a time.

    Rows that come by the million use these instead of foreign keys, which are checked row by row.
    """
    return {"refers": parent}


Small = Annotated[int, mapped_column(SmallInteger)]
"""A small count or code: bucket, band, days."""
AnyRow = Row[*tuple[Any, ...]]
"""A result row of any columns, where a statement's own row type would say no more than its columns do."""
