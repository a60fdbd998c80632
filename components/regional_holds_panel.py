"""Stops on contact by region: those in force and to come, a new one with whom it covers, and past ones."""

from datetime import date, timedelta

import streamlit as st

from components import complaints_cached, dates, empty, form_fields, hold_banners, money, notices, tables
from components.form_fields import Places
from components.tables import Column
from services import regional_holds
from services.actors import Actor, Permission
from services.regional_holds import KINDS, LEVELS, Area, Listing, RegionalHold, Terms


def show(actor: Actor) -> None:
    """Draw what is in force, and for those who may, the way to place another."""
    listing = regional_holds.listing(actor)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(_headline(listing), anchor=False, width="stretch")
        if actor.may(Permission.HOLD_REGIONS):
            with st.popover("Stop contact in a region", icon=":material/location_off:", type="primary", width=420):
                _form(actor, listing.today)
    for hold in listing.current:
        _hold(actor, hold, listing.today)
    if not listing.current:
        empty.empty(
            "Contact is stopped nowhere.",
            "Before a festival, or when a calamity strikes, a leader stops contact in the region for some days.",
        )
    if listing.past:
        st.markdown("**Past**")
        tables.table([_past(hold) for hold in listing.past], _PAST, key="holds.past")


def _headline(listing: Listing) -> str:
    on = sum(hold.is_on(listing.today) for hold in listing.current)
    coming = len(listing.current) - on
    first = {0: "No region is held now", 1: "One regional hold is in force"}.get(
        on, f"{on} regional holds are in force"
    )
    return f"{first}, {coming} to come" if coming else first


def _hold(actor: Actor, hold: RegionalHold, today: date) -> None:
    wait = (hold.starts_on - today).days
    state = "In force" if hold.is_on(today) else f"Starts in {wait} {'day' if wait == 1 else 'days'}"
    with (
        st.container(border=True, key=f"regional_hold_{hold.id}"),
        st.container(horizontal=True, vertical_alignment="center", gap="small"),
    ):
        by = f" · by {hold_banners.plain(hold.created_by_name)}" if hold.created_by_name else ""
        st.markdown(
            f"**{hold_banners.plain(hold.label)}** · {hold_banners.plain(hold.where)}  \n"
            f"{state} · {dates.day(hold.starts_on)} until {dates.day(hold.ends_on)}  \n"
            f":gray[{hold_banners.plain(hold.reason)}{by}]",
            width="stretch",
        )
        if actor.may(Permission.HOLD_REGIONS):
            _end(actor, hold)


def _end(actor: Actor, hold: RegionalHold) -> None:
    with st.popover("End early", key=f"holds.end.{hold.id}"), st.form(f"holds.end_form.{hold.id}", border=False):
        st.caption("Contact is allowed again at once. This cannot be taken back; another hold can be placed.")
        reason = st.text_input("Why does it end before its date?", key=f"holds.end.{hold.id}.reason", max_chars=300)
        if st.form_submit_button("End now", type="primary"):
            with notices.showing_errors():
                regional_holds.end(actor, hold.id, reason=reason)
                notices.after_rerun(f"{hold.label} is ended; contact is allowed again")


def _form(actor: Actor, today: date) -> None:
    """Not one form: whom it covers is counted anew as areas are chosen, before anything is placed."""
    form, places = form_fields.drawn("holds.region"), Places()
    kind = st.selectbox("Kind", list(KINDS), format_func=KINDS.__getitem__, key=f"{form}.kind")
    name = st.text_input("Occasion", key=f"{form}.name", placeholder="Diwali", max_chars=80)
    places.under("name")
    counted = _areas(actor)
    areas = st.multiselect(
        "Where", list(counted), format_func=lambda area: _area_words(area, counted[area]), key=f"{form}.areas"
    )
    places.under("areas")
    left, right = st.columns(2)
    with left:
        starts_on = st.date_input(
            "No contact from", value=today, min_value=today, key=f"{form}.from", format="DD/MM/YYYY"
        )
        places.under("starts_on")
    with right:
        ends_on = st.date_input(
            "Allowed again on", value=today + timedelta(days=3), key=f"{form}.to", format="DD/MM/YYYY"
        )
        places.under("ends_on")
    reason = st.text_input("Reason", key=f"{form}.reason", max_chars=300, placeholder="Nobody is called at Diwali")
    places.under("reason")
    if areas:
        covered = regional_holds.preview(actor, areas)
        st.markdown(
            f"Covers **{money.count(covered.borrowers)}** borrowers and **{money.count(covered.cases)}** open cases, "
            f"{money.full(covered.overdue_amount)} overdue.".replace("$", "\\$")
        )
    if st.button("Stop contact", type="primary", key=f"{form}.place", disabled=not areas):
        with places.showing_errors():
            terms = Terms(name, kind, reason, _date(starts_on, today), _date(ends_on, today), tuple(areas))
            regional_holds.place(actor, terms, request_key=form_fields.request_key(form))
            form_fields.done(form)
            notices.after_rerun(f"Contact stops in {', '.join(area.words for area in sorted(areas))}")


def _date(chosen: object, otherwise: date) -> date:
    return chosen if isinstance(chosen, date) else otherwise


def _areas(actor: Actor) -> dict[Area, int]:
    """What can be chosen, with how many borrowers are there: everywhere, regions, states, cities."""
    counted: dict[Area, int] = {Area("everywhere"): 0}
    for place in complaints_cached.places(actor):
        counted[Area("everywhere")] += place.borrowers
        for level, value in (("region", place.region), ("state", place.state), ("city", place.city)):
            if value:
                area = Area(level, value)
                counted[area] = counted.get(area, 0) + place.borrowers
    order = list(LEVELS)
    return dict(sorted(counted.items(), key=lambda item: (order.index(item[0].level), item[0].value)))


def _area_words(area: Area, borrowers: int) -> str:
    level = "" if area.level == "everywhere" else f" ({LEVELS[area.level].lower()})"
    return f"{area.words}{level} · {money.count(borrowers)}"


_PAST = (
    Column("label", "Occasion", is_pinned=True, width=200),
    Column("where", "Where", width=220),
    Column("starts_on", "From", "date", width=105),
    Column("ends_on", "Until", "date", width=105),
    Column("how", "How it ended", width="large"),
    Column("by", "Placed by", width=130),
)


def _past(hold: RegionalHold) -> dict[str, object]:
    by = f" by {hold.ended_by_name}" if hold.ended_by_name else ""
    how = f"{dates.moment(hold.ended_at)}{by}: {hold.end_reason}" if hold.ended_at else "on its date"
    return {
        "label": hold.label,
        "where": hold.where,
        "starts_on": hold.starts_on,
        "ends_on": hold.ends_on,
        "how": how,
        "by": hold.created_by_name,
    }
