"""The words of a message: templates filled in a sandbox, amounts as the lender's country writes them."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from babel.core import Locale, UnknownLocaleError
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from sqlalchemy import Row

from services.errors import Refused
from services.wording import written_amount, written_day
from settings import settings


@dataclass(frozen=True, slots=True)
class Words:
    """What the borrower is told."""

    subject: str
    body: str


@cache
def _environment() -> SandboxedEnvironment:
    # Plain text: nothing is escaped, since nothing in it is interpreted. HTML mail must switch autoescape on.
    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)


def words_of(message: Row[*tuple[Any, ...]]) -> Words:
    """Fill the template of a message.

    Raises:
        Refused: the template is wrong; the sentence says how.
    """
    locale = _locale(message.locale)
    values = {
        "borrower_name": message.borrower_name,
        "loan_number": message.loan_number,
        "amount": written_amount(message.amount, message.currency, locale),
        "due_on": written_day(message.anchor_on, message.language),
        "days_past_due": message.days_past_due,
        "lender": message.lender,
        "agent_name": message.agent_name or "",
        "agency": message.agency or "",
        "id_card": message.id_card or "",
        "certificate": message.certificate or "",
        "grievance_contact": message.grievance_contact or settings().smtp_from,
    }
    try:
        subject = _environment().from_string(message.subject_template or "").render(values)
        body = _environment().from_string(message.body_template).render(values)
    except TemplateError as error:
        raise Refused(f"The template cannot be filled: {error}. Correct it and send again.") from error
    return Words(" ".join(subject.split()), body.strip() + "\n")


def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name)
    except (ValueError, UnknownLocaleError):
        return Locale("en", "IN")
