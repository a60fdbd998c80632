"""Importing a lender's files, against a bare COPY of the same file into a typed table in the same run.

Then the first close of what was imported, as a lender's first evening has it.
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from services import imports
from services.actors import SYSTEM
from services.imports import mapping
from tests.bench.bench_close import measured_close, raw_seconds
from tests.bench.harness import Bench, Result

_ORDER = ("loan_book", "schedule", "payments", "contacts")
_RATIO_TARGET, _MEMORY_TARGET = 3.0, 300
_KEYS = {
    "loan_book": ("loan_number",),
    "schedule": ("loan_number", "instalment_number"),
    "payments": ("loan_number", "receipt_number", "entry"),
    "contacts": ("borrower_number",),
}
"""What makes a row of each file unique: even a plain COPY must check this to be safe to repeat."""
_TYPES = {"amount": "numeric(16,2)", "rate": "numeric(9,4)", "integer": "integer", "date": "date"}


def run(bench: Bench) -> Iterator[Result]:
    """Import each file of the book into an empty database, and the loan book a second time; then close its last day."""
    with bench.empty_database() as url:
        for kind in (*_ORDER, "loan_book"):
            file = bench.files[kind]
            bare, keyed = _bare_copy(url, file, kind), _bare_copy(url, file, kind, is_keyed=True)
            seconds, outcome = _import(file, kind)
            again = " again" if kind == "loan_book" and outcome["new"] == 0 else ""
            yield Result(
                f"{kind.replace('_', ' ')}{again}",
                seconds,
                ratio=seconds / bare,
                against="bare COPY into a typed table",
                target=f"at most {_RATIO_TARGET:.0f} x, under {_MEMORY_TARGET} MB" if kind == "loan_book" else None,
                is_met=_is_met(seconds / bare, outcome) if kind == "loan_book" else None,
                detail={
                    "copy_seconds": round(bare, 2),
                    "keyed_copy_seconds": round(keyed, 2),
                    "ratio_to_keyed_copy": round(seconds / keyed, 2),
                    **outcome,
                },
            )
        raw = raw_seconds(bench)
        yield measured_close(bench, "first close of the imported book", bench.as_of, raw)


def _is_met(ratio: float, outcome: dict[str, Any]) -> bool:
    return ratio <= _RATIO_TARGET and outcome["peak_mb"] < _MEMORY_TARGET


def _bare_copy(url: str, file: Path, kind: str, *, is_keyed: bool = False) -> float:
    """Seconds of `COPY` into a logged table of the right types, without indexes: the least that any import must do.

    `is_keyed`: with a unique index on what tells the rows apart.
    """
    headers = file.open(encoding="utf-8-sig").readline().strip().split(",")
    types = {field.name: _TYPES.get(field.type, "text") for field in imports.FIELDS[imports.Kind(kind)]}
    proposals = mapping.propose(imports.Kind(kind), headers, [])
    columns = ", ".join(f'"{one.header}" {types.get(one.target or "", "text")}' for one in proposals)
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(f"CREATE TABLE staging.bare ({columns})".encode())
        if is_keyed:
            keys = ", ".join(f'"{key}"' for key in _KEYS[kind])
            connection.execute(f"CREATE UNIQUE INDEX ON staging.bare ({keys})".encode())
        began = time.perf_counter()
        order = b"COPY staging.bare FROM STDIN (FORMAT csv, HEADER true)"
        with connection.cursor().copy(order) as copy, file.open("rb") as stream:
            while chunk := stream.read(1 << 18):
                copy.write(chunk)
        connection.commit()
        seconds = time.perf_counter() - began
        connection.execute("DROP TABLE staging.bare")
    return seconds


def _import(file: Path, kind: str) -> tuple[float, dict[str, Any]]:
    """Import in a process of its own, so that its peak memory is its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measured, args=(file, kind, theirs))
    process.start()
    seconds, outcome = ours.recv()
    process.join()
    return seconds, outcome


def _measured(file: Path, kind: str, answer: Any) -> None:
    began = time.perf_counter()
    counts = imports.load_file(SYSTEM, file, kind=kind).counts
    seconds = time.perf_counter() - began
    named = {name: counts[name] for name in ("rows", "accepted", "rejected", "new", "changed", "unchanged")}
    answer.send((seconds, {**named, "peak_mb": _peak_mb()}))


def _peak_mb() -> int:
    """Peak memory of this process. On Linux what `getrusage` tells begins with the parent's, so the kernel is asked."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) >> 10
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
