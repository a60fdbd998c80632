"""Findings in words: what is wrong and what to do about it."""

from services.imports.fields import Kind, field_of
from services.wording import counted

_SENTENCES = {
    "missing": "{label} is empty",
    "number": "{label} is not a number with the decimal sign chosen, or too large",
    "whole": "{label} is not a whole number",
    "date": "{label} is not a date",
    "order": "{label} can be read two ways: say which of day and month is first",
    "year": "{label} has a year before 1950 or after 2100",
    "flag": "{label} is neither yes nor no",
    "phone": "{label} is not a phone number",
    "email": "{label} is not an e-mail address",
    "negative": "{label} is negative",
    "zero": "{label} is zero",
    "large": "{label} is too large to be right",
    "long": "{label} is longer than 100 characters",
    "long_name": "{label} is longer than 200 characters",
    "unknown": "{label} is not known here",
    "before": "{label} lies before the loan was disbursed",
    "formula": "{label} holds an error of the spreadsheet: mend its formula",
    "not_available": "{label} holds #N/A, which is read as empty",
    "less_than_parts": "{label} is less than principal, interest and charges together",
}
_SPECIAL = {
    "due_on:added": "The loan gets this due date beside those it has",
    "due_on:several": "Two dues of a loan on one day: add them up, or give instalment numbers",
    "due_on:unclear": "Which due dates of the loan moved is not clear: give instalment numbers",
    "paid_on:future": "Paid on lies in the future: send it once the money has come",
    "paid_on:before_payment": "The bounce is dated before the payment of its receipt number, which stands",
    "entry:taken_back": "The receipt bounced: its payment is taken back from the date of the bounce on",
    "borrower_name:differs": "Rows name this borrower differently: the first name holds",
    "cells:some": "Some rows have more or fewer cells than the header",
    "row:differs": "Rows with the same key say different things: keep the right one",
    "row:repeated": "The row repeats an earlier one: passed over",
    "loan_number:unknown": "The loan is not in the book: import the loan book first",
    "borrower_number:unknown": "The borrower is not in the book: import the loan book first",
    "borrower_number:missing": "The row names neither a borrower nor a loan",
    "borrower_number:moved": "The loan belongs to another borrower in the book",
    "closed_on:written_off": "The loan was closed before it was written off",
    "amount:negative": "The amount is negative: mark what is taken back as a reversal",
    "entry:unknown": "Neither payment, reversal nor bounce: match the word under Columns",
    "reported_status:unknown": "The status is not known: match the word to one of ours under Columns",
    "reverses_reference:missing": "A reversal must name the receipt that it takes back",
    "reverses_reference:unknown": "The receipt taken back is neither in the book nor in this file",
    "reference:recorded": "Recorded already with another amount or date: send a reversal",
    "as_of:missing": "The date of the figures is empty",
    "dpd:missing": "Neither days past due nor months past due nor a status is given",
    "phone:nothing": "The row has no phone number, e-mail or address",
    "party_role:unknown": "The role is neither borrower, co-borrower nor guarantor",
    "party_name:missing": "A co-borrower or guarantor needs a name",
}


_KEPT = "Days past due stay as your files state them for {}"
_SCHEDULED = "Days past due stay derived from the schedule of {}: these figures are only kept"
_OF_LOANS = {
    "loan:kept_from_schedule": _KEPT,
    "loan:kept_from_payments": _KEPT,
    "loan:kept_from_snapshot": _SCHEDULED,
    "loan:kept_from_loan_book": _SCHEDULED,
    "loan:derived": "Days past due are derived from now on, not as your files state them, for {}",
}


def of_loans(code: str, loans: int) -> str:
    """What is to be known of so many loans of the file."""
    return _OF_LOANS[code].format(counted(loans, "loan"))


def sentence(kind: Kind, code: str) -> str:
    """What a fault says, such as 'principal:negative' -> 'Principal is negative'."""
    if code in _SPECIAL:
        return _SPECIAL[code]
    name, _, fault = code.partition(":")
    if name == "cells":
        return f"The row has {fault} cells, not as many as the header"
    base, _, dated = name.partition("__")
    field = field_of(kind, base)
    label = field.label if field else name
    if dated:
        label = f"{label} of {dated[:4]}-{dated[4:6]}"
    return _SENTENCES.get(fault, "{label} cannot be read").format(label=label)


def sentences(kind: Kind, codes: str) -> str:
    """All faults of a row in words."""
    return "; ".join(dict.fromkeys(sentence(kind, code) for code in codes.split(";")))


def group_of(code: str) -> str:
    """Faults that are told as one rule: rows with the wrong number of cells, whichever number."""
    return "cells:some" if code.startswith("cells:") else code
