"""Statements of the audit trail."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from db.models.audit import AuditEvent


def insert_event(session: Session, **values: Any) -> None:
    """Append one event; the database fills time, id and digest."""
    session.execute(insert(AuditEvent).values(**values))
