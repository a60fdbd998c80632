"""Colours that can be told apart and read, in both themes; tables that show what rows hold."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from components import palette, portfolio_charts, queue_list, tables
from components.cached import LenderFormat
from components.palette import DARK, LIGHT, contrast
from services import scoring
from services.portfolio import RISK_BANDS, Measure, Vintage
from services.portfolio.rolls import Cell, RollMonth, Rolls
from services.portfolio.vintages import VintagePoint


def luminance(colour: str) -> float:
    return palette._luminance(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_words_in_state_colours_can_be_read_on_the_page(colours):
    for colour in (colours.text, colours.muted, colours.cured, colours.broken):
        assert contrast(colour, colours.surface) >= 4.5
    for colour in (colours.due_soon, colours.unknown, colours.accent):
        assert contrast(colour, colours.surface) >= 3


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_buckets_are_one_scale_in_even_steps_of_lightness(colours):
    shades = [luminance(colour) for colour in colours.buckets]
    assert shades == sorted(shades, reverse=colours is LIGHT)
    for one, other in zip(colours.buckets, colours.buckets[1:], strict=False):
        assert contrast(one, other) > 1.25
    assert [palette.legible(colour) for colour in colours.buckets] == list(colours.buckets)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_no_two_vintages_are_drawn_alike(colours):
    curves = tuple(
        Vintage(date(2024 + number, 1, 1), (VintagePoint(date(2025, 1, 31), 1, 10, 1, 0, None, None),))
        for number in range(8)
    )
    lines = [line["line"] for line in portfolio_charts.vintages(curves, 30, colours)["data"]]
    assert len({(line["color"], line["dash"]) for line in lines}) == len(curves)


def test_rolls_of_nothing_have_an_axis_that_starts_at_nothing():
    line = RollMonth(date(2026, 10, 31), date(2026, 11, 30), {(0, 0): Cell(1, Decimal(5))})
    rolls = Rolls(("Current", "1–30"), (line,), date(2026, 11, 30))
    assert portfolio_charts.highest(rolls, Measure.COUNT) == 1


def test_risk_bands_are_called_alike_by_every_page():
    called = [name.lower() for band, name in scoring.BANDS.items() if band]
    assert [name.lower() for name in reversed(queue_list.RISKS.values())] == called
    assert [name for band, name in RISK_BANDS.items() if band] == [f"{n} {name}" for n, name in enumerate(called, 1)]


@pytest.mark.parametrize(
    ("change", "written"), [(67.5, "+67.5"), (20.0, "+20.0"), (-3.5, "−3.5"), (-0.04, "0.0"), (None, "–")]
)
def test_changes_in_points_have_their_tenth_and_their_sign_in_every_row(change, written):
    assert tables._points_cell(change) == written


def test_a_whole_list_is_not_told_as_a_part_of_itself(monkeypatch):
    monkeypatch.setattr("components.cached.lender_format", lambda: LenderFormat("Asha Finance", "INR", "en_IN", "UTC"))

    def page():
        from components import tables

        tables.totals(3, noun="events", of="3")
        tables.totals(1, noun="events", of="1")
        tables.totals(3, noun="events", of="more than 1,000")

    said = [caption.value for caption in AppTest.from_function(page).run().caption]
    assert said == ["3 events", "1 event", "3 of more than 1,000 events"]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_figures_in_shades_of_buckets_can_be_read(colours):
    for shade in colours.buckets:
        assert contrast(colours.ink_on(shade), shade) >= 4


def test_contrast_is_what_wcag_reckons():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_any_colour_becomes_legible_as_a_chip(colours):
    for colour in (*colours.buckets, colours.cured, colours.due_soon, colours.broken, colours.unknown, colours.accent):
        chip = palette.legible(colour)
        text = "#000000" if luminance(chip) > 0.5 else "#ffffff"
        assert contrast(chip, text) >= 4.5


def test_buckets_spread_over_any_number():
    assert [LIGHT.bucket(i, of=6) for i in range(6)] == list(LIGHT.buckets)
    assert (LIGHT.bucket(0, of=3), LIGHT.bucket(2, of=3)) == (LIGHT.buckets[0], LIGHT.buckets[-1])
    assert len({LIGHT.bucket(i, of=4) for i in range(4)}) == 4


@dataclass(frozen=True, slots=True)
class Row:
    """A row with every kind of column."""

    id: int
    name: str
    amount: Decimal | None
    share: Decimal | None
    due_on: date | None
    at: datetime | None
    state: str
    is_held: bool


FULL = Row(
    id=7,
    name="B-1",
    amount=Decimal("1234567.50"),
    share=Decimal("0.182"),
    due_on=date(2026, 11, 4),
    at=datetime(2026, 11, 4, tzinfo=UTC),
    state="Broken",
    is_held=True,
)
BARE = Row(id=8, name="=x", amount=None, share=None, due_on=None, at=None, state="Other", is_held=False)
ROWS = (FULL, BARE)


def draw_table():
    from decimal import Decimal
    from unittest.mock import patch

    from components import tables
    from components.cached import LenderFormat
    from components.tables import Column
    from tests.components.test_looks import ROWS

    columns = (
        Column("name", "Borrower"),
        Column("amount", "Overdue", "money"),
        Column("share", "Share", "percent"),
        Column("due_on", "Due", "date"),
        Column("at", "Seen", "moment"),
        Column("state", "Promise", "chip", colours={"Broken": "#c4342d"}),
        Column("is_held", "Held", "flag"),
    )
    with patch("components.cached.lender_format", lambda: LenderFormat("A", "INR", "en_IN", "Asia/Kolkata")):
        tables.table(ROWS, columns, key="t", select="id")
        tables.table((), columns, key="empty")
        tables.totals(2, noun="accounts", of=1234567, sums=(("overdue", Decimal("1234567.50")),))


def test_a_table_writes_amounts_in_the_currencys_grouping_and_keeps_numbers_for_sorting():
    app = AppTest.from_function(draw_table, default_timeout=90).run()
    assert not app.exception
    frame = app.dataframe[0].value
    assert frame["amount"].iloc[0] == 1234567.5
    shown = app.dataframe[0].proto.arrow_data.styler.display_values
    assert "₹12,34,567.50".encode() in shown
    assert b"18.2 %" in shown
    assert b"4 Nov 2026" in shown
    assert app.caption[0].value == "2 of 12,34,567 accounts · overdue **₹12,34,567.50**"
