"""Outcome codes: the table of all codes, and the forms that add, change, order and retire them."""

from dataclasses import dataclass
from datetime import date

import streamlit as st

from components import dates, empty, exports, form_fields, notices, outcomes_cached, tables
from components.form_fields import Places
from components.tables import Column
from services import cases, contacts, holds, lender
from services.actors import Actor, Permission
from services.contacts import codes, recordings
from services.contacts.codes import Code, Terms
from services.exports import Field

_SHOWN = {"used": "In use", "retired": "Retired", "all": "All"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A code as the table shows it."""

    code: str
    label: str
    key: str
    counts_as: str
    asks_for: str
    next_action: str
    ends: str
    uses: int
    active_from: date
    active_to: date | None


_COLUMNS = (
    Column("label", "Outcome", width=190),
    Column("key", "Button", width=70, help="Key of the quick button; the others follow as words"),
    Column("counts_as", "Counts as", width=160, help="In Performance; fixed once the code is added"),
    Column("asks_for", "Asks for", width=150, help="What the form needs before it is saved"),
    Column("next_action", "Then", help="What the case waits for afterwards"),
    Column("ends", "Ends", help="Channels and direction of the contacts that it is offered for"),
    Column("uses", "Uses", "number", help="Contacts of the last 30 days that have it"),
    Column("active_from", "Offered from", "date"),
    Column("active_to", "Retired on", "date", help="First day on which it is offered no more"),
    Column("code", "Code"),
)


def show(actor: Actor) -> None:
    """The table, and for who may change them the forms."""
    today, every = lender.current().today, codes.all_codes(actor)
    shown = st.segmented_control(
        "Show", list(_SHOWN), default="used", required=True, format_func=_SHOWN.__getitem__,
        key="outcomes.shown", label_visibility="collapsed",
    )  # fmt: skip
    lines = [
        _line(code, every, today) for code in every if shown == "all" or code.is_retired(today) == (shown == "retired")
    ]
    picked = None
    if lines:
        columns = [column for column in _COLUMNS if shown != "used" or column.name not in {"active_from", "active_to"}]
        picked = tables.table(lines, columns, key="outcomes.table", select="code")
        tables.totals(len(lines), noun="codes")
        exports.downloads("Outcome codes", lines, columns=_FIELDS, key="outcomes.export")
    else:
        empty.empty("No code is retired.", "Choose a code under **In use** to retire it.")
    if not actor.may(Permission.CHANGE_STRATEGY):
        return
    chosen = next((code for code in every if code.code == picked), None)
    if chosen is not None:
        _opened(actor, chosen, today)
    else:
        st.caption("Choose a code in the table to reword, move or retire it.")
    with st.expander("Add a code", icon=":material/add:"):
        _add(actor)
    with st.expander("Recordings of calls", icon=":material/mic:"):
        _recordings(actor)


_FIELDS = tuple(Field(column.name, column.label) for column in _COLUMNS)


def _line(code: Code, every: tuple[Code, ...], today: date) -> _Line:
    quick = [each.code for each in every if each.terms.is_quick and each.is_active(today)]
    terms = code.terms
    asks = [codes.NEEDS[need] for need in terms.requires]
    if terms.hold_kind:
        asks = [f"Hold: {holds.KINDS[terms.hold_kind].lower()}" if ask == codes.NEEDS["hold"] else ask for ask in asks]
    channels = ", ".join(contacts.CHANNELS[channel].lower() for channel in terms.channels) or "any channel"
    direction = {"outbound": ", ours", "inbound": ", theirs", None: ""}[terms.direction]
    return _Line(
        code=code.code,
        label=terms.label,
        key=str(quick.index(code.code) + 1) if code.code in quick else "",
        counts_as=codes.COUNTS_AS[code.counts_as],
        asks_for=", ".join(asks) or "nothing",
        next_action=cases.ACTIONS[terms.next_action] if terms.next_action else "",
        ends="automated messages" if code.is_system else channels + direction,
        uses=code.uses,
        active_from=code.active_from,
        active_to=code.active_to,
    )


def _opened(actor: Actor, code: Code, today: date) -> None:
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f"**{notices.plain(code.terms.label)}** counts as: {codes.COUNTS_AS[code.counts_as].lower()}.",
                width="stretch",
            )
            for label, places, icon in (("Up", -1, "arrow_upward"), ("Down", 1, "arrow_downward")):
                if st.button(label, icon=f":material/{icon}:", key=f"outcomes.{label}", type="tertiary"):
                    with notices.showing_errors():
                        codes.move(actor, code.code, places=places)
                        _done(f"“{code.terms.label}” moved {label.lower()}")
        if code.is_system:
            st.caption("Automated messages write this code. It is not offered in forms and stays as it is.")
            return
        left, right = st.columns([3, 2], gap="large")
        with left:
            _change(actor, code)
        with right:
            _retire(actor, code, today)


def _change(actor: Actor, code: Code) -> None:
    form, places = form_fields.drawn(f"outcomes.change.{code.code}"), Places()
    with st.form(f"outcomes_change.{code.code}", border=False):
        terms = _fields(form, places, code.terms)
        reason = st.text_input("Why does it change?", key=f"{form}.reason", max_chars=300)
        places.under("reason")
        is_sent = st.form_submit_button("Save the code", type="primary", icon=":material/save:")
    if is_sent:
        with places.showing_errors():
            codes.change(actor, code.code, terms=terms, reason=reason)
            form_fields.done(form)
            _done(f"“{terms.label}” is saved")


def _retire(actor: Actor, code: Code, today: date) -> None:
    form, places = form_fields.drawn(f"outcomes.retire.{code.code}"), Places()
    is_ending = code.active_to is None
    with st.form(f"outcomes_retire.{code.code}", border=False):
        st.markdown("**Retire it**" if is_ending else "**Take it into use again**")
        st.caption(
            "Forms offer it no more. Contacts that have it keep it, and it still counts in Performance."
            if is_ending
            else "Forms offer it again from now on."
        )
        on = today
        if is_ending:
            on = st.date_input("From", value=today, min_value=today, key=f"{form}.on", format="DD/MM/YYYY")
            places.under("on")
        reason = st.text_input("Why?", key=f"{form}.why", max_chars=300)
        places.under("reason")
        label = "Retire" if is_ending else "Use it again"
        is_sent = st.form_submit_button(label, icon=":material/archive:" if is_ending else ":material/unarchive:")
    if is_sent:
        with places.showing_errors():
            if is_ending:
                codes.retire(actor, code.code, reason=reason, on=on)
            else:
                codes.restore(actor, code.code, reason=reason)
            form_fields.done(form)
            _done(f"“{code.terms.label}” is {'retired' if is_ending else 'in use again'}")


def _add(actor: Actor) -> None:
    form, places = form_fields.drawn("outcomes.add"), Places()
    with st.form("outcomes_add", border=False):
        left, right = st.columns(2)
        with left:
            code = st.text_input(
                "Code", key=f"{form}.code", max_chars=40, placeholder="asks_for_time",
                help="Small letters and underscores. It names the outcome in files and reports, and never changes.",
            )  # fmt: skip
            places.under("code")
        with right:
            counts_as = st.selectbox(
                "Counts as", list(codes.COUNTS_AS), format_func=codes.COUNTS_AS.__getitem__, key=f"{form}.counts_as",
                help="What Performance makes of it. It cannot be changed later.",
            )  # fmt: skip
            places.under("counts_as")
        terms = _fields(form, places, Terms(label=""))
        today = lender.current().today
        on = st.date_input(
            "Offered from", value=today, min_value=today, key=f"{form}.on", format="DD/MM/YYYY", width=200
        )
        places.under("on")
        is_sent = st.form_submit_button("Add the code", type="primary", icon=":material/add:")
    if is_sent:
        with places.showing_errors():
            codes.add(actor, code.strip(), counts_as=counts_as, terms=terms, on=on)
            form_fields.done(form)
            _done(f"“{terms.label}” is offered from {dates.day(on)} on")


def _fields(form: str, places: Places, terms: Terms) -> Terms:
    label = st.text_input("What the button says", value=terms.label, key=f"{form}.label", max_chars=60)
    places.under("label")
    left, right = st.columns(2)
    with left:
        requires = st.multiselect(
            "Asks for", list(codes.NEEDS), default=terms.requires, format_func=codes.NEEDS.__getitem__,
            key=f"{form}.requires", placeholder="Nothing",
        )  # fmt: skip
        places.under("requires")
        channels = st.multiselect(
            "Offered for", list(contacts.CHANNELS), default=terms.channels, format_func=contacts.CHANNELS.__getitem__,
            key=f"{form}.channels", placeholder="Any channel",
        )  # fmt: skip
        places.under("channels")
        is_quick = st.checkbox("One of the quick buttons", value=terms.is_quick, key=f"{form}.is_quick")
        places.under("is_quick")
    with right:
        hold_kind = _choice("Kind of hold", holds.KINDS, terms.hold_kind, key=f"{form}.hold_kind", none="No hold")
        places.under("hold_kind")
        direction = _choice("Who began", contacts.DIRECTIONS, terms.direction, key=f"{form}.direction", none="Either")
        places.under("direction")
        action = _choice(
            "The case then waits for", cases.ACTIONS, terms.next_action, key=f"{form}.next", none="Nothing"
        )
        places.under("next_action")
    return Terms(label.strip(), tuple(requires), hold_kind, action, tuple(channels), direction, is_quick)


def _choice(label: str, offered: dict[str, str], value: str | None, *, key: str, none: str) -> str | None:
    options = [None, *offered]
    words: dict[str | None, str] = {None: none}
    words.update(offered)
    return st.selectbox(label, options, index=options.index(value), format_func=words.__getitem__, key=key)


def _recordings(actor: Actor) -> None:
    is_on, places = recordings.are_required(), Places()
    st.caption(
        "Each call is logged with the reference of its recording, or with the reason why there is none (IN-08)."
        if is_on
        else "A call may be logged without naming its recording."
    )
    with st.form("outcomes_recordings", border=False):
        reason = st.text_input("Why does it change?", key="outcomes.recordings.reason", max_chars=300)
        places.under("reason")
        is_sent = st.form_submit_button("Ask no more for recordings" if is_on else "Ask for the recording of each call")
    if is_sent:
        with places.showing_errors():
            recordings.require(actor, is_required=not is_on, reason=reason)
            _done("The setting is saved")


def _done(said: str) -> None:
    outcomes_cached.clear()
    notices.after_rerun(said)
