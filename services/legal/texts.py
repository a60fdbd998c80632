"""Texts of notices: named fields in braces and nothing else. Whoever writes one is taken for hostile: nothing is run.

A text is split at its fields once, so that braces in a borrower's name stay braces. A field is a name of the list
below; formats, attributes, indexes, and braces that name no field are refused when the text is saved.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from unicodedata import category

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import legal as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound
from services.legal.values import BOUNCES, KINDS

FIELDS: Final = {
    "borrower_name": "the borrower's name",
    "borrower_number": "the customer number",
    "loan_numbers": "the numbers of the loans",
    "amount": "what is demanded",
    "overdue_amount": "what is overdue on the loans today",
    "today": "the date of the notice",
    "reference": "the number of the action",
    "lender": "the lender's name",
    "grievance_contact": "where the borrower may write to",
    "payment_days": "days to pay after receipt",
    "instrument_number": "number of the cheque, or reference of the debit",
    "instrument_date": "date of the cheque or debit",
    "return_reason": "why it was returned",
    "memo_date": "day on which the return memo was received",
}
"""Fields that a text may name, with what each stands for. The last four are for bounces only."""
_OF_A_BOUNCE: Final = frozenset({"instrument_number", "instrument_date", "return_reason", "memo_date"})
_NEEDED: Final = {"s138": {"amount", "instrument_number"}, "s25": {"amount", "instrument_number"}}
_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_TITLE_AT_MOST, _BODY_AT_MOST = 200, 20_000


@dataclass(frozen=True, slots=True)
class Template:
    """A version of the text of a kind's notice."""

    id: int
    kind: str
    version: int
    title: str
    body: str
    reason: str
    created_at: datetime
    who: str | None
    """None: the text that Recoup came with."""


def fields_of(kind: str) -> dict[str, str]:
    """Fields that a text of a kind may name."""
    return {name: words for name, words in FIELDS.items() if kind in BOUNCES or name not in _OF_A_BOUNCE}


def templates(actor: Actor, kind: str) -> tuple[Template, ...]:
    """Versions of a kind's text, the one in force first.

    Raises:
        NotAllowed: the actor may not see legal actions.
    """
    actor.require(Permission.VIEW_LEGAL)
    with reading() as session:
        return tuple(_template(row) for row in queries.templates(session, kind))


def newest(session: Session, kind: str) -> Template:
    """The text in force, read in the caller's transaction.

    Raises:
        NotFound: the kind has none.
    """
    rows = queries.templates(session, kind)
    if not rows:
        raise NotFound("This kind has no text of a notice yet.")
    return _template(rows[0])


def _template(row: AnyRow) -> Template:
    return Template(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def save(actor: Actor, kind: str, *, title: str, body: str, reason: str, based_on: int) -> int:
    """Put a new version in force; its number. Notices that were sent keep the text that they were sent with.

    Args:
        actor: who may set up legal actions.
        kind: of action.
        title: first line of the notice.
        body: text with named fields; an empty line begins a paragraph.
        reason: why it changes.
        based_on: the version that the editor started from.

    Raises:
        NotAllowed: the actor may not set up legal actions.
        InvalidInput: a field is unknown, something stands in braces that is no field, or words are missing.
        Conflict: someone else saved a version meanwhile.
    """
    actor.require(Permission.SET_UP_LEGAL)
    _check(kind, title, body, reason)
    with transaction() as session:
        before = newest(session, kind)
        if before.version != based_on:
            raise Conflict(f"Version {before.version} was saved meanwhile: look at it, then change it anew.")
        made = queries.insert_template(
            session,
            kind=kind,
            version=based_on + 1,
            title=title.strip(),
            body=body.strip(),
            reason=reason.strip(),
            created_by=actor.id,
        )
        if made is None:
            raise Conflict("Another version was saved just now: look at it, then change it anew.")
        audit.record(
            session,
            actor,
            "legal.template_saved",
            subject=("legal_template", made),
            summary=f"put version {based_on + 1} of the notice “{KINDS[kind]}” in force",
            before={"version": before.version, "title": before.title, "body": before.body},
            after={"version": based_on + 1, "title": title.strip(), "body": body.strip()},
            reason=reason.strip(),
        )
        return based_on + 1


def _check(kind: str, title: str, body: str, reason: str) -> None:
    wrong: dict[str, str] = {}
    if kind not in KINDS:
        raise NotFound("There is no such kind of action.")
    if not 0 < len(title.strip()) <= _TITLE_AT_MOST or "\n" in title or _FIELD.search(title):
        wrong["title"] = f"A title is one line of at most {_TITLE_AT_MOST} characters, without fields."
    if not 0 < len(body.strip()) <= _BODY_AT_MOST:
        wrong["body"] = f"Write the text, at most {_BODY_AT_MOST:,} characters."
    elif sentence := _wrong_fields(kind, body):
        wrong["body"] = sentence
    if not reason.strip():
        wrong["reason"] = "Say why the text changes."
    if wrong:
        raise InvalidInput(wrong)


def _wrong_fields(kind: str, body: str) -> str | None:
    named, known = set(_FIELD.findall(body)), fields_of(kind)
    if unknown := named - known.keys():
        return f"{{{min(unknown)[:40]}}} is no field of this notice. Use the names in the list."
    if set(_FIELD.sub("", body)) & {"{", "}"}:
        return "A brace stands alone: braces go around the name of a field only."
    if missing := _NEEDED.get(kind, set()) - named:
        return f"The notice must name {{{min(missing)}}}: {FIELDS[min(missing)]}."
    return None


def filled(body: str, values: Mapping[str, str]) -> list[str]:
    """The paragraphs of a text with its fields filled, each once; values are plain text and never looked at again.

    Raises:
        KeyError: a field has no value; saving a text refuses such fields.
    """
    parts = _FIELD.split(body)
    said = "".join(_plain(values[part]) if place % 2 else part for place, part in enumerate(parts))
    return [paragraph.strip() for paragraph in re.split(r"\n\s*\n", said) if paragraph.strip()]


def _plain(value: str) -> str:
    """A value without control characters, which could break a line or hide text."""
    return " ".join("".join(" " if category(letter)[0] == "C" else letter for letter in value).split())
