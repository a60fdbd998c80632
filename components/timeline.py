"""The timeline of a borrower: what happened, by whom, newest first, with a filter by kind."""

from html import escape

import streamlit as st

from components import dates, money, palette
from services import timeline
from services.actors import Actor
from services.timeline import KINDS, Entry

_ICONS = {
    "contact": "☎",
    "promise": "◷",
    "plan": "▤",
    "settlement": "✂",
    "hardship": "☂",
    "payment": "₊",
    "bounce": "↺",
    "message": "✉",
    "allocation": "⇄",
    "stage": "⇢",
    "status": "▮",
    "follow_up": "◔",
    "complaint": "⚑",
    "override": "⚠",
    "legal": "§",
    "visit": "⌂",
    "waiver": "⊘",
    "receipt": "▣",
}
_GOOD = {"kept", "payment", "sent", "running", "completed"}
_BAD = {"broken", "reversal", "bounced", "failed", "blocked", "opened", "reopened", "against the gate"}
_MIDDLE = {"pending", "partly_kept", "planned", "behind", "proposed"}


def show(actor: Actor, borrower_id: int) -> None:
    """Draw the newest entries, and older ones on demand."""
    chosen = st.pills(
        "Kinds",
        list(KINDS),
        selection_mode="multi",
        format_func=KINDS.__getitem__,
        key="timeline.kinds",
        label_visibility="collapsed",
    )
    shown = int(st.session_state.get("timeline.shown", 1)) * timeline.PAGE
    page = timeline.of(actor, borrower_id, kinds=chosen, limit=shown)
    if not page.entries:
        st.caption("Nothing of these kinds has happened yet. Log a contact on the right to begin.")
        return
    st.html(f'<div class="timeline">{"".join(_row(entry) for entry in page.entries)}</div>')
    if page.next_before is not None:
        st.button("Show older", key="timeline.older", on_click=_older, type="tertiary")


def _older() -> None:
    st.session_state["timeline.shown"] = int(st.session_state.get("timeline.shown", 1)) + 1


def _row(entry: Entry) -> str:
    colours = palette.current()
    state = entry.state or ""
    dot = (
        colours.cured
        if state in _GOOD
        else colours.broken
        if state in _BAD
        else colours.due_soon
        if state in _MIDDLE
        else colours.unknown
    )
    # of a contact the detail is a note, which stays as it was written
    detail = money.in_sentence(entry.detail) if entry.detail and entry.amount is not None else entry.detail
    said = [entry.loan_number, detail]
    tail = " · ".join(escape(part) for part in said if part)
    amount = f" <b>{escape(money.full(entry.amount))}</b>" if entry.amount is not None else ""
    word = f' <span style="color:{dot}">{escape(state.replace("_", " "))}</span>' if _shows_state(entry) else ""
    who = f"{escape(entry.who)} · " if entry.who else ""
    return (
        f'<div style="display:flex;gap:.6rem;padding:.28rem 0;border-bottom:1px solid {colours.grid}">'
        f'<span style="color:{dot};width:1rem;text-align:center" title="{escape(KINDS[entry.kind])}">'
        f"{_ICONS[entry.kind]}</span>"
        f'<div style="flex:1;min-width:0;overflow-wrap:anywhere"><div>{escape(entry.title)}{amount}{word}</div>'
        f'<div style="color:{colours.muted};font-size:.85em">{tail}</div></div>'
        f'<div style="color:{colours.muted};font-size:.85em;text-align:right;white-space:nowrap">'
        f"{who}{escape(_when(entry))}</div></div>"
    )


def _shows_state(entry: Entry) -> bool:
    return entry.kind in {"promise", "plan", "settlement", "hardship", "message", "contact", "override"} and bool(
        entry.state
    )


def _when(entry: Entry) -> str:
    """Facts that come with a date only are told without a time."""
    moment = dates.moment(entry.at)
    return moment.rpartition(",")[0] if entry.kind in {"payment", "bounce", "stage"} else moment
