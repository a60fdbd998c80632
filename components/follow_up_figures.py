"""Follow-ups on the performance page: a line an agent, and the cases behind each figure."""

# ruff: noqa: ARG001 - role and version are parts of the key
from dataclasses import replace

import streamlit as st

from components import cached, empty, exports, money, notices, tables
from components.tables import Column
from services import adherence
from services.actors import Actor
from services.adherence import MEANINGS, PARTS, Adherence, Part
from services.exports import Field

_TTL = 60
_EVERYBODY = -1
_AGENT = Column("name", "Agent", width=130, is_pinned=True)
_SHORT = {
    Part.UNTOUCHED_4: "4–7 days",
    Part.UNTOUCHED_8: "8–14 days",
    Part.UNTOUCHED_15: "15–30 days",
    Part.UNTOUCHED_31: "Over 30 days",
}
_UNTOUCHED = f"Untouched for so long. {MEANINGS[Part.UNTOUCHED_4]}"


def _part(part: Part) -> Column:
    label = _SHORT.get(part, PARTS[part])
    return Column(part.value, label, "number", help=_UNTOUCHED if part in _SHORT else MEANINGS[part])


_WORK = (
    _AGENT,
    Column("cases", "Open cases", "number"),
    *(_part(part) for part in PARTS if part not in {Part.DUE, Part.OVERDUE}),
)
_DATES = (
    _AGENT,
    _part(Part.DUE),
    _part(Part.OVERDUE),
    Column(
        "came_due", "Came due", "number", help="Follow-ups of the last 30 days, without those moved before the date"
    ),
    Column("on_time", "Kept on time", "number", help="Of these, worked on the date or before"),
    Column("late", "Late", "number", help="Of these, worked or moved after the date"),
    Column("missed", "Missed", "number", help="Of these, still open"),
    Column("kept_share", "Adherence", "percent", help="Kept on time ÷ came due"),
    Column("overrides", "Against the gate", "number", help="Contacts of the last 30 days that the gate had blocked"),
)
_LABELS = {part.value: label for part, label in PARTS.items()}
_FIELDS = [Field(column.name, _LABELS.get(column.name, column.label)) for column in (*_WORK, *_DATES[1:])]
_CASES = (
    Column("name", "Borrower", width="medium"),
    Column("number", "Number"),
    Column("max_dpd", "DPD", "number"),
    Column("overdue_amount", "Overdue", "money"),
    Column("untouched_days", "Untouched, days", "number"),
    Column("last_contact_at", "Last contact", "moment"),
    Column("follow_up_at", "Follow-up", "moment"),
    Column("owner_name", "Owner"),
)


@st.cache_data(ttl=_TTL, max_entries=8, show_spinner=False)
def _by_owner(_actor: Actor, role: str, version: int) -> tuple[Adherence, ...]:
    return adherence.by_owner(_actor)


def clear() -> None:
    """Forget what is kept: for tests."""
    _by_owner.clear()


def show(actor: Actor) -> None:
    """The head line, two tables with a line an agent, and the cases of the figure that is chosen."""
    rows = _by_owner(actor, actor.role.value, cached.version())
    if not rows:
        empty.empty("No case is open.", "Cases open at day-end when a borrower falls due.")
        return
    whole = _sum(rows)
    st.subheader(_headline(whole), anchor=False)
    lines = [*rows, whole]
    st.markdown("**Open cases: worked today, and untouched for how long**")
    picked = tables.table(lines, _WORK, key="follow_ups.work", select="owner_id")
    st.markdown(f"**Follow-ups: now, and kept in the {adherence.DAYS} days to yesterday**")
    picked = tables.table(lines, _DATES, key="follow_ups.dates", select="owner_id") or picked
    exports.downloads("Follow-ups by agent", lines, columns=_FIELDS)
    _cases(actor, next((row for row in rows if row.owner_id == picked), whole))


def _headline(whole: Adherence) -> str:
    worked = f"{money.count(whole.worked)} cases worked today, {money.count(whole.unworked)} still wait"
    overdue = f"{money.count(whole.overdue)} follow-up{'' if whole.overdue == 1 else 's'} overdue"
    return f"{worked}; {overdue}"


def _sum(rows: tuple[Adherence, ...]) -> Adherence:
    counts = {
        name: sum(getattr(row, name) for row in rows)
        for name in (*(part.value for part in Part), "cases", "came_due", "on_time", "late", "missed", "overrides")
    }
    return replace(rows[0], owner_id=_EVERYBODY, name="Everybody", **counts)


def _cases(actor: Actor, row: Adherence) -> None:
    counts = {part: f"{label}: {money.count(getattr(row, part.value))}" for part, label in PARTS.items()}
    part = st.selectbox(
        f"Cases of {row.name.lower() if row.owner_id <= 0 else row.name}",
        list(counts),
        format_func=counts.__getitem__,
        key="follow_ups.part",
        width=320,
    )
    place = f"follow_ups.{row.owner_id}.{part.value}"
    owner = None if row.owner_id == _EVERYBODY else row.owner_id
    page = adherence.cases_of(actor, part, owner, after=tables.position(place))
    if not page.rows:
        st.caption("No case is behind this figure now. Choose another figure, or an agent in the table above.")
        return
    chosen = tables.table(page.rows, _CASES, key="follow_ups.cases", select="borrower_id")
    tables.next_page(place, page.next_after, is_first=tables.position(place) is None)
    if chosen is not None:
        name = next(line.name for line in page.rows if line.borrower_id == chosen)
        st.page_link(
            "pages/borrower.py",
            label=f"Open {notices.plain(name)}",
            icon=":material/open_in_new:",
            query_params={"borrower": str(chosen)},
        )
