"""Which loans a derivation runs over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BLOCK = 5_000
"""Loan ids that share a lock of the day-end. Its ranges end where blocks end, so that none waits for another."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which loans a statement runs over: a predicate of ours on a loan id, and its bound values."""

    predicate: str
    values: Mapping[str, Any]
    relatives: tuple[int, ...] = ()
    """Other loans of the same borrowers: read, since they decide on NPA, but not written."""

    def on(self, column: str) -> str:
        """The predicate on a column."""
        return self.predicate.format(column)

    def or_relatives(self, column: str) -> str:
        """The predicate on a column, widened to the relatives."""
        if not self.relatives:
            return self.on(column)
        return f"({self.on(column)} OR {column} = ANY(CAST(:relatives AS bigint[])))"

    @property
    def bound(self) -> dict[str, Any]:
        """All bound values."""
        return {**self.values, "relatives": list(self.relatives)} if self.relatives else dict(self.values)


def loan_range(first_loan_id: int, last_loan_id: int, relatives: Sequence[int] = ()) -> Scope:
    """Loans from first to last id, both included. `relatives`: see `Scope`."""
    values = {"first_id": first_loan_id, "last_id": last_loan_id}
    return Scope("{0} BETWEEN :first_id AND :last_id", values, tuple(relatives))


def these_loans(loan_ids: Sequence[int]) -> Scope:
    """The loans with these ids; they must include all loans of their borrowers."""
    return Scope("{0} = ANY(CAST(:ids AS bigint[]))", {"ids": list(loan_ids)})
