"""The accounts behind a figure: which, in what order, a page at a time."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from db.models.audit import AuditEvent
from db.queries.portfolio.accounts import AccountFilter, AccountsOf, Move, SortBy
from services import portfolio
from services.errors import NotAllowed
from services.portfolio import FigureKey, PortfolioFilter, accounts
from services.portfolio.segments import cohort
from tests.portfolio_rows import (
    NOV,
    OCT,
    SEP,
    close_through,
    make_account,
    make_day,
    make_flow,
    make_promise,
    make_segment,
    make_snapshot,
)

D = Decimal


@pytest.fixture(autouse=True)
def clock_at_the_close(frozen_clock):
    frozen_clock(datetime(2025, 11, 15, 4, 0, tzinfo=UTC))


def listed(actor, chosen: AccountFilter, **over) -> list[str]:
    return [account.loan for account in accounts.page(actor, chosen, **over).accounts]


def test_only_active_accounts_past_due_are_listed_largest_overdue_first(session, marek):
    segment = make_segment(session)
    make_account(session, "small", segment_id=segment, bucket=1, overdue_amount=D(10))
    make_account(session, "large", segment_id=segment, bucket=2, overdue_amount=D(90))
    make_account(session, "current", segment_id=segment)
    make_account(session, "closed", segment_id=segment, bucket=1, status="closed", overdue_amount=D(5))
    assert listed(marek, AccountFilter()) == ["large", "small"]
    found = accounts.totals(marek, AccountFilter())
    assert (found.accounts, found.overdue_amount) == (2, D(100))


def test_buckets_segments_and_own_columns_narrow_the_list(session, marek):
    north, south = make_segment(session), make_segment(session, region="South")
    make_account(session, "a", segment_id=north, bucket=1, loan={"attributes": {"channel": "DSA"}})
    make_account(session, "b", segment_id=south, bucket=2, loan={"attributes": {"channel": "web", "score": 700}})
    assert listed(marek, AccountFilter(buckets=(2, 3))) == ["b"]
    assert listed(marek, AccountFilter(scope=PortfolioFilter(regions=("North",)))) == ["a"]
    assert listed(marek, AccountFilter(attribute=("channel", "DSA"))) == ["a"]
    assert listed(marek, AccountFilter(attribute=("score", "700"))) == ["b"]
    assert accounts.attribute_keys(marek) == ["channel", "score"]
    assert accounts.attribute_values(marek, "channel") == ["DSA", "web"]


@pytest.mark.parametrize("sort", list(SortBy))
def test_pages_meet_without_gap_or_repeat_in_both_directions(session, marek, monkeypatch, sort):
    monkeypatch.setattr(accounts, "PAGE", 3)
    segment = make_segment(session)
    for number in range(8):  # ties in every column
        amount = D(number // 3)
        make_account(
            session,
            str(number),
            segment_id=segment,
            bucket=1,
            overdue_amount=amount,
            outstanding=amount,
            dpd=number // 3,
        )
    pages, cursor = [], None
    while True:
        found = accounts.page(marek, AccountFilter(), sort=sort, cursor=cursor)
        pages.append([account.loan for account in found.accounts])
        if found.after is None:
            break
        cursor = found.after
    assert [len(page) for page in pages] == [3, 3, 2]
    assert sorted(number for page in pages for number in page) == [str(number) for number in range(8)]
    back = accounts.page(marek, AccountFilter(), sort=sort, cursor=found.before)
    assert [account.loan for account in back.accounts] == pages[1]
    first = accounts.page(marek, AccountFilter(), sort=sort, cursor=back.before)
    assert [account.loan for account in first.accounts] == pages[0]
    assert first.before is None


def test_a_past_day_lists_accounts_as_they_stood(session, marek):
    segment = make_segment(session)
    loan = make_account(session, "a", segment_id=segment)
    make_snapshot(session, OCT, loan, segment_id=segment, bucket=3, dpd=70, overdue_amount=D(40))
    assert listed(marek, AccountFilter()) == []
    (account,) = accounts.page(marek, AccountFilter(as_of=OCT)).accounts
    assert (account.dpd, account.bucket, account.overdue_amount) == (70, 3, D(40))


def test_a_move_lists_the_cohort_by_where_it_ended(session, marek):
    segment = make_segment(session)
    ends = {"stayed": 1, "forward": 2, "cured": 0}
    for number, bucket in ends.items():
        loan = make_account(session, number, segment_id=segment)
        make_snapshot(session, SEP, loan, segment_id=segment, bucket=1)
        make_snapshot(session, OCT, loan, segment_id=segment, bucket=bucket)
    out = {"closed": {"closed_on": OCT}, "written off": {"written_off_on": OCT}, "vanished": {}}
    for number, dates in out.items():
        loan = make_account(session, number, segment_id=segment, loan=dates)
        make_snapshot(session, SEP, loan, segment_id=segment, bucket=1)
    closed_with_row = make_account(session, "closed with a row", segment_id=segment)
    make_snapshot(session, SEP, closed_with_row, segment_id=segment, bucket=1)
    make_snapshot(session, OCT, closed_with_row, segment_id=segment, status="closed", bucket=0)

    def moved(*to: int) -> set[str]:
        return set(listed(marek, AccountFilter(move=Move(SEP, OCT, (1,), to))))

    assert moved(1) == {"stayed"}
    assert moved(2, 3) == {"forward"}
    assert moved(0) == {"cured"}
    assert moved(100) == {"closed", "closed with a row"}
    assert moved(101) == {"written off"}
    assert moved(102) == {"vanished"}
    assert len(moved(0, 1, 2, 3, 4, 5, 100, 101, 102)) == 7


def test_a_segments_figure_leads_to_the_accounts_that_it_counts(session, marek):
    for place, branch in enumerate(("Here", "There")):
        segment = make_segment(session, branch=branch)
        for close in (SEP, OCT):
            make_day(session, close, segment_id=segment)
        for number, (start, end) in {"stays": (1, 1), "worse": (2, 4), "cured": (3, 0), "worst": (5, 5)}.items():
            loan = make_account(session, f"{number} {branch}", segment_id=segment, bucket=0)  # current since
            make_snapshot(session, SEP, loan, segment_id=segment, bucket=start)
            make_snapshot(session, OCT, loan, segment_id=segment, bucket=end)
            make_flow(session, start, end, 1, segment_id=segment)
        fell_due = make_account(
            session, f"fell due {place}", segment_id=segment, bucket=1
        )  # was current at the opening
        make_snapshot(session, SEP, fell_due, segment_id=segment, bucket=0)
    found = portfolio.worst_segments(marek, PortfolioFilter(), dimension=portfolio.Dimension.BRANCH)
    row = next(segment for segment in found.segments if segment.value == "Here")
    counted = listed(marek, cohort(found, PortfolioFilter(), "Here"))
    assert sorted(counted) == ["cured Here", "stays Here", "worse Here"]
    assert len(counted) == row.loans
    assert listed(marek, cohort(found, PortfolioFilter(), "Here", is_forward=True)) == ["worse Here"]
    assert row.forward_loans == 1


def test_promises_lead_to_their_accounts(session, marek):
    segment = make_segment(session)
    close_through(session, NOV)
    pending, broken, older = (make_account(session, name, segment_id=segment) for name in ("p", "b", "o"))
    make_promise(session, pending)
    make_promise(session, broken, status="broken", resolved_on=date(2025, 11, 10))
    make_promise(session, older, status="broken", resolved_on=date(2025, 10, 10))
    assert listed(marek, AccountFilter(of=AccountsOf.PROMISE_PENDING)) == ["p"]
    assert listed(marek, AccountFilter(of=AccountsOf.PROMISE_BROKEN)) == ["b"]


def test_promises_lead_to_accounts_that_were_written_off_too_and_are_counted_themselves(session, marek):
    segment = make_segment(session)
    close_through(session, NOV)
    written_off = make_account(session, "w", segment_id=segment, status="written_off", bucket=101)
    make_promise(session, written_off)
    make_promise(session, written_off)
    chosen = AccountFilter(of=AccountsOf.PROMISE_PENDING)
    assert listed(marek, chosen) == ["w"]
    found = accounts.totals(marek, chosen)
    assert (found.accounts, found.promises) == (1, 2)
    assert accounts.totals(marek, AccountFilter()).promises is None


def test_promises_of_a_past_day_lead_to_the_accounts_that_they_were_pending_on_then(session, marek):
    segment = make_segment(session)
    close_through(session, NOV)
    then, later = date(2025, 10, 20), date(2025, 11, 5)
    promises = {
        "still pending": {"promised_on": then},
        "kept since": {"promised_on": then, "status": "kept", "resolved_on": later},
        "cancelled since": {
            "promised_on": then,
            "status": "cancelled",
            "cancelled_at": datetime(2025, 10, 31, 19, 0, tzinfo=UTC),  # 1 November where the lender is
        },
        "kept before": {"promised_on": then, "status": "kept", "resolved_on": date(2025, 10, 25)},
        "cancelled before": {
            "promised_on": then,
            "status": "cancelled",
            "cancelled_at": datetime(2025, 10, 31, 18, 0, tzinfo=UTC),
        },
        "promised since": {"promised_on": later},
    }
    for number, made in promises.items():
        loan = make_account(session, number, segment_id=segment)
        make_snapshot(session, OCT, loan, segment_id=segment, bucket=1)
        make_promise(session, loan, **made)
    chosen = AccountFilter(of=AccountsOf.PROMISE_PENDING, as_of=OCT)
    assert set(listed(marek, chosen)) == {"still pending", "kept since", "cancelled since"}
    assert accounts.totals(marek, chosen).promises == 3


def test_a_day_is_kept_when_it_was_closed(session, marek):
    segment = make_segment(session)
    make_snapshot(session, OCT, make_account(session, "a", segment_id=segment), segment_id=segment)
    assert accounts.is_kept(marek, OCT)
    assert not accounts.is_kept(marek, NOV)


def test_each_figure_leads_to_accounts(session, marek):
    segment = make_segment(session)
    make_account(session, "npa", segment_id=segment, bucket=4, asset_class="npa", overdue_amount=D(1))
    make_account(session, "unpaid", segment_id=segment, demand_mtd=D(10), collected_of_demand=D(4))
    found = {key: listed(marek, accounts.behind(key, PortfolioFilter())) for key in FigureKey}
    assert found[FigureKey.NPA] == ["npa"]
    assert found[FigureKey.OVERDUE] == ["npa"]
    assert found[FigureKey.DELINQUENT] == ["npa"]
    assert found[FigureKey.EFFICIENCY] == ["unpaid"]
    assert found[FigureKey.PROMISES] == []


def test_agents_may_not_list_the_book(session, ana):
    for read in (accounts.page, accounts.totals):
        with pytest.raises(NotAllowed):
            read(ana, AccountFilter())
    with pytest.raises(NotAllowed):
        accounts.is_kept(ana, NOV)


def test_an_export_is_recorded_with_its_filter(session, marek, ana):
    segment = make_segment(session)
    make_account(session, "a", segment_id=segment, bucket=2, overdue_amount=D(5))
    make_account(session, "b", segment_id=segment, bucket=1)
    rows = accounts.export(marek, AccountFilter(buckets=(2,), scope=PortfolioFilter(regions=("North",))))
    assert [account.loan for account in rows] == ["a"]
    recorded = session.scalars(select(AuditEvent)).one()
    assert (recorded.action, recorded.actor_id, recorded.after["accounts"]) == ("accounts.exported", marek.id, 1)
    assert recorded.after["filter"]["buckets"] == [2]
    assert recorded.after["filter"]["scope"]["regions"] == ["North"]
    with pytest.raises(NotAllowed):
        accounts.export(ana, AccountFilter())
