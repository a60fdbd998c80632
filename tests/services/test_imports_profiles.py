"""Profiles: saved once, found again for files of the same shape and no others, and fitted to their very headers."""

import pytest

from services.actors import SYSTEM
from services.errors import InvalidInput
from services.imports import profiles
from services.imports.fields import Kind
from services.imports.mapping import normalised


def _saved(headers, mapping):
    profiles.save(SYSTEM, "Ours", kind=Kind.LOAN_BOOK, headers=headers, mapping=mapping, options={})


def _found(session, headers):
    profile = profiles.suiting(session, Kind.LOAN_BOOK, headers)
    return profile and profiles.fitted(profile, headers)


def test_a_profile_is_found_for_the_same_columns_in_any_order_and_writing(session):
    _saved(["Loan No", "Amount"], {"Loan No": "loan_number", "Amount": "principal"})
    assert _found(session, ["AMOUNT", "loan_no"]) == {"loan_no": "loan_number", "AMOUNT": "principal"}
    assert _found(session, ["Amount", "Loan No", "Colour"]) is None


def test_of_headers_that_differ_in_case_alone_each_keeps_its_field(session):
    headers = ["Loan No", "Amount", "AMOUNT"]
    _saved(headers, {"Loan No": "loan_number", "Amount": "principal"})
    assert _found(session, headers) == {"Loan No": "loan_number", "Amount": "principal"}


def test_headers_in_other_scripts_are_told_apart(session):
    _saved(["ऋण संख्या", "राशि"], {"ऋण संख्या": "loan_number", "राशि": "principal"})
    assert _found(session, ["राशि", "ऋण संख्या"]) == {"ऋण संख्या": "loan_number", "राशि": "principal"}
    assert _found(session, ["शहर", "राज्य"]) is None


def test_a_profile_does_not_take_the_place_of_one_for_another_kind_of_file(session):
    _saved(["Loan No", "Amount"], {"Loan No": "loan_number", "Amount": "principal"})
    with pytest.raises(InvalidInput, match="another kind of file, loan book"):
        profiles.save(SYSTEM, "Ours ", kind=Kind.PAYMENTS, headers=["Loan No"], mapping={}, options={})
    _saved(["Loan No", "Sum"], {"Loan No": "loan_number", "Sum": "principal"})
    assert _found(session, ["Loan No", "Amount"]) is None


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Loan_A/c No.", "loan a c no"),
        ("LoanAmount (₹)", "loan amount"),
        ("Amount\u00a0– “due”", "amount due"),
        ("राशि (₹)", "राशि"),
    ],
)
def test_headers_are_compared_by_their_words(header, words):
    assert normalised(header) == words
