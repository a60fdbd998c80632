"""Asking the gate: for one contact with the answer kept, or for many borrowers at once."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.queries import policy as queries
from services import lender
from services.errors import NotFound
from services.lender import LenderSettings
from services.policy.checks import GateAnswer, answer, relevant
from services.policy.facts import (
    POINT_KIND,
    AvoidedHours,
    BorrowerFacts,
    HoldPeriod,
    PlaceFacts,
    Question,
    RegionalHoldPeriod,
    Rule,
)

_AUTOMATED = frozenset({"plan", "send"})


def ask(
    session: Session,
    borrower_id: int,
    *,
    channel: str,
    purpose: str,
    at: datetime,
    is_about_promise: bool = False,
    place: str | None = None,
    agent_id: int | None = None,
) -> GateAnswer:
    """The gate's answer about one contact, kept as a decision in the caller's transaction.

    Args:
        session: the transaction of the contact.
        borrower_id: whom.
        channel: call, visit, sms, whatsapp, email or letter.
        purpose: 'plan' or 'send' for automated messages, 'log' for a contact by a person.
        at: when the contact is made (aware).
        is_about_promise: the message reminds of a promise, which an open promise does not forbid.
        place: of a visit, what the address is: chosen, residence, workplace or other.
        agent_id: the collector who makes it.

    Raises:
        NotFound: there is no such borrower.
    """
    answers = ask_many(
        session,
        [borrower_id],
        channel=channel,
        purpose=purpose,
        at=at,
        is_about_promise=is_about_promise,
        place=place,
        agent_id=agent_id,
    )
    if borrower_id not in answers:
        raise NotFound("There is no such borrower.")
    return answers[borrower_id]


def kept(session: Session, decision_id: int) -> GateAnswer:
    """An answer that was given before, as it was kept."""
    row = queries.decision(session, decision_id)
    return GateAnswer(row.is_allowed, row.rule, row.reason, row.next_allowed_at, row.policy_version, decision_id)


def ask_many(
    session: Session,
    borrower_ids: Collection[int],
    *,
    channel: str,
    purpose: str,
    at: datetime,
    is_about_promise: bool = False,
    place: str | None = None,
    agent_id: int | None = None,
) -> dict[int, GateAnswer]:
    """As `ask` for many borrowers, with one query and one insert for all."""
    question = Question(channel, purpose in _AUTOMATED, at, is_about_promise, place, agent_id)
    answers = _answers(session, borrower_ids, question, lender.load(session))
    if not answers:
        return {}
    decisions = [_decision(borrower_id, given, channel, purpose, at) for borrower_id, given in answers.items()]
    ids = queries.insert_decisions(session, decisions)
    return {
        borrower_id: replace(given, decision_id=decision_id)
        for (borrower_id, given), decision_id in zip(answers.items(), ids, strict=True)
    }


def preview_many(
    session: Session,
    borrower_ids: Collection[int],
    channel: str,
    at: datetime,
    *,
    is_automated: bool = False,
    place: str | None = None,
    agent_id: int | None = None,
    settings: LenderSettings | None = None,
) -> dict[int, GateAnswer]:
    """What the gate would answer, by borrower; nothing is kept. For lists: one query for all.

    `settings`: the lender's, where the caller has read them already.
    """
    question = Question(channel, is_automated, at, place=place, agent_id=agent_id)
    return _answers(session, borrower_ids, question, settings or lender.load(session))


def preview_channels(
    session: Session, borrower_id: int, channels: Collection[str], at: datetime, *, agent_id: int | None = None
) -> dict[str, GateAnswer]:
    """What the gate would answer a person about one borrower, by channel; nothing is kept.

    Rules are read once, and facts once for all channels that use the same kind of contact point.
    """
    if not channels:
        return {}
    settings = lender.load(session)
    rules = rules_in_force(session, at.astimezone(ZoneInfo(settings.time_zone)).date())
    version = max((rule.id for rule in rules), default=0)
    answers: dict[str, GateAnswer] = {}
    for kind in {POINT_KIND[channel] for channel in channels}:
        for row in queries.facts(session, [borrower_id], point_kind=kind, at=at, agent_id=agent_id):
            facts = _facts(row, settings.time_zone)
            for channel in (channel for channel in channels if POINT_KIND[channel] == kind):
                question = Question(channel, is_automated=False, at=at, agent_id=agent_id)
                asked = relevant(rules, question, is_microfinance=row.is_microfinance)
                answers[channel] = answer(asked, facts, question, policy_version=version)
    return answers


def zone_of(session: Session, borrower_id: int) -> ZoneInfo:
    """Where the borrower is: the zone in which contact hours are reckoned."""
    return _zone(queries.time_zone(session, borrower_id), lender.load(session).time_zone)


def lock_borrower(session: Session, borrower_id: int) -> None:
    """Hold off other automated contacts of this borrower until the transaction ends, so that caps count right."""
    queries.lock_borrower(session, borrower_id)


def _answers(
    session: Session, borrower_ids: Collection[int], question: Question, settings: LenderSettings
) -> dict[int, GateAnswer]:
    day = question.at.astimezone(ZoneInfo(settings.time_zone)).date()
    rules = rules_in_force(session, day)
    version = max((rule.id for rule in rules), default=0)
    kind = POINT_KIND[question.channel]
    found = queries.facts(session, borrower_ids, point_kind=kind, at=question.at, agent_id=question.agent_id)
    asked = {flag: relevant(rules, question, is_microfinance=flag) for flag in (False, True)}
    places = _places(session, borrower_ids) if question.place else {}
    return {
        row.borrower_id: answer(
            asked[row.is_microfinance],
            _facts(row, settings.time_zone, places.get(row.borrower_id)),
            question,
            policy_version=version,
        )
        for row in found
    }


def _places(session: Session, borrower_ids: Collection[int]) -> dict[int, PlaceFacts]:
    return {
        row.borrower_id: PlaceFacts(row.has_choice, row.has_residence, row.failed)
        for row in queries.place_facts(session, borrower_ids)
    }


def rules_in_force(session: Session, day: date) -> Sequence[Rule]:
    """The rules of a day."""
    return [
        Rule(row.id, row.rule, row.source, row.parameters, row.severity == "block")
        for row in queries.rules_in_force(session, day)
    ]


def _facts(row: Row[*tuple[Any, ...]], lender_zone: str, places: PlaceFacts | None = None) -> BorrowerFacts:
    holds = (HoldPeriod(h["kind"], _day(h["from"]), _day(h["to"]) if h["to"] else None) for h in row.holds)
    regional = (RegionalHoldPeriod(h["kind"], _day(h["from"]), _day(h["to"]), h["name"]) for h in row.regional_holds)
    contacts = ((c["channel"], datetime.fromisoformat(c["at"])) for c in row.contacts)
    return BorrowerFacts(
        borrower_id=row.borrower_id,
        zone=_zone(row.time_zone, lender_zone),
        holds=tuple(holds),
        promise_due_on=row.promise_due_on,
        is_microfinance=row.is_microfinance,
        points=row.points,
        open_points=row.open_points,
        consented_points=row.consented_points,
        contacts=tuple(sorted(contacts, key=lambda contact: contact[1])),
        regional_holds=tuple(regional),
        avoided=tuple(_avoided(window) for window in row.windows),
        places=places,
        is_untold=row.is_untold,
    )


def _avoided(window: dict[str, Any]) -> AvoidedHours:
    return AvoidedHours(
        weekdays=frozenset(window["weekdays"]),
        start=time.fromisoformat(window["from"]),
        end=time.fromisoformat(window["to"]),
        channels=frozenset(window["channels"]),
        first_day=_day(window["starts_on"]),
        end_day=_day(window["ends_on"]) if window["ends_on"] else None,
    )


def _day(written: str) -> date:
    return date.fromisoformat(written)


def _zone(name: str | None, lender_zone: str) -> ZoneInfo:
    """The borrower's zone; an unknown or misspelt one is taken for the lender's."""
    try:
        return ZoneInfo(name or lender_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(lender_zone)


def _decision(borrower_id: int, given: GateAnswer, channel: str, purpose: str, at: datetime) -> dict[str, Any]:
    return {
        "borrower_id": borrower_id,
        "at": at,
        "channel": channel,
        "purpose": purpose,
        "is_allowed": given.is_allowed,
        "rule": given.rule,
        "reason": given.reason,
        "next_allowed_at": given.next_allowed_at,
        "policy_version": given.policy_version,
    }
