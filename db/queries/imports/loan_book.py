"""Borrowers and loans from a loan book. A blank cell keeps what is there; what is not in the file is left alone."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.imports import contacts, reported
from db.queries.imports.adding import rowcount
from db.queries.imports.plan import Plan

_LOAN = (
    "disbursed_on", "maturity_on", "principal", "interest_rate", "tenure_months", "instalment_amount", "closed_on",
    "written_off_on",
)  # fmt: skip
_BORROWER = ("name", "city", "state", "language", "region")
_THEIRS = {"name": "borrower_name"}

_LOAN_DIFFERS = (
    f"(({', '.join(f'coalesce(t.{c}, l.{c})' for c in _LOAN)}) IS DISTINCT FROM ({', '.join(f'l.{c}' for c in _LOAN)})"
    " OR NOT l.attributes @> t.attributes"
    " OR (coalesce(t.product, p.code), coalesce(t.region, s.region), coalesce(t.branch, s.branch))"
    " IS DISTINCT FROM (p.code, s.region, s.branch))"
)
_BORROWER_DIFFERS = (
    f"(({', '.join(f'coalesce(t.{_THEIRS.get(c, c)}, b.{c})' for c in _BORROWER)})"
    f" IS DISTINCT FROM ({', '.join(f'b.{c}' for c in _BORROWER)}))"
)


def _known(plan: Plan) -> str:
    return (
        f"{plan.typed} t JOIN loan l ON l.id = t.loan_id JOIN product p ON p.id = l.product_id "
        "JOIN segment s ON s.id = l.segment_id"
    )


def _first_of_borrower(plan: Plan) -> str:
    """The first row of each known borrower: it decides, where rows of one borrower differ."""
    columns = ", ".join(_THEIRS.get(c, c) for c in _BORROWER)
    return (
        f"(SELECT DISTINCT ON (borrower_id) borrower_id, line, {columns} FROM {plan.typed} "
        "WHERE faults IS NULL AND borrower_id IS NOT NULL ORDER BY borrower_id, line)"
    )


def _attribute(attributes: str) -> str:
    """The value of the lender's segment attribute; where there is none, attributes are not put together to ask for it.

    Remarks that are longer than any name are nothing to choose from, nor would an index hold them.
    """
    name = "(SELECT segment_attribute FROM lender)"
    value = f"({attributes}) ->> {name}"
    return f"CASE WHEN {name} IS NOT NULL AND length({value}) <= 100 THEN {value} END"


def compare(session: Session, plan: Plan) -> dict[str, int]:
    """What committing would do: loans new, changed, unchanged, and those of the open book that the file lacks.

    `borrowers` are those who change although only new loans of theirs are in the file.
    """
    row = session.execute(
        text(
            f"""
            SELECT count(*) FILTER (WHERE loan_id IS NULL) AS new, count(loan_id) AS known,
                   count(borrower_id) > 0 AS is_known
            FROM {plan.typed} WHERE faults IS NULL
            """
        )
    ).one()
    if not row.is_known:
        return {"new": row.new, "changed": 0, "unchanged": 0, "missing": _missing(session, plan), "borrowers": 0}
    changing = [
        f"SELECT t.line FROM {_known(plan)} WHERE t.faults IS NULL AND {_LOAN_DIFFERS}",
        f"SELECT t.line FROM {_first_of_borrower(plan)} t JOIN borrower b ON b.id = t.borrower_id WHERE {_BORROWER_DIFFERS}",
    ]
    if plan.is_reported:
        changing.append(reported.lines_that_change(plan))
    if plan.has(*contacts.KINDS):
        changing.append(contacts.lines_that_add(plan))
    changed = session.execute(
        text(
            f"""
            SELECT count(t.loan_id) AS loans, count(*) FILTER (WHERE t.loan_id IS NULL) AS borrowers
            FROM ({" UNION ".join(changing)}) changed JOIN {plan.typed} t USING (line)
            """
        )
    ).one()
    return {
        "new": row.new,
        "changed": changed.loans,
        "unchanged": row.known - changed.loans,
        "missing": _missing(session, plan),
        "borrowers": changed.borrowers,
    }


def _missing(session: Session, plan: Plan) -> int:
    return int(
        session.execute(
            text(
                f"""
                SELECT count(*) FROM loan l WHERE l.closed_on IS NULL
                AND NOT EXISTS (SELECT FROM {plan.typed} t WHERE t.loan_number = l.external_id)
                """
            )
        ).scalar_one()
    )


def samples(session: Session, plan: Plan) -> list[AnyRow]:
    """First loans and borrowers that would change: whose, from what, to what."""
    loan_before = ", ".join(f"'{c}', l.{c}" for c in _LOAN)
    loan_after = ", ".join(f"'{c}', coalesce(t.{c}, l.{c})" for c in _LOAN)
    before = ", ".join(f"'{c}', b.{c}" for c in _BORROWER)
    after = ", ".join(f"'{c}', coalesce(t.{_THEIRS.get(c, c)}, b.{c})" for c in _BORROWER)
    statement = f"""
        (SELECT l.external_id AS subject,
                jsonb_build_object({loan_before}, 'product', p.code, 'region', s.region, 'branch', s.branch)
                    || l.attributes AS before,
                jsonb_build_object({loan_after}, 'product', coalesce(t.product, p.code),
                    'region', coalesce(t.region, s.region), 'branch', coalesce(t.branch, s.branch))
                    || l.attributes || t.attributes AS after
         FROM {_known(plan)} WHERE t.faults IS NULL AND {_LOAN_DIFFERS} LIMIT 20)
        UNION ALL
        (SELECT b.external_id, jsonb_build_object({before}), jsonb_build_object({after})
         FROM {_first_of_borrower(plan)} t JOIN borrower b ON b.id = t.borrower_id WHERE {_BORROWER_DIFFERS} LIMIT 10)
    """
    return list(session.execute(text(statement)))


# --- commit -------------------------------------------------------------------------------------------------------


def commit(
    session: Session, plan: Plan, *, currency: str, may_change: bool, may_add: bool, are_all_new: bool
) -> dict[str, int]:
    """Write borrowers, loans and reported figures; keep what changed. Numbers of what was done.

    `may_change`, `may_add`, `are_all_new`: whether the check found borrowers or loans that change, loans that are new,
    and no others.
    """
    bound: dict[str, Any] = {"batch": plan.batch_id}
    product = str(plan.options.get("product") or "Loans")
    counts = dict.fromkeys(("borrowers_changed", "loans_changed", "borrowers_new", "loans_new"), 0)
    if may_change:
        counts["borrowers_changed"] = _change_borrowers(session, plan, bound)
    if may_change or may_add:
        _list_changing(session, plan, is_any=may_change)
        _make_segments(session, plan, product)
        counts["loans_changed"] = _change_loans(session, bound)
    if may_add:
        counts["borrowers_new"] = _add_borrowers(session, plan, bound)
        source = "snapshot" if plan.is_reported else "schedule"
        told = bound | {"currency": currency, "source": source, "product": product}
        counts["loans_new"] = _add_loans(session, plan, told, are_all_new=are_all_new)
    if plan.is_reported:
        counts["reported_new"], counts["reported_changed"] = reported.write(session, plan)
    return counts


def _change_borrowers(session: Session, plan: Plan, bound: dict[str, Any]) -> int:
    columns = ", ".join(f"'{c}', b.{c}" for c in _BORROWER)
    changes = ", ".join(f"{c} = coalesce(t.{_THEIRS.get(c, c)}, b.{c})" for c in _BORROWER)
    source = f"FROM {_first_of_borrower(plan)} t JOIN borrower b ON b.id = t.borrower_id WHERE {_BORROWER_DIFFERS}"
    statement = f"""
        INSERT INTO import_change (batch_id, entity, entity_id, before)
        SELECT :batch, 'borrower', b.id, jsonb_build_object({columns}) {source}
    """
    if not rowcount(session, statement, bound):
        return 0
    return rowcount(
        session,
        f"UPDATE borrower b SET {changes} FROM {_first_of_borrower(plan)} t "
        f"WHERE b.id = t.borrower_id AND {_BORROWER_DIFFERS}",
        {},
    )


def _list_changing(session: Session, plan: Plan, *, is_any: bool) -> None:
    differs = _LOAN_DIFFERS if is_any else "false"
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_changing"))
    columns = ", ".join(f"coalesce(t.{c}, l.{c}) AS {c}" for c in _LOAN)
    session.execute(
        text(
            f"""
            CREATE TEMPORARY TABLE import_changing ON COMMIT DROP AS
            SELECT l.id AS loan_id, {columns}, l.attributes || t.attributes AS attributes,
                   coalesce(t.product, p.code) AS product, coalesce(t.region, s.region) AS region,
                   coalesce(t.branch, s.branch) AS branch,
                   {_attribute("l.attributes || t.attributes")} AS attribute
            FROM {_known(plan)} WHERE t.faults IS NULL AND {differs}
            """
        )
    )


def _make_segments(session: Session, plan: Plan, product: str) -> None:
    """Products and segments that the rows name, and a table that finds a segment by its parts."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_segment"))
    session.execute(
        text(
            f"""
            CREATE TEMPORARY TABLE import_segment ON COMMIT DROP AS
            SELECT coalesce(product, CAST(:product AS text)) AS product, region, branch,
                   {_attribute("attributes")} AS attribute
            FROM {plan.typed} WHERE faults IS NULL AND loan_id IS NULL GROUP BY 1, 2, 3, 4
            UNION SELECT product, region, branch, attribute FROM import_changing
            """
        ),
        {"product": product},
    )
    session.execute(
        text(
            "INSERT INTO product (code, name) SELECT DISTINCT product, product FROM import_segment ON CONFLICT (code) DO NOTHING"
        )
    )
    session.execute(
        text(
            """
            INSERT INTO segment (product_id, region, branch, attribute)
            SELECT p.id, i.region, i.branch, i.attribute FROM import_segment i JOIN product p ON p.code = i.product
            ON CONFLICT DO NOTHING
            """
        )
    )
    session.execute(text("DROP TABLE IF EXISTS pg_temp.import_segment_id"))
    session.execute(
        text(
            f"""
            CREATE TEMPORARY TABLE import_segment_id ON COMMIT DROP AS
            SELECT {_parts("i.product", "i.region", "i.branch", "i.attribute")} AS parts, s.id AS segment_id,
                   p.id AS product_id
            FROM import_segment i JOIN product p ON p.code = i.product JOIN segment s ON s.product_id = p.id
              AND s.region IS NOT DISTINCT FROM i.region AND s.branch IS NOT DISTINCT FROM i.branch
              AND s.attribute IS NOT DISTINCT FROM i.attribute
            """
        )
    )
    session.execute(text("ANALYZE import_segment_id"))


def _parts(product: str, region: str, branch: str, attribute: str) -> str:
    """What a segment is known by in one text: the planner takes four conditions for far fewer rows than one.

    No cell is empty text, so that it can stand for none.
    """
    return f"concat({product}, E'\\x1f', {region}, E'\\x1f', {branch}, E'\\x1f', {attribute})"


def _change_loans(session: Session, bound: dict[str, Any]) -> int:
    kept = (*_LOAN, "attributes", "segment_id", "product_id")
    columns = ", ".join(f"'{c}', l.{c}" for c in kept)
    changed = rowcount(
        session,
        f"""
        INSERT INTO import_change (batch_id, entity, entity_id, before)
        SELECT :batch, 'loan', l.id, jsonb_build_object({columns}) FROM import_changing c JOIN loan l ON l.id = c.loan_id
        """,
        bound,
    )
    if changed:
        changes = ", ".join(f"{c} = c.{c}" for c in (*_LOAN, "attributes"))
        session.execute(
            text(
                f"""
                UPDATE loan l SET {changes}, segment_id = i.segment_id, product_id = i.product_id
                FROM import_changing c
                JOIN import_segment_id i ON i.parts = {_parts("c.product", "c.region", "c.branch", "c.attribute")}
                WHERE l.id = c.loan_id
                """
            )
        )
    return changed


def _add_borrowers(session: Session, plan: Plan, bound: dict[str, Any]) -> int:
    one_each = plan.has("borrower_number")
    distinct = "DISTINCT ON (borrower_key)" if one_each else ""
    order = "borrower_key, line" if one_each else "line"
    return rowcount(
        session,
        f"""
        INSERT INTO borrower (external_id, name, language, city, state, region, created_batch_id)
        SELECT {distinct} borrower_key, coalesce(borrower_name, borrower_key), language, city, state, region, :batch
        FROM {plan.typed} WHERE faults IS NULL AND borrower_id IS NULL ORDER BY {order}
        """,
        bound,
    )


def _add_loans(session: Session, plan: Plan, bound: dict[str, Any], *, are_all_new: bool) -> int:
    columns = ", ".join(_LOAN)
    values = ", ".join(f"t.{c}" for c in _LOAN)
    # where nothing is known the planner need not guess how many rows are new: it takes them for very few
    are_new = "" if are_all_new else "AND t.loan_id IS NULL"
    parts = _parts("coalesce(t.product, :product)", "t.region", "t.branch", _attribute("t.attributes"))
    return rowcount(
        session,
        f"""
        INSERT INTO loan (external_id, borrower_id, product_id, segment_id, source, currency, {columns}, attributes,
                          created_batch_id)
        SELECT t.loan_number, b.id, i.product_id, i.segment_id, :source, :currency, {values}, t.attributes, :batch
        FROM {plan.typed} t JOIN borrower b ON b.external_id = t.borrower_key JOIN import_segment_id i ON i.parts = {parts}
        WHERE t.faults IS NULL {are_new}
        """,
        bound,
    )
