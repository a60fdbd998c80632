"""Collectors: who may be given cases, what of their papers expires, their skills, capacity and absences."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import streamlit as st

from components import allocation_cached, cached, dates, exports, form_fields, languages, notices, palette, tables
from components.form_fields import Places
from components.tables import Column
from services import allocation
from services.actors import Actor
from services.allocation import Collector, CollectorFacts, Papers, PapersSettings, Skills
from services.errors import InvalidInput
from services.exports import Field

_PUBLIC = (
    Field("name", "Name"),
    Field("organisation", "Organisation"),
    Field("id_card", "ID card"),
    Field("certificate", "Certificate"),
    Field("certificate_until", "Certificate valid until"),
    Field("police_until", "Police check valid until"),
)


def show(actor: Actor) -> None:
    """Everybody who works cases, the form for the chosen one, absences, and what is asked of papers."""
    crew = allocation.collectors(actor)
    barred = sum(bool(one.standing.problems) for one in crew)
    attention = sum(not one.standing.problems and bool(one.standing.warnings) for one in crew)
    with st.container(horizontal=True, vertical_alignment="center", gap="large"):
        words = f"{len(crew)} collectors, {barred} may not be given cases, {attention} need attention"
        st.subheader(words, anchor=False, width="content")
        _settings(actor)
    chosen = tables.table([_row(one) for one in crew], _columns(), key="allocation.collectors", select="id")
    tables.totals(len(crew), noun="collectors")
    collector = next((one for one in crew if one.id == chosen), None)
    if collector is None:
        st.caption("Choose a collector to write down team, agency, skills, capacity and papers, or an absence.")
    else:
        _panel(actor, collector)
    _absences(actor)
    st.markdown("**List of agents for publication**: those who may be given cases, with certificate and ID card.")
    exports.downloads("Collection agents", [_public(one) for one in crew if _is_listed(one)], columns=_PUBLIC)


def _columns() -> tuple[Column, ...]:
    colours = palette.current()
    states = {"In order": colours.cured, "Attention": colours.due_soon, "Barred": colours.broken}
    return (
        Column("name", "Name", is_pinned=True),
        Column("papers", "Papers", "chip", colours=states, help="Barred: is given no cases, by hand or by rule"),
        Column("why", "What is wrong or expires soon", width=260),
        Column("role", "Role", width=65),
        Column("team", "Team", width=95),
        Column("agency", "Agency", width=185),
        Column("open_cases", "Open cases", "number"),
        Column("capacity", "Capacity", "number", help="Open cases that rules give at most"),
        Column("skills", "Skills", width="medium", help="Empty: any"),
        Column("absent_until", "Back from absence", "date"),
        Column("certificate_until", "Certificate until", "date"),
        Column("police_until", "Police check until", "date"),
    )


def _row(one: Collector) -> dict[str, object]:
    skills = one.skills
    stages = [stage.capitalize() for stage in skills.stages]
    products = [f"{len(skills.product_ids)} products"] if skills.product_ids else []
    return {
        "id": one.id,
        "name": one.name,
        "papers": one.standing.state,
        "why": "; ".join((*one.standing.problems, *one.standing.warnings)),
        "role": one.role,
        "team": one.team,
        "agency": one.agency,
        "open_cases": one.open_cases,
        "capacity": one.capacity,
        "skills": ", ".join((*map(languages.named, skills.languages), *skills.regions, *stages, *products)),
        "absent_until": one.absent_until,
        "certificate_until": one.papers.certificate_expires_on,
        "police_until": one.standing.police_valid_until,
    }


def _is_listed(one: Collector) -> bool:
    return one.role == "agent" and one.may_be_given_cases


def _public(one: Collector) -> dict[str, object]:
    return {
        "name": one.name,
        "organisation": one.agency or cached.lender_format().name,
        "id_card": one.papers.id_card_number,
        "certificate": one.papers.certificate_number,
        "certificate_until": one.papers.certificate_expires_on,
        "police_until": one.standing.police_valid_until,
    }


def _settings(actor: Actor) -> None:
    with st.popover("What is asked of papers", icon=":material/badge:", key="allocation.papers"):
        held = allocation.papers_settings(actor)
        places = Places()
        with st.form("allocation.papers_form", border=False):
            is_required = st.toggle(
                "No cases without certificate and police check",
                value=held.is_required,
                help="Off: only papers that have expired stop allocation. On: missing ones stop it too.",
                key=f"allocation.required.{held.is_required}",
            )
            months = st.number_input("A police check holds, months", 1, 60, held.police_months)
            places.under("police_months")
            days = st.number_input("Mark what expires within, days", 0, 365, held.warn_days)
            places.under("warn_days")
            st.caption("Nobody loses cases by this: only new ones are refused.")
            if st.form_submit_button("Save", type="primary"):
                with places.showing_errors():
                    allocation.set_papers_settings(actor, PapersSettings(is_required, int(months), int(days)))
                    notices.after_rerun("What is asked of papers is saved.")


def _panel(actor: Actor, one: Collector) -> None:
    with st.container(border=True):
        name, house = notices.plain(one.name), notices.plain(one.agency or "in-house")
        st.markdown(f"**{name}** · {house} · {one.open_cases:,} open cases")
        for problem in one.standing.problems:
            st.error(f"Is given no cases: {problem}.", icon=":material/block:")
        with st.popover("Enter an absence", icon=":material/event_busy:", key=f"allocation.away.{one.id}"):
            _absence_form(actor, one)
        _form(actor, one)


def _form(actor: Actor, one: Collector) -> None:
    choices = allocation_cached.choices(actor)
    agencies = {agency.id: agency.name for agency in allocation.agencies(actor)}
    form, places = form_fields.drawn(f"collector.{one.id}.{one.version}"), Places()
    with st.form(f"{form}.form", border=False):
        left, middle, right = st.columns(3, gap="medium")
        with left:
            teams = list(choices.teams.values())
            team = st.selectbox(
                "Team",
                teams,
                index=teams.index(one.team) if one.team in teams else None,
                accept_new_options=True,
                placeholder="None; type a new name",
                key=f"{form}.team",
            )
            agency = st.selectbox(
                "Agency",
                list(agencies),
                index=list(agencies).index(one.agency_id) if one.agency_id in agencies else None,
                format_func=agencies.__getitem__,
                placeholder="In-house",
                key=f"{form}.agency",
            )
            capacity = st.number_input(
                "Capacity, open cases", min_value=0, value=one.capacity, placeholder="No limit", key=f"{form}.capacity"
            )
            places.under("capacity")
        with middle:
            skills = _skill_fields(one.skills, form, actor)
        with right:
            papers = _paper_fields(one.papers, form, places)
        if st.form_submit_button("Save", type="primary"):
            with places.showing_errors():
                facts = CollectorFacts(team, agency, skills, None if capacity is None else int(capacity), papers)
                allocation.save(actor, one.id, facts, version=one.version)
                allocation_cached.clear()
                notices.after_rerun(f"{one.name} is saved.")


def _skill_fields(held: Skills, form: str, actor: Actor) -> Skills:
    choices = allocation_cached.choices(actor)

    def several(
        label: str, options: Sequence[object], now: Sequence[object], names: Mapping[Any, str]
    ) -> tuple[Any, ...]:
        known = [one for one in now if one in options]
        return tuple(
            st.multiselect(
                label,
                options,
                known,
                format_func=lambda one: names.get(one, str(one)),
                placeholder="Any",
                key=f"{form}.{label}",
            )
        )

    return Skills(
        product_ids=several("Products", list(choices.products), held.product_ids, choices.products),
        languages=several("Languages", choices.languages, held.languages, languages.names(choices.languages)),
        regions=several("Regions", choices.regions, held.regions, {}),
        stages=several("Stages", list(choices.stages), held.stages, choices.stages),
    )


def _paper_fields(held: Papers, form: str, places: Places) -> Papers:
    certificate = st.text_input("Certificate number", value=held.certificate_number or "", key=f"{form}.certificate")
    expires = st.date_input(
        "Certificate valid until", value=held.certificate_expires_on, format="DD/MM/YYYY", key=f"{form}.expires"
    )
    places.under("certificate")
    checked = st.date_input("Police check on", value=held.police_checked_on, format="DD/MM/YYYY", key=f"{form}.police")
    card = st.text_input("ID card number", value=held.id_card_number or "", key=f"{form}.card")
    return Papers(
        certificate.strip() or None,
        expires if isinstance(expires, date) else None,
        checked if isinstance(checked, date) else None,
        card.strip() or None,
    )


def _absence_form(actor: Actor, one: Collector) -> None:
    form, places = form_fields.drawn(f"absence.{one.id}"), Places()
    with st.form(f"{form}.form", border=False):
        days = st.date_input("First and last day", value=[], format="DD/MM/YYYY", key=f"{form}.days")
        places.under("last_day", "first_day")
        reason = st.text_input("Reason", key=f"{form}.reason", placeholder="Leave")
        places.under("reason")
        if st.form_submit_button("Enter absence", type="primary"):
            with places.showing_errors():
                if not isinstance(days, tuple) or not days:
                    raise InvalidInput({"first_day": "Choose the first and the last day."})
                key = form_fields.request_key(form)
                allocation.add_absence(
                    actor, one.id, first_day=days[0], last_day=days[-1], reason=reason, request_key=key
                )
                form_fields.done(form)
                notices.after_rerun(f"{one.name} is given no cases by rule on these days.")


def _absences(actor: Actor) -> None:
    rows = [
        {
            "id": absence.id,
            "name": absence.name,
            "first": absence.starts_on,
            "last": absence.ends_on - timedelta(days=1),
            "reason": absence.reason,
        }
        for absence in allocation.absences(actor)
    ]
    if not rows:
        return
    st.markdown("**Away now or soon**")
    columns = (
        Column("name", "Collector"),
        Column("first", "First day", "date"),
        Column("last", "Last day", "date"),
        Column("reason", "Reason", width="large"),
    )
    chosen = tables.table(rows, columns, key="allocation.absences", select="id")
    row = next((row for row in rows if row["id"] == chosen), None)
    if row is not None and st.button(
        f"Take back the absence of {row['name']} from {dates.day(row['first'])}",  # type: ignore[arg-type]
        icon=":material/undo:",
        key="allocation.withdraw",
    ):
        with notices.showing_errors():
            allocation.withdraw_absence(actor, int(str(row["id"])))
            notices.after_rerun("The absence is taken back.")
