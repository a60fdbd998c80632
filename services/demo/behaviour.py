"""How the demo's borrowers pay, month by month: on time, late, in part, not at all, early, by a cheque that bounces.

Each loan is in a mood (steady, strained, defaulted) that lasts and changes with the borrower's hazard, the product,
the branch and the season. All figures are drawn for all loans of a run at once.
"""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np

from services.demo.book import Book, Days, Flags, Ints
from services.demo.happenings import Behaviour, Bounces, Episodes, Payments
from services.demo.products import PRODUCTS
from services.demo.schedules import Schedules
from services.demo.spans import days, months

NOT_YET = np.datetime64("NaT", "D")
MODES = ("nach", "upi", "cash", "transfer", "cheque")
BOUNCE_REASONS = ("Insufficient funds", "Account blocked or closed", "Mandate cancelled", "Technical return")
_CHEQUE = MODES.index("cheque")
_TRANSFER = MODES.index("transfer")
_MODE_EDGES = np.cumsum([[0, 0.55, 0.2, 0.15, 0.1], [0, 0.15, 0.82, 0.03, 0.0]], axis=1)
_REASON_EDGES = np.cumsum([0.86, 0.04, 0.06, 0.04])


class Mood(IntEnum):
    """How a borrower stands to a loan."""

    STEADY = 0
    STRAINED = 1
    DEFAULTED = 2


class Outcome(IntEnum):
    """What is paid in the month that begins with a due date."""

    NOTHING = 0
    PART = 1
    ONE = 2
    ALL_LATE = 3
    ALL_PROMPT = 4


_OUTCOMES = np.cumsum(
    [  # nothing, part, one instalment, all but late, all in time
        [[0.012, 0.003, 0.0, 0.035, 0.95], [0.06, 0.03, 0.16, 0.60, 0.15]],
        [[0.22, 0.08, 0.0, 0.42, 0.28], [0.27, 0.12, 0.40, 0.19, 0.02]],
        [[0.86, 0.05, 0.0, 0.07, 0.02], [0.91, 0.04, 0.03, 0.02, 0.0]],
    ],
    axis=2,
)
"""Chances by mood and by whether older dues are unpaid."""
_STRAIN = 0.052
"""Monthly chance that an average steady borrower becomes strained."""
_RELIEF, _DEFAULT, _RETURN = 0.27, 0.05, 0.05
_SEASON = np.array([0, 1.0, 0.95, 0.72, 1.08, 1.05, 1.0, 1.12, 1.12, 1.0, 1.22, 1.3, 1.02])
"""By month: strain rises with the rains and the festivals, falls with the year-end drive in March."""
_WRITE_OFF_AFTER = np.array([11 if p.is_secured else 8 for p in PRODUCTS])
"""Months behind after which a defaulted loan may be written off."""
_EPISODE_DAYS = 240


def simulate(rng: np.random.Generator, book: Book, schedules: Schedules, as_of: date) -> Behaviour:
    """Live through every month from the first due date to the business date."""
    life = _Life(rng, book, schedules, np.datetime64(as_of, "D"))
    month = 0
    while life.live_month(month):
        month += 1
    return life.told()


@dataclass(frozen=True, slots=True)
class _Month:
    """One due date of the loans `at` these positions, and what comes of it until the next."""

    number: int
    at: Ints
    due_on: Days
    fresh: Ints
    """Fell due now."""
    owed: Ints
    """Older arrears and what fell due now."""
    outcome: Ints
    amount: Ints
    paid_on: Days


class _Life:
    """The state of a run of loans while its months pass."""

    def __init__(self, rng: np.random.Generator, book: Book, schedules: Schedules, as_of: np.datetime64) -> None:
        self.rng, self.book, self.schedules, self.as_of = rng, book, schedules, as_of
        self.dues = (schedules.principal + schedules.interest + schedules.charges).astype(np.int64)
        self.total = self.dues.sum(axis=1)
        self.is_microfinance = np.array([p.is_microfinance for p in PRODUCTS])[book.product]
        self.mood = np.zeros(book.loans, dtype=np.int64)
        self.due, self.paid = np.zeros_like(self.total), np.zeros_like(self.total)
        self.months_behind = np.zeros_like(self.total)
        self.closed_on = np.full(book.loans, NOT_YET)
        self.written_off_on = np.full(book.loans, NOT_YET)
        self.payments: list[tuple[Ints, Days, Ints, Ints, Days]] = []
        self.bounces: list[tuple[Ints, Days, Ints, Ints]] = []
        self.episodes: list[tuple[Ints, Days, Ints, Days, Ints]] = []

    def live_month(self, number: int) -> bool:
        """One due date of each loan and the month after it; False when no loan has got that far."""
        due_on = self._due_date(number)
        at = np.flatnonzero((due_on <= self.as_of) & np.isnat(self.closed_on))
        if len(at) == 0:
            return False
        month = self._month(at, number, due_on[at])
        self._bounce(month)
        self._receive(month)
        self._return_cheques(month)
        self._remember(month)
        self._settle(month)
        return True

    def _month(self, at: Ints, number: int, due_on: Days) -> _Month:
        """What falls due, and what each decides to do about it."""
        fresh = self._fall_due(at, number)
        owed = self.due[at] - self.paid[at]
        self._change_moods(at, due_on)
        outcome = self._outcomes(at, owed > fresh)
        return _Month(
            number=number,
            at=at,
            due_on=due_on,
            fresh=fresh,
            owed=owed,
            outcome=outcome,
            amount=self._amounts(at, outcome, owed),
            paid_on=self._dates(at, outcome, due_on),
        )

    def _due_date(self, number: int) -> Days:
        if number < self.schedules.due_on.shape[1]:
            due: Days = self.schedules.due_on[:, number]
            return due
        first = self.book.first_due_on
        month = first.astype("datetime64[M]")
        later: Days = (month + months(number)).astype("datetime64[D]") + (first - month.astype("datetime64[D]"))
        return later

    def _fall_due(self, at: Ints, number: int) -> Ints:
        fresh: Ints = self.dues[at, number] if number < self.dues.shape[1] else np.zeros(len(at), dtype=np.int64)
        self.due[at] += fresh
        return fresh

    def _change_moods(self, at: Ints, due_on: Days) -> None:
        season = _SEASON[due_on.astype("datetime64[M]").astype(np.int64) % 12 + 1]
        chance = self.rng.random(len(at))
        mood = self.mood[at]
        strained = np.where(chance < _DEFAULT * season, Mood.DEFAULTED, Mood.STRAINED)
        strained = np.where(chance > 1 - _RELIEF / season, Mood.STEADY, strained)
        steady = np.where(chance < _STRAIN * season * self.book.hazard[at], Mood.STRAINED, Mood.STEADY)
        defaulted = np.where(chance < _RETURN, Mood.STRAINED, Mood.DEFAULTED)
        defaulted = np.where(np.isnat(self.written_off_on[at]), defaulted, Mood.DEFAULTED)
        self.mood[at] = np.select([mood == Mood.STEADY, mood == Mood.STRAINED], [steady, strained], defaulted)

    def _outcomes(self, at: Ints, is_behind: Flags) -> Ints:
        edges = _OUTCOMES[self.mood[at], is_behind.astype(np.int64)]
        chance = self.rng.random(len(at))
        outcome: Ints = (chance[:, None] >= edges[:, :-1]).sum(axis=1)
        return outcome

    def _amounts(self, at: Ints, outcome: Ints, owed: Ints) -> Ints:
        """Paise paid: all that is owed, one instalment, or a part of one in whole hundreds of rupees."""
        one = np.minimum(self.schedules.instalment[at], owed)
        share = 0.25 + 0.55 * self.rng.random(len(at))
        part = np.minimum((one * share / 10_000).astype(np.int64) * 10_000, owed)
        options = [np.zeros_like(owed), part, one]
        return np.select([outcome == i for i in range(3)], options, owed)

    def _dates(self, at: Ints, outcome: Ints, due_on: Days) -> Days:
        """In time, some days late, or at any day of the month with a rush at its end, when collectors press."""
        size = len(at)
        early = np.where(self.book.auto_debit[at], 0, self.rng.integers(0, 4, size))
        late = np.minimum(self.rng.geometric(0.17, size), 24)
        month_end = (due_on.astype("datetime64[M]") + months(1)).astype("datetime64[D]") - due_on
        rush = month_end.astype(np.int64) - self.rng.integers(1, 5, size)
        any_day = np.where(self.rng.random(size) < 0.35, rush, self.rng.integers(2, 28, size))
        offset = np.select([outcome == Outcome.ALL_PROMPT, outcome == Outcome.ALL_LATE], [-early, late], any_day)
        paid_on: Days = due_on + days(offset)
        return paid_on

    def _bounce(self, month: _Month) -> None:
        """An auto-debit comes back when the instalment was not there; after four months behind none is presented."""
        at = month.at
        is_presented = self.book.auto_debit[at] & (month.fresh > 0) & (self.months_behind[at] < 4)
        hit = np.flatnonzero(is_presented & (month.outcome != Outcome.ALL_PROMPT))
        reason = np.searchsorted(_REASON_EDGES, self.rng.random(len(hit)), side="right").clip(max=3)
        self.bounces.append((at[hit], month.due_on[hit], month.fresh[hit], reason))

    def _receive(self, month: _Month) -> None:
        at = month.at
        kind = self.is_microfinance[at].astype(np.int64)
        mode = (self.rng.random(len(at))[:, None] >= _MODE_EDGES[kind][:, :-1]).sum(axis=1)
        mode = np.where(self.book.auto_debit[at] & (month.outcome == Outcome.ALL_PROMPT), 0, mode)
        hit = np.flatnonzero((month.amount > 0) & (month.paid_on <= self.as_of))
        self._add_payments(at[hit], month.paid_on[hit], month.amount[hit], mode[hit])
        self.paid[at] += month.amount

    def _add_payments(self, at: Ints, paid_on: Days, amount: Ints, mode: Ints) -> None:
        self.payments.append((at, paid_on, amount, mode, np.full(len(at), NOT_YET)))

    def _return_cheques(self, month: _Month) -> None:
        """Some who pay nothing had given a cheque: received, and taken back some days later."""
        at, size = month.at, len(month.at)
        gave = (month.outcome == Outcome.NOTHING) & (self.mood[at] == Mood.STRAINED) & (self.rng.random(size) < 0.06)
        back_on = month.paid_on + days(self.rng.integers(2, 6, size))
        hit = np.flatnonzero(gave & (back_on <= self.as_of) & np.isnat(self.written_off_on[at]))
        mode = np.full(len(hit), _CHEQUE)
        amount = self.schedules.instalment[at[hit]]
        self.payments.append((at[hit], month.paid_on[hit], amount, mode, back_on[hit]))

    def _remember(self, month: _Month) -> None:
        """Keep the months of late that a due date passed unpaid."""
        is_recent = month.due_on > self.as_of - days(_EPISODE_DAYS)
        is_open = np.isnat(self.written_off_on[month.at]) & (month.owed > 0) & (month.outcome != Outcome.ALL_PROMPT)
        hit = np.flatnonzero(is_recent & is_open)
        known = (month.amount[hit] > 0) & (month.paid_on[hit] <= self.as_of)
        seen_on = np.where(known, month.paid_on[hit], NOT_YET)
        paid = np.where(known, month.amount[hit], 0)
        self.episodes.append((month.at[hit], month.due_on[hit], month.owed[hit], seen_on, paid))

    def _settle(self, month: _Month) -> None:
        """What the month leaves: loans paid up, paid off early, written off, or a month further behind."""
        at = month.at
        is_square = self.paid[at] >= self.due[at]
        self.months_behind[at] = np.where(is_square, 0, self.months_behind[at] + 1)
        is_kept = np.isnat(self.written_off_on[at])
        last_day = np.maximum(month.paid_on, month.due_on)
        is_done = is_square & (self.due[at] == self.total[at]) & (last_day <= self.as_of) & is_kept
        self.closed_on[at] = np.where(is_done, last_day, NOT_YET)
        self._pay_off_early(month, (month.outcome == Outcome.ALL_PROMPT) & (month.owed == month.fresh) & ~is_done)
        self._write_off(month)

    def _pay_off_early(self, month: _Month, may: Flags) -> None:
        """A steady borrower pays the principal that is left, with the instalment of the month."""
        if month.number + 2 >= self.dues.shape[1]:
            return
        at = month.at
        left = self.schedules.principal[at, month.number + 1 :].sum(axis=1)
        chance = self.rng.random(len(at)) < 0.005
        may = may & chance & (left > 0) & (month.due_on <= self.as_of) & (self.mood[at] == Mood.STEADY)
        hit = np.flatnonzero(may)
        self._add_payments(at[hit], month.due_on[hit], left[hit], np.full(len(hit), _TRANSFER))
        self.closed_on[at[hit]] = month.due_on[hit]

    def _write_off(self, month: _Month) -> None:
        at, on = month.at, month.due_on + days(20)
        is_late = self.months_behind[at] >= _WRITE_OFF_AFTER[self.book.product[at]]
        may = is_late & (self.mood[at] == Mood.DEFAULTED) & np.isnat(self.written_off_on[at]) & (on <= self.as_of)
        hit = np.flatnonzero(may & (self.rng.random(len(at)) < 0.35))
        self.written_off_on[at[hit]] = on[hit]

    def told(self) -> Behaviour:
        """What happened, loan by loan in order of time."""
        payments = [np.concatenate(column) for column in zip(*self.payments, strict=True)]
        order = np.lexsort((payments[1], payments[0]))
        bounces = [np.concatenate(column) for column in zip(*self.bounces, strict=True)]
        episodes = [np.concatenate(column) for column in zip(*self.episodes, strict=True)]
        return Behaviour(
            Payments(*(column[order] for column in payments)),
            Bounces(*bounces),
            Episodes(*episodes),
            self.closed_on,
            self.written_off_on,
        )
