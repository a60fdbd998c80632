"""Legal: what runs out next, hearings by week, one action with its clock and acts, notices in batches, texts."""

from components import legal_list, legal_panel
from components.guard import guard
from services.actors import Permission

actor = guard(Permission.VIEW_LEGAL)
action_id = legal_list.chosen()
if action_id is not None:
    legal_panel.show(actor, action_id)
else:
    legal_list.head(actor)
    legal_list.show(actor)
