"""Texts of notices with their versions, lengths of clocks with their sources, and what opening and reminding do."""

from datetime import date

import streamlit as st

from components import dates, form_fields, notices, tables
from components.form_fields import Places
from components.tables import Column
from services import legal
from services.actors import Actor, Permission
from services.legal import CLOCKS, KINDS

_REASONS = (
    Column("label", "Returned because", width=220),
    Column("cause", "Gives cause for", width=260),
    Column("source", "Source", width="large"),
)


def show(actor: Actor) -> None:
    """Everything, to read; with forms for those who may change it."""
    st.info(
        "Recoup gives no legal advice. Have counsel confirm texts and lengths before notices go out.",
        icon=":material/gavel:",
    )
    _texts(actor)
    st.markdown("##### Clocks")
    _clocks(actor)
    st.markdown("##### Why instruments come back")
    rows = [
        {"label": each.label, "cause": ", ".join(KINDS[kind] for kind in each.allows) or "None", "source": each.source}
        for each in legal.return_reasons(actor)
    ]
    tables.table(rows, _REASONS, key="legal.reasons")
    if actor.may(Permission.SET_UP_LEGAL):
        st.markdown("##### Holds and reminders")
        _settings(actor)


def _texts(actor: Actor) -> None:
    st.markdown("##### Texts of notices")
    kind = st.selectbox("Notice", list(KINDS), format_func=KINDS.__getitem__, key="legal.text.kind")
    versions = legal.templates(actor, kind)
    newest = versions[0]
    who = f"{notices.plain(newest.who)}, {dates.moment(newest.created_at)}" if newest.who else "came with Recoup"
    st.caption(f"Version {newest.version} is in force: {who}. Reason: {notices.plain(newest.reason)}")
    fields = " · ".join(f"`{{{name}}}` {words}" for name, words in legal.fields_of(kind).items())
    may = actor.may(Permission.SET_UP_LEGAL)
    form, places = form_fields.drawn(f"legal.text.{kind}.{newest.version}"), Places()
    with st.form("legal_text", border=False):
        title = st.text_input("Title", value=newest.title, key=f"{form}.title", disabled=not may, max_chars=200)
        places.under("title")
        body = st.text_area("Text", value=newest.body, key=f"{form}.body", height=330, disabled=not may)
        places.under("body")
        st.caption(f"Fields: {fields}")
        reason = st.text_input("Why it changes", key=f"{form}.reason", disabled=not may, max_chars=300)
        places.under("reason")
        is_sent = st.form_submit_button("Put this text in force", type="primary", disabled=not may)
    if is_sent:
        with places.showing_errors():
            made = legal.save(actor, kind, title=title, body=body, reason=reason, based_on=newest.version)
            form_fields.done(form)
            notices.after_rerun(f"Version {made} is in force; notices that were sent keep theirs")
    if len(versions) > 1:
        with st.expander("Earlier versions"):
            for each in versions[1:]:
                st.markdown(f"**Version {each.version}** · {each.who or 'Recoup'} · {dates.moment(each.created_at)}")
                st.text(each.body)


_RULES = (
    Column("kind", "Kind", width=230),
    Column("clock", "Clock", width=260),
    Column("length", "Length", width=100),
    Column("since", "In force from", "date", width=110),
    Column("source", "Source", width="large"),
)


def _clocks(actor: Actor) -> None:
    rules = legal.rules(actor)
    rows = [
        {
            "kind": KINDS[rule.kind],
            "clock": CLOCKS[rule.clock],
            "length": _length(rule.length, rule.unit),
            "since": rule.effective_from,
            "source": rule.source,
        }
        for rule in rules
    ]
    tables.table(rows, _RULES, key="legal.rules")
    if not actor.may(Permission.SET_UP_LEGAL):
        return
    named = {f"{rule.kind}.{rule.clock}": f"{KINDS[rule.kind]}: {CLOCKS[rule.clock].lower()}" for rule in rules}
    with st.popover("Change a length", icon=":material/edit:"):
        form, places = form_fields.drawn("legal.rule"), Places()
        with st.form("legal_rule", border=False):
            st.caption("Open actions of the kind follow at once. Confirm the length with counsel first.")
            which = st.selectbox("Clock", list(named), format_func=named.__getitem__, key=f"{form}.which")
            places.under("clock")
            length = st.number_input("Length, in its unit", 1, 1000, 30, key=f"{form}.length")
            places.under("length")
            since = st.date_input(
                "For bounces and openings from", key=f"{form}.since", format="DD/MM/YYYY", value=legal.today(actor)
            )
            source = st.text_input("Section or advice that says so", key=f"{form}.source", max_chars=300)
            places.under("source")
            is_sent = st.form_submit_button("Set the length", type="primary")
        if is_sent and isinstance(since, date):
            with places.showing_errors():
                kind, _, clock = which.partition(".")
                legal.set_rule(actor, kind=kind, clock=clock, length=int(length), source=source, effective_from=since)
                form_fields.done(form)
                notices.after_rerun("The length is set; open actions follow it")


def _length(length: int, unit: str) -> str:
    return f"{length} {unit if length != 1 else unit[:-1]}"


def _settings(actor: Actor) -> None:
    now, places = legal.settings(actor), Places()
    with st.form("legal_settings", border=False):
        kinds = st.multiselect(
            "Opening one of these stops contact until it is closed",
            list(KINDS),
            default=list(now.hold_kinds),
            format_func=KINDS.__getitem__,
        )
        places.under("hold_kinds")
        days = st.number_input("Remind so many days before a clock runs out", 1, 60, now.alert_days)
        places.under("alert_days")
        is_sent = st.form_submit_button("Save", type="primary")
    if is_sent:
        with places.showing_errors():
            legal.configure(actor, hold_kinds=kinds, alert_days=int(days))
            notices.after_rerun("Settings saved; open actions keep their hold")
