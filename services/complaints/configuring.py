"""How a lender handles complaints: the time for an answer, the days of reminders, the words about the ombudsman."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import complaints as queries
from services import audit
from services.actors import Actor, Permission
from services.complaints.values import ESCALATION, Settings
from services.errors import InvalidInput

DAYS_AT_MOST: Final = 30
"""After so many days without an answer the borrower may turn to the RBI Ombudsman (IN-20)."""


def load(session: Session) -> Settings:
    """The settings, read in the caller's transaction."""
    row = queries.settings(session)
    return Settings(
        answer_days=row.complaint_answer_days,
        alert_days=tuple(sorted(row.complaint_alert_days)),
        escalation=row.complaint_escalation or ESCALATION.format(days=row.complaint_answer_days),
        grievance_contact=row.grievance_contact,
        lender=row.name,
        time_zone=row.time_zone,
    )


def settings(actor: Actor) -> Settings:
    """The settings.

    Raises:
        NotAllowed: the actor may not see complaints.
    """
    actor.require(Permission.VIEW_COMPLAINTS)
    with reading() as session:
        return load(session)


def configure(actor: Actor, *, answer_days: int, alert_days: Sequence[int], escalation: str) -> None:
    """Change how complaints are handled. Complaints that were received keep the time that they were promised.

    Args:
        actor: a grievance officer.
        answer_days: days for an answer, at most 30.
        alert_days: days after receipt on which officers are reminded, each within the time for the answer.
        escalation: what every answer says about the RBI Ombudsman; empty: the usual words.

    Raises:
        NotAllowed: the actor may not handle complaints.
        InvalidInput: a day cannot be, or the words do not name the ombudsman.
    """
    actor.require(Permission.HANDLE_COMPLAINTS)
    days, words = tuple(sorted(set(alert_days))), escalation.strip()
    _check(answer_days, days, words)
    with transaction() as session:
        before = load(session)
        usual = {"", *(ESCALATION.format(days=each) for each in (answer_days, before.answer_days))}
        queries.set_settings(
            session,
            complaint_answer_days=answer_days,
            complaint_alert_days=list(days),
            complaint_escalation=None if words in usual else words,
        )
        audit.record(
            session,
            actor,
            "complaints.configured",
            subject=("lender", 1),
            summary=f"set complaints to be answered within {answer_days} days",
            before={"answer_days": before.answer_days, "alert_days": list(before.alert_days)},
            after={"answer_days": answer_days, "alert_days": list(days)},
        )


def _check(answer_days: int, alert_days: Sequence[int], escalation: str) -> None:
    wrong: dict[str, str] = {}
    if not 1 <= answer_days <= DAYS_AT_MOST:
        wrong["answer_days"] = f"An answer is due within 1 to {DAYS_AT_MOST} days: the law allows no more."
    if not alert_days or any(not 0 < day < answer_days for day in alert_days):
        wrong["alert_days"] = "Remind on days after the receipt and before the answer is due, such as 20 and 27."
    if escalation and "ombudsman" not in escalation.lower():
        wrong["escalation"] = "The words must tell the borrower about the RBI Ombudsman."
    if wrong:
        raise InvalidInput(wrong)
