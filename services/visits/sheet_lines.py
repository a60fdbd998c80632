"""Lines of a filled sheet sent in: each recorded once, however often the file comes."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import closing
from db.queries import contacts as contact_queries
from db.queries import plans as loan_queries
from db.queries import receipts as receipt_queries
from db.queries import visits as queries
from services import clock, contacts, lender, money, policy, promises
from services.actors import Actor, Permission
from services.errors import CollectionsError, InvalidInput, Refused
from services.visits import making, places, receipts
from services.visits import reading as visits
from services.visits.sheets import FILLED, GIVEN
from services.visits.values import MODES, Fix, Taken, Visit

LATEST_DAYS: Final = 7
"""Days after a visit within which its line is taken."""
MOST_BYTES: Final = 2 * 1024 * 1024
MOST_LINES: Final = 500
RESULTS: Final = {"recorded": "Recorded", "already": "Recorded before", "empty": "Not filled", "wrong": "To be mended"}


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one line that was sent in."""

    number: int
    """In the file, the head being 1."""
    visit: str
    borrower: str
    result: str
    """recorded, already, empty or wrong."""
    sentence: str


def send_in(actor: Actor, content: bytes, *, is_trial: bool) -> list[Line]:
    """Take the lines of a filled sheet: what happened is recorded once, however often the file comes.

    Each line stands for itself: check-in, contact with its outcome, and receipt, or nothing of it. Visits that the gate
    would have forbidden happened all the same: they are recorded, and stand out as against the gate.

    Args:
        actor: who made the visits.
        content: the CSV.
        is_trial: say what would become of each line, and record nothing.

    Raises:
        NotAllowed: the actor may not make visits.
        InvalidInput: the file is no filled sheet.
    """
    actor.require(Permission.MAKE_VISITS)
    found: list[Line] = []
    for number, line in enumerate(parsed(content), start=2):
        found.append(_one(actor, number, line, is_trial=is_trial))
    return found


class _Trial(Exception):
    """Ends a trial, so that its transaction is rolled back; carries what would have been recorded."""


def _one(actor: Actor, number: int, line: Mapping[str, str], *, is_trial: bool) -> Line:
    about = (number, line.get("visit", ""), line.get("borrower", ""))
    if not any(line.get(name) for name in FILLED):
        return Line(*about, "empty", "Nothing was filled in.")
    try:
        said = _act(actor, line, is_trial=is_trial)
    except CollectionsError as error:
        return Line(*about, "wrong", error.message)
    except _Trial as trial:
        said = str(trial)
    return Line(*about, "recorded" if said else "already", said or "Was recorded before; nothing changes.")


def _act(actor: Actor, line: Mapping[str, str], *, is_trial: bool) -> str:
    with transaction() as session:
        said = _take(session, actor, line)
        if is_trial:
            raise _Trial(said)
    return said


def _take(session: Session, actor: Actor, line: Mapping[str, str]) -> str:
    """Record one line in the caller's transaction; what was recorded, or nothing when all of it was before."""
    visit = visits.own(session, actor, _visit_id(line))
    taken = None
    if line.get("received") and not receipt_queries.by_request_key(session, f"sheet-{visit.id}"):
        taken = _money(session, visit, line)
        closing.lock_loans(session, [taken.loan_id])  # before the contact locks the case, as payments do
    done = []
    if visit.contact_attempt_id is None:
        if visit.status == "cancelled":
            raise Refused(f"Visit {visit.number} was called off.")
        at = _arrived(session, visit, line)
        if visit.check_in is None:
            _check_in(session, actor, visit, line, at)
        making.finish_in(session, actor, visit, _entry(session, line), request_key=f"sheet-{visit.id}")
        done.append("visit")
    if taken is not None:
        at = _arrived(session, visit, line)
        receipt = receipts.issue_in(session, actor, visit.borrower_id, taken, at=at,
                                    visit_id=visit.id, request_key=f"sheet-{visit.id}")  # fmt: skip
        done.append(f"receipt {receipt.number}")
    return " and ".join(done).capitalize()


def _visit_id(line: Mapping[str, str]) -> int:
    digits = line.get("visit", "").removeprefix("V-")
    if not digits.isdecimal():
        raise InvalidInput({"visit": "The line does not name its visit. Fill the sheet as it was taken along."})
    return int(digits)


def _arrived(session: Session, visit: Visit, line: Mapping[str, str]) -> datetime:
    settings = lender.load(session)
    try:
        clock_time = time.fromisoformat(line.get("arrived_at", "").zfill(5))
    except ValueError:
        raise InvalidInput({"arrived_at": "Write when you arrived like 14:30."}) from None
    at = datetime.combine(visit.planned_on, clock_time, policy.zone_of(session, visit.borrower_id))
    if at > clock.now():
        raise InvalidInput({"arrived_at": f"{at.day} {at:%b %Y, %H:%M} has not come yet."})
    if visit.planned_on < settings.today - timedelta(days=LATEST_DAYS):
        raise Refused(f"Visit {visit.number} was more than {LATEST_DAYS} days ago. Ask your leader to record it.")
    return at


def _check_in(session: Session, actor: Actor, visit: Visit, line: Mapping[str, str], at: datetime) -> None:
    answer = making.ask_gate(session, actor, visit, at=at)
    fix = _fix(line)
    presence = making.Presence(
        fix,
        no_position_reason=None if fix else "Filled in on the sheet, without a position.",
        override_reason=None if answer.is_allowed else f"Made without network and sent in later. {answer.reason}",
    )
    making.keep(session, actor, visit, presence, at=at, source="sheet", answer=answer)


def _fix(line: Mapping[str, str]) -> Fix | None:
    if not line.get("latitude") and not line.get("longitude"):
        return None
    position = places.parsed(f"{line.get('latitude', '')},{line.get('longitude', '')}")
    return Fix(position, accuracy_m=None)


def _entry(session: Session, line: Mapping[str, str]) -> contacts.Entry:
    today = lender.load(session).today
    typed = line.get("outcome", "").strip().lower()
    known = {
        name.lower(): row.code for row in contact_queries.dispositions(session, today) for name in (row.code, row.label)
    }
    persons = {name.lower(): code for code, label in contacts.PERSONS.items() for name in (code, label)}
    if typed not in known:
        raise InvalidInput({"outcome": f"“{line.get('outcome', '')}” is no outcome; use one of the list."})
    return contacts.Entry(
        channel="visit",
        direction="outbound",
        person=persons.get(line.get("person", "").strip().lower(), ""),
        outcome=known[typed],
        note=line.get("note", "").strip() or None,
        promise=_promise(session, line),
        follow_up_at=_call_back(session, line),
    )


def _promise(session: Session, line: Mapping[str, str]) -> promises.Terms | None:
    if not line.get("promise_amount"):
        return None
    loan_id = queries.loan_by_number(session, line.get("loan", ""))
    if loan_id is None:
        raise InvalidInput({"loan": "The line does not name the loan of the promise."})
    return promises.Terms(loan_id, money.parse(line["promise_amount"]), _day(line, "promise_on"))


def _day(line: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(line.get(name, "").strip())
    except ValueError:
        raise InvalidInput({name: f"{FILLED[name].partition(' (')[0]}: write a date like 2026-11-30."}) from None


def _call_back(session: Session, line: Mapping[str, str]) -> datetime | None:
    if not line.get("call_back_at"):
        return None
    try:
        moment = datetime.fromisoformat(line["call_back_at"].strip())
    except ValueError:
        raise InvalidInput({"call_back_at": "Call back at: write a moment like 2026-11-30 15:00."}) from None
    return moment.replace(tzinfo=ZoneInfo(lender.load(session).time_zone))


def _money(session: Session, visit: Visit, line: Mapping[str, str]) -> Taken:
    loan_id = queries.loan_by_number(session, line.get("loan", ""))
    if loan_id is None or (row := loan_queries.loan(session, loan_id)) is None or row.borrower_id != visit.borrower_id:
        raise InvalidInput({"loan": "The line does not name a loan of the borrower that the money is for."})
    mode = line.get("mode", "").strip().lower() or "cash"
    return Taken(
        loan_id=loan_id,
        amount=money.parse(line["received"], field="received"),
        mode=mode if mode in MODES else "",
        paid_by=line.get("paid_by", ""),
        cheque_number=line.get("cheque_number") or None,
        cheque_bank=line.get("cheque_bank") or None,
        cheque_on=_day(line, "cheque_on") if mode == "cheque" else None,
        paper_number=line.get("paper_number") or None,
    )


def parsed(content: bytes) -> list[dict[str, str]]:
    """The lines of a sheet, by the names of its columns.

    Raises:
        InvalidInput: too large, not text, or without the sheet's head.
    """
    if len(content) > MOST_BYTES:
        raise InvalidInput({"file": "The file is too large for a visit sheet. Choose the sheet that you filled."})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput({"file": "The file is no CSV. Save the sheet as CSV (UTF-8) and choose it again."}) from None
    head, _, _ = text.partition("\n")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error:
        raise InvalidInput({"file": "The file is no CSV. Save the sheet as CSV (UTF-8) and choose it again."}) from None
    names = {label.lower(): name for name, label in {**GIVEN, **FILLED}.items()}
    columns = [names.get(cell.strip().lower(), "") for cell in rows[0]] if rows else []
    if "visit" not in columns or not set(FILLED) & set(columns):
        raise InvalidInput({"file": "This is no visit sheet: its first line must name the columns of the sheet."})
    if len(rows) > MOST_LINES:
        raise InvalidInput({"file": f"A sheet has at most {MOST_LINES} lines."})
    return [{name: _bare(cell) for name, cell in zip(columns, row, strict=False) if name} for row in rows[1:]]


def _bare(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from running it."""
    return cell.strip().removeprefix("'")
