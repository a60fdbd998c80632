"""Planning a day: cases that an agent could visit, the most urgent first, planned several at once."""

from datetime import date, timedelta

import streamlit as st

from components import dates, empty, form_fields, money, notices, tables
from components.tables import Column
from services import cases, lender, visits
from services.actors import Actor, Permission
from services.allocation import collectors
from services.visits import Candidate

_COLUMNS = (
    Column("borrower", "Borrower", is_pinned=True, width=200),
    Column("city", "City", width=120),
    Column("stage", "Stage", width=90),
    Column("dpd", "DPD", "number", width=70),
    Column("overdue", "Overdue", "money", width=120),
    Column("visited", "Last visit", "date", width=110),
    Column("contact", "Last contact", "moment", width=150),
)
_REFUSED = "visits.plan_refused"


def show(actor: Actor) -> None:
    """The day, whose, where; the candidates; the button that plans those chosen."""
    today, limits = lender.current().today, visits.current(actor)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        on = st.date_input(
            "Day", value=today, min_value=today, max_value=today + timedelta(days=limits.plan_days),
            key="visits.plan_day", format="DD/MM/YYYY", width=150,
        )  # fmt: skip
        agent_id = _whose(actor)
        city = st.text_input("City", key="visits.plan_city", width=180, placeholder="Any")
    if not isinstance(on, date) or agent_id is None:
        return
    with notices.showing_errors():
        offered = visits.candidates(actor, on=on, agent_id=agent_id, city=city.strip() or None)
        if not offered:
            empty.empty(
                "No case can be added to this day.",
                "Only open cases with an address count, where the agent is owner or field agent, and which are not "
                "visited on that day.",
            )
            return
        _choose(actor, offered, on, agent_id)


def _whose(actor: Actor) -> int | None:
    if not actor.may(Permission.ALLOCATE_CASES):
        return actor.id
    known = {each.id: each.name for each in collectors(actor) if each.role in {"agent", "leader"}}
    chosen: int | None = st.selectbox(
        "Agent", list(known), format_func=known.__getitem__, key="visits.plan_agent", width=220
    )
    return chosen


def _choose(actor: Actor, offered: list[Candidate], on: date, agent_id: int) -> None:
    called = {
        each.borrower_id: f"{each.borrower_name} · {each.borrower_number} · {money.short(each.overdue_amount)}"
        for each in offered
    }
    left = _rows(offered)
    tables.table(left, _COLUMNS, key="visits.candidates", height=320)
    tables.totals(len(offered), noun="cases that could be visited, the most urgent first")
    form = form_fields.drawn("visits.plan")
    with st.form("visits.plan_form", border=True):
        chosen = st.multiselect("Cases", list(called), format_func=called.__getitem__, key=f"{form}.cases",
                                placeholder="Choose, or take the most urgent")  # fmt: skip
        take = st.number_input("or the most urgent", min_value=0, max_value=min(len(offered), 60), value=0, step=1,
                               key=f"{form}.take", help="So many from the top of the list")  # fmt: skip
        purpose = st.text_input("Purpose", key=f"{form}.purpose", max_chars=200, placeholder="Collect the overdue")
        is_sent = st.form_submit_button(f"Plan for {dates.day(on)}", type="primary", icon=":material/add_location:")
    if is_sent:
        with notices.showing_errors():
            wanted = list(dict.fromkeys([*chosen, *(each.borrower_id for each in offered[: int(take)])]))
            planned = visits.plan_many(actor, wanted, agent_id=agent_id, on=on, purpose=purpose)
            _keep_refused(on, [f"{called[borrower_id]}: {sentence}" for borrower_id, sentence in planned.refused])
            form_fields.done(form)
            notices.after_rerun(_words(len(planned.visits), on))
    _say_refused(on)


def _rows(offered: list[Candidate]) -> list[dict[str, object]]:
    return [
        {"borrower": f"{each.borrower_name} · {each.borrower_number}", "city": each.city,
         "stage": cases.ALL_STAGES.get(each.stage, each.stage), "dpd": each.max_dpd, "overdue": each.overdue_amount,
         "visited": each.visited_on, "contact": each.last_contact_at}
        for each in offered
    ]  # fmt: skip


def _words(number: int, on: date) -> str:
    if not number:
        return f"No visit is planned for {dates.day(on)}: see why"
    return f"{number} {'visit is' if number == 1 else 'visits are'} planned for {dates.day(on)}"


def _keep_refused(on: date, sentences: list[str]) -> None:
    st.session_state[_REFUSED] = (on, sentences)


def _say_refused(on: date) -> None:
    """Why some of the last cases chosen for the day could not be planned."""
    day, sentences = st.session_state.get(_REFUSED, (None, ()))
    for sentence in sentences if day == on else ():
        st.warning(notices.said(sentence), icon=":material/block:")
