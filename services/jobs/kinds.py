"""The kinds of background work: what people call each, and which of them they may start themselves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of background work."""

    label: str
    """What it does, as a screen names it."""
    can_start: bool = False
    """Whether a person may start it from the screen, without a file or batch that it belongs to."""
    is_long: bool = False
    """Long work waits in a queue of its own, so that it cannot hold up reminders."""
    is_routine: bool = False
    """Runs every few minutes: left out of the list of what was done lately."""


KINDS: dict[str, JobKind] = {
    # close carries {"business_date": "2026-11-23"}, score may; the others ids, or nothing
    "close": JobKind("Day-end close", can_start=True, is_long=True),
    "score": JobKind("Risk scores", can_start=True, is_long=True),
    "allocate": JobKind("Allocate cases by rule", is_long=True),
    "derive.batch": JobKind("Derive loans after an import", is_long=True),
    "restate": JobKind("Restate closed days for late facts", is_long=True),
    "import.check": JobKind("Check an uploaded file", is_long=True),
    "import.commit": JobKind("Commit an import", is_long=True),
    "import.undo": JobKind("Undo an import", is_long=True),
    "stages.apply": JobKind("Put cases into their stages", is_long=True),
    "reminders.plan": JobKind("Plan reminders", can_start=True, is_routine=True),
    "reminders.send": JobKind("Send reminders", can_start=True, is_routine=True),
    "promises.follow_up": JobKind("Follow up promises", is_long=True),
    "report.produce": JobKind("Produce reports", can_start=True, is_long=True),
    "approvals.escalate": JobKind("Escalate overdue approvals", is_routine=True),
    "legal.notices": JobKind("Make legal notices", is_long=True),
    "legal.alert": JobKind("Remind of legal clocks", can_start=True),
    "audit.seal": JobKind("Seal the audit trail", is_routine=True),
    "jobs.clean": JobKind("Forget old job records and rejected rows", is_routine=True),
}


def label_of(kind: str) -> str:
    """The name of a kind on screens; a kind without one shows its code."""
    known = KINDS.get(kind)
    return known.label if known else kind
