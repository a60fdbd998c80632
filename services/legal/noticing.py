"""Making a notice: the text filled, set as PDF, kept with its fingerprint, and recorded as sent, as one act."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from babel.core import Locale, UnknownLocaleError
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import legal as legal_queries
from db.queries import legal_notices as queries
from services import audit, cases, clock, documents, lender, personal_data
from services.actors import Actor, Permission
from services.errors import InvalidInput, NotFound, Refused
from services.legal import permitted
from services.legal.acting import DOCUMENT, Act, begin, past
from services.legal.opening import require_officer
from services.legal.settling import Standing, derive, lengths_of, standings
from services.legal.texts import Template, filled, newest
from services.legal.values import WAYS, number_of
from services.pdf import Block, Facts, Gap, Paragraph, render
from services.wording import written_amount, written_day

NOTICE: Final = "legal_notice"
"""Kind of the documents."""
_BY_POST: Final = frozenset({"registered_post", "speed_post", "courier"})


@dataclass(frozen=True, slots=True)
class Writer:
    """What the notices of one transaction share."""

    template: Template
    how: str
    today: date
    lender: AnyRow
    rules: Sequence[AnyRow]


def writer(session: Session, kind: str, how: str) -> Writer:
    """The text in force and who writes, read once.

    Raises:
        InvalidInput: there is no such way of sending.
    """
    if how not in WAYS:
        raise InvalidInput({"how": "Choose how it goes out."})
    today = lender.load(session).today
    return Writer(newest(session, kind), how, today, queries.lender(session), legal_queries.rules(session))


def preview(actor: Actor, action_id: int) -> bytes:
    """The notice as it would be sent today, as PDF; nothing is kept.

    Raises:
        NotAllowed: the actor may not lead the borrower through law.
        NotFound: there is no such action, or its borrower is not theirs to see.
    """
    actor.require(Permission.HANDLE_LEGAL)
    with reading() as session:
        today = lender.load(session).today
        row = queries.to_fill(session, [action_id], today).get(action_id)
        if row is None:
            raise NotFound("There is no such legal action.")
        require_officer(session, actor, row.borrower_id)
        return _pdf(row, writer(session, row.kind, "registered_post"), is_draft=True)


def issue(actor: Actor, action_id: int, *, how: str, request_key: str | None = None) -> None:
    """Make the notice of today, keep it, and record it as sent.

    Raises:
        NotAllowed, NotFound: the action is not the actor's to handle.
        Refused: too late by the rule, sent already, no address for the post, or the borrower is deceased.
        InvalidInput: no such way.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        made = writer(session, act.standing.opened.kind, how)
        row = queries.to_fill(session, [action_id], act.today)[action_id]
        write(session, actor, row, act.standing, made, request_key=request_key)
        derive(session, [action_id])
        cases.refresh_for(session, act.today, [act.action.borrower_id])


def write(
    session: Session,
    actor: Actor,
    row: AnyRow,
    standing: Standing,
    by: Writer,
    *,
    batch_id: int | None = None,
    request_key: str | None = None,
) -> None:
    """Make one notice in the caller's transaction, which has locked the action and derives it afterwards.

    Raises:
        Refused: too late by the rule, sent already, no address for the post, or the borrower is deceased.
    """
    permitted.require(standing.opened.kind, standing.state, standing.events, "notice_issued", by.today)
    if row.is_deceased:
        raise Refused("The borrower is deceased: no notice goes out in their name. Ask counsel about the estate.")
    if row.address is None and by.how in _BY_POST:
        raise Refused("No address is known, so that nothing can be posted. Import the borrower's address first.")
    stored = documents.store(
        session,
        actor,
        kind=NOTICE,
        file_name=f"{number_of(row.id)} notice {by.today.isoformat()}.pdf",
        content=_pdf(row, by),
        borrower_id=row.borrower_id,
        subject=(DOCUMENT, row.id),
    )
    legal_queries.insert_event(
        session,
        action_id=row.id,
        kind="notice_issued",
        on_date=by.today,
        done_by=actor.id,
        how=by.how,
        document_id=stored.id,
        template_id=by.template.id,
        batch_id=batch_id,
        request_key=request_key,
    )
    audit.record(
        session,
        actor,
        "legal.notice_issued",
        subject=("legal_action", row.id),
        summary=f"sent the notice of {number_of(row.id)} by {WAYS[by.how].lower()}",
        borrower_id=row.borrower_id,
        before={"status": standing.state.status},
        after={
            "document_id": stored.id,
            "sha256": stored.sha256,
            "template_version": by.template.version,
            "batch_id": batch_id,
        },
    )


def record_sent(
    actor: Actor,
    action_id: int,
    *,
    on: date,
    how: str,
    file_name: str = "",
    content: bytes | None = None,
    tracking_number: str = "",
    request_key: str | None = None,
) -> None:
    """Record a notice that somebody else sent, such as the advocate, on its day, with its copy when there is one.

    Raises:
        NotAllowed, NotFound: the action is not the actor's to handle.
        Refused: too late by the rule, or sent already.
        InvalidInput: a day to come or before the return memo, no such way, or a file that is not taken.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        if how not in WAYS:
            raise InvalidInput({"how": "Choose how it went out."})
        past(on, act.today)
        opened = act.standing.opened
        if opened.memo_on is not None and on < opened.memo_on:
            raise InvalidInput({"on": "The notice follows the return memo: choose its day or a later one."})
        act.require("notice_issued", on)
        document_id = _copy(act, file_name, content) if content else None
        number = tracking_number.strip()[:100] or None
        act.append("notice_issued", on, how=how, document_id=document_id, tracking_number=number)


def _copy(act: Act, file_name: str, content: bytes) -> int:
    stored = documents.store(
        act.session,
        act.actor,
        kind=NOTICE,
        file_name=file_name,
        content=content,
        borrower_id=act.action.borrower_id,
        subject=(DOCUMENT, act.action.id),
    )
    return stored.id


def _values(row: AnyRow, by: Writer) -> dict[str, str]:
    locale = _locale(by.lender.locale)
    days = lengths_of(by.rules, row.kind, row.memo_on or by.today).payment_days

    def day(on: date | None) -> str:
        return written_day(on) if on is not None else "no date"

    def amount(of: Decimal) -> str:
        return written_amount(of, by.lender.currency, locale)

    return {
        "borrower_name": row.borrower_name,
        "borrower_number": row.borrower_number,
        "loan_numbers": f"loan {row.loan_numbers}",
        "amount": amount(row.amount),
        "overdue_amount": amount(row.overdue_amount),
        "today": day(by.today),
        "reference": number_of(row.id),
        "lender": by.lender.name,
        "grievance_contact": by.lender.grievance_contact or by.lender.name,
        "payment_days": str(days) if days is not None else "the usual",
        "instrument_number": row.instrument_number or "",
        "instrument_date": day(row.instrument_on),
        "return_reason": row.return_reason or "",
        "memo_date": day(row.memo_on),
    }


def _pdf(row: AnyRow, by: Writer, *, is_draft: bool = False) -> bytes:
    values = _values(row, by)
    address = personal_data.decrypt(row.address) if row.address is not None else "address not known"
    head = [("Reference", values["reference"]), ("Date", values["today"]), ("To", f"{row.borrower_name}, {address}")]
    blocks: list[Block] = [Facts(head), Gap(2)]
    if is_draft:
        blocks.insert(0, Paragraph("Draft: not sent.", is_bold=True))
    blocks += [Paragraph(paragraph) for paragraph in filled(by.template.body, values)]
    return render(
        title=by.template.title,
        blocks=blocks,
        made_at=clock.now(),
        letterhead=(by.lender.name,),
        reference=f"{values['reference']} · text version {by.template.version}",
    )


def _locale(name: str) -> Locale:
    try:
        return Locale.parse(name)
    except (ValueError, UnknownLocaleError):
        return Locale("en", "IN")


def issue_some(session: Session, actor: Actor, batch: AnyRow, action_ids: Sequence[int], by: Writer) -> int:
    """Notices of some actions of a batch, in the job's transaction; how many. A refusal keeps its reason."""
    legal_queries.lock(session, action_ids)
    found, rows, done = standings(session, action_ids), queries.to_fill(session, action_ids, by.today), 0
    for action_id in action_ids:
        outcome, reason = "issued", None
        try:
            write(session, actor, rows[action_id], found[action_id], by, batch_id=batch.id)
            done += 1
        except Refused as refusal:
            outcome, reason = "refused", refusal.message
        queries.settle_item(session, batch.id, action_id, outcome=outcome, reason=reason)
    derive(session, action_ids)
    return done
