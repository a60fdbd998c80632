"""Importing files: loan books, schedules, payments, contacts and snapshots, as CSV or XLSX, from upload to undo."""

from services.imports.batches import (
    BatchSummary,
    discard,
    map_months,
    request_check,
    request_commit,
    request_undo,
    set_reading,
    upload,
)
from services.imports.errors import DateOrderNeeded, FileUnreadable
from services.imports.fields import DATED, FIELDS, KIND_LABELS, Field, Kind
from services.imports.loading import load_file
from services.imports.mapping import Proposal
from services.imports.processing import UndoRefused, check, commit, undo
from services.imports.profiles import Profile
from services.imports.profiles import every as all_profiles
from services.imports.profiles import save as save_profile
from services.imports.rejects import rejects_csv
from services.imports.stepping_back import step_back
from services.imports.viewing import (
    Manner,
    Work,
    committed_earlier,
    has_file,
    history,
    manner,
    proposals,
    view,
    work_of,
)

__all__ = [
    "DATED",
    "FIELDS",
    "KIND_LABELS",
    "BatchSummary",
    "DateOrderNeeded",
    "Field",
    "FileUnreadable",
    "Kind",
    "Manner",
    "Profile",
    "Proposal",
    "UndoRefused",
    "Work",
    "all_profiles",
    "check",
    "commit",
    "committed_earlier",
    "discard",
    "has_file",
    "history",
    "load_file",
    "manner",
    "map_months",
    "proposals",
    "rejects_csv",
    "request_check",
    "request_commit",
    "request_undo",
    "save_profile",
    "set_reading",
    "step_back",
    "undo",
    "upload",
    "view",
    "work_of",
]
