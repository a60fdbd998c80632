"""Money in the field: gapless receipts, credit at once or on arrival, deposits matched and confirmed by another."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from db.engine import engine, reading, transaction
from db.models.owes import MandatePresentation, Payment
from db.models.stands import LoanState
from services import clock, documents, visits
from services.actors import Role
from services.errors import CollectionsError, Conflict, InvalidInput, NotAllowed, NotFound, Refused
from services.visits import Slip, Taken, receipts
from tests import builders
from tests.conftest import make_actor

INDIA = ZoneInfo("Asia/Kolkata")
TODAY = date(2025, 6, 16)
pytestmark = pytest.mark.usefixtures("frozen_clock")


def slip(amount, why=None):
    return Slip(Decimal(amount), "Axis 1234", "S-1", why)


@pytest.fixture
def meera(session, ana):
    """A borrower of Ana's who owes 30,000, of which 20,000 are overdue; ids of borrower and loan."""
    return owing(session, ana)


def owing(session, actor):
    borrower_id = builders.make_borrower(session)
    loan_id = builders.make_loan(session, borrower_id, principal=Decimal(30_000))
    for number, due_on in enumerate((date(2025, 4, 5), date(2025, 5, 5), date(2025, 7, 5)), start=1):
        builders.make_instalment(session, loan_id, number, due_on)
    builders.make_state(session, loan_id, dpd=72, overdue_amount=Decimal(20_000), outstanding=Decimal(30_000))
    builders.make_case(session, borrower_id, owner_id=actor.id)
    return borrower_id, loan_id


def cash(loan_id, amount=2_000, **over):
    return Taken(loan_id, Decimal(amount), "cash", **{"paid_by": "Meera Iyer", **over})


def cheque(loan_id, amount=2_000, **over):
    values = {"cheque_number": "123456", "cheque_bank": "SBI", "cheque_on": TODAY, "paid_by": "Meera Iyer"}
    return Taken(loan_id, Decimal(amount), "cheque", **{**values, **over})


def overdue(session, loan_id):
    return session.execute(select(LoanState.overdue_amount).where(LoanState.loan_id == loan_id)).scalar_one()


def test_cash_is_credited_at_once_and_gives_a_pdf(session, ana, meera):
    made = visits.issue(ana, meera[0], cash(meera[1]))
    assert (made.number, made.status) == ("2025-26/000001", "in_hand")
    assert overdue(session, meera[1]) == 18_000
    paper = visits.paper_of(ana, made.id)
    assert paper.document.file_name == "Receipt 2025-26-000001.pdf"
    assert paper.content.startswith(b"%PDF-")


def test_a_cheque_is_credited_when_its_deposit_has_arrived(session, ana, marek, meera):
    made = visits.issue(ana, meera[0], cheque(meera[1]))
    assert overdue(session, meera[1]) == 20_000
    handed = visits.deposit(ana, [made.id], slip(2_000))
    assert overdue(session, meera[1]) == 20_000
    visits.decide(marek, handed.id, has_arrived=True)
    assert overdue(session, meera[1]) == 18_000


def test_a_cheque_that_bounces_takes_its_credit_back_and_counts_as_a_bounce(session, ana, marek, meera):
    made = visits.issue(ana, meera[0], cheque(meera[1]))
    with pytest.raises(Refused, match="no cheque that was deposited"):
        visits.bounce(marek, made.id, on=TODAY, reason="Insufficient funds")
    handed = visits.deposit(ana, [made.id], slip(2_000))
    visits.decide(marek, handed.id, has_arrived=True)
    bounced = visits.bounce(marek, made.id, on=TODAY, reason="Insufficient funds")
    assert bounced.status == "bounced"
    assert overdue(session, meera[1]) == 20_000
    assert session.scalars(select(MandatePresentation.result)).all() == ["bounced"]


def test_the_financial_year_begins_in_april():
    assert receipts.financial_year(date(2026, 3, 31)) == "2025-26"
    assert receipts.financial_year(date(2026, 4, 1)) == "2026-27"
    assert receipts.financial_year(date(2099, 4, 1)) == "2099-00"


def test_a_form_sent_twice_gives_one_receipt(session, ana, meera):
    first = visits.issue(ana, meera[0], cash(meera[1]), request_key="k")
    assert visits.issue(ana, meera[0], cash(meera[1]), request_key="k").id == first.id
    assert overdue(session, meera[1]) == 18_000


@pytest.mark.parametrize(
    ("taken", "word"),
    [
        ({"amount": 0}, "above zero"),
        ({"amount": "10.005"}, "two decimals"),
        ({"paid_by": " "}, "who handed it over"),
    ],
)
def test_money_that_cannot_be_is_refused(ana, meera, taken, word):
    with pytest.raises(InvalidInput, match=word):
        visits.issue(ana, meera[0], cash(meera[1], **taken))


@pytest.mark.parametrize(
    ("over", "word"),
    [
        ({"cheque_number": "12"}, "six digits"),
        ({"cheque_bank": ""}, "bank"),
        ({"cheque_on": None}, "date on the cheque"),
        ({"cheque_on": TODAY - timedelta(days=91)}, "older than three months"),
        ({"cheque_on": TODAY + timedelta(days=91)}, "three months ahead"),
    ],
)
def test_a_cheque_that_no_bank_pays_is_refused(ana, meera, over, word):
    with pytest.raises(InvalidInput, match=word):
        visits.issue(ana, meera[0], cheque(meera[1], **over))


def test_no_more_is_taken_than_is_owed(session, ana, meera):
    with pytest.raises(Refused, match="is owed in all"):
        visits.issue(ana, meera[0], cash(meera[1], 30_001))
    other = builders.make_loan(session, builders.make_borrower(session))
    with pytest.raises(NotFound):
        visits.issue(ana, meera[0], cash(other))


def test_cash_of_a_day_from_one_borrower_has_a_limit(session, ana, meera):
    session.execute(text("UPDATE field_policy SET cash_per_day = 3000"))
    visits.issue(ana, meera[0], cash(meera[1]))
    with pytest.raises(Refused, match="Ask for a transfer instead"):
        visits.issue(ana, meera[0], cash(meera[1]))
    visits.issue(ana, meera[0], cheque(meera[1]))


def test_who_holds_much_cash_deposits_it_first(session, ana, marek, meera):
    session.execute(text("UPDATE field_policy SET cash_in_hand = 3000"))
    first = visits.issue(ana, meera[0], cash(meera[1]))
    with pytest.raises(Refused, match="Deposit it before you take more"):
        visits.issue(ana, meera[0], cash(meera[1]))
    visits.deposit(ana, [first.id], slip(2_000))
    assert visits.issue(ana, meera[0], cash(meera[1])).number.endswith("2")


def test_a_deposit_that_differs_needs_a_reason_and_shows_it(ana, marek, meera):
    made = visits.issue(ana, meera[0], cash(meera[1]))
    with pytest.raises(InvalidInput, match="The receipts make"):
        visits.deposit(ana, [made.id], slip(1_900))
    handed = visits.deposit(ana, [made.id], slip(1_900, "A note was torn"))
    assert (handed.difference, handed.status) == (-100, "open")
    assert visits.held_by_agents(marek) == []


def test_a_deposit_that_did_not_arrive_puts_its_receipts_back_in_hand(ana, marek, meera):
    made = visits.issue(ana, meera[0], cash(meera[1]))
    handed = visits.deposit(ana, [made.id], slip(2_000))
    with pytest.raises(InvalidInput):
        visits.decide(marek, handed.id, has_arrived=False)
    assert visits.decide(marek, handed.id, has_arrived=False, reason="Not in the bank").status == "refused"
    assert [each.id for each in visits.held(ana)] == [made.id]
    with pytest.raises(Conflict):
        visits.decide(marek, handed.id, has_arrived=True)


def test_the_photo_of_a_slip_is_kept_for_who_confirms(ana, marek, meera):
    made = visits.issue(ana, meera[0], cash(meera[1]))
    photo = ("slip.jpg", b"\xff\xd8\xff\xe0 a slip")
    visits.deposit(ana, [made.id], Slip(Decimal(2_000), "Axis", "S-1", file=photo))
    (waiting,) = visits.deposits.listing(marek, is_open=True)
    assert documents.fetch(marek, waiting.slip_id).content == photo[1]


def test_nobody_decides_about_money_of_their_own(session, marek, meera):
    made = visits.issue(marek, meera[0], cash(meera[1]))
    with pytest.raises(Refused, match="took this money yourself"):
        visits.cancel_receipt(marek, made.id, reason="x")
    handed = visits.deposit(marek, [made.id], slip(2_000))
    with pytest.raises(Refused, match="handed in this money yourself"):
        visits.decide(marek, handed.id, has_arrived=True)


def test_an_agent_confirms_and_cancels_nothing(session, ana, meera):
    ravi = make_actor(session, "ravi", "Ravi", Role.AGENT)
    made = visits.issue(ana, meera[0], cash(meera[1]))
    handed = visits.deposit(ana, [made.id], slip(2_000))
    with pytest.raises(NotAllowed):
        visits.decide(ravi, handed.id, has_arrived=True)
    with pytest.raises(NotAllowed):
        visits.cancel_receipt(ravi, made.id, reason="x")
    with pytest.raises(NotAllowed):
        visits.held_by_agents(ravi)
    with pytest.raises(Conflict):
        visits.deposit(ravi, [made.id], slip(2_000))


def test_a_cancelled_receipt_keeps_its_number_and_takes_its_money_back(session, ana, marek, meera):
    first = visits.issue(ana, meera[0], cash(meera[1]))
    visits.cancel_receipt(marek, first.id, reason="Wrong loan")
    assert overdue(session, meera[1]) == 20_000
    second = visits.issue(ana, meera[0], cash(meera[1]))
    assert (first.number[-6:], second.number[-6:]) == ("000001", "000002")
    with pytest.raises(Refused):
        visits.cancel_receipt(marek, first.id, reason="again")


def test_money_in_hand_longer_than_allowed_is_marked(ana, marek, meera, frozen_clock):
    visits.issue(ana, meera[0], cash(meera[1]))
    assert not visits.held_by_agents(marek)[0].is_overdue
    frozen_clock(datetime.combine(TODAY + timedelta(days=2), time(11), INDIA))
    assert visits.held_by_agents(marek)[0].is_overdue


def test_the_app_may_not_rewrite_a_receipt(session, ana, meera):
    visits.issue(ana, meera[0], cash(meera[1]))
    for statement in ("UPDATE receipt SET amount = 1", "DELETE FROM receipt", "DELETE FROM visit_check_in"):
        with pytest.raises(Exception, match="permission denied"), session.begin_nested():
            session.execute(text(statement))


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(("cash", "cheque", "deposit", "arrived", "refused", "cancel", "bounce")),
        st.integers(0, 3),
        st.integers(1, 40),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_ACTS)
def test_in_any_order_credit_is_cash_taken_and_cheques_that_arrived(session, ana, marek, acts):
    """A replay of the receipts gives what was credited, what is in hand, and numbers without a gap."""
    with session.begin_nested() as savepoint:
        borrower_id, loan_id = owing(session, ana)
        for kind, place, amount in acts:
            with suppressed():
                _do(session, ana, marek, (borrower_id, loan_id), kind=kind, place=place, amount=amount * 50)
        rows = visits.receipts.of_borrower(ana, borrower_id)
        good = [row for row in rows if row.status not in {"cancelled", "bounced"}]
        credited = sum(row.amount for row in good if row.mode == "cash" or row.status == "arrived")
        paid = session.execute(
            select(Payment.kind, Payment.amount).where(Payment.loan_id == loan_id)
        ).all()  # fmt: skip
        assert sum(amount if kind == "payment" else -amount for kind, amount in paid) == credited
        assert overdue(session, loan_id) == max(20_000 - credited, 0)
        assert {row.id for row in visits.held(ana)} == {row.id for row in good if row.status == "in_hand"}
        numbers = sorted(int(row.number[-6:]) for row in rows)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        savepoint.rollback()


class suppressed:  # noqa: N801 - reads as contextlib's suppress, with a savepoint's meaning
    """Refusals are part of the walk."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return kind is not None and issubclass(kind, CollectionsError)


def _do(session, ana, marek, whom, *, kind, place, amount):
    borrower_id, loan_id = whom
    rows = visits.receipts.of_borrower(ana, borrower_id)
    handed = visits.deposits.listing(marek, is_open=True)
    if kind in {"cash", "cheque"}:
        visits.issue(ana, borrower_id, (cash if kind == "cash" else cheque)(loan_id, amount))
    elif kind == "deposit":
        held = visits.held(ana)[: place + 1]
        whole = sum((each.amount for each in held), Decimal(0))
        visits.deposit(ana, [each.id for each in held], slip(whole))
    elif kind in {"arrived", "refused"} and handed:
        visits.decide(marek, handed[place % len(handed)].id, has_arrived=kind == "arrived", reason="as the bank says")
    elif kind == "cancel" and rows:
        visits.cancel_receipt(marek, rows[place % len(rows)].id, reason="wrong")
    elif kind == "bounce" and rows:
        visits.bounce(marek, rows[place % len(rows)].id, on=TODAY, reason="no funds")


def test_receipts_of_many_agents_at_once_leave_no_gap(database):
    """Also where some of what they enter is refused."""
    with Session(engine()) as session:
        agents = [make_actor(session, f"agent{number}", f"Agent {number}", Role.AGENT) for number in range(4)]
        owed = [owing(session, agent) for agent in agents]
        session.commit()
    moment = datetime.combine(TODAY, time(11), INDIA)

    def work(place):
        with clock.frozen(moment):
            for number in range(5):
                with suppressed():
                    visits.issue(agents[place], owed[place][0], cash(owed[place][1], 31_000 if number == 2 else 100))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with reading() as session:
        numbers = session.scalars(text("SELECT number FROM receipt ORDER BY number")).all()
    assert [int(number[-6:]) for number in numbers] == list(range(1, 17))


def test_two_deposits_of_one_receipt_at_once_are_one(database):
    with transaction() as session:
        agent = make_actor(session, "ravi", "Ravi", Role.AGENT)
        borrower_id, loan_id = owing(session, agent)
    with clock.frozen(datetime.combine(TODAY, time(11), INDIA)):
        made = visits.issue(agent, borrower_id, cash(loan_id))

    def hand_in(_place):
        with clock.frozen(datetime.combine(TODAY, time(12), INDIA)), suppressed():
            visits.deposit(agent, [made.id], slip(2_000))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hand_in, range(2)))
    assert len(visits.deposits.listing(agent, agent_id=agent.id)) == 1
