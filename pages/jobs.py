"""Jobs: what runs in the background and how far it is, what failed and why, and the timetable."""

from components import jobs_panel
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_JOBS)
jobs_panel.start_buttons(actor)
jobs_panel.live(actor)
jobs_panel.timetable(actor)
