"""What each kind of file may hold: the fields, their types, and the headers lenders give them. Constants only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

FieldType = Literal["text", "amount", "rate", "integer", "date", "moment", "flag", "phone", "email"]


class Kind(StrEnum):
    """The kinds of file that can be imported."""

    LOAN_BOOK = "loan_book"
    SCHEDULE = "schedule"
    PAYMENTS = "payments"
    CONTACTS = "contacts"
    SNAPSHOT = "snapshot"


KIND_LABELS: Final = {
    Kind.LOAN_BOOK: "Loan book: borrower and loan, one row a loan",
    Kind.SCHEDULE: "Instalment schedule",
    Kind.PAYMENTS: "Payments, reversals and bounces",
    Kind.CONTACTS: "Contacts and consent",
    Kind.SNAPSHOT: "Month-end or daily snapshot",
}


@dataclass(frozen=True, slots=True)
class Field:
    """Something of ours that a column of theirs can fill."""

    name: str
    label: str
    type: FieldType
    synonyms: tuple[str, ...] = ()
    """Other headers for it, lower case, words parted by spaces."""
    is_required: bool = False
    is_dated: bool = False
    """A measure that may have a column for each month: mapped as 'name@2025-03-31'."""
    help: str = ""


def _f(
    name: str,
    label: str,
    type_: FieldType,
    *synonyms: str,
    is_required: bool = False,
    is_dated: bool = False,
    note: str = "",
) -> Field:
    return Field(name, label, type_, synonyms, is_required, is_dated, note)


_LOAN = _f(
    "loan_number", "Loan number", "text",
    "loan id", "loan no", "loan account number", "loan account no", "account number", "account no", "lan", "loan ac no",
    "agreement no", "agreement number", "contract number", "systemloanid", "loan external id", "loan",
    is_required=True,
)  # fmt: skip
_BORROWER = _f(
    "borrower_number", "Borrower number", "text",
    "customer id", "customer number", "customer no", "customerid", "client id", "cif", "cif no", "borrower id",
    "ucic", "cust id", "borrower external id",
    note="Ties the loans of one borrower together. Without it each loan has a borrower of its own.",
)  # fmt: skip
_REPORTED: Final = (
    _f("dpd", "Days past due", "integer", "days past due", "days delinquent", "overdue days", "dpd days",
       "days overdue",
       is_dated=True),
    _f("months_past_due", "Months past due", "integer", "months delinquent", "months overdue", is_dated=True),
    _f("outstanding", "Outstanding", "amount", "outstanding balance", "balance", "principal outstanding", "pos",
       "current balance", "outstanding principal", "outstanding amount", is_dated=True),
    _f("overdue_amount", "Overdue amount", "amount", "overdue", "arrears", "amount overdue", "total overdue",
       "emi overdue",
       is_dated=True),
    _f("reported_status", "Reported status", "text", "loan status", "account status", "status"),
)  # fmt: skip
_REACH: Final = (
    _f("phone", "Phone", "phone", "mobile", "mobile no", "mobile number", "phone number", "phone no", "contact number",
       "contact no", "cell"),
    _f("whatsapp", "WhatsApp", "phone", "whatsapp number", "whatsapp no"),
    _f("email", "E-mail", "email", "e mail", "email id", "email address", "mail"),
    _f("address", "Address", "text", "residence address", "postal address", "home address", "current address"),
)  # fmt: skip

FIELDS: Final[dict[Kind, tuple[Field, ...]]] = {
    Kind.LOAN_BOOK: (
        _LOAN,
        _f("principal", "Principal", "amount", "loan amount", "amount", "disbursed amount", "sanctioned amount",
           "disbursal amount", "loanamount", "amount financed", "original principal", is_required=True),
        _BORROWER,
        _f("borrower_name", "Borrower name", "text", "name", "customer name", "client name", "applicant name",
           "full name", "borrower"),
        _f("product", "Product", "text", "product code", "product name", "loan type", "scheme", "product type"),
        _f("region", "Region", "text", "zone", "cluster", "circle"),
        _f("branch", "Branch", "text", "branch name", "branch code", "location"),
        _f("disbursed_on", "Disbursed on", "date", "disbursal date", "disbursement date", "disbursed date", "loan date",
           "origination date", "approveddate", "approved date", "issue date", "issue month", "start date",
           "sanction date"),
        _f("maturity_on", "Matures on", "date", "maturity date", "end date", "expiry date", "maturity"),
        _f("interest_rate", "Interest rate, % a year", "rate", "rate", "roi", "int rate", "rate of interest",
           "annual rate"),
        _f("tenure_months", "Tenure, months", "integer", "tenure", "term", "loan term", "tenor", "term months",
           "number of instalments"),
        _f("instalment_amount", "Instalment", "amount", "emi", "emi amount", "installment", "instalment",
           "installment amount", "monthly installment"),
        _f("closed_on", "Closed on", "date", "closed date", "closure date", "closeddate", "close date",
           "foreclosure date"),
        _f("written_off_on", "Written off on", "date", "write off date", "written off date", "charge off date"),
        _f("city", "City", "text", "town", "district"),
        _f("state", "State", "text", "state name", "province"),
        _f("language", "Language", "text", "preferred language"),
        *_REACH,
        _f("as_of", "Figures as of", "date", "as of date", "as on date", "report date", "snapshot date",
           note="Date of the days past due, outstanding and status in this row."),
        *_REPORTED,
    ),
    Kind.SCHEDULE: (
        _LOAN,
        _f("due_on", "Due on", "date", "due date", "emi date", "instalment date", "installment date", "emi due date",
           "firstduedate", is_required=True),
        _f("number", "Instalment number", "integer", "instalment number", "instalment no", "installment no",
           "installment number", "emi no", "emi number", "sr no", "seq", "instalment"),
        _f("amount", "Amount due", "amount", "instalment amount", "emi", "emi amount", "due amount",
           "installment amount",
           "totaldue", "total due", "demand"),
        _f("principal", "Principal due", "amount", "principal amount", "principal component", "principal due"),
        _f("interest", "Interest due", "amount", "interest amount", "interest component", "interest due"),
        _f("charges", "Charges due", "amount", "fees", "charge", "other charges", "penal charges"),
    ),
    Kind.PAYMENTS: (
        _LOAN,
        _f("paid_on", "Paid on", "date", "payment date", "paid date", "receipt date", "value date", "date",
           "transaction date", "txn date", "presentation date", "presented on", "collection date", "firstrepaiddate",
           is_required=True),
        _f("amount", "Amount", "amount", "amount paid", "paid amount", "payment amount", "receipt amount",
           "transaction amount", "collected amount", is_required=True),
        _f("reference", "Receipt number", "text", "receipt no", "receipt number", "reference no", "reference number",
           "utr", "txn id", "transaction id", "payment id", "receipt", "ref"),
        _f("entry", "Payment, reversal or bounce", "text", "type", "kind", "status", "transaction type", "result",
           "payment status", "txn type", "payment type", "entry type"),
        _f("mode", "Mode", "text", "payment mode", "channel", "instrument", "method"),
        _f("reverses_reference", "Reverses receipt", "text", "original reference", "reversal of", "reverses",
           "original receipt", "original receipt no"),
        _f("reason", "Reason", "text", "bounce reason", "return reason", "remarks", "failure reason"),
    ),
    Kind.CONTACTS: (
        _BORROWER,
        Field("loan_number", "Loan number", "text", _LOAN.synonyms, help="Names the borrower without a number."),
        *_REACH,
        _f("consent", "Consent", "flag", "consent given", "opt in", "consented", "communication consent"),
        _f("consent_at", "Consent given on", "moment", "consent date", "consent at", "opt in date"),
        _f("consent_source", "Consent source", "text", "source of consent", "consent channel"),
        _f("do_not_contact", "Do not contact", "flag", "dnc", "dnd", "do not call", "opt out"),
        _f("is_primary", "Primary", "flag", "primary contact", "preferred", "is preferred"),
        _f("party_role", "Role of the person", "text", "role", "party type", "relation", "contact type"),
        _f("party_name", "Name of the person", "text", "contact name", "guarantor name", "co borrower name",
           "coborrower name", "party"),
    ),
    Kind.SNAPSHOT: (
        _LOAN,
        _f("as_of", "As of", "date", "as of date", "as on date", "snapshot date", "date", "month", "month end",
           "report date", "reporting date"),
        *_REPORTED,
    ),
}  # fmt: skip

DATED: Final = tuple(field.name for field in _REPORTED if field.is_dated)
"""Measures that a wide file holds once a month."""


def field_of(kind: Kind, name: str) -> Field | None:
    """The field of that name, if the kind has it."""
    return next((field for field in FIELDS[kind] if field.name == name), None)


def required(kind: Kind) -> tuple[Field, ...]:
    """The fields without which a file of this kind cannot be read."""
    return tuple(field for field in FIELDS[kind] if field.is_required)
