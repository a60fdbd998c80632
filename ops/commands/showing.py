"""How commands show long work and tables."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

shown = Console(highlight=False, soft_wrap=True)
Report = Callable[..., None]
"""(done, total=None, note=None): how far the work is."""


@contextmanager
def progress_bar(label: str) -> Iterator[Report]:
    """A bar on a terminal, nothing where the output goes to a file. Yields what services call with their progress."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    told = Console(stderr=True)
    with Progress(*columns, console=told, transient=True, disable=not told.is_terminal) as bar:
        task = bar.add_task(label, total=None)

        def report(done: int, total: int | None = None, note: str | None = None) -> None:
            bar.update(task, completed=done, total=total, description=f"{label}: {note}" if note else label)

        yield report


def table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print rows under headings."""
    drawn = Table(*headings, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    shown.print(drawn)
