"""A run of the demo as rows of the product's own tables, ready for COPY."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from services import personal_data
from services.demo import conduct, identity
from services.demo.behaviour import BOUNCE_REASONS, MODES
from services.demo.book import Book, Days, Ints
from services.demo.columns import constant, day, joined, moment, money, numbered, pick
from services.demo.people import PLACES
from services.demo.products import PRODUCTS, SEGMENT_ATTRIBUTE, SOURCING
from services.demo.runs import Run
from services.demo.spans import seconds

Columns = dict[str, pa.Array]


class Reserve(Protocol):
    """Takes so many ids of a table and gives the first of them."""

    def __call__(self, table: str, size: int) -> int:
        """Reserve `size` successive ids of `table`."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What rows point at: ids made by the database."""

    products: Ints
    """Id of each product spec."""
    segments: Ints
    """By product, place and sourcing: id of the segment."""
    collectors: Ints
    """Ids of the agents; a place is served by one."""
    reserve: Reserve
    currency: str
    """The lender's."""


def rows(run: Run, keys: Keys) -> Iterator[tuple[str, Columns]]:
    """The tables of a run in the order in which they may be filled."""
    borrowers = keys.reserve("borrower", run.book.borrowers) + np.arange(run.book.borrowers)
    loans = keys.reserve("loan", run.book.loans) + np.arange(run.book.loans)
    names = identity.names(run.rng, run.book.place)
    yield "borrower", _borrowers(run.book, borrowers, names)
    yield "party", _parties(run, borrowers)
    yield from _contact_points(run, keys, borrowers, names)
    yield "loan", _loans(run, keys, borrowers, loans)
    yield "instalment", _instalments(run, loans)
    yield "payment", _payments(run, loans)
    yield "mandate_presentation", _presentations(run, loans)
    yield from _conduct(run, keys, borrowers, loans)


def customer_numbers(book: Book) -> pa.Array:
    """The lender's own numbers of the borrowers."""
    return numbered("C", book.first_borrower + 1 + np.arange(book.borrowers), 7)


def loan_numbers(book: Book) -> pa.Array:
    """The lender's own numbers of the loans, led by the product's code."""
    codes = pick([p.code for p in PRODUCTS], book.product)
    return joined(codes, numbered("", book.first_loan + 1 + np.arange(book.loans), 8))


def _borrowers(book: Book, ids: Ints, names: pa.Array) -> Columns:
    def of(field: str) -> pa.Array:
        return pick([getattr(place, field) for place in PLACES], book.place)

    return {
        "id": pa.array(ids),
        "external_id": customer_numbers(book),
        "name": names,
        "language": of("language"),
        "city": of("city"),
        "state": of("state"),
        "region": of("region"),
    }


def _parties(run: Run, borrowers: Ints) -> Columns:
    hit = np.flatnonzero(run.rng.random(len(borrowers)) < 0.08)
    return {
        "borrower_id": pa.array(borrowers[hit]),
        "role": pick(["co_borrower", "guarantor"], run.rng.integers(0, 2, len(hit))),
        "name": identity.names(run.rng, run.book.place[hit]),
    }


def _contact_points(run: Run, keys: Keys, borrowers: Ints, names: pa.Array) -> Iterator[tuple[str, Columns]]:
    """A phone for all, e-mail and address for most, with the consent that the loan agreement asked for."""
    rng, size = run.rng, len(borrowers)
    with_email = np.flatnonzero(rng.random(size) < 0.75)
    with_address = np.flatnonzero(rng.random(size) < 0.6)
    mails = identity.emails(rng, names.take(pa.array(with_email)), run.book.first_borrower + 1 + with_email)
    places = run.book.place[with_address]
    kinds = [
        _points("phone", borrowers, identity.phones(rng, size)),
        _points("email", borrowers[with_email], mails),
        _points("address", borrowers[with_address], identity.addresses(rng, places)),
    ]
    table: Columns = {name: pa.concat_arrays([kind[name] for kind in kinds]) for name in kinds[0]}
    count = len(table["kind"])
    ids = keys.reserve("contact_point", count) + np.arange(count)
    consent = rng.choice(3, count, p=[0.06, 0.86, 0.08])
    given = pa.array([False, True, None]).take(pa.array(consent))
    yield "contact_point", {"id": pa.array(ids), **table, "consent": given}
    asked = consent < 2
    yield (
        "consent_event",
        {
            "contact_point_id": pa.array(ids[asked]),
            "given": pa.array(consent[asked] == 1),
            "source": constant("loan agreement", int(asked.sum())),
        },
    )


_MASKS = {"phone": personal_data.mask_phone, "email": personal_data.mask_email, "address": personal_data.mask_address}


def _points(kind: str, borrowers: Ints, values: pa.Array) -> Columns:
    texts = values.to_pylist()
    return {
        "borrower_id": pa.array(borrowers),
        "kind": constant(kind, len(texts)),
        "value_encrypted": pa.array(["\\x" + sealed.hex() for sealed in personal_data.encrypt_all(texts)]),
        "value_index": pa.array(["\\x" + personal_data.blind_index(text.lower()).hex() for text in texts]),
        "value_hint": pa.array([_MASKS[kind](text) for text in texts]),
        "is_primary": constant(True, len(texts)),
    }


def _loans(run: Run, keys: Keys, borrowers: Ints, loans: Ints) -> Columns:
    book = run.book
    place = book.place[book.borrower]
    last = book.tenure - 1
    attributes = [f'{{"{SEGMENT_ATTRIBUTE}": "{word}"}}' for word in SOURCING]
    return {
        "id": pa.array(loans),
        "external_id": loan_numbers(book),
        "borrower_id": pa.array(borrowers[book.borrower]),
        "product_id": pa.array(keys.products[book.product]),
        "segment_id": pa.array(keys.segments[book.product, place, book.sourcing]),
        "disbursed_on": day(book.disbursed_on),
        "maturity_on": day(run.schedules.due_on[np.arange(book.loans), last]),
        "principal": money(book.principal),
        "interest_rate": money(book.rate),
        "tenure_months": pa.array(book.tenure),
        "instalment_amount": money(run.schedules.instalment),
        "closed_on": day(run.behaviour.closed_on),
        "written_off_on": day(run.behaviour.written_off_on),
        "attributes": pick(attributes, book.sourcing),
        "currency": constant(keys.currency, book.loans),
    }


def _instalments(run: Run, loans: Ints) -> Columns:
    plan = run.schedules
    loan, number = np.nonzero(plan.exists)
    return {
        "loan_id": pa.array(loans[loan]),
        "number": pa.array(number + 1),
        "due_on": day(plan.due_on[plan.exists]),
        "principal": money(plan.principal[plan.exists]),
        "interest": money(plan.interest[plan.exists]),
        "charges": money(plan.charges[plan.exists]),
    }


def receipt_numbers(loan: Ints) -> pa.Array:
    """Receipts numbered within the loan; `loan` is sorted."""
    return numbered("R", np.arange(len(loan)) - np.searchsorted(loan, loan, side="left") + 1, 3)


def _payments(run: Run, loans: Ints) -> Columns:
    paid = run.behaviour.payments
    receipts = receipt_numbers(paid.loan)
    back = np.flatnonzero(~np.isnat(paid.reversed_on))
    taken = receipts.take(pa.array(back))
    kept = len(paid.loan)
    midnight: Days = np.concatenate([paid.paid_on, paid.reversed_on[back]]).astype("datetime64[s]")
    return {
        "loan_id": pa.array(loans[np.concatenate([paid.loan, paid.loan[back]])]),
        "reference": pa.concat_arrays([receipts, joined(taken, pa.scalar("-REV"))]),
        "kind": pa.concat_arrays([constant("payment", kept), constant("reversal", len(back))]),
        "paid_on": day(np.concatenate([paid.paid_on, paid.reversed_on[back]])),
        "amount": money(np.concatenate([paid.amount, paid.amount[back]])),
        "mode": pick(MODES, np.concatenate([paid.mode, paid.mode[back]])),
        "reverses_reference": pa.concat_arrays([pa.nulls(kept, pa.string()), taken]),
        "recorded_at": moment(midnight + seconds(12 * 3600)),
    }


def _presentations(run: Run, loans: Ints) -> Columns:
    bounced = run.behaviour.bounces
    month = bounced.presented_on.astype("datetime64[M]").astype(np.int64)
    return {
        "loan_id": pa.array(loans[bounced.loan]),
        "reference": numbered("N", month, 4),
        "presented_on": day(bounced.presented_on),
        "amount": money(bounced.amount),
        "result": constant("bounced", len(bounced.loan)),
        "reason": pick(BOUNCE_REASONS, bounced.reason),
    }


def _conduct(run: Run, keys: Keys, borrowers: Ints, loans: Ints) -> Iterator[tuple[str, Columns]]:
    book, made, promised = run.book, run.conduct.attempts, run.conduct.promises
    owner = keys.collectors[book.place[book.borrower] % len(keys.collectors)]
    attempts = keys.reserve("contact_attempt", len(made.loan)) + np.arange(len(made.loan))
    yield (
        "contact_attempt",
        {
            "id": pa.array(attempts),
            "at": moment(made.at),
            "borrower_id": pa.array(borrowers[book.borrower[made.loan]]),
            "loan_id": pa.array(loans[made.loan]),
            "channel": pick(conduct.CHANNELS, made.channel),
            "person": pick(conduct.PERSONS, made.outcome),
            "outcome": pick(conduct.OUTCOMES, made.outcome),
            "note": pick(conduct.NOTES, made.outcome),
            "next_action": pick(conduct.NEXT_ACTIONS, made.outcome),
            "recorded_by": pa.array(owner[made.loan]),
        },
    )
    yield (
        "promise",
        {
            "borrower_id": pa.array(borrowers[book.borrower[promised.loan]]),
            "loan_id": pa.array(loans[promised.loan]),
            "amount": money(promised.amount),
            "due_on": day(promised.due_on),
            "promised_at": moment(made.at[promised.attempt]),
            "promised_on": day(promised.promised_on),
            "channel": pick(conduct.CHANNELS, made.channel[promised.attempt]),
            "contact_attempt_id": pa.array(attempts[promised.attempt]),
            "recorded_by": pa.array(owner[promised.loan]),
        },
    )
    yield "follow_up", _follow_ups(run, borrowers, owner)
    yield "hold", _holds(run, borrowers)


def _follow_ups(run: Run, borrowers: Ints, owner: Ints) -> Columns:
    asked = run.conduct.follow_ups
    return {
        "borrower_id": pa.array(borrowers[run.book.borrower[asked.loan]]),
        "created_at": moment(asked.asked_at),
        "due_at": moment(asked.due_at),
        "action": constant("call_back", len(asked.loan)),
        "done_at": moment(asked.done_at),
        "created_by": pa.array(owner[asked.loan]),
    }


def _holds(run: Run, borrowers: Ints) -> Columns:
    held = run.conduct.holds
    return {
        "borrower_id": pa.array(borrowers[held.borrower]),
        "kind": pick([kind for kind, _ in conduct.HOLDS], held.kind),
        "reason": pick([reason for _, reason in conduct.HOLDS], held.kind),
        "starts_on": day(held.starts_on),
        "ends_on": day(held.ends_on),
    }
