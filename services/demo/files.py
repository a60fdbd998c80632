"""The demo's book as the CSV files that an import takes: loan book, schedule, payments, contacts and a snapshot."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from services.demo import identity
from services.demo.behaviour import BOUNCE_REASONS, MODES
from services.demo.columns import as_csv, constant, day, joined, money, numbered, pick
from services.demo.loading import SEED
from services.demo.people import PLACES
from services.demo.products import PRODUCTS, SOURCING
from services.demo.runs import Run, all_runs
from services.demo.states import states
from services.demo.tables import Columns, customer_numbers, loan_numbers, receipt_numbers

FILES = ("loan_book", "schedule", "payments", "contacts", "snapshot")


def write_files(folder: Path, *, loans: int, seed: int = SEED, as_of: date) -> dict[str, Path]:
    """Write loan_book.csv, schedule.csv, payments.csv, contacts.csv and snapshot.csv; their paths by kind of import.

    Args:
        folder: made if it is not there; files of these names in it are replaced.
        loans: size of the book; memory does not grow with it.
        seed: the same seed, size and date give the same files, and the same book as `generate`.
        as_of: business date of the book; the snapshot is of the month-end before it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {kind: folder / f"{kind}.csv" for kind in FILES}
    for number, run in enumerate(all_runs(loans=loans, seed=seed, as_of=as_of)):
        for kind, columns in _files(run, as_of):
            with paths[kind].open("wb" if number == 0 else "ab") as file:
                file.write(as_csv(columns, header=number == 0))
    return paths


def _files(run: Run, as_of: date) -> Iterator[tuple[str, Columns]]:
    names = identity.names(run.rng, run.book.place)
    yield "loan_book", _loan_book(run, names)
    yield "schedule", _schedule(run)
    yield "payments", _payments(run)
    yield "contacts", _contacts(run, names)
    yield "snapshot", _snapshot(run, np.datetime64(as_of.replace(day=1) - timedelta(days=1), "D"))


def _loan_book(run: Run, names: pa.Array) -> Columns:
    book = run.book
    place = book.place[book.borrower]

    def of(field: str) -> pa.Array:
        return pick([getattr(p, field) for p in PLACES], place)

    return {
        "loan_number": loan_numbers(book),
        "borrower_number": customer_numbers(book).take(pa.array(book.borrower)),
        "borrower_name": names.take(pa.array(book.borrower)),
        "product": pick([p.name for p in PRODUCTS], book.product),
        "region": of("region"),
        "branch": of("branch"),
        "city": of("city"),
        "state": of("state"),
        "language": of("language"),
        "disbursed_on": day(book.disbursed_on),
        "maturity_on": day(run.schedules.due_on[np.arange(book.loans), book.tenure - 1]),
        "principal": money(book.principal),
        "interest_rate": money(book.rate),
        "tenure_months": pa.array(book.tenure),
        "emi": money(run.schedules.instalment),
        "closed_on": day(run.behaviour.closed_on),
        "written_off_on": day(run.behaviour.written_off_on),
        "sourcing": pick(SOURCING, book.sourcing),
    }


def _schedule(run: Run) -> Columns:
    plan = run.schedules
    loan, number = np.nonzero(plan.exists)
    return {
        "loan_number": loan_numbers(run.book).take(pa.array(loan)),
        "instalment_number": pa.array(number + 1),
        "due_date": day(plan.due_on[plan.exists]),
        "principal": money(plan.principal[plan.exists]),
        "interest": money(plan.interest[plan.exists]),
        "charges": money(plan.charges[plan.exists]),
    }


def _payments(run: Run) -> Columns:
    """Receipts, then the reversals of some, then the auto-debits that bounced."""
    paid, bounced = run.behaviour.payments, run.behaviour.bounces
    receipts = receipt_numbers(paid.loan)
    back = np.flatnonzero(~np.isnat(paid.reversed_on))
    taken = receipts.take(pa.array(back))
    sizes = (len(paid.loan), len(back), len(bounced.loan))
    loan = np.concatenate([paid.loan, paid.loan[back], bounced.loan])
    mode = np.concatenate([paid.mode, paid.mode[back], np.full(sizes[2], MODES.index("nach"))])
    month = bounced.presented_on.astype("datetime64[M]").astype(np.int64)
    entries = zip(("payment", "reversal", "bounce"), sizes, strict=True)
    return {
        "loan_number": loan_numbers(run.book).take(pa.array(loan)),
        "paid_on": day(np.concatenate([paid.paid_on, paid.reversed_on[back], bounced.presented_on])),
        "amount": money(np.concatenate([paid.amount, paid.amount[back], bounced.amount])),
        "receipt_number": pa.concat_arrays([receipts, joined(taken, pa.scalar("-REV")), numbered("N", month, 4)]),
        "entry": pa.concat_arrays([constant(word, size) for word, size in entries]),
        "mode": pick(MODES, mode),
        "reversal_of": pa.concat_arrays([_none(sizes[0]), taken, _none(sizes[2])]),
        "reason": pa.concat_arrays([_none(sizes[0] + sizes[1]), pick(BOUNCE_REASONS, bounced.reason)]),
    }


def _none(size: int) -> pa.Array:
    return pa.nulls(size, pa.string())


def _contacts(run: Run, names: pa.Array) -> Columns:
    size = run.book.borrowers
    numbers = run.book.first_borrower + 1 + np.arange(size)
    return {
        "borrower_number": customer_numbers(run.book),
        "phone": identity.phones(run.rng, size),
        "email": identity.emails(run.rng, names, numbers),
        "address": identity.addresses(run.rng, run.book.place),
        "consent": pick(["no", "yes", None], run.rng.choice(3, size, p=[0.06, 0.86, 0.08])),
        "consent_source": constant("loan agreement", size),
    }


def _snapshot(run: Run, as_of: np.datetime64) -> Columns:
    state = states(run, as_of)
    at = np.flatnonzero(state.is_active)
    return {
        "loan_number": loan_numbers(run.book).take(pa.array(at)),
        "as_of": day(np.full(len(at), as_of)),
        "dpd": pa.array(state.dpd[at]),
        "outstanding": money(state.outstanding[at]),
        "overdue_amount": money(state.overdue[at]),
    }
