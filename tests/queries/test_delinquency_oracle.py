"""The SQL definition of delinquency against the slow oracle, on random books."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update

from db.models.owes import Instalment, Lender, MandatePresentation, Payment, Product, ReportedSnapshot
from db.queries import closing
from db.queries.loan_scope import loan_range
from services.delinquency import day_of, derive
from tests import oracle
from tests.builders import make_borrower, make_loan, make_segment
from tests.oracle import Due, LoanFacts, Paid, Report

START = date(2025, 1, 1)
ORDERS = (
    ("principal", "interest", "charges"),
    ("principal", "charges", "interest"),
    ("interest", "principal", "charges"),
    ("interest", "charges", "principal"),
    ("charges", "principal", "interest"),
    ("charges", "interest", "principal"),
)

days = st.integers(0, 420).map(lambda n: START + timedelta(days=n))
parts = st.sampled_from([0, 0, 1, 40, 100]).map(Decimal)


@st.composite
def dues(draw):
    """A due date; of its charges some may be waived, and the waiver taken back."""
    charges = draw(parts)
    waived: tuple[Any, ...] = ()
    if charges and draw(st.booleans()):
        on, off = draw(days), draw(st.sampled_from([charges, charges / 2]))
        end = on + timedelta(days=draw(st.integers(0, 90))) if draw(st.booleans()) else None
        waived = ((on, off, end),)
    return Due(draw(days), draw(parts), draw(parts), charges, waived)


@st.composite
def monthly(draw):
    """A schedule of equal dues a month apart: what most loans have."""
    first, amount = draw(st.integers(0, 120)), draw(parts)
    return tuple(
        Due(START + timedelta(days=first + 30 * n), amount + 50, Decimal(10)) for n in range(draw(st.integers(1, 10)))
    )


@st.composite
def payments(draw):
    amount = draw(st.sampled_from([1, 30, 60, 61, 110, 150, 400])) + Decimal(draw(st.sampled_from(["0", "0.01"])))
    paid_on = draw(days)
    backs = draw(
        st.lists(st.tuples(st.integers(0, 60), st.sampled_from([amount, Decimal(20)])), max_size=2)
        if draw(st.booleans())
        else st.just([])
    )
    return Paid(paid_on, amount, tuple((paid_on + timedelta(days=later), back) for later, back in backs))


@st.composite
def loans(draw):
    maybe_day = st.one_of(st.none(), st.none(), st.none(), days)
    common = {"allocation": draw(st.sampled_from(ORDERS)), "closed_on": draw(maybe_day)}
    if draw(st.integers(0, 4)) == 0:
        reports = draw(st.dictionaries(days, st.sampled_from([0, 0, 15, 30, 60, 90, 120]), min_size=1, max_size=6))
        return LoanFacts(reports=tuple(Report(on, dpd) for on, dpd in reports.items()), **common)
    written_off_on = draw(maybe_day)
    if written_off_on and common["closed_on"] and common["closed_on"] < written_off_on:
        written_off_on = None
    return LoanFacts(
        schedule=draw(st.one_of(monthly(), st.lists(dues(), max_size=6).map(tuple))),
        payments=tuple(draw(st.lists(payments(), max_size=9))),
        bounces=tuple(draw(st.lists(days, max_size=3))),
        written_off_on=written_off_on,
        principal=Decimal(500),
        **common,
    )


books = st.lists(st.lists(loans(), min_size=1, max_size=3), min_size=1, max_size=3)


def insert(session, borrower):
    """A borrower with loans; ids of the loans, in order."""
    borrower_id = make_borrower(session)
    return [_insert_loan(session, borrower_id, facts) for facts in borrower]


def _insert_loan(session, borrower_id, facts):
    code = "-".join(part[0] for part in facts.allocation)
    segment_id = make_segment(session, product=code)
    session.execute(update(Product).where(Product.code == code).values(allocation_order=list(facts.allocation)))
    loan_id = make_loan(
        session,
        borrower_id,
        segment_id=segment_id,
        principal=facts.principal,
        source="schedule" if facts.reports is None else "snapshot",
        closed_on=facts.closed_on,
        written_off_on=facts.written_off_on,
    )
    rows: list[Any] = [
        Instalment(
            loan_id=loan_id, number=n, due_on=d.due_on, principal=d.principal, interest=d.interest, charges=d.charges
        )
        for n, d in enumerate(facts.schedule, 1)
    ]
    session.add_all(rows)
    session.flush()
    rows = []
    _insert_waivers(session, borrower_id, loan_id, facts)
    rows += [_report(loan_id, report) for report in facts.reports or ()]
    for n, paid in enumerate(facts.payments):
        rows += _payment(loan_id, n, paid)
    for n, on in enumerate(facts.bounces):
        rows.append(
            MandatePresentation(loan_id=loan_id, reference=f"M{n}", presented_on=on, amount=1, result="bounced")
        )
    session.add_all(rows)
    session.flush()
    return loan_id


def _insert_waivers(session, borrower_id, loan_id, facts):
    for number, due in enumerate(facts.schedule, 1):
        for on, amount, end in due.waived:
            session.execute(
                text("""
                    WITH asked AS (
                        INSERT INTO charge_waiver
                            (borrower_id, loan_id, amount, reason, asked_on, decided_on, is_granted)
                        VALUES (:borrower, :loan, :amount, 'x', :day, :day, true) RETURNING id
                    )
                    INSERT INTO charge_waiver_part (waiver_id, number, loan_id, amount, waived_on, taken_back_on)
                    SELECT id, :number, :loan, :amount, :day, :end FROM asked
                """),
                {"borrower": borrower_id, "loan": loan_id, "amount": amount, "day": on, "end": end, "number": number},
            )


def _report(loan_id, report):
    return ReportedSnapshot(loan_id=loan_id, as_of=report.as_of, dpd=report.dpd, outstanding=100, overdue_amount=7)


def _payment(loan_id, n, paid):
    yield Payment(loan_id=loan_id, reference=f"R{n}", paid_on=paid.paid_on, amount=paid.amount)
    for m, (day, amount) in enumerate(paid.reversals):
        yield Payment(
            loan_id=loan_id,
            reference=f"R{n}-{m}",
            kind="reversal",
            paid_on=day,
            amount=amount,
            reverses_reference=f"R{n}",
        )


def states(session):
    rows = session.execute(text("SELECT * FROM loan_state")).mappings()
    return {row["loan_id"]: dict(row) for row in rows}


def check(session, book, as_of, npa_by_borrower):
    session.execute(update(Lender).values(npa_by_borrower=npa_by_borrower))
    ids = [insert(session, borrower) for borrower in book]
    flat = [loan_id for borrower in ids for loan_id in borrower]
    day = day_of(session, as_of)
    closing.ensure_partition(session, as_of)

    # a few loans at a time: all of each borrower follow
    for borrower in ids:
        derive(session, as_of, borrower[-1:])
    few = states(session)

    # the whole book in ranges that cut through borrowers
    session.execute(text("DELETE FROM loan_state"))
    for loan_id in range(min(flat), max(flat) + 1, 2):
        first, last = loan_id, min(loan_id + 1, max(flat))
        scope = loan_range(first, last, closing.relatives(session, first, last))
        closing.record_day_end(session, day, scope, is_current=True, cause="test")
    whole = states(session)
    assert whole == few

    for borrower, loan_ids in zip(book, ids, strict=True):
        for index, loan_id in enumerate(loan_ids):
            expected = oracle.state(borrower, index, as_of, npa_by_borrower=npa_by_borrower)
            found = {name: whole[loan_id][name] for name in expected}
            assert found == expected, borrower[index]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(book=books, as_of=days, npa_by_borrower=st.booleans())
@example(
    # a loan that left arrears keeps its sibling's NPA alive until the sibling owes nothing
    book=[
        [
            LoanFacts(schedule=(Due(START, Decimal(100)),), payments=(Paid(date(2025, 4, 20), Decimal(100)),)),
            LoanFacts(schedule=(Due(date(2025, 4, 10), Decimal(50)), Due(date(2025, 12, 1), Decimal(50)))),
        ]
    ],
    as_of=date(2025, 4, 30),
    npa_by_borrower=True,
)
@example(
    # days past due that reach back over a report without arrears do not join what was before it
    book=[
        [
            LoanFacts(
                reports=(
                    Report(date(2025, 1, 2), 90),
                    Report(date(2025, 5, 7), 0),
                    Report(date(2025, 5, 21), 15),
                    Report(date(2025, 5, 22), 15),
                )
            )
        ]
    ],
    as_of=date(2025, 5, 22),
    npa_by_borrower=False,
)
@example(
    # nor do they for a borrower whose other loan stays in arrears
    book=[
        [
            LoanFacts(reports=(Report(date(2025, 1, 2), 1), Report(date(2025, 4, 30), 1))),
            LoanFacts(
                reports=(Report(date(2025, 2, 27), 0), Report(date(2025, 3, 1), 1), Report(date(2025, 3, 2), 95))
            ),
        ]
    ],
    as_of=date(2025, 4, 30),
    npa_by_borrower=True,
)
def test_whole_book_and_single_loans_and_oracle_agree(session, book, as_of, npa_by_borrower):
    with session.begin_nested() as savepoint:
        check(session, book, as_of, npa_by_borrower)
        savepoint.rollback()
    session.expunge_all()
