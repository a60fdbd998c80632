"""Files that come in: upload, columns, check, preview, commit; and what came in before."""

import streamlit as st

from components import import_columns, import_history, import_report, import_steps
from components.guard import guard
from components.notices import showing_errors
from services import imports
from services.actors import Permission

actor = guard(Permission.IMPORT)
batch = None
if (chosen := st.query_params.get("batch", "")).isdigit():
    with showing_errors():
        batch = imports.view(actor, int(chosen))

import_steps.steps(batch)
with showing_errors():
    if batch is None:
        import_steps.upload_form(actor)
    elif batch.status in ("uploaded", "failed"):
        import_columns.columns_form(actor, batch, is_as_seen=import_steps.is_as_seen(batch))
    elif batch.status in ("staging", "committing", "undoing"):
        import_steps.work(actor, batch.id)
    elif batch.status == "checked":
        is_as_seen = import_steps.is_as_seen(batch)
        import_report.report(actor, batch)
        import_report.commit_bar(actor, batch, is_as_seen=is_as_seen)
    else:
        import_report.result(actor, batch)
import_history.history(actor)
