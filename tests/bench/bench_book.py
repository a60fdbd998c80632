"""The generated book itself: how long the facts take to write. The other benches stand on it."""

from collections.abc import Iterator

from sqlalchemy import text

from db.engine import reading
from tests.bench.harness import Bench, Result

_TABLES = ("borrower", "loan", "instalment", "payment", "mandate_presentation", "contact_point", "promise")


def run(bench: Bench) -> Iterator[Result]:
    """Generate the book, and say how large it is."""
    with bench.book(), reading(statement_timeout_ms=0) as session:
        rows: dict[str, float | int | str] = {
            table: int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()) for table in _TABLES
        }
    yield Result("generate the book", bench.book_seconds, detail=rows)
