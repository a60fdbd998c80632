"""What may be said of a file beside its columns: by a profile, by the page, or by an operator as JSON."""

import pytest

from services.errors import InvalidInput
from services.imports import profiles
from services.imports.fields import Kind
from services.imports.mapping import checked

HEADERS = ["Loan No", "Amount"]
MAPPED = {"Loan No": "loan_number", "Amount": "principal"}


@pytest.mark.parametrize(
    "options",
    [
        {"colour": 1},
        {"date_order": "ymd"},
        {"decimal": ";"},
        {"phone_country": "India"},
        {"constants": 5},
        {"constants": {"colour": "red"}},
        {"constants": {"product": None}},
        {"value_maps": {"reported_status": 3}},
        {"value_maps": {"colour": {"a": "b"}}},
        {"number_prefix": 5},
        {"product": ["Loans"]},
        {"derive": "yes"},
        {"derive": True},  # of a schedule only
    ],
    ids=str,
)
def test_an_option_that_cannot_be_is_refused_and_not_read_as_something_else(options):
    with pytest.raises(InvalidInput):
        checked(Kind.LOAN_BOOK, HEADERS, MAPPED, options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"date_order": "mdy", "decimal": ",", "phone_country": "234", "product": "Gold", "number_prefix": "N-"},
        {"constants": {"as_of": "2025-03-31"}, "value_maps": {"reported_status": {"Late": "active:23"}}},
        {"date_order": None, "decimal": "", "constants": None, "value_maps": {}},
    ],
    ids=str,
)
def test_options_that_can_be_are_taken(options):
    checked(Kind.LOAN_BOOK, HEADERS, MAPPED, options)


@pytest.mark.parametrize("profile", profiles.shipped(), ids=lambda profile: profile.name)
def test_profiles_that_ship_say_what_can_be(profile):
    checked(profile.kind, list(profile.mapping), profile.mapping, profile.options)
