"""Loading the demo: facts in one transaction, then the day-end closes that make them a portfolio."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy.orm import Session

from db.queries import demo as queries
from services import lender
from services.demo import tables, users
from services.demo.columns import as_csv
from services.demo.people import PLACES
from services.demo.products import PRODUCTS, SEGMENT_ATTRIBUTE, SOURCING
from services.demo.runs import all_runs

LENDER = "Sahyog Finance (demo)"
SEED = 20_261
Progress = Callable[[int, int | None, str | None], None]
"""done, total, and what is being done."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Rows written, by table."""

    rows: dict[str, int]

    @property
    def loans(self) -> int:
        """Number of loans."""
        return self.rows["loan"]


def generate(
    session: Session, *, loans: int, seed: int = SEED, as_of: date, progress: Progress | None = None
) -> Loaded:
    """Write a made-up book by COPY in the caller's transaction: facts only, nothing is derived.

    Args:
        session: a transaction on a database that holds no loans.
        loans: size of the book.
        seed: the same seed, size and date give the same book.
        as_of: business date up to which people paid and collectors worked.
        progress: told of the loans written so far.
    """
    queries.name_lender(session, LENDER, SEGMENT_ATTRIBUTE)
    keys = _keys(session)
    rows: dict[str, int] = {}
    for run in all_runs(loans=loans, seed=seed, as_of=as_of):
        for table, columns in tables.rows(run, keys):
            queries.copy(session, table, list(columns), as_csv(columns, header=False))
            rows[table] = rows.get(table, 0) + len(next(iter(columns.values())))
        if progress is not None:
            progress(rows["loan"], loans, "writing loans")
    return Loaded(rows)


def _keys(session: Session) -> tables.Keys:
    known = users.ensure(session)
    products = _products(session)
    return tables.Keys(
        products=products,
        segments=_segments(session, products),
        collectors=np.array([known[name] for name in users.AGENTS]),
        reserve=lambda table, size: queries.reserve_ids(session, table, size),
        currency=lender.load(session).currency,
    )


def _products(session: Session) -> np.ndarray:
    rows = [
        {"code": p.code, "name": p.name, "is_microfinance": p.is_microfinance, "is_secured": p.is_secured}
        for p in PRODUCTS
    ]
    ids = queries.product_ids(session, rows)
    return np.array([ids[p.code] for p in PRODUCTS])


def _segments(session: Session, products: np.ndarray) -> np.ndarray:
    """Ids by position of product, place and sourcing."""
    keys = [(int(product), place, word) for product in products for place in PLACES for word in SOURCING]
    rows = [
        {"product_id": product, "region": place.region, "branch": place.branch, "attribute": word}
        for product, place, word in keys
    ]
    ids = queries.segment_ids(session, rows)
    found = [ids[product, place.branch, word] for product, place, word in keys]
    return np.array(found).reshape(len(products), len(PLACES), len(SOURCING))
