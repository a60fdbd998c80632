"""Hardship: applications for relief that wait, relief that lasts, and what is to be reviewed."""

from components import hardship_list
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_HARDSHIP)
hardship_list.show(actor)
