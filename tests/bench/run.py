"""`make bench`: runs every bench_*.py on generated books, prints a table, writes JSON."""

import argparse
import importlib
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from db import embedded
from settings import settings
from tests.bench.harness import Bench, Result

SIZES = (100_000, 1_000_000)
_FOLDER = Path(__file__).parent
_LAST = "bench_allocation"
"""It closes and gives away cases of the book on which the others stand."""


def main() -> None:
    """Read the options, measure, show and keep the results."""
    options = _options()
    home = Path(tempfile.mkdtemp(prefix="recoup-bench-", dir=options.folder))
    home.chmod(0o711)  # the account that runs the database passes through it
    os.environ["RECOUP_DATA_DIR"] = str(home / "data")
    settings.cache_clear()
    rows: list[dict[str, Any]] = []
    try:
        with embedded.serving(home / "data", queue=False):
            for loans in options.loans:
                rows += _measure(options, home, loans)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    _write(options.out, rows)
    show(rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--loans", "--sizes", type=int, nargs="+", default=SIZES, help="sizes of the book, in loans")
    parser.add_argument("--only", nargs="+", default=(), help="names of benches, such as: import close pages")
    parser.add_argument("--folder", default="/var/tmp", help="where the server and files live meanwhile")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"), help="file of the results")
    return parser.parse_args()


def _measure(options: argparse.Namespace, home: Path, loans: int) -> list[dict[str, Any]]:
    bench = Bench(loans=loans, home=home / "data", folder=home)
    rows = []
    try:
        for path in sorted(_FOLDER.glob("bench_*.py"), key=lambda path: (path.stem == _LAST, path.stem)):
            name = path.stem.removeprefix("bench_")
            if not options.only or name in options.only:
                for result in _results(name, bench):
                    rows.append({"bench": name, "loans": loans, **asdict(result)})
                    print(_line(rows[-1]), file=sys.stderr, flush=True)
    finally:
        bench.close()
    return rows


def _results(name: str, bench: Bench) -> Iterable[Result]:
    module = importlib.import_module(f"tests.bench.bench_{name}")
    results: Iterable[Result] = module.run(bench)
    return results


def _line(row: dict[str, Any]) -> str:
    ratio = f", {row['ratio']:.2f} x {row['against']}" if row["ratio"] is not None else ""
    return f"{row['loans']:>9,} loans  {row['bench']}: {row['name']}: {row['seconds']:.3f} s{ratio}"


def machine() -> dict[str, Any]:
    """What kind of machine this is: enough to judge the figures, nothing that names it."""
    return {
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _write(out: Path, rows: list[dict[str, Any]]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    report = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "results": rows}
    out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"Results are in {out}.")


def show(rows: list[dict[str, Any]]) -> None:
    """Print the results as a table."""
    table = Table(title=f"{machine()['cores']} cores, {machine()['memory_gb']} GB", title_justify="left")
    for heading in ("Loans", "Bench", "Seconds", "Ratio", "Against", "Target", ""):
        table.add_column(heading, justify="right" if heading in {"Loans", "Seconds", "Ratio"} else "left")
    for row in rows:
        table.add_row(
            f"{row['loans']:,}",
            f"{row['bench']}: {row['name']}",
            f"{row['seconds']:.3f}",
            "" if row["ratio"] is None else f"{row['ratio']:.2f}",
            row["against"] or "",
            row["target"] or "",
            {None: "", True: "met", False: "missed"}[row["is_met"]],
        )
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
