"""Outside agencies: adding, changing, what they are paid, suspending, and taking back all that their people have."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import collectors as queries
from db.queries.lender import bump_data_version
from db.queries.performance import plans as cost_queries
from services import audit, clock, lender, money
from services.actors import Actor, Permission
from services.allocation.recalling import RecallKind, recall
from services.errors import Conflict, InvalidInput, NotFound
from services.wording import counted


@dataclass(frozen=True, slots=True)
class Agency:
    """An outside collection agency and what its people have."""

    id: int
    name: str
    contact: str | None
    agreement_until: date | None
    suspended_at: datetime | None
    suspended_reason: str | None
    version: int
    people: int
    open_cases: int
    overdue_amount: Decimal
    commission_percent: Decimal | None
    """Of what its people collect, this month; None: no terms are set."""
    monthly_fee: Decimal | None


def agencies(actor: Actor) -> list[Agency]:
    """Agencies by name.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        rows = queries.agencies(session, lender.load(session).today.replace(day=1))
        return [Agency(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def add_agency(actor: Actor, *, name: str, contact: str | None = None, agreement_until: date | None = None) -> int:
    """Add an agency; its id. Its people are users like others, put into it on the collectors' list.

    Raises:
        NotAllowed: the actor may not allocate.
        InvalidInput: no name.
        Conflict: the name is taken.
    """
    actor.require(Permission.ALLOCATE_CASES)
    if not 1 <= len(name.strip()) <= 100:
        raise InvalidInput({"name": "Give the agency's name, at most 100 characters."})
    values = {"name": name.strip(), "contact": (contact or "").strip() or None, "agreement_until": agreement_until}
    with transaction() as session:
        agency_id = queries.insert_agency(session, **values)
        summary = f"added the agency {values['name']}"
        audit.record(session, actor, "agency.added", subject=("agency", agency_id), summary=summary)
        return agency_id


def change_agency(
    actor: Actor, agency_id: int, *, contact: str | None, agreement_until: date | None, version: int
) -> None:
    """Change whom to call, and until when the agreement runs.

    Raises:
        NotAllowed: the actor may not allocate.
        NotFound: there is no such agency.
        Conflict: someone else changed it meanwhile.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        row = _locked(session, agency_id, version)
        queries.change_agency(
            session, agency_id, contact=(contact or "").strip() or None, agreement_until=agreement_until
        )
        audit.record(
            session,
            actor,
            "agency.changed",
            subject=("agency", agency_id),
            summary=f"changed the agency {row.name}",
            before={"contact": row.contact, "agreement_until": _iso(row.agreement_until)},
            after={"contact": contact, "agreement_until": _iso(agreement_until)},
        )


def set_terms(
    actor: Actor,
    agency_id: int,
    *,
    from_month: date,
    commission_percent: Decimal,
    monthly_fee: Decimal,
    request_key: str | None = None,
) -> None:
    """Set what an agency is paid from a month on; what was paid before stays. The same `request_key` changes nothing.

    Args:
        actor: who sets it.
        agency_id: whose.
        from_month: any day of the first month for which it holds.
        commission_percent: of what its people collect less what is taken back, 0 to 100.
        monthly_fee: beside it, in the lender's currency.
        request_key: of the form that sent it.

    Raises:
        NotAllowed: the actor may not set costs.
        NotFound: there is no such agency.
        InvalidInput: a percentage or fee cannot be.
    """
    actor.require(Permission.SET_TARGETS)
    wrong = {}
    if not 0 <= commission_percent <= 100 or commission_percent != commission_percent.quantize(Decimal("0.01")):
        wrong["commission_percent"] = "Enter 0 to 100 percent, with at most two decimals."
    if not 0 <= monthly_fee <= Decimal(10) ** 13 or monthly_fee != money.quantize(monthly_fee):
        wrong["monthly_fee"] = "Enter an amount of zero or more, with at most two decimals."
    if wrong:
        raise InvalidInput(wrong)
    values = {"from_month": from_month.replace(day=1), "commission_percent": commission_percent}
    values |= {"agency_id": agency_id, "monthly_fee": monthly_fee, "set_by": actor.id, "request_key": request_key}
    with transaction() as session:
        row = queries.agency(session, agency_id)
        if row is None:
            raise NotFound("There is no such agency.")
        if not cost_queries.insert_agency_terms(session, **values):
            return
        audit.record(
            session,
            actor,
            "agency.terms_set",
            subject=("agency", agency_id),
            summary=f"set what {row.name} is paid from {from_month:%b %Y}: "
            f"{commission_percent:,.2f} % of what it collects and {monthly_fee:,.2f} a month",
            after={"commission_percent": str(commission_percent), "monthly_fee": str(monthly_fee)},
        )
        bump_data_version(session)


def recall_agency(actor: Actor, agency_id: int, *, reason: str, version: int) -> int:
    """Take back every open case of an agency's people and suspend it, so that it is given no more; how many cases.

    For a breach of the agreement or of the code of conduct. `resume_agency` ends the suspension; it gives nothing back.

    Raises:
        NotAllowed: the actor may not allocate.
        NotFound: there is no such agency.
        InvalidInput: no reason.
        Conflict: someone else changed it meanwhile.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        row = _locked(session, agency_id, version)
        case_ids = queries.open_cases_of_agency(session, agency_id)
        recalled = recall(session, actor, case_ids, reason=reason, kind=RecallKind.AGENCY_BREACH)
        if row.suspended_at is None:
            queries.change_agency(session, agency_id, suspended_at=clock.now(), suspended_reason=reason.strip())
        audit.record(
            session,
            actor,
            "agency.recalled",
            subject=("agency", agency_id),
            summary=f"recalled {counted(recalled, 'case')} from {row.name} and suspended it",
            after={"cases": recalled, "first_ids": case_ids[:20]},
            reason=reason.strip(),
        )
        return recalled


def resume_agency(actor: Actor, agency_id: int, *, reason: str, version: int) -> None:
    """End an agency's suspension: its people may be given cases again.

    Raises:
        NotAllowed: the actor may not allocate.
        NotFound: there is no such agency.
        InvalidInput: no reason.
        Conflict: it is not suspended, or someone else changed it meanwhile.
    """
    actor.require(Permission.ALLOCATE_CASES)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why, in a few words."})
    with transaction() as session:
        row = _locked(session, agency_id, version)
        if row.suspended_at is None:
            raise Conflict("This agency is not suspended.")
        queries.change_agency(session, agency_id, suspended_at=None, suspended_reason=None)
        summary = f"ended the suspension of {row.name}"
        subject = ("agency", agency_id)
        audit.record(session, actor, "agency.resumed", subject=subject, summary=summary, reason=reason.strip())


def _locked(session: Session, agency_id: int, version: int) -> AnyRow:
    row = queries.agency(session, agency_id)
    if row is None:
        raise NotFound("There is no such agency.")
    if row.version != version:
        raise Conflict(f"Someone else has changed {row.name} meanwhile. Look at the list again.")
    return row


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
