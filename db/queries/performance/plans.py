"""Statements of targets and costs: appended, the newest row holds."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser
from db.models.allocation import AgencyTerms
from db.models.owes import Product
from db.models.performance import CollectionCost, PerformanceTarget


def targets(session: Session, month: date) -> list[AnyRow]:
    """Targets of a month as they hold: owner_id, product_id, amount, and the name of either."""
    newest = (
        select(PerformanceTarget)
        .where(PerformanceTarget.month == month)
        .ext(distinct_on(PerformanceTarget.owner_id, PerformanceTarget.product_id))
        .order_by(PerformanceTarget.owner_id, PerformanceTarget.product_id, PerformanceTarget.id.desc())
        .subquery()
    )
    statement = (
        select(newest.c.owner_id, newest.c.product_id, newest.c.amount, AppUser.name, Product.name.label("product"))
        .outerjoin(AppUser, AppUser.id == newest.c.owner_id)
        .outerjoin(Product, Product.id == newest.c.product_id)
        .where(newest.c.amount.is_not(None))
        .order_by(AppUser.name, Product.name)
    )
    return list(session.execute(statement))


def costs(session: Session, month: date) -> dict[str, Decimal]:
    """Cost of each item in a month: that of the latest month not after it."""
    statement = (
        select(CollectionCost.item, CollectionCost.amount)
        .where(CollectionCost.from_month <= month)
        .ext(distinct_on(CollectionCost.item))
        .order_by(CollectionCost.item, CollectionCost.from_month.desc(), CollectionCost.id.desc())
    )
    return {item: amount for item, amount in session.execute(statement)}  # noqa: C416 - mypy reads it


def agency_terms(session: Session, month: date) -> dict[int, AnyRow]:
    """Commission_percent and monthly_fee by agency in a month: those of the latest month not after it."""
    statement = (
        select(AgencyTerms.agency_id, AgencyTerms.commission_percent, AgencyTerms.monthly_fee)
        .where(AgencyTerms.from_month <= month)
        .ext(distinct_on(AgencyTerms.agency_id))
        .order_by(AgencyTerms.agency_id, AgencyTerms.from_month.desc(), AgencyTerms.id.desc())
    )
    return {row.agency_id: row for row in session.execute(statement)}


def insert_agency_terms(session: Session, **values: Any) -> bool:
    """Append an agency's terms; False when the same form sent them before."""
    return _append(session, AgencyTerms, values)


def insert_target(session: Session, **values: Any) -> bool:
    """Append a target; False when the same form sent it before."""
    return _append(session, PerformanceTarget, values)


def insert_cost(session: Session, **values: Any) -> bool:
    """Append a cost; False when the same form sent it before."""
    return _append(session, CollectionCost, values)


def _append(session: Session, model: Any, values: dict[str, Any]) -> bool:
    statement = insert(model).values(**values).on_conflict_do_nothing(index_elements=["request_key"])
    return session.execute(statement.returning(model.id)).first() is not None


def subjects(session: Session, roles: Sequence[str]) -> tuple[list[AnyRow], list[AnyRow]]:
    """Whom and what a target may be set for: users of these roles whose account is on, and products."""
    people = select(AppUser.id, AppUser.name).where(AppUser.role.in_(roles), AppUser.disabled_at.is_(None))
    products = select(Product.id, Product.name).order_by(Product.name)
    return list(session.execute(people.order_by(AppUser.name))), list(session.execute(products))
