"""What happened to a run of the demo's loans, as arrays. Amounts are paise; a loan is its position in the run."""

from dataclasses import dataclass

from services.demo.book import Days, Ints


@dataclass(frozen=True, slots=True)
class Payments:
    """Money received; `loan` is the position in the run, `reversed_on` NaT unless the payment was taken back."""

    loan: Ints
    paid_on: Days
    amount: Ints
    mode: Ints
    reversed_on: Days


@dataclass(frozen=True, slots=True)
class Bounces:
    """Auto-debits that came back."""

    loan: Ints
    presented_on: Days
    amount: Ints
    reason: Ints


@dataclass(frozen=True, slots=True)
class Episodes:
    """Months in which a due date passed unpaid: what collectors then talked about."""

    loan: Ints
    due_on: Days
    owed: Ints
    paid_on: Days
    paid: Ints


@dataclass(frozen=True, slots=True)
class Behaviour:
    """All that happened to a run of loans until the business date."""

    payments: Payments
    bounces: Bounces
    episodes: Episodes
    closed_on: Days
    written_off_on: Days
