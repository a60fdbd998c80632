"""What tests of imports share: a small loan book, loading text as a file, and looking at what came of it."""

from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from services import imports
from services.actors import SYSTEM

LOANS = (
    "Loan No,Customer ID,Customer Name,Loan Amount,Disbursal Date,Dealer\n"
    "L1,C1,Asha,1000,2025-01-01,D1\nL2,C1,Asha,2000,2025-02-01,D2\n"
)


def load(tmp_path: Path, content: str, kind: str = "loan_book", **over: Any) -> imports.BatchSummary:
    """Import a text as the system does."""
    path = tmp_path / "file.csv"
    path.write_text(content)
    return imports.load_file(SYSTEM, path, kind=kind, **over)


def one(session: Session, statement: str) -> Any:
    """The only row of a query."""
    return session.execute(text(statement)).one()


def count(session: Session, table: str) -> int:
    """Rows of a table."""
    return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
