"""Complaints: what waits for an answer and how long it may, one opened with its acts and letters."""

from components import complaint_panel, complaints_list
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_COMPLAINTS)
complaint_id = complaints_list.chosen()
if complaint_id is not None:
    complaint_panel.show(actor, complaint_id)
else:
    complaints_list.head(actor)
    complaints_list.show(actor, complaints_list.chosen_filters(actor))
