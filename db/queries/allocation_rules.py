"""Statements of allocation by rules: versions of the rules, the cases to deal, what came of a run."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser
from db.models.allocation import AllocationRule, AllocationRuleVersion, AllocationRun
from db.models.jobs import Schedule
from db.models.owes import Product

KIND = "allocate"
"""Kind of the background work, and its line in the timetable."""
_LOCK = 72002013
RULE_COLUMNS = (
    AllocationRule.id,
    AllocationRule.name,
    AllocationRule.is_enabled,
    AllocationRule.stages,
    AllocationRule.product_ids,
    AllocationRule.regions,
    AllocationRule.languages,
    AllocationRule.risk_bands,
    AllocationRule.min_dpd,
    AllocationRule.max_dpd,
    AllocationRule.min_overdue,
    AllocationRule.max_overdue,
    AllocationRule.min_outstanding,
    AllocationRule.max_outstanding,
    AllocationRule.team_id,
    AllocationRule.agency_id,
    AllocationRule.user_ids,
    AllocationRule.way,
)
_VERSION = (
    AllocationRuleVersion.id,
    AllocationRuleVersion.effective_from,
    AllocationRuleVersion.reason,
    AllocationRuleVersion.created_at,
    AppUser.name.label("created_by"),
    select(func.count())
    .where(AllocationRule.version_id == AllocationRuleVersion.id)
    .correlate(AllocationRuleVersion)
    .scalar_subquery()
    .label("rules"),
)


def lock(session: Session) -> None:
    """Until the transaction ends, nobody else runs the rules or writes new ones."""
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def version_in_force(session: Session, day: date) -> int | None:
    """The version that holds on a day; None when there is none yet."""
    return session.execute(
        select(AllocationRuleVersion.id)
        .where(AllocationRuleVersion.effective_from <= day)
        .order_by(AllocationRuleVersion.effective_from.desc(), AllocationRuleVersion.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def newest_version(session: Session) -> int | None:
    """The version written last, in force or to come."""
    return session.execute(select(func.max(AllocationRuleVersion.id))).scalar_one_or_none()


def versions(session: Session, limit: int, version_id: int | None = None) -> Sequence[AnyRow]:
    """Versions, the newest first; or one."""
    statement = select(*_VERSION).outerjoin(AppUser, AppUser.id == AllocationRuleVersion.created_by)
    if version_id is not None:
        statement = statement.where(AllocationRuleVersion.id == version_id)
    return session.execute(statement.order_by(AllocationRuleVersion.id.desc()).limit(limit)).all()


def rules(session: Session, version_id: int) -> Sequence[AnyRow]:
    """The rules of a version, in order."""
    statement = select(*RULE_COLUMNS).where(AllocationRule.version_id == version_id)
    return session.execute(statement.order_by(AllocationRule.position)).all()


def insert_version(session: Session, rules: Sequence[Mapping[str, Any]], **version: Any) -> int:
    """Write a version with its rules, in order; its id."""
    statement = insert(AllocationRuleVersion).values(**version).returning(AllocationRuleVersion.id)
    version_id = session.execute(statement).scalar_one()
    if rules:
        rows = [{**rule, "version_id": version_id, "position": place} for place, rule in enumerate(rules, start=1)]
        session.execute(insert(AllocationRule), rows)
    return int(version_id)


# --- a run -------------------------------------------------------------------------------------------------------

CASE_COLUMNS = (
    "id",
    "stage",
    "product",
    "region",
    "language",
    "risk_band",
    "dpd",
    "overdue",
    "outstanding",
    "owner",
    "previous",
    "skip",
)
"""Columns of `open_cases`. Amounts are in hundredths; `skip`: 0, 1 a complaint is open, 2 someone has it open."""

_CASES = """
    COPY (
        SELECT c.id, c.stage, g.product_id, g.region, b.language, c.risk_band, c.max_dpd,
               (c.overdue_amount * 100)::bigint, (c.outstanding * 100)::bigint, coalesce(c.owner_id, 0),
               coalesce(c.owner_id, p.owner_id, 0),
               CASE WHEN h.borrower_id IS NOT NULL THEN 1 WHEN c.held_until > %(now)s THEN 2 ELSE 0 END
        FROM collection_case c
        JOIN borrower b ON b.id = c.borrower_id
        LEFT JOIN segment g ON g.id = c.segment_id
        LEFT JOIN (
            SELECT DISTINCT borrower_id FROM hold
            WHERE kind = 'complaint' AND released_at IS NULL AND starts_on <= %(today)s
              AND (ends_on IS NULL OR ends_on > %(today)s)
        ) h ON h.borrower_id = c.borrower_id
        LEFT JOIN (
            -- who had the borrower's case before; a case that was taken from someone does not go back to them
            SELECT DISTINCT ON (o.borrower_id) o.borrower_id, o.owner_id FROM collection_case o
            WHERE %(wants_previous)s AND o.closed_on IS NOT NULL AND o.owner_id IS NOT NULL
            ORDER BY o.borrower_id, o.closed_on DESC, o.id DESC
        ) p ON p.borrower_id = c.borrower_id AND NOT EXISTS (SELECT FROM allocation a WHERE a.case_id = c.id)
        WHERE c.closed_on IS NULL AND (%(is_all)s OR c.owner_id IS NULL)
        ORDER BY c.priority DESC, c.id
    ) TO STDOUT (FORMAT csv)
"""


def open_cases(session: Session, *, today: date, now: datetime, is_all: bool, wants_previous: bool) -> bytes:
    """The cases to deal as CSV, highest priority first: `CASE_COLUMNS`.

    Args:
        session: the caller's transaction.
        today: business date for holds.
        now: moment for what someone has open.
        is_all: every open case, not only those that nobody has.
        wants_previous: whether who had the borrower before is looked up.
    """
    values = {"today": today, "now": now, "is_all": is_all, "wants_previous": wants_previous}
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(_CASES, values) as stream:
        return b"".join(stream)


def give(
    session: Session,
    case_ids: Sequence[int],
    before: Sequence[int],
    owners: Sequence[int],
    rules: Sequence[int],
    *,
    reasons: Mapping[int, str],
    run_id: int,
    allocated_by: int | None,
) -> int:
    """Give cases to owners by rule (0: nobody), with history; how many changed hands.

    A case that was closed, or given to someone else, since it was read is passed over.
    """
    statement = text("""
        WITH wanted AS (
            SELECT w.id, nullif(w.was, 0) AS was, nullif(w.owner_id, 0) AS owner_id, nullif(w.rule_id, 0) AS rule_id
            FROM unnest(CAST(:ids AS bigint[]), CAST(:was AS bigint[]), CAST(:owners AS bigint[]),
                        CAST(:rules AS integer[])) AS w (id, was, owner_id, rule_id)
        ), changed AS (
            UPDATE collection_case c
            SET owner_id = w.owner_id, held_by = NULL, held_until = NULL, version = c.version + 1
            FROM wanted w
            WHERE c.id = w.id AND c.closed_on IS NULL AND c.owner_id IS NOT DISTINCT FROM w.was
            RETURNING c.id, c.owner_id, w.rule_id
        )
        INSERT INTO allocation (case_id, owner_id, allocated_by, reason, kind, rule_id, run_id)
        SELECT c.id, c.owner_id, :allocated_by, r.reason, 'by_rule', c.rule_id, :run_id
        FROM changed c
        JOIN unnest(CAST(:reason_of AS integer[]), CAST(:reasons AS text[])) AS r (rule_id, reason)
          ON r.rule_id = coalesce(c.rule_id, 0)
    """)
    values = {
        "ids": list(case_ids),
        "was": list(before),
        "owners": list(owners),
        "rules": list(rules),
        "reason_of": list(reasons),
        "reasons": list(reasons.values()),
        "run_id": run_id,
        "allocated_by": allocated_by,
    }
    done: Any = session.execute(statement, values)
    return int(done.rowcount)


def next_run_id(session: Session) -> int:
    """The id of a run about to be written."""
    return int(session.execute(text("SELECT nextval(pg_get_serial_sequence('allocation_run', 'id'))")).scalar_one())


def insert_run(session: Session, **values: Any) -> None:
    """Keep what came of a run."""
    session.execute(insert(AllocationRun).values(**values))


def run_of_job(session: Session, job_run_id: int) -> AnyRow | None:
    """The run that a piece of background work has done already."""
    columns = (AllocationRun.id, AllocationRun.considered, AllocationRun.changed, AllocationRun.unallocated)
    return session.execute(select(*columns).where(AllocationRun.job_run_id == job_run_id)).one_or_none()


def runs(session: Session, limit: int) -> Sequence[AnyRow]:
    """Runs, the latest first."""
    return session.execute(
        select(
            AllocationRun.id,
            AllocationRun.at,
            AllocationRun.as_of,
            AllocationRun.version_id,
            AllocationRun.scope,
            AppUser.name.label("asked_by"),
            AllocationRun.considered,
            AllocationRun.allocated,
            AllocationRun.changed,
            AllocationRun.unallocated,
            AllocationRun.seconds,
            AllocationRun.report,
        )
        .outerjoin(AppUser, AppUser.id == AllocationRun.asked_by)
        .order_by(AllocationRun.id.desc())
        .limit(limit)
    ).all()


def history(session: Session, *, before: int | None, kind: str | None, limit: int) -> Sequence[AnyRow]:
    """Changes of hands, the latest first: a page after the row `before`."""
    statement = text("""
        SELECT a.id, a.allocated_at AS at, a.case_id, b.external_id AS number, b.name AS borrower, c.borrower_id,
               o.name AS owner, u.name AS allocated_by, a.kind, a.reason
        FROM (
            SELECT * FROM allocation
            WHERE (CAST(:before AS bigint) IS NULL OR id < :before) AND (CAST(:kind AS text) IS NULL OR kind = :kind)
            ORDER BY id DESC LIMIT :limit
        ) a
        JOIN collection_case c ON c.id = a.case_id
        JOIN borrower b ON b.id = c.borrower_id
        LEFT JOIN app_user o ON o.id = a.owner_id
        LEFT JOIN app_user u ON u.id = a.allocated_by
        ORDER BY a.id DESC
    """)
    return session.execute(statement, {"before": before, "kind": kind, "limit": limit}).all()


def products(session: Session) -> dict[int, str]:
    """Names of products by id."""
    rows = session.execute(select(Product.id, Product.name).order_by(Product.name)).all()
    return {row.id: row.name for row in rows}


def is_daily(session: Session) -> bool:
    """Whether the timetable runs the rules each day."""
    return bool(session.execute(select(Schedule.is_enabled).where(Schedule.kind == KIND)).scalar_one_or_none())


def set_daily(session: Session, *, is_enabled: bool, at: datetime) -> None:
    """Switch the daily run; its next time is the first after `at`, not one that has passed."""
    session.execute(update(Schedule).where(Schedule.kind == KIND).values(is_enabled=is_enabled, last_planned_at=at))
