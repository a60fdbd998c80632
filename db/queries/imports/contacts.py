"""Contact points and consent from files. Values are encrypted on the way; nothing here sees more than their index."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports import comparing
from db.queries.imports.adding import add, rowcount
from db.queries.imports.plan import Plan
from db.queries.imports.staging import raw_connection

KINDS = ("phone", "whatsapp", "email", "address")
_BATCH = 20_000
_ROLE = "regexp_replace(lower(t.party_role), '[^a-z]', '', 'g')"
_CHANGES = (
    "(coalesce(t.consent, o.consent), coalesce(t.do_not_contact, o.do_not_contact), coalesce(t.is_primary, o.is_primary))"
    " IS DISTINCT FROM (o.consent, o.do_not_contact, o.is_primary)"
)


def create_points(session: Session, plan: Plan) -> None:
    """Make the empty table of encrypted points.

    Each has the number that it keeps as a contact point, so that its consent is told without looking for it.
    """
    session.execute(text(f"DROP TABLE IF EXISTS {plan.points}"))
    session.execute(
        text(
            f"CREATE UNLOGGED TABLE {plan.points} (line bigint, kind text, value_encrypted bytea, value_index bytea, "
            "value_hint text, id bigint NOT NULL DEFAULT nextval('contact_point_id_seq')) WITH (autovacuum_enabled = false)"
        )
    )


def clear_values(session: Session, plan: Plan) -> Iterator[list[tuple[int, str, str]]]:
    """(line, kind, value) of accepted rows, in batches, for encryption. One cursor: memory stays bounded."""
    filled = [kind for kind in KINDS if plan.has(kind)]
    if not filled:
        return
    values = ", ".join(f"('{kind}', t.{kind})" for kind in filled)
    statement = (
        f"SELECT t.line, v.kind, v.value FROM {plan.typed} t, LATERAL (VALUES {values}) v (kind, value) "
        "WHERE t.faults IS NULL AND v.value IS NOT NULL"
    )
    with raw_connection(session).cursor(name="import_values") as cursor:
        cursor.execute(statement.encode())
        while rows := cursor.fetchmany(_BATCH):
            yield rows


def add_points(session: Session, plan: Plan, rows: Sequence[tuple[int, str, bytes, bytes, str]]) -> None:
    """Write a batch of encrypted points."""
    order = f"COPY {plan.points} (line, kind, value_encrypted, value_index, value_hint) FROM STDIN (FORMAT binary)"
    with raw_connection(session).cursor() as cursor, cursor.copy(order.encode()) as copy:
        copy.set_types(["int8", "text", "bytea", "bytea", "text"])
        for row in rows:
            copy.write_row(row)


def wipe_clear_values(session: Session, plan: Plan) -> None:
    """Take the values in the clear out of the typed table once they are encrypted."""
    filled = [kind for kind in KINDS if plan.has(kind)]
    for kind in filled:
        session.execute(text(f"ALTER TABLE {plan.typed} DROP COLUMN {kind}"))
    session.execute(text(f"ANALYZE {plan.points}"))


def settle_repeats(session: Session, plan: Plan) -> int:
    """Keep one point of those that several rows give for a borrower; how many rows are faults since they contradict.

    Rows of one moment that say different things about consent are all faults. Of others the latest consent holds, or
    else the later row.
    """
    points = f"{plan.points} n JOIN {plan.typed} t USING (line)"
    if not _list_repeats(session, plan, points):
        return 0
    repeated = f"{points} JOIN import_repeat USING (borrower_id, kind, value_index)"
    flags = ("consent", "do_not_contact", "is_primary")
    contradicts = " OR ".join(f"bool_or({flag}) OVER w AND NOT bool_and({flag}) OVER w" for flag in flags)
    faults = rowcount(
        session,
        f"""
        UPDATE {plan.typed} t SET faults = 'row:differs' FROM (
            SELECT line, {contradicts} AS contradicts FROM {repeated}
            WINDOW w AS (PARTITION BY t.borrower_id, n.kind, n.value_index, t.consent_at)
        ) said WHERE said.contradicts AND said.line = t.line
        """,
        {},
    )
    session.execute(
        text(f"DELETE FROM {plan.points} n USING {plan.typed} t WHERE t.line = n.line AND t.faults IS NOT NULL")
    )
    session.execute(
        text(
            f"""
            DELETE FROM {plan.points} p USING (
                SELECT n.ctid AS row, row_number() OVER (PARTITION BY t.borrower_id, n.kind, n.value_index
                                                         ORDER BY t.consent_at DESC NULLS LAST, n.line DESC) AS place
                FROM {repeated}
            ) ranked WHERE p.ctid = ranked.row AND ranked.place > 1
            """
        )
    )
    return faults


def _list_repeats(session: Session, plan: Plan, points: str) -> int:
    """List the points that several rows give for a borrower; how many. Few borrowers have several rows: they are asked."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_repeat"))
    several = f"SELECT borrower_id FROM {plan.typed} WHERE faults IS NULL GROUP BY 1 HAVING count(*) > 1"
    return rowcount(
        session,
        f"""
        CREATE TEMPORARY TABLE import_repeat ON COMMIT DROP AS
        SELECT t.borrower_id, n.kind, n.value_index FROM {points} WHERE t.borrower_id IN ({several})
        GROUP BY 1, 2, 3 HAVING count(*) > 1
        """,
        {},
    )


def _known(plan: Plan) -> str:
    return (
        f"{plan.points} n JOIN {plan.typed} t USING (line) LEFT JOIN contact_point o "
        "ON o.borrower_id = t.borrower_id AND o.kind = n.kind AND o.value_index = n.value_index"
    )


def compare(session: Session, plan: Plan) -> AnyRow:
    """Contact points new, changed and unchanged. Contacts files only."""
    return comparing.compare(session, _known(plan), key="id", differs=_CHANGES)


def samples(session: Session, plan: Plan) -> list[AnyRow]:
    """First points that would change, masked: whose, from what, to what."""
    return list(
        session.execute(
            text(
                f"""
                SELECT b.external_id || ' ' || n.value_hint AS subject,
                       jsonb_build_object('consent', o.consent, 'do_not_contact', o.do_not_contact,
                                          'is_primary', o.is_primary) AS before,
                       jsonb_build_object('consent', coalesce(t.consent, o.consent),
                           'do_not_contact', coalesce(t.do_not_contact, o.do_not_contact),
                           'is_primary', coalesce(t.is_primary, o.is_primary)) AS after
                FROM {_known(plan)} JOIN borrower b ON b.id = t.borrower_id WHERE o.id IS NOT NULL AND {_CHANGES} LIMIT 20
                """
            )
        )
    )


def lines_that_add(plan: Plan) -> str:
    """Lines of a loan book whose borrower is known and has a number or address that is not."""
    return f"""
        SELECT n.line FROM {plan.points} n JOIN {plan.typed} t USING (line)
        WHERE t.borrower_id IS NOT NULL AND t.loan_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM contact_point o WHERE (o.borrower_id, o.kind, o.value_index) = (t.borrower_id, n.kind, n.value_index))
    """


def commit_from_loan_book(session: Session, plan: Plan) -> int:
    """Add the numbers and addresses of a loan book that are not known yet; the first of a kind is the primary one."""
    return rowcount(
        session,
        f"""
        INSERT INTO contact_point (borrower_id, kind, value_encrypted, value_index, value_hint, is_primary, created_batch_id)
        SELECT DISTINCT ON (b.id, n.kind, n.value_index) b.id, n.kind, n.value_encrypted, n.value_index, n.value_hint,
               NOT EXISTS (SELECT FROM contact_point o WHERE o.borrower_id = b.id AND o.kind = n.kind), :batch
        FROM {plan.points} n JOIN {plan.typed} t USING (line)
        JOIN borrower b ON b.external_id = t.borrower_key
        ORDER BY b.id, n.kind, n.value_index, n.line
        ON CONFLICT (borrower_id, kind, value_index) DO NOTHING
        """,
        {"batch": plan.batch_id},
    )


def commit(session: Session, plan: Plan, *, may_change: bool, is_new: bool) -> dict[str, int]:
    """Add new points and parties, change consent and flags of known ones, and keep the history of consent.

    `may_change`: the check found some that change; `is_new`: it found none of them there.
    """
    bound = {"batch": plan.batch_id}
    changed = _change(session, plan, bound) if may_change else 0
    if plan.has("party_role"):
        _add_parties(session, plan, bound)
    new = _add_points_of_borrowers(session, plan, bound, is_new=is_new)
    _tell_consent_of_new(session, plan, bound, are_all_new=is_new and new == _count(session, plan))
    return {"points_new": new, "points_changed": changed}


def _change(session: Session, plan: Plan, bound: dict[str, Any]) -> int:
    _keep_and_tell(session, plan, bound)
    return rowcount(
        session,
        f"""
        UPDATE contact_point c SET consent = coalesce(t.consent, c.consent),
               do_not_contact = coalesce(t.do_not_contact, c.do_not_contact),
               is_primary = coalesce(t.is_primary, c.is_primary)
        FROM {_known(plan)} WHERE o.id = c.id AND {_CHANGES}
        """,
        {},
    )


def _tell_consent_of_new(session: Session, plan: Plan, bound: dict[str, Any], *, are_all_new: bool) -> None:
    """The first event of each new point's consent."""
    if not plan.has("consent"):
        return
    # a point that was there keeps its own number: that of the file is then nobody's
    is_new = "" if are_all_new else "AND EXISTS (SELECT FROM contact_point c WHERE c.id = n.id)"
    session.execute(
        text(
            f"""
            INSERT INTO consent_event (contact_point_id, given, at, source, batch_id)
            SELECT n.id, t.consent, coalesce(t.consent_at, now()), coalesce(t.consent_source, 'import'), :batch
            FROM {plan.points} n JOIN {plan.typed} t USING (line) WHERE t.consent IS NOT NULL {is_new}
            """
        ),
        bound,
    )


def _count(session: Session, plan: Plan) -> int:
    return int(session.execute(text(f"SELECT count(*) FROM {plan.points}")).scalar_one())


def _keep_and_tell(session: Session, plan: Plan, bound: dict[str, Any]) -> None:
    """Keep what is about to change, and write the events of changed consent."""
    session.execute(
        text(
            f"""
            INSERT INTO import_change (batch_id, entity, entity_id, before)
            SELECT DISTINCT ON (o.id) CAST(:batch AS int), 'contact_point', o.id,
                   jsonb_build_object('consent', o.consent, 'do_not_contact', o.do_not_contact, 'is_primary', o.is_primary)
            FROM {_known(plan)} WHERE o.id IS NOT NULL AND {_CHANGES} ORDER BY o.id
            """
        ),
        bound,
    )
    session.execute(
        text(
            f"""
            INSERT INTO consent_event (contact_point_id, given, at, source, batch_id)
            SELECT DISTINCT ON (o.id) o.id, t.consent, coalesce(t.consent_at, now()), coalesce(t.consent_source, 'import'), :batch
            FROM {_known(plan)} WHERE o.id IS NOT NULL AND t.consent IS DISTINCT FROM o.consent AND t.consent IS NOT NULL
            ORDER BY o.id, t.line DESC
            """
        ),
        bound,
    )


def _party(plan: Plan) -> str:
    role = f"CASE WHEN {_ROLE} IN ('coborrower', 'coapplicant') THEN 'co_borrower' WHEN {_ROLE} = 'guarantor' THEN 'guarantor' END"
    return (
        f"SELECT t.line, t.borrower_id, {role} AS role, t.party_name AS name FROM {plan.typed} t WHERE t.faults IS NULL"
    )


def _add_parties(session: Session, plan: Plan, bound: dict[str, Any]) -> None:
    session.execute(
        text(
            f"""
            INSERT INTO party (borrower_id, role, name, created_batch_id)
            SELECT DISTINCT borrower_id, role, name, CAST(:batch AS integer) FROM ({_party(plan)}) y WHERE role IS NOT NULL
            AND NOT EXISTS (SELECT FROM party p WHERE (p.borrower_id, p.role, p.name) = (y.borrower_id, y.role, y.name))
            """
        ),
        bound,
    )


def _add_points_of_borrowers(session: Session, plan: Plan, bound: dict[str, Any], *, is_new: bool) -> int:
    parties, party = "", "CAST(NULL AS bigint)"
    if plan.has("party_role"):
        party = "p.id"
        parties = f"""
            JOIN ({_party(plan)}) y USING (line)
            LEFT JOIN party p ON (p.borrower_id, p.role, p.name) = (y.borrower_id, y.role, y.name)
        """
    return add(
        session,
        f"""
        INSERT INTO contact_point (id, borrower_id, party_id, kind, value_encrypted, value_index, value_hint, is_primary,
                                   do_not_contact, consent, created_batch_id)
        SELECT n.id, t.borrower_id, {party}, n.kind, n.value_encrypted, n.value_index, n.value_hint,
               coalesce(t.is_primary, {party} IS NULL AND NOT EXISTS (
                   SELECT FROM contact_point o WHERE o.borrower_id = t.borrower_id AND o.kind = n.kind)),
               coalesce(t.do_not_contact, false), t.consent, :batch
        FROM {plan.points} n JOIN {plan.typed} t USING (line) {parties}
        """,
        "borrower_id, kind, value_index",
        bound,
        is_new=is_new,
    )
