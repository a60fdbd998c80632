"""Statements of the gate: rules in force, facts about many borrowers in one go, decisions kept."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, or_, select, text, update
from sqlalchemy.orm import Session

from db.models.owes import Borrower
from db.models.work import GateDecision, PolicyRule
from db.queries.agent_notices import UNTOLD

_rule = PolicyRule.__table__.c
_IN_FORCE = (
    select(_rule.id, _rule.rule, _rule.source, _rule.parameters, _rule.severity)
    .where(
        _rule.is_enabled,
        _rule.effective_from <= bindparam("day"),
        or_(_rule.effective_to.is_(None), _rule.effective_to > bindparam("day")),
    )
    .order_by(_rule.id)
)


def rules_in_force(session: Session, day: date) -> Sequence[Row[*tuple[Any, ...]]]:
    """Enabled rules that are in force on a day, oldest first."""
    return session.execute(_IN_FORCE, {"day": day}).all()


_RULE_COLUMNS = (
    PolicyRule.id,
    PolicyRule.rule,
    PolicyRule.source,
    PolicyRule.parameters,
    PolicyRule.severity,
    PolicyRule.effective_from,
    PolicyRule.effective_to,
    PolicyRule.is_enabled,
    PolicyRule.replaces_id,
)


def all_rules(session: Session) -> Sequence[Row[*tuple[Any, ...]]]:
    """Every rule, in force or not."""
    return session.execute(select(*_RULE_COLUMNS).order_by(PolicyRule.rule, PolicyRule.id)).all()


def lock_rules(session: Session) -> None:
    """Change rules one after the other, until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(72002012)"))


def insert_rule(session: Session, **values: Any) -> int:
    """A new rule, or what an existing one says from a day on; its id."""
    return session.execute(insert(PolicyRule).values(**values).returning(PolicyRule.id)).scalar_one()


def set_rule_end(session: Session, rule_id: int, *, on: date | None) -> None:
    """Set, or take away, the first day on which a rule holds no more."""
    session.execute(update(PolicyRule).where(PolicyRule.id == rule_id).values(effective_to=on))


_FACTS = text(f"""
    WITH regional AS MATERIALIZED (
        -- a handful of rows: what is, or will be, in force somewhere
        SELECT r.id, r.kind, r.name, r.starts_on, r.ends_on, a.level, a.value
        FROM regional_hold r JOIN regional_hold_area a ON a.regional_hold_id = r.id
        WHERE r.ended_at IS NULL AND r.ends_on > :yesterday
    )
    SELECT b.id AS borrower_id, b.time_zone,
           coalesce(h.holds, '[]') AS holds, p.promise_due_on, coalesce(m.is_microfinance, false) AS is_microfinance,
           coalesce(c.points, 0) AS points, coalesce(c.open_points, 0) AS open_points,
           coalesce(c.consented_points, 0) AS consented_points, coalesce(a.contacts, '[]') AS contacts,
           coalesce(g.regional_holds, '[]') AS regional_holds, coalesce(w.windows, '[]') AS windows,
           {UNTOLD.format(borrower="b.id", agent="CAST(:agent_id AS bigint)")} AS is_untold
    FROM unnest((SELECT CAST(:borrower_ids AS bigint[]))) AS asked (id) JOIN borrower b ON b.id = asked.id
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object(
                   'weekdays', weekdays, 'from', from_time, 'to', to_time, 'channels', channels,
                   'starts_on', starts_on, 'ends_on', ends_on)) AS windows
        FROM contact_window
        WHERE borrower_id = b.id AND ended_on IS NULL AND (ends_on IS NULL OR ends_on > CAST(:yesterday AS date) - 1)
    ) w ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(DISTINCT jsonb_build_object('kind', kind, 'name', name, 'from', starts_on, 'to', ends_on))
                   AS regional_holds
        FROM regional
        WHERE level = 'everywhere' OR level = 'region' AND value = b.region
           OR level = 'state' AND value = b.state OR level = 'city' AND value = b.city
    ) g ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('kind', kind, 'from', starts_on, 'to', ends_on)) AS holds
        FROM hold WHERE borrower_id = b.id AND released_at IS NULL AND (ends_on IS NULL OR ends_on > :yesterday)
    ) h ON true
    LEFT JOIN LATERAL (
        SELECT max(due_on) AS promise_due_on FROM promise WHERE borrower_id = b.id AND status = 'pending'
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT bool_or(pr.is_microfinance) AS is_microfinance
        FROM loan l JOIN product pr ON pr.id = l.product_id WHERE l.borrower_id = b.id AND l.closed_on IS NULL
    ) m ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS points, count(*) FILTER (WHERE NOT do_not_contact AND consent IS DISTINCT FROM false)
                   AS open_points, count(*) FILTER (WHERE NOT do_not_contact AND consent) AS consented_points
        FROM contact_point WHERE borrower_id = b.id AND kind = :kind
    ) c ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('channel', channel, 'at', at)) AS contacts
        FROM (
            SELECT channel, at FROM contact_attempt
            WHERE borrower_id = b.id AND at > :since AND direction = 'outbound'
            UNION ALL
            SELECT channel, sent_at FROM message
            WHERE borrower_id = b.id AND created_at > :since - interval '60 days' AND sent_at > :since
              AND status IN ('handing_over', 'sent', 'unknown')
        ) past
    ) a ON true
""")
# Nothing in it lets the server plan better for certain values than for any (of the borrowers it sees an array from a
# query), so it plans once a connection: planning this takes longer than answering it.


def facts(
    session: Session,
    borrower_ids: Collection[int],
    *,
    point_kind: str,
    at: datetime,
    agent_id: int | None,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """What the gate must know of each borrower: holds, those of the region, open promise, contact points, contacts.

    Args:
        session: the transaction of the question.
        borrower_ids: whom.
        point_kind: kind of the contact points that the channel uses.
        at: when.
        agent_id: the collector, of whom the borrower may have to be told first; None: nobody in particular.
    """
    return session.execute(
        _FACTS,
        {
            "borrower_ids": list(borrower_ids),
            "kind": point_kind,
            "yesterday": at.date() - timedelta(days=1),
            "since": at - timedelta(days=7),
            "agent_id": agent_id,
        },
    ).all()


_PLACE_FACTS = text("""
    SELECT b.id AS borrower_id, coalesce(k.has_choice, false) AS has_choice,
           coalesce(k.has_residence, false) AS has_residence, coalesce(f.failed, '{}') AS failed
    FROM unnest(CAST(:borrower_ids AS bigint[])) AS b (id)
    LEFT JOIN LATERAL (
        -- an address of which nothing was said may be the home
        SELECT bool_or(n.place = 'chosen') AS has_choice,
               bool_or(n.place = 'residence' OR n.place IS NULL) AS has_residence
        FROM (
            SELECT (SELECT a.place FROM address_place a WHERE a.contact_point_id = c.id ORDER BY a.id DESC LIMIT 1)
                       AS place
            FROM contact_point c
            WHERE c.borrower_id = b.id AND c.kind = 'address' AND c.party_id IS NULL
              AND NOT c.do_not_contact AND c.consent IS DISTINCT FROM false
        ) n
    ) k ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(place, visits) AS failed
        FROM (
            SELECT v.place, count(*) AS visits
            FROM visit v JOIN contact_attempt c ON c.id = v.contact_attempt_id
            WHERE v.borrower_id = b.id AND c.person IN ('nobody', 'third_party')
              AND c.at > coalesce((
                  SELECT max(m.at) FROM contact_attempt m
                  WHERE m.borrower_id = b.id AND m.channel = 'visit'
                    AND m.person IN ('borrower', 'co_borrower', 'guarantor')), '-infinity')
            GROUP BY v.place
        ) tried
    ) f ON true
""")


def place_facts(session: Session, borrower_ids: Collection[int]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Which places of each borrower are known, and visits that failed at each since somebody was met on one."""
    return session.execute(_PLACE_FACTS, {"borrower_ids": list(borrower_ids)}).all()


def insert_decisions(session: Session, decisions: Sequence[dict[str, Any]]) -> list[int]:
    """Keep the gate's answers; their ids in the same order."""
    statement = insert(GateDecision).returning(GateDecision.id, sort_by_parameter_order=True)
    return list(session.execute(statement, list(decisions)).scalars())


def decision(session: Session, decision_id: int) -> Row[*tuple[Any, ...]]:
    """A kept answer."""
    return session.execute(
        select(
            GateDecision.is_allowed,
            GateDecision.rule,
            GateDecision.reason,
            GateDecision.next_allowed_at,
            GateDecision.policy_version,
        ).where(GateDecision.id == decision_id)
    ).one()


def time_zone(session: Session, borrower_id: int) -> str | None:
    """The borrower's own time zone, if it is not the lender's."""
    return session.execute(select(Borrower.time_zone).where(Borrower.id == borrower_id)).scalar_one_or_none()


def lock_borrower(session: Session, borrower_id: int) -> None:
    """Until the transaction ends nobody else decides to contact this borrower automatically."""
    session.execute(select(func.pg_advisory_xact_lock(72002011, func.hashint8(borrower_id))))
