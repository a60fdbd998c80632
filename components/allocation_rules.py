"""Allocation rules: the ordered list, a form for one of them, moving, switching and removing; and older versions."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import streamlit as st

from components import allocation_cached, dates, empty, form_fields, languages, notices, tables
from components.allocation_rule_rows import COLUMNS, row, target_names
from components.form_fields import Places
from components.tables import Column
from services import allocation
from services.actors import Actor
from services.allocation import Rule, RuleBook, RuleChoices, Way
from services.money import parse

_TEAM, _AGENCY, _PEOPLE = "A team", "An agency", "People"
_MOVES: Final = (("Move up", ":material/arrow_upward:", -1), ("Move down", ":material/arrow_downward:", 1))


def show(actor: Actor) -> None:
    """The rules written last, and what may be done with them."""
    book, choices = allocation.rule_book(actor), allocation_cached.choices(actor)
    with st.container(horizontal=True, vertical_alignment="center", gap="large"):
        st.subheader(_headline(book), anchor=False, width="content")
        with st.popover("Add rule", icon=":material/add:", type="primary", key="allocation.add"):
            _form(actor, book, choices, None)
    _from_later(book)
    if not book.rules:
        empty.empty(
            "No rule gives cases yet: leaders give them by hand.",
            "Put collectors into teams under **Collectors**, then add a rule. Nothing moves until you run it.",
            icon=":material/account_tree:",
        )
    else:
        names = target_names(actor, choices)
        rows = [row(place, rule, choices, names) for place, rule in enumerate(book.rules, start=1)]
        chosen = tables.table(rows, COLUMNS, key="allocation.rules", select="place")
        st.caption(
            "A case goes to the first rule that matches it and has somebody who is there, has the skill and has room; "
            "otherwise to the next."
        )
        if chosen is not None:
            _actions(actor, book, choices, int(chosen) - 1)
    _versions(actor, choices)


def _headline(book: RuleBook) -> str:
    on = sum(rule.is_enabled for rule in book.rules)
    return f"{on} of {len(book.rules)} rules are on" if book.rules else "No rules yet"


def _from_later(book: RuleBook) -> None:
    if book.newest is not None and book.newest.id != book.in_force:
        until = "no rules hold" if book.in_force is None else f"version {book.in_force} holds"
        st.info(
            f"These rules hold from {dates.day(book.newest.effective_from)}. Until then {until}.",
            icon=":material/event:",
        )


def _form(actor: Actor, book: RuleBook, choices: RuleChoices, place: int | None) -> None:
    """One rule: a new one, or the one at a place."""
    rule = book.rules[place] if place is not None else Rule("", Way.BY_LOAD)
    form, places = form_fields.drawn(f"allocation.rule.{place}.{book.version}"), Places()
    kinds = [_TEAM, _AGENCY, _PEOPLE]
    now = _PEOPLE if rule.user_ids else _AGENCY if rule.agency_id is not None else _TEAM
    kind = st.radio("Give to", kinds, index=kinds.index(now), horizontal=True, key=f"{form}.kind")
    with st.form(f"{form}.form", border=False):
        name = st.text_input("Name of the rule", value=rule.name, key=f"{form}.name", placeholder="Hard cases, West")
        places.under("name")
        target = _target_field(actor, choices, rule, kind, form)
        places.under("target")
        way = st.selectbox("How", list(Way), index=list(Way).index(rule.way), format_func=_way_words, key=f"{form}.way")
        st.markdown("**Which cases** (empty: any)")
        lists = _list_fields(choices, rule, form)
        spans = _span_fields(rule, form, places)
        effective_from, reason = _version_fields(book, form, places)
        is_sent = st.form_submit_button("Save rule", type="primary")
    if is_sent:
        with places.showing_errors():
            changed = Rule(name=name, way=way, is_enabled=rule.is_enabled, **target, **lists, **_read(spans))  # type: ignore[arg-type]
            rules = list(book.rules)
            if place is None:
                rules.append(changed)
            else:
                rules[place] = changed
            _save(actor, book, rules, effective_from, reason=reason, message=f"Rule “{name}” is saved.")


def _way_words(way: Way) -> str:
    return {
        Way.ROUND_ROBIN: "In turn: one each, whatever they have",
        Way.BY_LOAD: "By load: the next case to who has fewest open",
        Way.KEEP_AGENT: "Same agent as before, the others by load",
    }[way]


def _target_field(actor: Actor, choices: RuleChoices, rule: Rule, kind: str, form: str) -> dict[str, object]:
    names = target_names(actor, choices)
    if kind == _PEOPLE:
        people = names["people"]
        held = [user for user in rule.user_ids if user in people]
        chosen = st.multiselect("People", list(people), held, format_func=people.__getitem__, key=f"{form}.people")
        return {"user_ids": tuple(chosen)}
    part, field = ("team", "team_id") if kind == _TEAM else ("agency", "agency_id")
    offered = names[part]
    held_id = rule.team_id if kind == _TEAM else rule.agency_id
    index = list(offered).index(held_id) if held_id in offered else None
    chosen_id = st.selectbox(
        part.capitalize(),
        list(offered),
        index=index,
        format_func=offered.__getitem__,
        key=f"{form}.{part}",
        placeholder="Choose one" if offered else f"There is no {part} yet",
        disabled=not offered,
    )
    return {field: chosen_id}


def _list_fields(choices: RuleChoices, rule: Rule, form: str) -> dict[str, object]:
    found: dict[str, object] = {}
    left, right = st.columns(2)
    offered: tuple[tuple[str, str, Mapping[Any, str], Sequence[Any]], ...] = (
        ("stages", "Stages", choices.stages, rule.stages),
        ("product_ids", "Products", choices.products, rule.product_ids),
        ("regions", "Regions", {region: region for region in choices.regions}, rule.regions),
        ("languages", "Languages", languages.names(choices.languages), rule.languages),
        ("risk_bands", "Risk", choices.risk_bands, rule.risk_bands),
    )
    for number, (field, label, options, held) in enumerate(offered):
        with left if number % 2 == 0 else right:
            known = [one for one in held if one in options]
            chosen = st.multiselect(
                label, list(options), known, format_func=options.__getitem__, key=f"{form}.{field}", placeholder="Any"
            )
            found[field] = tuple(chosen)
    return found


def _span_fields(rule: Rule, form: str, places: Places) -> dict[str, str]:
    """What was typed as bounds, by field of the rule."""
    typed: dict[str, str] = {}
    for what, label in (("dpd", "Days past due"), ("overdue", "Overdue amount"), ("outstanding", "Ticket size")):
        left, right = st.columns(2)
        for side, column, word in (("min", left, "from"), ("max", right, "to")):
            held = getattr(rule, f"{side}_{what}")
            with column:
                typed[f"{side}_{what}"] = st.text_input(
                    f"{label} {word}",
                    value="" if held is None else f"{held:f}" if isinstance(held, Decimal) else str(held),
                    key=f"{form}.{side}_{what}",
                    help="Principal outstanding over all loans of the case" if what == "outstanding" else None,
                )
        places.under(what)
    return typed


def _read(typed: dict[str, str]) -> dict[str, object]:
    """Bounds as numbers.

    Raises:
        InvalidInput: one of them is none.
    """
    found: dict[str, object] = {}
    for field, words in typed.items():
        what = field.partition("_")[2]
        amount = parse(words, field=what) if words.strip() else None
        found[field] = int(amount) if amount is not None and what == "dpd" else amount
    return found


def _version_fields(book: RuleBook, form: str, places: Places) -> tuple[date, str]:
    left, right = st.columns(2)
    with left:
        effective_from = st.date_input(
            "Holds from", value=book.today, min_value=book.today, format="DD/MM/YYYY", key=f"{form}.from"
        )
        places.under("effective_from")
    with right:
        reason = st.text_input("Why the change", key=f"{form}.reason", placeholder="New team in the West")
        places.under("reason")
    return effective_from if isinstance(effective_from, date) else book.today, reason


def _save(
    actor: Actor, book: RuleBook, rules: Sequence[Rule], effective_from: date, *, reason: str, message: str
) -> None:
    allocation.save_rules(actor, rules, based_on=book.version, effective_from=effective_from, reason=reason)
    notices.after_rerun(message)


def _actions(actor: Actor, book: RuleBook, choices: RuleChoices, place: int) -> None:
    """What may be done with the chosen rule; each act writes a version that holds from the day given."""
    rule = book.rules[place]
    st.markdown(f"**{notices.plain(rule.name)}**")
    start = max(book.today, book.newest.effective_from) if book.newest else book.today
    with st.container(horizontal=True):
        with st.popover("Change", icon=":material/edit:", key="allocation.change"):
            _form(actor, book, choices, place)
        for label, icon, by in _MOVES:
            is_end = not 0 <= place + by < len(book.rules)
            if st.button(label, icon=icon, disabled=is_end, key=f"allocation.{label}"):
                with notices.showing_errors():
                    rules = allocation.moved(book.rules, place, by)
                    _save(actor, book, rules, start, reason=f"{label}: {rule.name}", message=f"“{rule.name}” is moved.")
        word = "Switch off" if rule.is_enabled else "Switch on"
        if st.button(word, icon=":material/toggle_on:", key="allocation.switch"):
            with notices.showing_errors():
                rules = allocation.switched(book.rules, place)
                _save(actor, book, rules, start, reason=f"{word}: {rule.name}", message=f"{word}: “{rule.name}”.")
        with st.popover("Remove", icon=":material/delete:", key="allocation.remove"):
            _remove(actor, book, place, start)


def _remove(actor: Actor, book: RuleBook, place: int, start: date) -> None:
    with st.form("allocation.remove_form", border=False):
        st.markdown("The rule is left out of the next version. Who has cases by it keeps them; history keeps the rule.")
        reason = st.text_input("Why", key="allocation.remove_reason")
        if st.form_submit_button("Remove rule", type="primary"):
            with notices.showing_errors():
                rules = [rule for at, rule in enumerate(book.rules) if at != place]
                _save(actor, book, rules, start, reason=reason, message=f"“{book.rules[place].name}” is removed.")


def _versions(actor: Actor, choices: RuleChoices) -> None:
    with st.expander("Earlier versions", icon=":material/history:", key="allocation.versions_open"):
        rows = allocation.rule_versions(actor)
        if not rows:
            st.caption("Each change of the rules is kept here with its reason.")
            return
        columns = (
            Column("id", "Version", "number", width="small"),
            Column("effective_from", "Holds from", "date"),
            Column("rules", "Rules", "number", width="small"),
            Column("reason", "Why", width="large"),
            Column("created_by", "Written by"),
            Column("created_at", "Written", "moment"),
        )
        chosen = tables.table(rows, columns, key="allocation.versions", select="id")
        if chosen is not None:
            names = target_names(actor, choices)
            old = allocation.rules_of_version(actor, int(chosen))
            listed = [row(place, rule, choices, names) for place, rule in enumerate(old, start=1)]
            st.markdown(f"**Version {chosen}**")
            if listed:
                tables.table(listed, COLUMNS, key=f"allocation.version.{chosen}")
            else:
                st.caption("It has no rules.")
