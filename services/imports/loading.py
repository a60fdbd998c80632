"""A file in one go: for commands, tests and benchmarks; of any size, since it is read where it lies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from db.engine import reading
from services.actors import Actor, Permission
from services.errors import CollectionsError, NotFound
from services.imports import batches, processing, profiles
from services.imports.batches import BatchSummary
from services.imports.fields import Kind
from services.imports.processing import Progress


def _silent(_done: int, _total: int | None, _note: str | None) -> None:
    """Nobody is told."""


def load_file(
    actor: Actor,
    path: Path | str,
    *,
    kind: Kind | str,
    profile: str | None = None,
    mapping: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    max_rejected: float = 1.0,
    progress: Progress | None = None,
) -> BatchSummary:
    """Stage, check and commit a file.

    Args:
        actor: who imports.
        path: the file; it is left where it is.
        kind: what it holds.
        profile: name of the profile to read it by; None: the one that suits its header, else proposed.
        mapping: their header -> our field; replaces the profile's.
        options: added to the profile's.
        max_rejected: largest share of its rows, 0 to 1, that may be rejected for the rest to be committed.
        progress: told (done, total, note).

    Returns:
        The committed batch with its counts; `counts['rejected']` rows were not taken. Where more than `max_rejected`
        would be, the batch is still 'checked', to be looked at, committed or discarded.

    Raises:
        NotAllowed: the actor may not import.
        NotFound: no such file or profile.
        InvalidInput: the mapping cannot be used.
        Refused: the file cannot be read, or its dates can be read two ways.
    """
    actor.require(Permission.IMPORT)
    file, told = Path(path), progress or _silent
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    batch = batches.begin(actor, file.resolve(), file_name=file.name, kind=Kind(kind))
    try:
        _set_reading(actor, batch, profile, mapping, options or {})
    except CollectionsError:
        batches.discard(actor, batch.id)
        raise
    checked = processing.check(actor, batch.id, progress=told)
    if checked.counts["rejected"] > max_rejected * checked.counts["rows"]:
        return checked
    return processing.commit(actor, batch.id, progress=told)


def _set_reading(
    actor: Actor,
    batch: BatchSummary,
    profile: str | None,
    mapping: Mapping[str, str] | None,
    options: Mapping[str, Any],
) -> None:
    mapped, chosen = batch.mapping, batch.options
    if profile is not None:
        with reading() as session:
            found = profiles.named(session, profile)
        mapped, chosen = profiles.fitted(found, batch.headers), found.options
    if mapping is not None:
        mapped = dict(mapping)
    batches.set_reading(actor, batch.id, mapped=mapped, options={**chosen, **options})
