"""Acts before a court or tribunal: filing, hearings and what they bring, orders and awards."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from db.engine import transaction
from services import money
from services.actors import Actor
from services.errors import InvalidInput, Refused
from services.legal.acting import begin, past, said
from services.legal.clock import in_force, unheld
from services.legal.values import PURPOSES

_HEARINGS_AHEAD: Final = 3 * 366


def file(
    actor: Actor, action_id: int, *, on: date, forum: str, case_number: str, request_key: str | None = None
) -> None:
    """Record that the complaint, suit or claim was filed, on an approved request, within its time.

    Raises:
        NotAllowed, NotFound: see `begin`.
        Refused: not approved, too early, too late, or paid; the sentence names the rule and the day.
        InvalidInput: a day to come, or no court or number.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        past(on, act.today)
        where = said(forum, "Name the court or tribunal.", "forum")
        number = said(case_number, "Enter the number under which it was filed.", "case_number")
        act.require("filed", on)
        act.append("filed", on, forum=where, case_number=number)


def set_hearing(
    actor: Actor, action_id: int, *, on: date, purpose: str, forum: str = "", request_key: str | None = None
) -> None:
    """Set the day of a hearing, with its purpose.

    Raises:
        NotAllowed, NotFound: see `begin`.
        Refused: nothing is filed.
        InvalidInput: the purpose is unknown, or the day is before the filing or over three years ahead.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        act.require("hearing", on)
        filed_on = act.standing.state.filed_on
        if purpose not in PURPOSES:
            raise InvalidInput({"purpose": "Choose one of the purposes in the list."})
        if (filed_on and on < filed_on) or on > act.today + timedelta(days=_HEARINGS_AHEAD):
            raise InvalidInput({"on": "A hearing is after the filing, and within three years."})
        act.append("hearing", on, how=purpose, forum=forum.strip() or None)


def hold_hearing(actor: Actor, action_id: int, *, hearing_id: int, result: str, request_key: str | None = None) -> None:
    """Record what a hearing brought.

    Raises:
        NotAllowed, NotFound: see `begin`.
        Refused: no hearing waits for its result, or it is still to come.
        InvalidInput: no result, or another hearing.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        words = said(result, "Say what the hearing brought.", "result")
        act.require("hearing_held", act.today)
        hearing = next((each for each in unheld(in_force(act.standing.events)) if each.id == hearing_id), None)
        if hearing is None:
            raise InvalidInput({"hearing": "Choose a hearing that waits for its result."})
        if hearing.on_date > act.today:
            raise Refused(f"Too early: the hearing is on {hearing.on_date.day} {hearing.on_date:%b %Y}.")
        act.append("hearing_held", act.today, words=words, refers_to=hearing.id)


def decide(
    actor: Actor,
    action_id: int,
    *,
    on: date,
    text: str,
    amount: Decimal | None = None,
    is_award: bool = False,
    request_key: str | None = None,
) -> None:
    """Record an order of the court, or the award of an arbitration, with the amount that it grants.

    Raises:
        NotAllowed, NotFound: see `begin`.
        Refused: nothing is filed, or the kind ends otherwise.
        InvalidInput: a day to come, or nothing is said.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        past(on, act.today)
        kind = "award" if is_award else "order"
        act.require(kind, on)
        words = said(text, "Say what was decided.")
        if amount is not None and amount <= 0:
            raise InvalidInput({"amount": "Enter the amount granted, or leave it empty."})
        act.append(kind, on, words=words, amount=money.quantize(amount) if amount is not None else None)
