"""Parts of the audit page: state of the chain, the search form, and an event opened."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import streamlit as st

from components import case_panel, dates, money, notices
from services import clock
from services.actors import Actor, Permission
from services.audit import searching, verifying
from services.audit.searching import Event, EventDetail, Search
from services.audit.verifying import ChainState, Verification

ANY = "Any act"


def chain(actor: Actor, state: ChainState) -> None:
    """How far the trail is sealed, what the last check found, and a button that checks it now."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="stretch"):
            _verdict(state.last)
            st.caption(_sealed(state))
        if actor.may(Permission.VERIFY_AUDIT) and st.button(
            "Verify now",
            icon=":material/fact_check:",
            help="Recomputes the digest of every event and every link of the chain",
        ):
            _verify(actor)


def _verdict(last: Verification | None) -> None:
    if last is None:
        st.markdown(":gray[:material/help:] **Not verified yet.** Verify now to check every event against its seal.")
    elif last.is_intact:
        st.markdown(
            f":green[:material/verified_user:] **Chain intact.** {money.counted(last.events, 'event')} under "
            f"{money.counted(last.seals, 'seal')}, verified {_ago(last)}."
        )
    else:
        st.markdown(f":red[:material/gpp_bad:] **Chain broken**, found {_ago(last)}. {last.finding}")


def _ago(last: Verification) -> str:
    passed = clock.now() - last.verified_at
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{int(passed.total_seconds() // 60)} min ago"
    return dates.moment(last.verified_at)


def _sealed(state: ChainState) -> str:
    if state.seals == 0:
        waiting = money.counted(state.unsealed, "event waits", "events wait")
        return f"No seal yet: {waiting} for the next one, which is made every few minutes."
    head = f" · head {state.head[:16]}…" if state.head else ""
    waiting = money.counted(state.unsealed, "newer event waits", "newer events wait")
    return f"Sealed to {dates.moment(state.sealed_through)} · {waiting} for the next seal{head}"


def _verify(actor: Actor) -> None:
    bar = st.progress(0.0, text="Checking the chain…")

    def show(done: int, of: int) -> None:
        bar.progress(done / of, text=f"Checking the chain… {done:,} of {of:,} seals")

    with notices.showing_errors():
        found = verifying.verify(actor, progress=show)
        notices.after_rerun("The audit trail is intact." if found.is_intact else "The audit trail is broken.")


def search_form(actor: Actor, today: date) -> Search:
    """Who, whom, what and when, in one row; what is asked stands in the address."""
    who, whom, what, period = st.columns([2, 2, 2, 3], vertical_alignment="bottom")
    name = who.text_input("Who", key="audit.who", bind="query-params", placeholder="Start of a name")
    number = whom.text_input("Whom", key="audit.whom", bind="query-params", placeholder="Customer or loan number")
    act = what.selectbox(
        "What", [ANY, *_choices(searching.known_actions(actor))], key="audit.what", bind="query-params"
    )
    days: Any = period.date_input(
        "When",
        value=[],
        max_value=today,
        format="DD/MM/YYYY",
        key="audit.when",
        help="First and last day; leave empty for all time",
    )
    return Search(
        who=name or None,
        whom=number or None,
        what=None if act == ANY else act,
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
    )


def _choices(actions: list[str]) -> list[str]:
    """Each subject with its dot, then its acts: 'promise.', 'promise.cancelled', 'promise.recorded'."""
    subjects = {action.split(".")[0] + "." for action in actions}
    return sorted(subjects | set(actions))


def rows(events: Sequence[Event]) -> list[dict[str, object]]:
    """Events as a table shows them: the sentence with its amounts as everywhere; files keep it as it was sealed."""
    names = ("id", "at", "role", "action", "borrower_number")
    return [
        {**{name: getattr(event, name) for name in names}, "sentence": money.in_sentence(event.sentence)}
        for event in events
    ]


@st.dialog("Event", width="large")
def opened(event: EventDetail) -> None:
    """One event: the sentence, what it replaced and left, its digest."""
    st.markdown(f"**{case_panel.plain(money.in_sentence(event.event.sentence))}**")
    st.caption(f"{dates.moment(event.event.at)} · {event.event.role} · {event.event.action} · {event.event.subject}")
    if event.before is None and event.after is None:
        st.caption("This act replaced no values.")
    else:
        st.table(_changes(event), border="horizontal")
    st.caption(f"Event {event.event.id} · digest {event.digest}")


def _changes(event: EventDetail) -> list[dict[str, str]]:
    before, after = event.before or {}, event.after or {}
    names = [*before, *(name for name in after if name not in before)]
    return [{"Field": name, "Before": _shown(before, name), "After": _shown(after, name)} for name in names]


def _shown(values: dict[str, Any], name: str) -> str:
    held = values.get(name)
    return dates.NOTHING if held is None else str(held)
