"""Named readings of a file's shape: those of the lender in Postgres, and those that ship as data beside this module."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries.imports import batches as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import InvalidInput, NotFound
from services.imports.fields import KIND_LABELS, Kind
from services.imports.mapping import fingerprint, normalised

_FOLDER = Path(__file__).parent / "profiles"


@dataclass(frozen=True, slots=True)
class Profile:
    """How files of one shape are read."""

    name: str
    kind: Kind
    mapping: dict[str, str]
    """Their header -> our field."""
    options: dict[str, Any]
    header_fingerprint: str | None
    """None: known by the headers that it maps."""
    id: int | None = None
    """None: ships with the product."""
    note: str = ""

    def suits(self, headers: Sequence[str]) -> bool:
        """Whether a file with these headers has this shape."""
        if self.header_fingerprint is not None:
            return self.header_fingerprint == fingerprint(headers)
        theirs = {normalised(header) for header in headers}
        return all(normalised(header) in theirs for header in self.mapping)


@cache
def shipped() -> tuple[Profile, ...]:
    """The profiles that come with the product, by name."""
    return tuple(
        Profile(
            name=entry["name"],
            kind=Kind(entry["kind"]),
            mapping=entry["mapping"],
            options=entry.get("options", {}),
            header_fingerprint=None,
            note=entry.get("note", ""),
        )
        for file in sorted(_FOLDER.glob("*.json"))
        for entry in json.loads(file.read_text(encoding="utf-8"))
    )


def in_session(session: Session) -> tuple[Profile, ...]:
    """All profiles, the lender's own first."""
    own = tuple(
        Profile(row.name, Kind(row.kind), row.mapping, row.options, row.header_fingerprint, row.id)
        for row in queries.profiles(session)
    )
    return own + tuple(profile for profile in shipped() if profile.name not in {p.name for p in own})


def every(actor: Actor) -> tuple[Profile, ...]:
    """All profiles, the lender's own first.

    Raises:
        NotAllowed: the actor may not import.
    """
    actor.require(Permission.IMPORT)
    with reading() as session:
        return in_session(session)


def named(session: Session, name: str) -> Profile:
    """The profile of that name.

    Raises:
        NotFound: there is none.
    """
    for profile in in_session(session):
        if profile.name == name:
            return profile
    raise NotFound(f"There is no import profile “{name}”.")


def suiting(session: Session, kind: Kind, headers: Sequence[str]) -> Profile | None:
    """The profile whose shape a file has, the lender's own before shipped ones, the one that maps most first."""
    found = [p for p in in_session(session) if p.kind is kind and p.suits(headers)]
    return max(found, key=lambda p: (p.id is not None, len(p.mapping)), default=None)


def fitted(profile: Profile, headers: Sequence[str]) -> dict[str, str]:
    """The profile's mapping under the very headers of a file: the same ones, else those that read alike."""
    theirs = {normalised(header): header for header in reversed(headers)}
    own = {header: header for header in headers}
    found = {h: own.get(h) or theirs.get(normalised(h)) for h in profile.mapping}
    return {header: profile.mapping[h] for h, header in found.items() if header is not None}


def save(
    actor: Actor,
    name: str,
    *,
    kind: Kind,
    headers: Sequence[str],
    mapping: Mapping[str, str],
    options: Mapping[str, Any],
) -> int:
    """Keep a mapping under a name, in place of an earlier one of that name; found again by the file's headers.

    Raises:
        NotAllowed: the actor may not import.
        InvalidInput: the name is empty, or that of a profile for another kind of file.
    """
    actor.require(Permission.IMPORT)
    if not name.strip():
        raise InvalidInput({"name": "Give the profile a name."})
    with transaction() as session:
        for other in in_session(session):
            if other.name == name.strip()[:100] and other.kind is not kind:
                taken = KIND_LABELS[other.kind].partition(":")[0].lower()
                raise InvalidInput(
                    {"name": f"“{other.name}” is a profile for another kind of file, {taken}: name it anew."}
                )
        profile_id = queries.save_profile(
            session,
            name=name.strip()[:100],
            kind=kind.value,
            header_fingerprint=fingerprint(headers),
            mapping={header: target for header, target in mapping.items() if target},
            options=dict(options),
            created_by=actor.id,
        )
        audit.record(
            session,
            actor,
            "import_profile.saved",
            subject=("import_profile", profile_id),
            summary=f"saved the import profile “{name.strip()[:100]}”",
            after={"mapping": dict(mapping), "options": dict(options)},
        )
        return profile_id
