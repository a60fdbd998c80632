"""Statements of the demo data: COPY into the product's own tables, and the rows that these point at."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from psycopg import sql
from sqlalchemy import func, select, text, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from db.base import AnyRow, Base
from db.models.access import AppUser
from db.models.audit import AuditEvent
from db.models.owes import Lender, Loan, Product, Segment
from db.models.plans import RepaymentPlan
from db.models.work import CollectionCase, ContactAttempt


def has_loans(session: Session) -> bool:
    """Whether the database holds any loan."""
    return session.execute(select(Loan.id).limit(1)).first() is not None


def copy(session: Session, table: str, columns: Sequence[str], csv: bytes) -> None:
    """COPY rows, as CSV without header, into a table. Names are constants of the caller."""
    order = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(order) as stream:
        stream.write(csv)


def reserve_ids(session: Session, table: str, size: int) -> int:
    """First of `size` successive ids of a table, which nobody else will get."""
    statement = text("""
        SELECT min(id), max(id)
        FROM (SELECT nextval(pg_get_serial_sequence(:table, 'id')) AS id FROM generate_series(1, :size)) AS taken
    """)
    first, last = session.execute(statement, {"table": table, "size": size}).one()
    if size and last - first + 1 != size:
        raise RuntimeError(f"ids of {table} are being taken by someone else")
    return int(first or 0)


def product_ids(session: Session, products: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Ids of products by code; those that are not there are added."""
    session.execute(insert(Product).values(list(products)).on_conflict_do_nothing())
    codes = [product["code"] for product in products]
    rows = session.execute(select(Product.code, Product.id).where(Product.code.in_(codes)))
    return {row.code: row.id for row in rows}


def segment_ids(session: Session, segments: Sequence[dict[str, Any]]) -> dict[tuple[int, str, str], int]:
    """Ids of segments by product, branch and attribute; those that are not there are added."""
    session.execute(insert(Segment).values(list(segments)).on_conflict_do_nothing())
    rows = session.execute(select(Segment.product_id, Segment.branch, Segment.attribute, Segment.id))
    return {(row.product_id, row.branch, row.attribute): row.id for row in rows}


def ensure_users(session: Session, users: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Ids of users by user name; those that are not there are added with a password that nothing matches."""
    locked = [{**user, "password_hash": "!"} for user in users]
    session.execute(insert(AppUser).values(locked).on_conflict_do_nothing())
    return user_ids(session, [user["username"] for user in users])


def user_ids(session: Session, usernames: Sequence[str]) -> dict[str, int]:
    """Ids of users by user name, lower case."""
    rows = session.execute(select(AppUser.username, AppUser.id).where(func.lower(AppUser.username).in_(usernames)))
    return {row.username.lower(): row.id for row in rows}


def set_password(session: Session, usernames: Sequence[str], password_hash: str) -> None:
    """Give users one password, which they need not change."""
    session.execute(
        update(AppUser)
        .where(func.lower(AppUser.username).in_(usernames))
        .values(password_hash=password_hash, must_change_password=False)
    )


def name_lender(session: Session, name: str, segment_attribute: str) -> None:
    """Set the lender's name and the attribute that its portfolio is filtered by."""
    session.execute(update(Lender).values(name=name, segment_attribute=segment_attribute))


def event_details(session: Session, action: str) -> dict[str, Any] | None:
    """What the newest act of this name left, as its audit event says; None when it never happened."""
    newest = select(AuditEvent.after).where(AuditEvent.action == action).order_by(AuditEvent.id.desc()).limit(1)
    return session.execute(newest).scalar_one_or_none()


def date_cases(session: Session, day: date) -> None:
    """Give cases that a close of that day opened or closed the dates which a close of each day would have given.

    The demo closes month-ends only. A case opens on the day after the oldest unpaid due date, and closes with the last
    payment.
    """
    session.execute(
        text("""
            UPDATE collection_case c
            SET opened_on = greatest(
                s.due_on + 1,
                (SELECT max(e.closed_on) + 1 FROM collection_case e
                 WHERE e.borrower_id = c.borrower_id AND e.id <> c.id)
            )
            FROM (SELECT borrower_id, min(oldest_due_on) AS due_on FROM loan_state GROUP BY borrower_id) s
            WHERE s.borrower_id = c.borrower_id AND c.opened_on = :day AND c.closed_on IS NULL AND s.due_on < :day
        """),
        {"day": day},
    )
    session.execute(
        text("""
            UPDATE collection_case c SET closed_on = greatest(c.opened_on, s.paid_on)
            FROM (SELECT borrower_id, max(last_paid_on) AS paid_on FROM loan_state GROUP BY borrower_id) s
            WHERE s.borrower_id = c.borrower_id AND c.closed_on = :day AND s.paid_on < :day
        """),
        {"day": day},
    )


def allocate_cases(session: Session, owners: dict[str, int], *, opened_by: date, reason: str) -> int:
    """Give open cases without an owner, opened by a date, to who serves the city, the morning after; how many.

    Those that opened last of all are left for a leader to allocate.
    """
    statement = text("""
        WITH given AS (
            UPDATE collection_case c SET owner_id = o.owner_id, version = c.version + 1
            FROM borrower b
            JOIN unnest(CAST(:cities AS text[]), CAST(:owners AS bigint[])) AS o (city, owner_id) ON o.city = b.city
            WHERE b.id = c.borrower_id AND c.closed_on IS NULL AND c.owner_id IS NULL AND c.opened_on <= :opened_by
              AND c.opened_on < (SELECT max(opened_on) FROM collection_case WHERE closed_on IS NULL)
            RETURNING c.id, c.owner_id, c.opened_on
        )
        INSERT INTO allocation (case_id, owner_id, allocated_at, reason)
        SELECT id, owner_id, (opened_on + 1 + time '09:30') AT TIME ZONE (SELECT time_zone FROM lender), :reason
        FROM given ORDER BY id
        RETURNING 1
    """)
    values = {"cities": list(owners), "owners": list(owners.values()), "opened_by": opened_by, "reason": reason}
    return len(session.execute(statement, values).all())


def contacted_since(session: Session, day: date) -> list[AnyRow]:
    """Borrowers who were contacted by a person since a day, by id, with who contacted them last and when."""
    statement = (
        select(ContactAttempt.borrower_id, ContactAttempt.recorded_by, ContactAttempt.at)
        .ext(distinct_on(ContactAttempt.borrower_id))
        .where(ContactAttempt.at >= day, ContactAttempt.recorded_by.is_not(None))
        .order_by(ContactAttempt.borrower_id, ContactAttempt.at.desc(), ContactAttempt.id.desc())
    )
    return list(session.execute(statement))


def open_cases_of(session: Session, borrower_ids: Sequence[int]) -> list[int]:
    """Open cases of these borrowers."""
    statement = select(CollectionCase.id).where(
        CollectionCase.borrower_id.in_(borrower_ids), CollectionCase.closed_on.is_(None)
    )
    return list(session.execute(statement).scalars())


def insert_rows(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of one model, all in one statement or a few."""
    if rows:
        session.execute(plain_insert(model), list(rows))


def in_arrears(session: Session, *, since: date) -> list[AnyRow]:
    """Loans past due whose case someone has and nothing stops, by id, with what came in since a day.

    Columns: those that `plans.checking` asks of a loan, then loan_id, dpd, owner_id, and the days and amounts that were
    paid, oldest first.
    """
    statement = text("""
        SELECT l.external_id, l.borrower_id, l.instalment_amount, s.status, s.overdue_amount,
               greatest(s.outstanding + s.overdue_interest + s.overdue_charges, s.overdue_amount) AS owed,
               l.id AS loan_id, s.dpd, c.owner_id, coalesce(y.days, '{}') AS days, coalesce(y.amounts, '{}') AS amounts
        FROM loan_state s
        JOIN loan l ON l.id = s.loan_id
        JOIN collection_case c ON c.borrower_id = l.borrower_id AND c.closed_on IS NULL AND c.owner_id IS NOT NULL
        LEFT JOIN LATERAL (
            SELECT array_agg(d.paid_on ORDER BY d.paid_on) AS days, array_agg(d.amount ORDER BY d.paid_on) AS amounts
            FROM (
                SELECT p.paid_on, sum(CASE WHEN p.kind = 'payment' THEN p.amount ELSE -p.amount END) AS amount
                FROM payment p WHERE p.loan_id = l.id AND p.paid_on >= :since GROUP BY p.paid_on
            ) d
        ) y ON true
        WHERE s.status = 'active' AND s.overdue_amount > 0
          AND NOT EXISTS (SELECT FROM hold h WHERE h.borrower_id = l.borrower_id AND h.released_at IS NULL)
        ORDER BY l.id
    """)
    return list(session.execute(statement, {"since": since}))


def recovered(session: Session, *, since: date, before: date) -> list[AnyRow]:
    """Loans that were past due at a day-end and owe nothing now, by id, with what came in after it.

    Columns: loan_id, borrower_id, owner_id of who had the case last, days and amounts paid, oldest first.

    Args:
        session: the caller's transaction.
        since: a closed day at whose end they were 15 days past due or more.
        before: day before which the first payment came.
    """
    statement = text("""
        SELECT l.id AS loan_id, l.borrower_id, a.owner_id, y.days, y.amounts
        FROM loan_snapshot n
        JOIN loan_state s ON s.loan_id = n.loan_id AND s.status = 'active' AND s.overdue_amount = 0
        JOIN loan l ON l.id = n.loan_id
        CROSS JOIN LATERAL (
            SELECT g.owner_id FROM collection_case c JOIN allocation g ON g.case_id = c.id
            WHERE c.borrower_id = l.borrower_id AND g.owner_id IS NOT NULL ORDER BY g.id DESC LIMIT 1
        ) a
        CROSS JOIN LATERAL (
            SELECT array_agg(p.paid_on ORDER BY p.paid_on) AS days, array_agg(p.amount ORDER BY p.paid_on) AS amounts
            FROM payment p WHERE p.loan_id = l.id AND p.paid_on > :since
            HAVING count(*) BETWEEN 2 AND 6 AND bool_and(p.kind = 'payment') AND count(DISTINCT p.paid_on) = count(*)
               AND min(p.paid_on) BETWEEN CAST(:since AS date) + 4 AND :before
        ) y
        WHERE n.as_of = :since AND n.dpd >= 15
        ORDER BY l.id
    """)
    return list(session.execute(statement, {"since": since, "before": before}))


def any_plan(session: Session) -> bool:
    """Whether there is any repayment plan."""
    return session.execute(select(RepaymentPlan.id).limit(1)).first() is not None
