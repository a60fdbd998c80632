"""Who collects in the demo: teams and agencies, papers, absences, authority, rules in force and one run of them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.models.allocation import Agency, AgencyTerms, Collector, CollectorAbsence
from db.models.approvals import Authority
from db.models.performance import CollectionCost, PerformanceTarget
from db.queries import allocation_rules, collectors, demo
from services import lender
from services.actors import SYSTEM
from services.allocation.rules import Rule
from services.allocation.running import Scope, deal
from services.allocation.values import Way
from services.demo import users

TEAMS: Final = {"anita": "Early calls", "farhan": "Early calls", "gopal": "Late cases", "kiran": "Late cases"}
"""Team by agent; the others work for an agency."""
AGENCIES: Final = {
    "harpreet": ("Sutlej Recovery Services", "Mandeep Sidhu, 0161 555 0114, desk@sutlej.example.com", 210),
    "ishita": ("Hooghly Collection Partners", "Rina Basu, 033 5550 0172, rina@hooghly.example.com", 24),
}
"""Agency by agent: name, whom to call, days from today until which the agreement runs."""
_PAPERS: Final = {
    "anita": (410, 90),
    "farhan": (11, 240),
    "gopal": (300, 120),
    "harpreet": (520, 60),
    "ishita": (160, 300),
    "kiran": (-5, 200),
    "leela": (640, 30),
    "vikram": (275, 150),
}
"""Days from today until the certificate expires, and days since the police check: one expired, one expires soon."""
_LANGUAGES: Final = {"harpreet": ["hi", "pa"], "ishita": ["as", "bn", "hi", "or"]}
_LEVELS: Final = {"leela": 2, "vikram": 1}
"""Level of authority of the leaders."""
_ABSENCES: Final = (("gopal", 4, 9, "Annual leave"), ("anita", 15, 17, "Refresher course of the certificate"))
"""Who, from which day after today, first day back, why."""
_TERMS: Final = {"harpreet": (Decimal(9), Decimal(0)), "ishita": (Decimal(5), Decimal(15_000))}
"""Commission in percent and monthly fee of the agencies."""
_COSTS: Final = {
    "agent_month": Decimal(32_000),
    "call": Decimal("4.50"),
    "visit": Decimal(180),
    "letter": Decimal(38),
    "message": Decimal("0.35"),
}
_RULES_HELD_DAYS: Final = 40


def add(session: Session, *, loans: int, as_of: date) -> None:
    """Write who collects, let the rules run once, in the caller's transaction.

    Does nothing when there are rules already: an interrupted load goes on behind it.

    Args:
        session: the caller's transaction.
        loans: size of the book, by which capacity is set.
        as_of: business date of the book.
    """
    if allocation_rules.newest_version(session) is not None:
        return
    known, today = users.known(session), lender.load(session).today
    teams = {name: collectors.team_id_of(session, name) for name in sorted(set(TEAMS.values()))}
    for who, team in TEAMS.items():
        collectors.set_team(session, known[who], teams[team])
    agencies = _agencies(session, today)
    demo.insert_rows(session, Collector, [_collector(who, known, agencies, loans, today) for who in _PAPERS])
    demo.insert_rows(session, CollectorAbsence, [_absence(row, known, today) for row in _ABSENCES])
    demo.insert_rows(session, Authority, [{"user_id": known[who], "level": level} for who, level in _LEVELS.items()])
    _prices(session, agencies, (as_of - timedelta(days=400)).replace(day=1), known["leela"])
    _targets(
        session, [known[who] for who in users.AGENTS], as_of.replace(day=1), amount=loans * 80, leader=known["leela"]
    )
    _rules(session, teams, agencies, as_of - timedelta(days=_RULES_HELD_DAYS), known["leela"])
    allocation_rules.lock(session)
    deal(session, SYSTEM, Scope.UNALLOCATED, asked_by=known["leela"])


def _agencies(session: Session, today: date) -> dict[str, int]:
    """Ids of the agencies by their agent."""
    first = demo.reserve_ids(session, "agency", len(AGENCIES))
    ids = {who: first + place for place, who in enumerate(AGENCIES)}
    rows = [
        {"id": ids[who], "name": name, "contact": contact, "agreement_until": today + timedelta(days=days)}
        for who, (name, contact, days) in AGENCIES.items()
    ]
    demo.insert_rows(session, Agency, rows)
    return ids


def _prices(session: Session, agencies: dict[str, int], since: date, leader_id: int) -> None:
    set_by = {"from_month": since, "set_by": leader_id}
    terms = [
        {"agency_id": agencies[who], "commission_percent": percent, "monthly_fee": fee, **set_by}
        for who, (percent, fee) in _TERMS.items()
    ]
    demo.insert_rows(session, AgencyTerms, terms)
    demo.insert_rows(
        session, CollectionCost, [{"item": item, "amount": amount, **set_by} for item, amount in _COSTS.items()]
    )


def _targets(session: Session, agents: Sequence[int], month: date, *, amount: int, leader: int) -> None:
    rows = [{"owner_id": agent, "month": month, "amount": Decimal(amount), "set_by": leader} for agent in agents]
    demo.insert_rows(session, PerformanceTarget, rows)


def _collector(who: str, known: dict[str, int], agencies: dict[str, int], loans: int, today: date) -> dict[str, Any]:
    expires, checked = _PAPERS[who]
    number = list(_PAPERS).index(who) + 1
    return {
        "user_id": known[who],
        "agency_id": agencies.get(who),
        "capacity": max(20, loans // 25) if who in users.AGENTS else None,
        "languages": _LANGUAGES.get(who, []),
        "certificate_number": f"DRA-{2400 + 17 * number}",
        "certificate_expires_on": today + timedelta(days=expires),
        "police_checked_on": today - timedelta(days=checked),
        "id_card_number": f"SF-{100 + number}",
    }


def _absence(row: tuple[str, int, int, str], known: dict[str, int], today: date) -> dict[str, Any]:
    who, first, back, reason = row
    return {
        "user_id": known[who],
        "starts_on": today + timedelta(days=first),
        "ends_on": today + timedelta(days=back),
        "reason": reason,
        "recorded_by": known["leela"],
    }


def _rules(session: Session, teams: dict[str, int], agencies: dict[str, int], since: date, leader_id: int) -> None:
    """Rules that leave some cases to the leader, as rules of a grown portfolio do."""
    rules = (
        Rule("Small late cases, North", Way.BY_LOAD, regions=("North",), min_dpd=61, max_overdue=Decimal(50_000),
             agency_id=agencies["harpreet"]),
        Rule("Small late cases, East", Way.BY_LOAD, regions=("East",), min_dpd=61, max_overdue=Decimal(50_000),
             agency_id=agencies["ishita"]),
        Rule("Late cases", Way.KEEP_AGENT, min_dpd=31, team_id=teams["Late cases"]),
        Rule("Early cases, West and South", Way.BY_LOAD, regions=("South", "West"), max_dpd=30,
             team_id=teams["Early calls"]),
    )  # fmt: skip
    rows = []
    for rule in rules:
        values = {name: list(held) if isinstance(held, tuple) else held for name, held in asdict(rule).items()}
        del values["id"]
        rows.append(values | {"way": rule.way.value})
    reason = "Late cases of small amounts go to the agencies of the region"
    at = datetime.combine(since, time(10), ZoneInfo(lender.load(session).time_zone))
    version = {"effective_from": since, "reason": reason, "created_by": leader_id, "created_at": at}
    allocation_rules.insert_version(session, rows, **version)
