"""Reminders: a clock that runs out soon becomes a follow-up on the case, once, for whoever leads it through law."""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from db.engine import transaction
from db.queries import legal_notices as queries
from services import cases, lender
from services.actors import Actor, Permission
from services.legal.configuring import load

_AT: Final = time(10)


def alert(actor: Actor) -> int:
    """Set follow-ups for clocks and hearings that come within the days of the settings; how many borrowers got one.

    Each end of a clock is reminded of once, however often this runs.

    Raises:
        NotAllowed: the actor may not manage jobs.
    """
    actor.require(Permission.MANAGE_JOBS)
    with transaction() as session:
        settings = lender.load(session)
        due_at = datetime.combine(settings.today, _AT, ZoneInfo(settings.time_zone))
        until = settings.today + timedelta(days=load(session).alert_days)
        reminded = queries.insert_reminders(session, today=settings.today, until=until, due_at=due_at)
        if reminded:
            cases.refresh_for(session, settings.today, reminded)
        return len(reminded)
