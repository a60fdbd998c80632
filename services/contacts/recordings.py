"""Recordings of calls: whether a call is logged only with its recording's reference, or why it has none (IN-08)."""

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import contacts as queries
from services import audit
from services.actors import Actor, Permission
from services.contacts.values import Entry
from services.errors import InvalidInput, Refused


def are_required() -> bool:
    """Whether the lender asks for recordings of calls. Holds no personal data: any signed-in actor may know it."""
    with reading() as session:
        return queries.recording_required(session)


def require(actor: Actor, *, is_required: bool, reason: str) -> None:
    """Ask for the recording of each call from now on, or ask no more.

    Raises:
        NotAllowed: the actor may not change strategy.
        InvalidInput: no reason.
        Refused: it is so already.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why it changes."})
    with transaction() as session:
        if not queries.set_recording_required(session, is_required=is_required):
            raise Refused("Recordings are asked for already." if is_required else "Recordings are not asked for.")
        audit.record(
            session,
            actor,
            "setting.changed",
            subject=("lender", "recording_required"),
            summary=(
                "asked for the recording of each call" if is_required else "no longer asks for the recording of calls"
            ),
            before={"recording_required": not is_required},
            after={"recording_required": is_required},
            reason=reason.strip(),
        )


def missing(session: Session, entry: Entry) -> dict[str, str]:
    """What a call lacks of its recording, by field."""
    if entry.channel != "call" or entry.recording_reference or entry.no_recording_reason:
        return {}
    if not queries.recording_required(session):
        return {}
    return {"recording": "Enter the reference of the recording, or why there is none."}
