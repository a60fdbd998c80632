"""What the demo's collectors did: contact attempts, promises (kept, broken, pending), call-backs and holds."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from services.demo.book import Book, Days, Flags, Ints
from services.demo.happenings import Episodes
from services.demo.spans import days, seconds

OUTCOMES = (
    "no_answer",
    "left_message",
    "promise_to_pay",
    "call_back",
    "refuses_to_pay",
    "paid_already",
    "third_party",
    "wrong_number",
    "hardship",
)
PERSONS = ("nobody", "nobody", "borrower", "borrower", "borrower", "borrower", "third_party", "third_party", "borrower")
NEXT_ACTIONS = ("call", "call", "await_promise", "call_back", "review", "check_payment", "call", "find_number", "call")
NOTES = (
    None,
    None,
    "Will pay after salary credit.",
    "Asked to be called in the evening.",
    "Says the amount is wrong.",
    "Says it was paid by UPI.",
    None,
    None,
    "Shop closed since the rains.",
)
CHANNELS = ("call", "visit", "whatsapp")
HOLDS = (
    ("hardship", "Hospital stay, pays again next month"),
    ("bereavement", "Death in the family"),
    ("dispute", "Says that two payments are missing"),
)
_EDGES = np.cumsum([0.40, 0.14, 0.17, 0.10, 0.04, 0.03, 0.06, 0.02, 0.04])
_PROMISE, _CALL_BACK = OUTCOMES.index("promise_to_pay"), OUTCOMES.index("call_back")


@dataclass(frozen=True, slots=True)
class Attempts:
    """Contact attempts in order of time; `at` is UTC."""

    loan: Ints
    at: Days
    outcome: Ints
    channel: Ints


@dataclass(frozen=True, slots=True)
class Promises:
    """Promises; `attempt` is the position of the contact that gave it."""

    attempt: Ints
    loan: Ints
    promised_on: Days
    due_on: Days
    amount: Ints


@dataclass(frozen=True, slots=True)
class FollowUps:
    """Call-backs asked for; `done_at` NaT while open."""

    loan: Ints
    asked_at: Days
    due_at: Days
    done_at: Days


@dataclass(frozen=True, slots=True)
class Holds:
    """Stops on contact, on borrowers by position."""

    borrower: Ints
    kind: Ints
    starts_on: Days
    ends_on: Days


@dataclass(frozen=True, slots=True)
class Conduct:
    """All that collectors did about a run of loans."""

    attempts: Attempts
    promises: Promises
    follow_ups: FollowUps
    holds: Holds


def act(rng: np.random.Generator, book: Book, episodes: Episodes, as_of: date) -> Conduct:
    """Contact those who let a due date pass, until they paid or the month was over."""
    today = np.datetime64(as_of, "D")
    which, day = _contact_days(rng, episodes, today)
    outcome = _outcomes(rng, episodes, which, day)
    of_day = rng.integers(4 * 3600 + 1800, 13 * 3600, len(day))  # 10:00 to 18:30 in India
    midnight: Days = day.astype("datetime64[s]")
    at = midnight + seconds(of_day)
    channel = np.searchsorted([0.86, 0.94], rng.random(len(day)), side="right")
    attempts = Attempts(episodes.loan[which], at, outcome, channel)
    return Conduct(
        attempts,
        _promises(rng, episodes, which, day, np.flatnonzero(outcome == _PROMISE)),
        _follow_ups(rng, attempts, today),
        _holds(rng, book, episodes, today),
    )


def _contact_days(rng: np.random.Generator, episodes: Episodes, today: np.datetime64) -> tuple[Ints, Days]:
    """Which episodes were worked on which days, from the third day past due."""
    first = episodes.due_on + days(3)
    last = np.minimum(
        np.where(np.isnat(episodes.paid_on), episodes.due_on + days(27), episodes.paid_on - days(1)), today
    )
    span = (last - first).astype(np.int64) + 1
    count = np.where(span > 0, rng.poisson(1.4, len(span)), 0)
    which = np.repeat(np.arange(len(span)), count)
    day = first[which] + days((rng.random(len(which)) * span[which]).astype(np.int64))
    order = np.lexsort((day, which))
    return which[order], day[order]


def _outcomes(rng: np.random.Generator, episodes: Episodes, which: Ints, day: Days) -> Ints:
    """Drawn by frequency; of those who then paid, many had promised to. At most one promise an episode."""
    outcome: Ints = np.searchsorted(_EDGES, rng.random(len(which)), side="right").clip(max=len(OUTCOMES) - 1)
    wait = (episodes.paid_on[which] - day).astype(np.int64)
    soon = ~np.isnat(episodes.paid_on[which]) & (wait >= 1) & (wait <= 9)
    outcome = np.where(soon & (rng.random(len(which)) < 0.4), _PROMISE, outcome)
    is_promise = outcome == _PROMISE
    earlier = np.concatenate([[0], np.cumsum(is_promise)[:-1]])
    start = np.searchsorted(which, which, side="left")
    is_second = is_promise & (earlier > earlier[start]) if len(which) else is_promise
    return np.where(is_second, _CALL_BACK, outcome)


def _promises(rng: np.random.Generator, episodes: Episodes, which: Ints, day: Days, hit: Ints) -> Promises:
    """A promise is for what was then paid, or for the whole arrears; whether it is kept, payments tell."""
    of, on = which[hit], day[hit]
    paid_on, paid = episodes.paid_on[of], episodes.paid[of]
    wait = (paid_on - on).astype(np.int64)
    is_paid = ~np.isnat(paid_on) & (wait >= 1) & (wait <= 10)
    is_meant = is_paid & (rng.random(len(hit)) < 0.8)
    due_on = np.where(is_meant, paid_on, on + days(rng.integers(2, 9, len(hit))))
    rupees = np.where(is_meant, paid, episodes.owed[of]) // 100 * 100
    return Promises(hit, episodes.loan[of], on, due_on, np.maximum(rupees, 100))


def _follow_ups(rng: np.random.Generator, attempts: Attempts, today: np.datetime64) -> FollowUps:
    hit = np.flatnonzero(attempts.outcome == _CALL_BACK)
    due = attempts.at[hit] + days(rng.integers(1, 5, len(hit)))
    is_done: Flags = due.astype("datetime64[D]") < today - days(1)
    # every seventh waited a day and a half
    done = due + seconds(np.where(np.arange(len(hit)) % 7, 900, 130_000))
    return FollowUps(attempts.loan[hit], attempts.at[hit], due, np.where(is_done, done, np.datetime64("NaT", "s")))


def _holds(rng: np.random.Generator, book: Book, episodes: Episodes, today: np.datetime64) -> Holds:
    is_late = (episodes.due_on > today - days(60)) & np.isnat(episodes.paid_on)
    borrowers = np.unique(book.borrower[episodes.loan[is_late]])
    held = borrowers[rng.random(len(borrowers)) < 0.02]
    starts = today - days(rng.integers(1, 20, len(held)))
    return Holds(held, rng.integers(0, len(HOLDS), len(held)), starts, starts + days(30))
