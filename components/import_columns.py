"""The columns step: theirs left, ours right, with samples; and what the file does not say itself."""

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from components import import_steps
from components.notices import plain, showing_errors
from components.tables import ROW_HEIGHT
from services import imports
from services.actors import Actor
from services.imports import DATED, FIELDS, BatchSummary, Kind, Proposal

_ATTRIBUTE = "Keep as attribute"
_ORDERS = {"": "Not needed, or told by the file", "dmy": "Day first: 31/12/2025", "mdy": "Month first: 12/31/2025"}
_DECIMALS = {".": "Point: 1,23,456.78", ",": "Comma: 1.234,56"}


def columns_form(actor: Actor, batch: BatchSummary, *, is_as_seen: bool) -> None:
    """Correct what was proposed, and ask for the check. What was sent from other columns than these is not done."""
    if not imports.has_file(actor, batch.id):
        _gone(actor, batch)
        return
    if batch.error:
        st.error(plain(batch.error), icon=":material/error:")
    if earlier := imports.committed_earlier(actor, batch.id):
        st.info(
            f"This file was committed before, as import {earlier}. Only what was changed since would change again.",
            icon=":material/info:",
        )
    proposals = imports.proposals(actor, batch.id)
    _manner(actor, batch)
    if batch.kind in (Kind.LOAN_BOOK, Kind.SNAPSHOT):
        _months(actor, batch)
    with st.form("imports.columns", border=False):
        mapped = _table(batch, proposals)
        options = _options(batch)
        name = st.text_input(
            "Save as profile, to be found again for files of this shape",
            value=batch.profile_name or "",
            key=f"imports.profile.{batch.id}",
        )
        with st.container(horizontal=True):
            is_sent = st.form_submit_button("Check the file", type="primary", icon=":material/rule:")
            is_given_up = st.form_submit_button("Give up", icon=":material/delete:", type="tertiary")
    if is_given_up and is_as_seen:
        import_steps.give_up(actor, batch)
    if is_sent and is_as_seen:
        _keep_reading(actor, batch, mapped, options, profile=name.strip())
        imports.request_check(actor, batch.id)
        import_steps.changed_here()
        st.rerun()


def _gone(actor: Actor, batch: BatchSummary) -> None:
    """The file cannot be read any more: all that is left is to give it up."""
    st.error(
        f"The file {plain(batch.file_name)} is not on the server any more, so this import cannot go on. "
        "Give it up, and upload the file again.",
        icon=":material/error:",
    )
    if st.button("Give up", icon=":material/delete:", key="imports.discard"):
        import_steps.give_up(actor, batch)


def _manner(actor: Actor, batch: BatchSummary) -> None:
    """How the file is read without having been asked: to be seen before it is checked."""
    manner, said = imports.manner(actor, batch.id), []
    if manner.encoding:
        said.append(f"Text in {manner.encoding}, parted by {manner.separator}.")
    if batch.profile_name:
        said.append(f"Columns as in the profile “{plain(batch.profile_name)}”.")
    elif manner.shipped_profile:
        said.append(f"Columns as in the profile “{manner.shipped_profile.name}”. {manner.shipped_profile.note}")
    if said:
        st.caption(" ".join(said))
    if manner.sheets_left_out:
        st.warning(
            f"Only the first sheet with rows is read. Not read: {plain(', '.join(manner.sheets_left_out))}. "
            "To take another sheet, save it as a file of its own.",
            icon=":material/tab:",
        )


def _keep_reading(
    actor: Actor, batch: BatchSummary, mapped: dict[str, str], options: dict[str, Any], *, profile: str
) -> None:
    imports.set_reading(actor, batch.id, mapped=mapped, options=options)
    if profile:
        saved = imports.save_profile(
            actor, profile, kind=batch.kind, headers=batch.headers, mapping=mapped, options=options
        )
        imports.set_reading(actor, batch.id, mapped=mapped, options=options, profile_id=saved)


def _label(kind: Kind, target: str | None) -> str:
    if not target:
        return _ATTRIBUTE
    name, _, dated = target.partition("@")
    label = next((f.label + (" *" if f.is_required else "") for f in FIELDS[kind] if f.name == name), name)
    return f"{label}, {dated}" if dated else label


def _table(batch: BatchSummary, proposals: list[Proposal]) -> dict[str, str]:
    """The editable table; the mapping it shows."""
    targets = [f.name for f in FIELDS[batch.kind]] + sorted(t for t in batch.mapping.values() if "@" in t)
    target_of = {_label(batch.kind, target): target for target in targets}
    required = {f.name for f in FIELDS[batch.kind] if f.is_required}
    ordered = sorted(proposals, key=lambda p: batch.mapping.get(p.header) not in required)
    frame = pd.DataFrame(
        {
            "theirs": [p.header for p in ordered],
            "samples": [" · ".join(p.samples) for p in ordered],
            "ours": [_label(batch.kind, batch.mapping.get(p.header)) for p in ordered],
            "sure": [p.confidence if batch.mapping.get(p.header) == p.target and p.target else None for p in ordered],
        }
    )
    edited = st.data_editor(
        frame,
        hide_index=True,
        num_rows="fixed",
        column_order=["theirs", "ours", "samples", "sure"],  # on a phone what is to be chosen stands in view
        disabled=["theirs", "samples", "sure"],
        row_height=ROW_HEIGHT,
        height=(min(len(frame), 14) + 1) * ROW_HEIGHT + 2,
        column_config={
            "theirs": st.column_config.TextColumn("Column of the file", pinned=True),
            "samples": st.column_config.TextColumn("First values"),
            "ours": st.column_config.SelectboxColumn("Field", options=[_ATTRIBUTE, *target_of], required=True),
            "sure": st.column_config.ProgressColumn("Sure", min_value=0, max_value=1, format="percent"),
        },
        key=f"imports.table.{batch.id}.{import_steps.digest(batch.mapping)}",
    )
    chosen = zip(edited["theirs"], edited["ours"], strict=True)
    return {str(theirs): target_of[ours] for theirs, ours in chosen if ours in target_of}


def _options(batch: BatchSummary) -> dict[str, Any]:
    """What the file does not say itself."""
    held, of = batch.options, f"{batch.id}.{import_steps.digest(batch.options)}"
    one, two, three = st.columns(3)
    order = one.selectbox(
        "Order of dates",
        list(_ORDERS),
        format_func=lambda o: _ORDERS[o],
        index=list(_ORDERS).index(held.get("date_order", "")),
        key=f"imports.order.{of}",
    )
    decimal = two.selectbox(
        "Decimal sign",
        list(_DECIMALS),
        format_func=lambda d: _DECIMALS[d],
        index=list(_DECIMALS).index(held.get("decimal", ".")),
        key=f"imports.decimal.{of}",
    )
    constants = dict(held.get("constants", {}))
    options = {name: value for name, value in held.items() if name in ("phone_country", "number_prefix")}
    if batch.kind in (Kind.LOAN_BOOK, Kind.SNAPSHOT):
        given = constants.pop("as_of", None)
        as_of = three.date_input(
            "Figures as of, if no column says",
            value=date.fromisoformat(given) if given else None,
            key=f"imports.as_of.{of}",
        )
        constants |= {"as_of": as_of.isoformat()} if isinstance(as_of, date) else {}
    if batch.kind is Kind.LOAN_BOOK:
        product = one.text_input(
            "Product, if no column says", value=held.get("product", "Loans"), key=f"imports.product.{of}"
        )
        options |= {"product": product} if product.strip() else {}
        prefix = two.text_input(
            "Number loans by row, starting with",
            value=held.get("number_prefix", ""),
            key=f"imports.prefix.{of}",
            help="Only for files without a loan number.",
        )
        options.pop("number_prefix", None)
        options |= {"number_prefix": prefix.strip()} if prefix.strip() else {}
    if batch.kind is Kind.SCHEDULE and three.checkbox(
        "Derive days past due",
        value=held.get("derive", False),
        key=f"imports.derive.{of}",
        help="Loans whose book or a snapshot states days past due keep those. With this they follow this schedule and "
        "their payments instead, so import all their payments, too.",
    ):
        options |= {"derive": True}
    maps = _words(batch, held.get("value_maps", {}))
    options |= {"date_order": order} if order else {}
    options |= {"decimal": decimal} if decimal != "." else {}
    return options | ({"constants": constants} if constants else {}) | ({"value_maps": maps} if maps else {})


def _words(batch: BatchSummary, held: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Their words for a status or kind of entry, as lines 'theirs = ours'."""
    field, hint = (
        ("entry", "Cheque return = bounce")
        if batch.kind is Kind.PAYMENTS
        else ("reported_status", "Late (16-30 days) = active:23")
    )
    if batch.kind in (Kind.SCHEDULE, Kind.CONTACTS):
        return held
    lines = "\n".join(f"{theirs} = {ours}" for theirs, ours in held.get(field, {}).items())
    typed = st.text_area(
        "Their words and ours, one a line",
        value=lines,
        placeholder=hint,
        height=80,
        key=f"imports.words.{batch.id}.{import_steps.digest(batch.options)}",
        help="Entries: payment, reversal, bounce. Status: active, closed, written_off; "
        "a number after a colon is the days past due it stands for.",
    )
    pairs = [line.rpartition("=") for line in typed.splitlines() if "=" in line]
    words = {theirs.strip(): ours.strip() for theirs, _, ours in pairs}
    others = {name: words_of for name, words_of in held.items() if name != field}
    return others | ({field: words} if words else {})


def _months(actor: Actor, batch: BatchSummary) -> None:
    """For wide files: neighbouring columns, one a month."""
    with st.expander("The file has a column for each month"), st.form("imports.months", border=False):
        one, two, three, four = st.columns(4)
        measure = one.selectbox(
            "Measure", list(DATED), format_func=lambda m: _label(batch.kind, m), index=1, key="imports.months.measure"
        )
        first = two.selectbox("First column", batch.headers, key="imports.months.first")
        columns = three.number_input("Months", min_value=1, max_value=120, value=12, key="imports.months.count")
        month = four.date_input("First month", value=None, key="imports.months.month", help="Any day of it.")
        is_sent = st.form_submit_button("Map these columns")
        if is_sent and not isinstance(month, date):
            st.error("Choose the first month: any day of it.", icon=":material/error:")
        elif is_sent and isinstance(month, date):
            with showing_errors():  # the columns below stay in view
                imports.map_months(
                    actor, batch.id, measure=measure, first_header=first, columns=int(columns), first_month=month
                )
                import_steps.changed_here()
                st.rerun()
