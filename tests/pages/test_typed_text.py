"""What people typed and files brought is shown and not obeyed: each page on a book in which every text holds a link."""

from datetime import date

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from streamlit.testing.v1.element_tree import Element

from components.screens import SCREENS
from db.engine import reading
from services import demo
from services.actors import ROLE_PERMISSIONS, SYSTEM, Role
from tests.pages.conftest import opened, token_of

LINK = "[see](//else.where)"
_OURS = (
    "asset_class|.*stage.*|status|kind|channel|direction|code|.*_code|locale|currency|time_zone|languages?|source|username|"
    "password_hash|request_key|sent_by|state|role|rhythm|method|outcome|last_outcome|next_action|next_step|act|entity|"
    "severity|rule|anchor|template_key|reached|person|phase|basis|scope|mode|media_type|about|way|party_role"
)
"""Columns whose words are the product's own, or that others are found by."""
_NOT_MARKDOWN = {"arrow_data_frame", "code", "html", "text", "json", "plotly_chart", "table", "image"}


@pytest.fixture(scope="module")
def book(pages_database, cast):
    """A small demo book with a link in every text that is not the product's own."""
    demo.load(SYSTEM, loans=400, as_of=date(2025, 11, 22))
    with psycopg.connect(pages_database.superuser_url.replace("+psycopg", ""), autocommit=True) as connection:
        columns = connection.execute(
            """
            SELECT c.table_name, c.column_name FROM information_schema.columns c
            JOIN pg_class t ON t.oid = to_regclass(c.table_name)
            WHERE c.table_schema = 'public' AND c.data_type = 'text' AND t.relkind IN ('r', 'p')
            AND NOT t.relispartition AND c.column_name !~ %s
            AND c.table_name NOT IN ('alembic_version', 'audit_event', 'audit_seal')
            """,
            [f"^({_OURS})$"],
        ).fetchall()
        linked = {f"{table}.{column}" for table, column in columns if _link(connection, table, column)}
    assert {"borrower.name", "app_user.name", "hold.reason", "disposition.label", "reminder_rule.name"} <= linked


def _link(connection, table, column):
    """Whether the column could take a link: some have a fixed set of words, some are unique or short."""
    change = sql.SQL("UPDATE {} SET {column} = left({column}, 12) || {} WHERE {column} <> ''")
    try:
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")
            return connection.execute(
                change.format(sql.Identifier(table), LINK, column=sql.Identifier(column))
            ).rowcount
    except (psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation):
        return 0


def _addresses():
    """Every page, and what is opened on those that show one thing."""
    shown = {
        "borrower": "borrower",
        "complaints": "complaint",
        "legal": "action",
        "approvals": "request",
        "visits": "visit",
    }
    found = [(screen, None) for screen in SCREENS]
    return found + [(screen, shown[screen.url_path]) for screen in SCREENS if screen.url_path in shown]


def _ids(name):
    tables = {"complaint": "complaint", "action": "legal_action", "request": "approval_request", "visit": "visit"}
    with reading() as session:
        if name == "borrower":
            said = ("complaint", "repayment_plan", "settlement", "hardship", "legal_action", "visit", "follow_up")
            queries = [f"(SELECT borrower_id FROM {table} ORDER BY id LIMIT 1)" for table in said]
            return set(session.execute(text(" UNION ".join(queries))).scalars())
        return list(session.execute(text(f"SELECT id FROM {tables[name]} ORDER BY id DESC LIMIT 2")).scalars())


def _obeyed(app):
    """Where Markdown holds the link unescaped."""
    for element in app._tree:
        if isinstance(element, Element) and element.type not in _NOT_MARKDOWN:
            for name in ("body", "label", "help"):
                if LINK in (said := str(getattr(element.proto, name, ""))):
                    yield f"{element.type} {name}: {said[:120]}"


@pytest.mark.parametrize(
    ("screen", "opens"), [pytest.param(*each, id=f"{each[0].url_path}-{each[1]}") for each in _addresses()]
)
def test_no_text_of_the_book_becomes_a_link(book, screen, opens):
    role = Role.LEADER if screen.permission in ROLE_PERMISSIONS[Role.LEADER] else Role.ADMIN
    for key in _ids(opens) if opens else [None]:
        app = opened(token_of(role), url_path=screen.url_path, address={opens: str(key)} if opens else {})
        assert not app.exception
        assert not [error.value for error in app.error]
        assert not list(_obeyed(app))
