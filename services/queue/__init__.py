"""The work queue: lists of cases by priority, holding one while it is worked, and the day's figures."""

from db.queries.queue import Cursor, QueueFilter, Tab
from services.queue.day import Choices, DayStrip, choices, day_strip
from services.queue.holding import LEASE, next_case, release, take
from services.queue.listing import COUNTED_AT_MOST, PAGE, TABS, QueuePage, QueueRow, one, page

__all__ = [
    "COUNTED_AT_MOST",
    "LEASE",
    "PAGE",
    "TABS",
    "Choices",
    "Cursor",
    "DayStrip",
    "QueueFilter",
    "QueuePage",
    "QueueRow",
    "Tab",
    "choices",
    "day_strip",
    "next_case",
    "one",
    "page",
    "release",
    "take",
]
