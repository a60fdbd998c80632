"""What the statements need to know of a batch: its tables, and which of their columns fills which field of ours.

Names that reach SQL are made here: `c7` for the seventh column, a field's own name for what it becomes. Headers and
values of a file never do; they are bound.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

PLAIN_TYPES = {"amount": "numeric", "rate": "numeric", "integer": "integer", "date": "date"}
"""Types of fields that may be read into columns of their own, and those columns' types. A numeric keeps its digits as written."""
_NAME = re.compile(r"^[a-z][a-z_]*(__\d{8})?$")


@dataclass(frozen=True, slots=True)
class Target:
    """A field of ours and where its values come from."""

    name: str
    """Column of the typed table; a dated measure has its date in the name, as in 'dpd__20250331'."""
    type: str
    position: int | None
    """Column of the file, from 1; None: not in the file."""
    constant: str | None = None
    """Value for every row, where the file does not say."""
    is_required: bool = False
    measure: str | None = None
    """For dated measures the field, such as 'dpd'."""
    as_of: date | None = None

    def __post_init__(self) -> None:
        assert _NAME.match(self.name), self.name


@dataclass(frozen=True, slots=True)
class Plan:
    """One batch, as statements see it."""

    batch_id: int
    kind: str
    headers: Sequence[str]
    targets: Sequence[Target]
    options: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[int] = frozenset()
    """Columns that are neither a field nor an attribute."""
    today: date | None = None
    """The business date at the check; what comes after it has not happened."""

    @property
    def raw(self) -> str:
        """The table of the file's cells as text."""
        return f"staging.raw_{self.batch_id:d}"

    @property
    def plain(self) -> str:
        """The table of rows whose cells are all plainly written: c1, c2, ... in types of their own (see `plain_types`)."""
        return f"staging.plain_{self.batch_id:d}"

    @property
    def cells(self) -> str:
        """All rows with their cells as text, whichever table holds them."""
        return f"staging.cells_{self.batch_id:d}"

    @property
    def lines(self) -> str:
        """The sequence of the rows' numbers in the file."""
        return f"staging.lines_{self.batch_id:d}"

    @property
    def typed(self) -> str:
        """The table of typed values and faults."""
        return f"staging.typed_{self.batch_id:d}"

    @property
    def points(self) -> str:
        """The table of encrypted contact points."""
        return f"staging.points_{self.batch_id:d}"

    @property
    def entries(self) -> str:
        """The table of what payments become, or instalments that the file does not number, with the numbers they will have."""
        return f"staging.entries_{self.batch_id:d}"

    @property
    def dated(self) -> dict[date, dict[str, str]]:
        """For wide files: date -> measure -> column of the typed table."""
        found: dict[date, dict[str, str]] = {}
        for target in self.targets:
            if target.as_of is not None and target.measure is not None:
                found.setdefault(target.as_of, {})[target.measure] = target.name
        return found

    def has(self, *names: str) -> bool:
        """Whether any of the fields is filled by the file or a constant."""
        return any(t.name in names and (t.position is not None or t.constant is not None) for t in self.targets)

    @property
    def plain_types(self) -> dict[int, str]:
        """Position -> type of the columns that are typed as they are read; in the others words are looked up first."""
        mapped = self.options.get("value_maps", {})
        return {
            target.position: target.type
            for target in self.targets
            if target.position is not None and target.type in PLAIN_TYPES and target.name not in mapped
        }

    def fills(self, target: Target) -> bool:
        """Whether the file, a constant or the row's number gives the field a value."""
        is_numbered = target.name == "loan_number" and bool(self.options.get("number_prefix"))
        return target.position is not None or target.constant is not None or is_numbered

    @property
    def is_reported(self) -> bool:
        """Whether the file states where loans stand."""
        return bool(self.dated) or self.has("dpd", "months_past_due", "reported_status")

    @property
    def unmapped(self) -> list[int]:
        """Positions of columns that fill no field."""
        used = {target.position for target in self.targets} | self.ignored
        return [position for position in range(1, len(self.headers) + 1) if position not in used]
