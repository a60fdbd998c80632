"""Settlements: what waits and runs, what was waived, and the list for the board."""

from components import settlements_list
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_SETTLEMENTS)
settlements_list.show(actor)
