"""Statements of visits: places and positions of addresses, what is planned, check-ins, what came of it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert as insert_rows
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.owes import ContactPoint, Loan
from db.models.visits import AddressPlace, AddressPosition, FieldPolicy, Visit, VisitCheckIn

POLICY_COLUMNS = (
    FieldPolicy.near_metres,
    FieldPolicy.visits_per_day,
    FieldPolicy.plan_days,
    FieldPolicy.cash_per_day,
    FieldPolicy.cash_in_hand,
    FieldPolicy.deposit_days,
)


def policy(session: Session) -> AnyRow:
    """The limits of field work."""
    return session.execute(select(*POLICY_COLUMNS)).one()


def change_policy(session: Session, values: Mapping[str, Any]) -> None:
    """Set the limits of field work."""
    session.execute(update(FieldPolicy).values(**values))


_ADDRESSES = text("""
    SELECT c.id AS contact_point_id, c.value_hint AS masked, c.is_primary, p.name AS party_name,
           (SELECT a.place FROM address_place a WHERE a.contact_point_id = c.id ORDER BY a.id DESC LIMIT 1) AS place,
           EXISTS (SELECT FROM address_position o WHERE o.contact_point_id = c.id) AS has_position
    FROM contact_point c LEFT JOIN party p ON p.id = c.party_id
    WHERE c.borrower_id = :borrower_id AND c.kind = 'address'
      AND NOT c.do_not_contact AND c.consent IS DISTINCT FROM false
    ORDER BY c.is_primary DESC, c.id
""")


def addresses(session: Session, borrower_id: int) -> Sequence[AnyRow]:
    """Addresses at which the borrower and parties may be visited, with what each is known to be."""
    return session.execute(_ADDRESSES, {"borrower_id": borrower_id}).all()


def first_addresses(session: Session, borrower_ids: Sequence[int]) -> Sequence[AnyRow]:
    """For each borrower the address that is visited first: where they chose, else at home, else the primary one."""
    statement = text("""
        SELECT DISTINCT ON (c.borrower_id) c.borrower_id, c.id AS contact_point_id, k.place
        FROM contact_point c
        LEFT JOIN LATERAL (
            SELECT a.place FROM address_place a WHERE a.contact_point_id = c.id ORDER BY a.id DESC LIMIT 1
        ) k ON true
        WHERE c.borrower_id = ANY(CAST(:ids AS bigint[])) AND c.kind = 'address' AND c.party_id IS NULL
          AND NOT c.do_not_contact AND c.consent IS DISTINCT FROM false
          AND k.place IS DISTINCT FROM 'other' AND k.place IS DISTINCT FROM 'workplace'
        ORDER BY c.borrower_id, k.place IS DISTINCT FROM 'chosen', k.place IS DISTINCT FROM 'residence',
                 c.is_primary DESC, c.id
    """)
    return session.execute(statement, {"ids": list(borrower_ids)}).all()


def insert_places(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Say what addresses are."""
    session.execute(insert_rows(AddressPlace), [dict(row) for row in rows])


def insert_position(session: Session, **values: Any) -> None:
    """Say where an address lies."""
    session.execute(insert_rows(AddressPosition).values(**values))


def positions(session: Session, contact_point_ids: Sequence[int]) -> dict[int, bytes]:
    """Where addresses lie, encrypted, as far as known."""
    statement = text("""
        SELECT DISTINCT ON (contact_point_id) contact_point_id, position_encrypted FROM address_position
        WHERE contact_point_id = ANY(CAST(:ids AS bigint[])) ORDER BY contact_point_id, id DESC
    """)
    found = session.execute(statement, {"ids": list(contact_point_ids)})
    return {row.contact_point_id: bytes(row.position_encrypted) for row in found}


def sealed_addresses(session: Session, contact_point_ids: Sequence[int]) -> Sequence[AnyRow]:
    """Addresses, encrypted."""
    columns = (ContactPoint.id, ContactPoint.value_encrypted)
    return session.execute(select(*columns).where(ContactPoint.id.in_(contact_point_ids))).all()


def insert_visit(session: Session, **values: Any) -> int | None:
    """Plan a visit; None when the borrower has one on that day, or the request was made before."""
    return session.execute(
        insert(Visit).values(**values).on_conflict_do_nothing().returning(Visit.id)
    ).scalar_one_or_none()


def by_request_key(session: Session, request_key: str) -> AnyRow | None:
    """Id and borrower of the visit that an earlier submit of the same form planned."""
    statement = select(Visit.id, Visit.borrower_id).where(Visit.request_key == request_key)
    return session.execute(statement).one_or_none()


def lock(session: Session, visit_id: int) -> AnyRow | None:
    """A visit, locked for an act on it."""
    columns = (Visit.id, Visit.borrower_id, Visit.agent_id, Visit.cancelled_at, Visit.contact_attempt_id)
    return session.execute(select(*columns).where(Visit.id == visit_id).with_for_update()).one_or_none()


def planned_count(session: Session, agent_id: int, on: date) -> int:
    """Visits of an agent's day that were not called off; new ones wait for the transaction that counts."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(72002033, hashint8(:agent) # hashint4(:day))"),
        {"agent": agent_id, "day": on.toordinal()},
    )
    statement = text(
        "SELECT count(*) FROM visit WHERE agent_id = :agent AND planned_on = :day AND cancelled_at IS NULL"
    )
    return int(session.execute(statement, {"agent": agent_id, "day": on}).scalar_one())


def cancel(session: Session, visit_id: int, *, at: datetime, by: int | None, reason: str) -> None:
    """Call a visit off."""
    session.execute(
        update(Visit).where(Visit.id == visit_id).values(cancelled_at=at, cancelled_by=by, cancel_reason=reason)
    )


def insert_check_in(session: Session, **values: Any) -> bool:
    """Keep a check-in; False when the visit has one."""
    done = insert(VisitCheckIn).values(**values).on_conflict_do_nothing().returning(VisitCheckIn.visit_id)
    return session.execute(done).first() is not None


def check_in(session: Session, visit_id: int) -> AnyRow | None:
    """The check-in of a visit."""
    columns = (VisitCheckIn.at, VisitCheckIn.gate_decision_id, VisitCheckIn.override_reason)
    return session.execute(select(*columns).where(VisitCheckIn.visit_id == visit_id)).one_or_none()


def measured_position(session: Session, visit_id: int, *, at_most_m: int) -> bytes | None:
    """The position of a check-in, encrypted, if it was exact enough."""
    statement = select(VisitCheckIn.position_encrypted).where(
        VisitCheckIn.visit_id == visit_id, VisitCheckIn.accuracy_m <= at_most_m
    )
    return session.execute(statement).scalar_one_or_none()


def finish(session: Session, visit_id: int, contact_attempt_id: int) -> bool:
    """Tie the contact to its visit; False when it has ended already."""
    done = (
        update(Visit)
        .where(Visit.id == visit_id, Visit.contact_attempt_id.is_(None), Visit.cancelled_at.is_(None))
        .values(contact_attempt_id=contact_attempt_id)
        .returning(Visit.id)
    )
    return session.execute(done).first() is not None


_STANDING = """
    SELECT v.id, v.borrower_id, b.name AS borrower_name, b.external_id AS borrower_number, b.city, b.language,
           v.agent_id, u.name AS agent_name, v.planned_on, v.appointed_at, v.contact_point_id, p.value_hint AS masked,
           v.place, v.purpose, v.contact_attempt_id, d.label AS outcome_label, c.person, c.note, v.cancel_reason,
           CASE WHEN v.cancelled_at IS NOT NULL THEN 'cancelled' WHEN v.contact_attempt_id IS NOT NULL THEN 'done'
                WHEN k.visit_id IS NOT NULL THEN 'checked_in' WHEN v.planned_on < :today THEN 'missed'
                ELSE 'planned' END AS status,
           k.at AS checked_in_at, k.accuracy_m, k.distance_m, k.no_position_reason, k.source, k.override_reason,
           coalesce(cc.overdue_amount, 0) AS overdue_amount, coalesce(cc.max_dpd, 0) AS max_dpd,
           (SELECT coalesce(sum(r.amount), 0) FROM receipt r WHERE r.visit_id = v.id AND r.cancelled_at IS NULL)
               AS received,
           (SELECT count(*) FROM document o WHERE o.subject_kind = 'visit' AND o.subject_id = v.id) AS photos
    FROM visit v
    JOIN borrower b ON b.id = v.borrower_id
    JOIN app_user u ON u.id = v.agent_id
    JOIN contact_point p ON p.id = v.contact_point_id
    LEFT JOIN visit_check_in k ON k.visit_id = v.id
    LEFT JOIN contact_attempt c ON c.id = v.contact_attempt_id
    LEFT JOIN disposition d ON d.code = c.outcome
    LEFT JOIN collection_case cc ON cc.borrower_id = v.borrower_id AND cc.closed_on IS NULL
"""


def by_id(session: Session, visit_id: int, *, today: date) -> AnyRow | None:
    """One visit as it stands."""
    return session.execute(text(f"{_STANDING} WHERE v.id = :id"), {"id": visit_id, "today": today}).one_or_none()


def of_borrower(session: Session, borrower_id: int, *, today: date, limit: int) -> Sequence[AnyRow]:
    """A borrower's visits, newest day first."""
    statement = text(f"{_STANDING} WHERE v.borrower_id = :id ORDER BY v.planned_on DESC, v.id DESC LIMIT :limit")
    return session.execute(statement, {"id": borrower_id, "today": today, "limit": limit}).all()


def of_days(
    session: Session, *, first: date, last: date, today: date, agent_id: int | None, limit: int
) -> Sequence[AnyRow]:
    """Visits of some days (both included), of one agent or all, the newest day first."""
    of_agent = "" if agent_id is None else "AND v.agent_id = :agent"
    days = f"v.planned_on BETWEEN :first AND :last {of_agent}"
    statement = text(f"{_STANDING} WHERE {days} ORDER BY v.planned_on DESC, v.id LIMIT :limit")
    values = {"first": first, "last": last, "today": today, "limit": limit}
    return session.execute(statement, values | ({} if agent_id is None else {"agent": agent_id})).all()


def days_of_agents(session: Session, *, first: date, last: date, today: date, near: int) -> Sequence[AnyRow]:
    """By agent: visits of some days and how they ended, and money taken on them."""
    statement = text("""
        SELECT v.agent_id, u.name AS agent_name, count(*) AS visits,
               count(*) FILTER (WHERE v.contact_attempt_id IS NOT NULL) AS done,
               count(*) FILTER (WHERE c.person IN ('borrower', 'co_borrower', 'guarantor')) AS met,
               count(*) FILTER (WHERE v.contact_attempt_id IS NULL AND v.planned_on < :today) AS missed,
               count(*) FILTER (WHERE k.distance_m > :near) AS far,
               count(*) FILTER (WHERE k.no_position_reason IS NOT NULL) AS without_position,
               coalesce(sum((SELECT sum(r.amount) FROM receipt r
                             WHERE r.visit_id = v.id AND r.cancelled_at IS NULL)), 0) AS received
        FROM visit v
        JOIN app_user u ON u.id = v.agent_id
        LEFT JOIN visit_check_in k ON k.visit_id = v.id
        LEFT JOIN contact_attempt c ON c.id = v.contact_attempt_id
        WHERE v.planned_on BETWEEN :first AND :last AND v.cancelled_at IS NULL
        GROUP BY v.agent_id, u.name ORDER BY u.name
    """)
    return session.execute(statement, {"first": first, "last": last, "today": today, "near": near}).all()


def candidates(session: Session, agent_id: int, *, on: date, city: str | None, limit: int) -> Sequence[AnyRow]:
    """Open cases of an agent, as owner or field agent, with an address and no visit on the day: most urgent first."""
    in_city = "" if city is None else "AND b.city = :city"
    statement = text(f"""
        WITH mine AS (
            SELECT c.id FROM collection_case c WHERE c.owner_id = :agent AND c.closed_on IS NULL
            UNION
            SELECT n.case_id FROM case_person n JOIN collection_case c ON c.id = n.case_id AND c.closed_on IS NULL
            WHERE n.user_id = :agent AND n.role = 'field' AND n.removed_at IS NULL
        )
        SELECT c.id AS case_id, c.borrower_id, b.name AS borrower_name, b.external_id AS borrower_number, b.city,
               c.stage, c.max_dpd, c.overdue_amount, c.priority, c.last_contact_at,
               (SELECT max(v.planned_on) FROM visit v
                WHERE v.borrower_id = c.borrower_id AND v.contact_attempt_id IS NOT NULL) AS visited_on
        FROM mine
        JOIN collection_case c ON c.id = mine.id AND c.stage <> 'pre_due'
        JOIN borrower b ON b.id = c.borrower_id
        WHERE EXISTS (SELECT FROM contact_point p WHERE p.borrower_id = c.borrower_id AND p.kind = 'address'
                      AND NOT p.do_not_contact AND p.consent IS DISTINCT FROM false)
          AND NOT EXISTS (SELECT FROM visit v WHERE v.borrower_id = c.borrower_id AND v.planned_on = :day
                          AND v.cancelled_at IS NULL) {in_city}
        ORDER BY c.priority DESC, c.id LIMIT :limit
    """)
    values: dict[str, Any] = {"agent": agent_id, "day": on, "limit": limit}
    return session.execute(statement, values | ({} if city is None else {"city": city})).all()


def worst_loans(session: Session, borrower_ids: Sequence[int]) -> dict[int, str]:
    """For each borrower the number of the loan that is longest past due, of those that are active."""
    statement = text("""
        SELECT DISTINCT ON (l.borrower_id) l.borrower_id, l.external_id
        FROM loan l JOIN loan_state s ON s.loan_id = l.id
        WHERE l.borrower_id = ANY(CAST(:ids AS bigint[])) AND s.status <> 'closed'
        ORDER BY l.borrower_id, s.dpd DESC, l.id
    """)
    return {row.borrower_id: row.external_id for row in session.execute(statement, {"ids": list(borrower_ids)})}


def loan_by_number(session: Session, number: str) -> int | None:
    """The loan of a number."""
    return session.execute(select(Loan.id).where(Loan.external_id == number)).scalar_one_or_none()
