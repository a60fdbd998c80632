"""How amounts, counts and dates are written."""

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from components import dates, languages, money, queue_list
from components.cached import LenderFormat
from services import cases, policy
from services.queue import QueueRow


@pytest.fixture(autouse=True)
def indian_lender(monkeypatch):
    """Formats of a lender in India, without a store."""
    monkeypatch.setattr(
        "components.cached.lender_format", lambda: LenderFormat("Asha Finance", "INR", "en_IN", "Asia/Kolkata")
    )


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0", "₹0"),
        ("999", "₹999"),
        ("1234567", "₹12,34,567"),
        ("1234567.5", "₹12,34,567.50"),
        ("123456789.01", "₹12,34,56,789.01"),
        ("-500", "−₹500"),
    ],
)
def test_rupees_in_full_are_grouped_in_lakh_and_crore(amount, written):
    assert money.full(Decimal(amount)) == written


@pytest.mark.parametrize(
    ("sentence", "written"),
    [
        ("The promise of 1,234,567.00 is more than the 850.50 owed.",
         "The promise of ₹12,34,567 is more than the ₹850.50 owed."),
        ("100,000.00 to 24 Nov 2026 for 250,000.00 owed on PL-1",
         "₹1,00,000 to 24 Nov 2026 for ₹2,50,000 owed on PL-1"),
        ("waived 12.50 %, at 19.0596, version 2.10.1, by 14:30, PL12.00", None),
        ("“abc” is not an amount; write it like 12,500 or 12500.50.", None),
    ],
)  # fmt: skip
def test_amounts_of_a_services_sentence_are_written_as_everywhere(sentence, written):
    assert money.in_sentence(sentence) == (written or sentence)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("45200", "₹45,200"),
        ("95000", "₹95,000"),
        ("99999.50", "₹1 L"),
        ("9600000", "₹96 L"),
        ("360000", "₹3.6 L"),
        ("9999999", "₹1 Cr"),
        ("12400000", "₹1.24 Cr"),
        ("124000000", "₹12.4 Cr"),
        ("12400000000", "₹1,240 Cr"),
        ("-360000", "−₹3.6 L"),
        ("0", "₹0"),
    ],
)
def test_rupees_in_short_are_in_lakh_and_crore_and_round_up_to_the_next_unit(amount, written):
    assert money.short(Decimal(amount)) == written


@pytest.mark.parametrize(
    ("amount", "written"),
    [("1200000", "$1.2M"), ("950", "$950"), ("12500", "$12.5K"), ("999999", "$1M"), ("2340000000", "$2.34B")],
)
def test_other_currencies_in_short_are_in_thousands_and_millions(amount, written):
    assert money.in_short(Decimal(amount), currency="USD", locale="en_US") == written


def test_dollars_in_full_are_grouped_in_thousands():
    assert money.in_full(Decimal("1234567.5"), currency="USD", locale="en_US") == "$1,234,567.50"


def test_nothing_is_a_dash():
    assert money.full(None) == money.short(None) == dates.day(None) == dates.moment(None) == "–"


def test_counts_are_grouped_as_amounts_are():
    assert money.count(1234567) == "12,34,567"


def test_days_and_moments_are_in_the_lenders_zone():
    assert dates.day(date(2026, 11, 4)) == "4 Nov 2026"
    assert dates.moment(datetime(2026, 11, 4, 20, 0, tzinfo=UTC)) == "5 Nov 2026, 01:30"


@pytest.mark.parametrize(
    ("on", "written"),
    [
        (date(2026, 11, 14), "today"),
        (date(2026, 11, 15), "tomorrow"),
        (date(2026, 11, 13), "yesterday"),
        (date(2026, 11, 20), "in 6 days"),
        (date(2026, 11, 11), "3 days ago"),
        (date(2026, 11, 21), "21 Nov 2026"),
        (date(2026, 11, 7), "7 Nov 2026"),
    ],
)
def test_dates_nearer_than_a_week_are_said_as_people_do(on, written):
    assert dates.relative(on, date(2026, 11, 14)) == written


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2025, 6, 16, 11, 30, tzinfo=UTC), "today, 17:00"),
        (datetime(2025, 6, 16, 20, 0, tzinfo=UTC), "tomorrow, 01:30"),
        (datetime(2025, 7, 16, 11, 30, tzinfo=UTC), "16 Jul 2025, 17:00"),
        (None, "–"),
    ],
)
def test_moments_near_today_are_said_as_people_say_them(at, written):
    assert dates.near(at, date(2025, 6, 16)) == written


@pytest.mark.parametrize(("kept", "written"), [("mr", "Marathi"), (" HI ", "Hindi"), ("Tulu", "Tulu"), (None, "")])
def test_languages_are_named(kept, written):
    assert languages.named(kept) == written


@pytest.mark.parametrize(
    ("reasons", "written"),
    [
        (("broken_promise:25", "dpd_1_30:10", "risk_band_3:4"), "Broken promise, 1–30 days past due"),
        (("risk_band_3:4", "instalment_near:-15"), "Medium risk"),
        (("instalment_near:-15",), "Instalment falls due soon"),
        ((), ""),
    ],
)
def test_each_case_of_the_queue_has_a_reason_for_its_place(reasons, written):
    assert _row(reasons=cases.reasons_of(reasons)).why == written


def _row(**over) -> QueueRow:
    """A case of the queue about which nothing is known."""
    fields = dict.fromkeys(field.name for field in dataclasses.fields(QueueRow))
    return QueueRow(**{**fields, **over})


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2025, 6, 17, 2, 30, tzinfo=UTC), "○ 08:00<"),
        (datetime(2025, 6, 18, 2, 30, tzinfo=UTC), "○ tomorrow, 08:00<"),
        (datetime(2025, 6, 30, 2, 30, tzinfo=UTC), "○ 30 Jun 2025, 08:00<"),
        (None, "○ blocked<"),
    ],
)
def test_the_day_from_which_a_call_is_allowed_is_told_unless_it_is_today(at, written):
    row = _row(
        contact=policy.GateAnswer(
            is_allowed=False, rule="hold", reason="On hold.", next_allowed_at=at, policy_version=1
        )
    )
    assert written in queue_list._dot(row, date(2025, 6, 17))


@pytest.mark.parametrize(
    ("on", "written"),
    [
        (date(2025, 6, 12), "Call due 5 days ago · no contact yet"),
        (date(2025, 6, 17), "Call today · no contact yet"),
        (date(2025, 6, 19), "Call in 2 days · no contact yet"),
        (None, "Call · no contact yet"),
    ],
)
def test_an_act_of_an_earlier_day_is_due_and_not_done(on, written):
    assert queue_list._next(_row(next_action="call", next_action_on=on), date(2025, 6, 17)) == written


def test_what_is_said_after_an_act_is_plain_text():
    def page() -> None:
        import streamlit as st

        from components import notices

        st.session_state["notices.pending"] = "[Asha](//y) paid $5 of $6"
        notices.show_pending()

    assert [toast.value for toast in AppTest.from_function(page).run().toast] == [
        "\\[Asha\\]\\(//y\\) paid \\$5 of \\$6"
    ]
