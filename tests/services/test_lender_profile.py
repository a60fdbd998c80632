"""Who the lender is: changed by operators, with an audit event, and only to what can be."""

from datetime import date
from decimal import Decimal

import pytest
from babel.core import Locale
from sqlalchemy import text
from typer.testing import CliRunner

import manage
from services import lender, lender_profile
from services.actors import SYSTEM
from services.errors import InvalidInput, NotAllowed, Refused
from services.wording import Words, written_amount, written_day
from tests import builders


def events(session):
    return session.execute(text("SELECT summary, before, after FROM audit_event")).all()


def test_what_is_set_holds_and_is_audited_once(session, frozen_clock):
    changes = {"name": " First Loans ", "currency": "usd", "locale": "en-US", "time_zone": "Pacific/Auckland"}
    for _ in range(2):
        found = lender_profile.change(SYSTEM, changes)
    assert (found.name, found.currency, found.locale) == ("First Loans", "USD", "en_US")
    settings = lender.current()
    assert (settings.phone_country, settings.today) == ("1", date(2025, 6, 16))
    assert Words(settings).amount(1234567) == "$1,234,567.00"
    ((summary, before, after),) = events(session)
    assert summary == "changed the lender's name, currency, locale, time zone"
    assert (before["currency"], after["currency"]) == ("INR", "USD")


def test_the_currency_of_loans_that_are_there_stays(session):
    builders.make_loan(session, builders.make_borrower(session))
    with pytest.raises(Refused, match="in INR: their amounts would be taken for JPY"):
        lender_profile.change(SYSTEM, {"currency": "JPY"})
    assert lender_profile.change(SYSTEM, {"time_zone": "Asia/Tokyo", "currency": "INR"}).time_zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("currency", "rupees"),
        ("currency", ""),
        ("currency", "KWD"),
        ("locale", "en"),
        ("locale", "xx_YY"),
        ("locale", "en_001"),
        ("locale", ""),
        ("time_zone", "India"),
        ("time_zone", "../etc/passwd"),
        ("name", "  "),
        ("name", "two\nlines"),
        ("grievance_contact", "x" * 201),
    ],
)
def test_what_cannot_be_is_told(session, name, value):
    with pytest.raises(InvalidInput) as refused:
        lender_profile.change(SYSTEM, {name: value})
    assert list(refused.value.fields) == [name]
    assert not events(session)


def test_a_leader_may_not(session, marek):
    for ask in (lambda: lender_profile.profile(marek), lambda: lender_profile.change(marek, {"name": "x"})):
        with pytest.raises(NotAllowed):
            ask()


def test_operators_see_and_set_it(session):
    run = CliRunner().invoke
    assert "Wakatobi Loans: amounts in IDR as id_ID" in run(
        manage.app, ["lender", "set", "--name", "Wakatobi Loans", "--currency", "IDR", "--locale", "id_ID"]
    ).output  # fmt: skip
    run(manage.app, ["lender", "set", "--grievance-contact", "help@lender.example"])
    shown = run(manage.app, ["lender", "show"]).output
    assert "help@lender.example" in shown
    run(manage.app, ["lender", "set", "--grievance-contact", ""])
    assert "not set" in run(manage.app, ["lender", "show"]).output


def test_a_currency_without_coins_has_no_decimals_unless_they_are_owed():
    japan = Locale("ja", "JP")
    told = [written_amount(Decimal(amount), "JPY", japan) for amount in ("1234567.00", "1234567.50")]
    assert told == ["￥1,234,567", "￥1,234,567.50"]
    assert written_amount(Decimal("123456.50"), "INR", Locale("en", "IN")) == "₹1,23,456.50"


def test_a_date_is_in_the_language_of_its_text():
    on = date(2026, 10, 15)
    assert [written_day(on), written_day(on, "hi"), written_day(on, "xx")] == [
        "15 October 2026",
        "15 अक्टूबर 2026",
        "15 October 2026",
    ]
