"""All holds of single borrowers that are in force: by kind, with their end, and a way to release one."""

import streamlit as st

from components import dates, empty, exports, money, notices, tables
from components.tables import Column
from services import holds
from services.actors import Actor, Permission
from services.complaints import number_of
from services.holds import KINDS, Held

_PLACE = "holds.single"
_COLUMNS = (
    Column("label", "Hold", is_pinned=True, width=120),
    Column("borrower", "Borrower", width=240),
    Column("reason", "Reason", width="large"),
    Column("starts_on", "From", "date", width=105),
    Column("ends_on", "Until", "date", width=105, help="First day on which it holds no more; empty: until released"),
    Column("by", "Placed by", width=140),
)


def show(actor: Actor) -> None:
    """The kinds with their numbers, a page of holds, and what can be done with the chosen one."""
    counts = holds.counts(actor)
    if not counts:
        empty.empty("No borrower is on hold.", "A hold is placed on the borrower's page, or with a contact's outcome.")
        return
    kind = _kind(counts)
    after = tables.position(_PLACE)
    page = holds.in_force(actor, kind=kind, after=after)
    picked = tables.table([_row(held) for held in page.holds], _COLUMNS, key="holds.table", select="id")
    tables.totals(len(page.holds), noun="holds", of=counts[kind] if kind else sum(counts.values()))
    tables.next_page(_PLACE, page.next_after, is_first=after is None)
    exports.downloads("Holds", lambda: holds.export(actor, kind=kind), columns=holds.EXPORT_FIELDS, key="holds.export")
    chosen = next((held for held in page.holds if held.id == picked), None)
    if chosen is not None:
        _chosen(actor, chosen)
    else:
        st.caption("Choose a hold to release it or to open the borrower.")


def _kind(counts: dict[str, int]) -> str | None:
    options = ["all", *(kind for kind in KINDS if counts.get(kind))]
    chosen = st.segmented_control(
        "Kind",
        options,
        default="all",
        format_func=lambda kind: _kind_words(kind, counts),
        key="holds.kind",
        label_visibility="collapsed",
        on_change=tables.restart,
        args=(_PLACE,),
    )
    return None if chosen in {None, "all"} else str(chosen)


def _kind_words(kind: str, counts: dict[str, int]) -> str:
    number = sum(counts.values()) if kind == "all" else counts[kind]
    return f"{'All' if kind == 'all' else KINDS[kind]} {money.count(number)}"


def _row(held: Held) -> dict[str, object]:
    return {
        "id": held.id,
        "label": held.label,
        "borrower": f"{held.borrower_name} · {held.borrower_number}",
        "reason": held.reason,
        "starts_on": held.starts_on,
        "ends_on": held.ends_on,
        "by": held.created_by_name,
    }


def _chosen(actor: Actor, held: Held) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(
            "pages/borrower.py",
            label=notices.plain(f"{held.borrower_name} · {held.borrower_number}"),
            icon=":material/person:",
            query_params={"borrower": str(held.borrower_id)},
        )
        until = f"until {dates.day(held.ends_on)}" if held.ends_on else "until released"
        st.caption(f"{held.label} {until}", width="content")
        if held.complaint_id is not None:
            st.page_link(
                "pages/complaints.py",
                label=f"Ends with {number_of(held.complaint_id)}",
                icon=":material/report:",
                query_params={"complaint": str(held.complaint_id)},
            )
        elif actor.may(Permission.CHANGE_STATUS):
            _release(actor, held)


def _release(actor: Actor, held: Held) -> None:
    with st.popover("Release", key=f"holds.release.{held.id}"), st.form(f"holds.release_form.{held.id}", border=False):
        reason = st.text_input("Why does the hold end?", key=f"holds.release.{held.id}.reason", max_chars=300)
        if st.form_submit_button("Release hold", type="primary"):
            with notices.showing_errors():
                holds.release(actor, held.id, reason=reason)
                notices.after_rerun("Hold released")
