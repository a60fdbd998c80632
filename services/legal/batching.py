"""Notices by the hundred: recalls opened by rule, one PDF each by a job."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import legal as legal_queries
from db.queries import legal_notices as queries
from services import audit, jobs, lender
from services.actors import SYSTEM, Actor, Permission
from services.cases import STAGES
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.jobs import Progress
from services.legal import noticing
from services.legal.texts import Template, newest
from services.legal.values import KINDS, WAYS, number_of
from services.wording import counted

JOB: Final = "legal.notices"
_CHUNK: Final = 20
"""Notices of one transaction: a kill loses a second or two."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which actions get a notice: those of a kind whose notice is still to be sent, and would be in time."""

    kind: str
    due_within_days: int | None = None
    """Only those whose time for the notice ends in so many days; None: all."""
    state: str | None = None
    """Only borrowers of this state."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Notices made together, and how far they are."""

    id: int
    kind: str
    how: str
    asked_at: datetime
    who: str | None
    version: int
    actions: int
    issued: int
    refused: int

    @property
    def label(self) -> str:
        """As a screen names it."""
        return f"Batch {self.id}: {KINDS[self.kind]}"

    @property
    def is_done(self) -> bool:
        """Whether the job is through."""
        return self.issued + self.refused == self.actions


def _wanted(choice: Choice, today: date) -> dict[str, Any]:
    days = choice.due_within_days
    return {
        "kind": choice.kind,
        "today": today,
        "due_by": today + timedelta(days=days) if days is not None else None,
        "state": choice.state or None,
    }


def awaiting(actor: Actor, choice: Choice) -> int:
    """How many notices a batch would have now.

    Raises:
        NotAllowed: the actor may not set up legal actions.
    """
    actor.require(Permission.SET_UP_LEGAL)
    with reading() as session:
        return queries.count_awaiting(session, **_wanted(choice, lender.load(session).today))


def recallable(actor: Actor, *, stage: str, min_dpd: int) -> int:
    """How many borrowers `open_recalls` would choose now.

    Raises:
        NotAllowed: the actor may not set up legal actions.
    """
    actor.require(Permission.SET_UP_LEGAL)
    with reading() as session:
        return queries.count_recalls(session, stage=stage, min_dpd=min_dpd)


def open_recalls(actor: Actor, *, stage: str, min_dpd: int, reason: str) -> int:
    """Open a recall for each case of a stage from so many days past due, as one act; how many.

    The outstanding of the borrower's overdue loans is demanded. Borrowers with an open recall get no second one.

    Raises:
        NotAllowed: the actor may not set up legal actions.
        InvalidInput: no such stage, the days are not 1 or more, or no reason.
        Refused: no case is chosen, or the settings put a hold for recalls, which are then opened one at a time.
    """
    actor.require(Permission.SET_UP_LEGAL)
    wrong = {}
    if stage not in STAGES:
        wrong["stage"] = "Choose one of the stages."
    if min_dpd < 1:
        wrong["min_dpd"] = "Choose 1 day past due or more."
    if not reason.strip():
        wrong["reason"] = "Say why these loans are recalled."
    if wrong:
        raise InvalidInput(wrong)
    with transaction() as session:
        if "recall" in legal_queries.settings(session).hold_kinds:
            raise Refused("Recalls stop contact by the settings: open them one at a time, on the borrower's page.")
        opened = queries.insert_recalls(
            session,
            stage=stage,
            min_dpd=min_dpd,
            today=lender.load(session).today,
            by=actor.id,
            reason=reason.strip(),
        )
        if not opened:
            raise Refused("No case is chosen: none of the stage is so late without an open recall.")
        audit.record(
            session,
            actor,
            "legal.recalls_opened",
            subject=("legal_action", "recall"),
            summary=f"opened {counted(opened, 'loan recall')} for stage {STAGES[stage].lower()} from {min_dpd} days "
            "past due",
            after={"opened": opened, "stage": stage, "min_dpd": min_dpd},
            reason=reason.strip(),
        )
        return opened


def request(actor: Actor, choice: Choice, *, how: str, request_key: str | None = None) -> int:
    """Ask for the notices of all chosen actions, with the text in force now; the batch's id. A job makes them.

    Raises:
        NotAllowed: the actor may not set up legal actions.
        InvalidInput: no such kind or way.
        Refused: no action awaits its notice.
    """
    actor.require(Permission.SET_UP_LEGAL)
    if choice.kind not in KINDS or how not in WAYS:
        raise InvalidInput({"how": "Choose a kind, and how the notices go out."})
    with transaction() as session:
        if request_key and (earlier := queries.by_request_key(session, request_key)):
            return earlier
        text = newest(session, choice.kind)
        made = queries.insert_batch(
            session,
            _wanted(choice, lender.load(session).today),
            kind=choice.kind,
            template_id=text.id,
            how=how,
            asked_by=actor.id,
            request_key=request_key,
        )
        if made is None:
            raise Conflict("This form was submitted already; the batch is being made.")
        batch_id, size = made
        if size == 0:
            raise Refused("No action of this kind awaits its notice in time.")
        jobs.request(session, JOB, {"batch_id": batch_id}, key=f"{JOB}:{batch_id}", actor=actor)
        audit.record(
            session,
            actor,
            "legal.batch_requested",
            subject=("legal_batch", batch_id),
            summary=f"asked for {counted(size, 'notice')} ({KINDS[choice.kind]}) by {WAYS[how].lower()}",
            after={"kind": choice.kind, "how": how, "actions": size, "template_version": text.version},
        )
        return batch_id


def produce(batch_id: int, progress: Progress) -> int:
    """Make the notices of a batch that are still to be made, some a transaction; how many. Safe to run twice.

    Raises:
        NotFound: there is no such batch.
    """
    done = 0
    while True:
        with transaction() as session:
            batch = queries.batch(session, batch_id)
            if batch is None:
                raise NotFound("There is no such batch of notices.")
            waiting = queries.claim_items(session, batch_id, _CHUNK)
            if not waiting:
                return done
            done += noticing.issue_some(session, SYSTEM, batch, waiting, _writer(session, batch))
        progress(done, None, f"notices of batch {batch_id}")


def _writer(session: Session, batch: AnyRow) -> noticing.Writer:
    """Who writes, with the text that the batch was asked for with."""
    rows = legal_queries.templates(session, batch.kind)
    row = next(each for each in rows if each.id == batch.template_id)
    text = Template(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    today = lender.load(session).today
    return noticing.Writer(text, batch.how, today, queries.lender(session), legal_queries.rules(session))


def batches(actor: Actor, limit: int = 20) -> tuple[Batch, ...]:
    """Batches, newest first.

    Raises:
        NotAllowed: the actor may not set up legal actions.
    """
    actor.require(Permission.SET_UP_LEGAL)
    with reading() as session:
        return tuple(Batch(**row._mapping) for row in queries.batches(session, limit))  # noqa: SLF001 - public by docs


def refusals(actor: Actor, batch_id: int) -> list[tuple[str, str]]:
    """Actions of a batch that got no notice, with the reason.

    Raises:
        NotAllowed: the actor may not set up legal actions.
    """
    actor.require(Permission.SET_UP_LEGAL)
    with reading() as session:
        return [(number_of(row.action_id), row.reason or "") for row in queries.refused_items(session, batch_id)]
