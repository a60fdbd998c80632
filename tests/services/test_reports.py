"""Reports: what the files say when read back, that a run produces once, and who may have them."""

import hashlib
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pypdf import PdfReader
from python_calamine import CalamineWorkbook
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from jobs.registry import JOBS
from services import closing, reports
from services.actors import SYSTEM
from services.errors import InvalidInput, NotAllowed, NotFound
from services.reports import REPORTS, ReportKind
from services.reports.contents import content
from services.reports.printing import MOST_ROWS, to_pdf
from services.reports.workbook import Sheet, SheetColumn, to_xlsx
from tests.builders import (
    make_borrower,
    make_instalment,
    make_loan,
    make_payment,
    make_promise,
    make_reversal,
)

OCT, NOV = date(2025, 10, 31), date(2025, 11, 20)


@pytest.fixture
def book(session, frozen_clock):
    """One loan that turns NPA in November, and one that pays; a promise broken, another due in two days."""
    frozen_clock(datetime(2025, 11, 21, 5, 30, tzinfo=UTC))
    bad = make_loan(session, make_borrower(session), external_id="BAD", disbursed_on=date(2025, 7, 5))
    good = make_loan(session, make_borrower(session), external_id="GOOD", disbursed_on=date(2025, 7, 5))
    for number, month in enumerate((8, 9, 10, 11, 12), start=1):
        for loan in (bad, good):
            make_instalment(session, loan, number, date(2025, month, 10), 1_000)
        if month < 12:
            paid = make_payment(session, good, date(2025, month, 10), 1_000, mode="upi")
    make_payment(session, good, date(2025, 11, 12), 300, mode="cash")
    make_reversal(session, good, date(2025, 11, 13), 250, paid)
    make_promise(session, bad, amount=500, promised_on=date(2025, 11, 3), due_on=date(2025, 11, 5))
    make_promise(session, good, amount=250, promised_on=date(2025, 11, 14), due_on=date(2025, 11, 22))
    closing.backfill(SYSTEM, OCT, OCT)
    closing.close(SYSTEM, NOV)
    return bad, good


def read(made: bytes) -> dict[str, list[list[object]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(made))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def sheets(kind, actor=SYSTEM):
    return read(to_xlsx(content(actor, kind, NOV)))


@pytest.mark.parametrize("kind", ReportKind)
def test_the_cover_says_period_day_and_every_definition(session, book, kind):
    cover = sheets(kind)["Cover"]
    said = {row[0]: row[1] for row in cover if row[0]}
    assert cover[0][0] == REPORTS[kind].title
    assert said["Period"] == "1 Nov 2025 to 20 Nov 2025"
    assert said["As of"] == "20 Nov 2025, day-end"
    for term, meaning in REPORTS[kind].definitions:
        assert said[term] == meaning


def test_daily_collections_say_received_taken_back_and_net(session, book):
    seen = sheets(ReportKind.DAILY_COLLECTIONS)
    assert seen["By day"][1:] == [
        [date(2025, 11, 10), 1, 1_000, 0, 1_000],
        [date(2025, 11, 12), 1, 300, 0, 300],
        [date(2025, 11, 13), 0, 0, 250, -250],
    ]
    by_mode = {row[1]: row[2:] for row in seen["The month by product"][1:]}
    assert by_mode == {"upi": [1, 1_000, 0, 1_000], "cash": [1, 300, 0, 300], "not given": [0, 0, 250, -250]}


def test_promises_say_what_is_due_and_what_was_broken(session, book):
    seen = sheets(ReportKind.PROMISES)
    assert [(row[0], row[3], row[4]) for row in seen["Due in seven days"][1:]] == [("GOOD", date(2025, 11, 22), 250)]
    broken = seen["Broken or partly kept"][1:]
    assert [(row[0], row[6], row[7]) for row in broken] == [("BAD", 500, "broken")]


def test_npa_formation_is_newly_npa_over_opening_standard(session, book):
    whole = sheets(ReportKind.NPA_FORMATION)["NPA formation"][-1]
    assert whole[0] == "Whole book"
    # at the opening 5,000 and 2,000 outstanding; the first turned NPA on 8 November
    assert (whole[1], whole[2], whole[3]) == (7_000, 1, 5_000)
    assert whole[4] == pytest.approx(5 / 7)


def test_bucket_movement_adds_to_its_cohort(session, book):
    rows = sheets(ReportKind.BUCKET_MOVEMENT)["Moves"][1:]
    assert [(row[0], row[1], row[2]) for row in rows] == [("Current", "Current", 1), ("61–90", "91–180", 1)]
    assert all(row[4] == 1 for row in rows)


def test_agent_performance_has_figures_and_ranking(session, book):
    seen = sheets(ReportKind.AGENT_PERFORMANCE)
    assert [row[0] for row in seen["Figures"][1:]] == ["Nobody (not allocated)", "Total"]
    assert "Ranking" in seen


def test_the_job_produces_each_report_once_and_what_was_sent_can_be_proved(session, book, marek, anil):
    run_id = reports.request(anil, list(ReportKind), request_key="k")
    assert reports.request(anil, list(ReportKind), request_key="k") == run_id
    arguments = session.execute(text("SELECT arguments FROM job_run WHERE id = :id"), {"id": run_id}).scalar_one()
    job = JOBS["report.produce"]
    assert job(run_id, arguments, lambda *_: None) == {"reports": 12}
    assert job(run_id, arguments, lambda *_: None) == {"reports": 0}
    listed = reports.listing(marek)
    assert {view.kind for view in listed.earlier} == set(ReportKind)
    assert {view.produced_by_name for view in listed.earlier} == {"Anil Kapoor"}
    view = listed.earlier[0]
    made = reports.download(marek, view.id)
    assert (hashlib.sha256(made).hexdigest(), len(made)) == (view.sha256, view.size)
    again = reports.produce(SYSTEM, run_id + 1, kinds=[view.kind])
    assert again == 2
    newest = {one.format: one.sha256 for one in reports.listing(marek).newest[view.kind]}
    assert newest[view.format] == view.sha256  # the same content, the same bytes
    events = session.execute(text("SELECT action, count(*) FROM audit_event GROUP BY action")).all()
    assert {("report.requested", 2), ("report.produced", 14), ("report.downloaded", 1)} <= {
        tuple(row) for row in events
    }
    with pytest.raises(ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(text("UPDATE report SET sha256 = 'x'"))


def test_the_printed_report_holds_every_column_and_says_what_it_leaves_out(session, book):
    pages = PdfReader(io.BytesIO(to_pdf(content(SYSTEM, ReportKind.AGENT_PERFORMANCE, NOV)))).pages
    said = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "1 Nov 2025 to 20 Nov 2025" in said
    for name in ("Allocated", "Right party", "Cure rate", "Promises kept ÷ promises fallen due"):
        assert name in said
    long = Sheet("Long", (SheetColumn("n", "N", "count"),), [{"n": number} for number in range(MOST_ROWS + 5)])
    made = replace(content(SYSTEM, ReportKind.PROMISES, NOV), sheets=(long,))
    said = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(to_pdf(made))).pages)
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 5} rows" in said


def test_printed_amounts_are_grouped_as_the_currency_is_written(session, book):
    report = content(SYSTEM, ReportKind.DAILY_COLLECTIONS, NOV)
    sheet = Sheet("Amounts", (SheetColumn("name", "Name"), SheetColumn("amount", "Amount", "money")),
                  [{"name": "one", "amount": Decimal("1783513.19")}])  # fmt: skip
    for currency, written in (("INR", "17,83,513.19"), ("KES", "1,783,513.19")):
        made = PdfReader(io.BytesIO(to_pdf(replace(report, currency=currency, sheets=(sheet,)))))
        assert written in made.pages[0].extract_text().split()


def test_the_schedule_produces_of_the_last_closed_day_and_nothing_before_the_first(session, frozen_clock):
    frozen_clock(datetime(2025, 11, 21, 5, 30, tzinfo=UTC))
    assert JOBS["report.produce"](1, {"business_date": "2025-11-20"}, lambda *_: None) == {"reports": 0}


def test_who_may_not_see_performance_gets_no_report(session, book, ana, ada, adam, marek):
    reports.produce(SYSTEM, 1, kinds=[ReportKind.PROMISES])
    report_id = reports.listing(marek).earlier[0].id
    for actor in (ana, ada, adam):
        for refused in (
            lambda actor=actor: reports.listing(actor),
            lambda actor=actor: reports.download(actor, report_id),
            lambda actor=actor: reports.request(actor, list(ReportKind), request_key="k"),
        ):
            with pytest.raises(NotAllowed):
                refused()
    with pytest.raises(NotFound):
        reports.download(marek, report_id + 99)
    with pytest.raises(InvalidInput):
        reports.request(marek, [], request_key="k")
