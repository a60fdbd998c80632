"""Money of the field: what an agent holds and hands in; what leaders see of it, confirm, cancel and mark as bounced."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import streamlit as st

from components import dates, empty, exports, form_fields, guard, money, notices, palette, receipt_form, tables
from components.form_fields import Places
from components.tables import Column
from services import documents, lender, visits
from services import money as amounts
from services.actors import Actor, Permission
from services.errors import InvalidInput
from services.exports import Field
from services.visits import DEPOSIT_STATUSES, MODES, RECEIPT_STATUSES, Deposit, Receipt, Slip

_SLIPS = ("jpg", "jpeg", "png", "pdf")
_RECEIPT_FIELDS = tuple(
    Field(name, label)
    for name, label in (
        ("number", "Receipt"), ("received_at", "Received at"), ("received_by_name", "By"),
        ("borrower_name", "Borrower"), ("borrower_number", "Number"), ("loan_number", "Loan"), ("mode", "Mode"),
        ("amount", "Amount"),
        ("status", "Status"), ("paid_by", "From"), ("paper_number", "Paper receipt"), ("cheque_number", "Cheque"),
        ("cheque_bank", "Bank"), ("cheque_on", "Cheque date"), ("credited_on", "Credited on"),
        ("cancel_reason", "Why cancelled"),
    )
)  # fmt: skip


def own(actor: Actor) -> None:
    """What the agent holds, the form that hands it in, and the deposits so far."""
    held = visits.held(actor)
    if not held:
        st.subheader("You hold no money", anchor=False)
        empty.empty("Receipts that you give on visits stand here until you deposit them.")
    else:
        whole = sum((each.amount for each in held), Decimal(0))
        noun = "receipt" if len(held) == 1 else "receipts"
        st.subheader(f"You hold {money.full(whole)} in {len(held)} {noun}", anchor=False)
        for each in held:
            receipt_form.line(actor, each)
        _hand_in(actor, held)
    mine = visits.deposits.listing(actor, agent_id=actor.id)
    if mine:
        st.markdown("#### Your deposits")
        _deposits(mine, key="visits.own_deposits")


def _hand_in(actor: Actor, held: Sequence[Receipt]) -> None:
    by_id = {each.id: each for each in held}
    form, places = form_fields.drawn("deposit"), Places()
    st.markdown("#### Deposit")
    chosen = st.multiselect(
        "Receipts", list(by_id), default=list(by_id), key=f"{form}.receipts",
        format_func=lambda each: f"{by_id[each].number} · {money.full(by_id[each].amount)}",
    )  # fmt: skip
    places.under("receipts")
    expected = sum((by_id[each].amount for each in chosen), Decimal(0))
    with st.form("deposit_form", border=True):
        typed = st.text_input("Amount on the slip", key=f"{form}.amount", placeholder=money.full(expected))
        places.under("amount")
        account = st.text_input("Bank account or branch", key=f"{form}.account", max_chars=120)
        places.under("account")
        reference = st.text_input("Number of the slip", key=f"{form}.reference", max_chars=80)
        places.under("reference")
        why = st.text_input("If the amount differs: why?", key=f"{form}.why", max_chars=200)
        places.under("difference_reason")
        slip = form_fields.upload(
            "Photo of the slip (optional)", key=f"{form}.slip", types=("jpg", "jpeg", "png", "pdf")
        )
        places.under("file")
        is_sent = st.form_submit_button(
            f"Record the deposit of {money.full(expected)}", type="primary", icon=":material/account_balance:"
        )
    if is_sent:
        with places.showing_errors():
            handed = Slip(
                amounts.parse(typed) if typed else expected, account, reference, why,
                (slip.name, slip.getvalue()) if slip else None,
            )  # fmt: skip
            made = visits.deposit(actor, chosen, handed, request_key=form_fields.request_key(form))
            form_fields.done(form)
            notices.after_rerun(f"Deposit {made.number} of {money.full(made.amount)} is recorded")


def _deposits(found: Sequence[Deposit], *, key: str) -> None:
    now = palette.current()
    words = {
        DEPOSIT_STATUSES["open"]: now.due_soon,
        DEPOSIT_STATUSES["arrived"]: now.cured,
        DEPOSIT_STATUSES["refused"]: now.broken,
    }
    rows = [
        {
            "number": each.number, "agent": each.agent_name, "on": each.deposited_on, "amount": each.amount,
            "difference": each.difference or None, "receipts": each.receipts, "account": each.account,
            "reference": each.reference, "status": DEPOSIT_STATUSES[each.status], "by": each.decided_by_name,
            "reason": each.decision_reason or each.difference_reason,
        }
        for each in found
    ]  # fmt: skip
    tables.table(
        rows,
        (
            Column("number", "Deposit", is_pinned=True, width=90),
            Column("status", "Status", "chip", colours=words, width=130),
            Column("on", "On", "date", width=100),
            Column("agent", "Agent", width=130),
            Column("amount", "Amount", "money", width=110),
            Column("difference", "Differs by", "money", width=100, help="Deposited less what the receipts say"),
            Column("receipts", "Receipts", "number", width=80),
            Column("account", "Account", width=150),
            Column("reference", "Slip", width=110),
            Column("by", "Confirmed by", width=130),
            Column("reason", "Reason", width=200),
        ),
        key=key,
    )


def of_all(actor: Actor) -> None:
    """Money in hand by agent, deposits to be confirmed, and the receipts of some days."""
    _in_hand(actor)
    _to_confirm(actor)
    _receipts(actor)


def _in_hand(actor: Actor) -> None:
    held = visits.held_by_agents(actor)
    whole = sum((each.cash + each.cheques for each in held), Decimal(0))
    late = sum(each.is_overdue for each in held)
    if not held:
        st.subheader("No money of the field is in hand", anchor=False)
        return
    words = f"{money.full(whole)} in the hands of {len(held)} {'agent' if len(held) == 1 else 'agents'}"
    st.subheader(f"{words}, {late} overdue for deposit" if late else words, anchor=False)
    rows = [
        {"agent": e.agent_name, "cash": e.cash, "cheques": e.cheques, "receipts": e.receipts, "oldest": e.oldest_on,
         "state": "overdue" if e.is_overdue else "in time"}
        for e in held
    ]  # fmt: skip
    now = palette.current()
    tables.table(
        rows,
        (
            Column("agent", "Agent", is_pinned=True, width=160),
            Column("state", "Deposit", "chip", colours={"overdue": now.broken, "in time": now.cured}, width=100),
            Column("cash", "Cash", "money", width=120),
            Column("cheques", "Cheques", "money", width=120),
            Column("receipts", "Receipts", "number", width=90),
            Column("oldest", "Oldest", "date", width=110),
        ),
        key="visits.in_hand",
    )


def _to_confirm(actor: Actor) -> None:
    waiting = visits.deposits.listing(actor, is_open=True)
    st.markdown("#### Deposits to confirm" if waiting else "#### No deposit waits to be confirmed")
    for each in waiting:
        with st.container(border=True, gap="small"):
            amount = f"**{notices.plain(money.full(each.amount))}** for {money.counted(each.receipts, 'receipt')}"
            st.markdown(f"**{each.number}** · {notices.plain(each.agent_name)} · {amount}")
            st.caption(f"{dates.day(each.deposited_on)} · {notices.plain(f'{each.account} · slip {each.reference}')}")
            if each.slip_id is not None:
                _slip(actor, each, each.slip_id)
            if each.difference:
                differs = f"Differs from the receipts by {money.full(each.difference)}: {each.difference_reason}"
                st.warning(notices.plain(differs), icon=":material/difference:")
            if actor.may(Permission.CONFIRM_DEPOSITS) and each.agent_id != actor.id:
                _decide(actor, each)


def _slip(actor: Actor, each: Deposit, slip_id: int) -> None:
    st.download_button(
        "Photo of the slip",
        data=guard.when_pressed(lambda: documents.fetch(actor, slip_id).content),
        file_name=each.slip_name,
        icon=":material/image:",
        key=f"deposit.slip.{each.id}",
        on_click="ignore",
        type="tertiary",
        help="The download stands in the audit trail",
    )


def _decide(actor: Actor, each: Deposit) -> None:
    with st.container(horizontal=True, gap="small"):
        if st.button("It arrived", key=f"deposit.yes.{each.id}", type="primary", icon=":material/check:",
                     help="Cheques in it are credited to their loans today"):  # fmt: skip
            with notices.showing_errors():
                visits.decide(actor, each.id, has_arrived=True)
                notices.after_rerun(f"Deposit {each.number} is confirmed")
        with (
            st.popover("It did not arrive", icon=":material/close:", key=f"deposit.no.open.{each.id}"),
            st.form(f"deposit.no.{each.id}", border=False),
        ):
            st.caption("The receipts are in the agent's hand again.")
            reason = st.text_input("Reason", key=f"deposit.no.{each.id}.reason", max_chars=200)
            if st.form_submit_button("Say so", type="primary"):
                with notices.showing_errors():
                    visits.decide(actor, each.id, has_arrived=False, reason=reason)
                    notices.after_rerun(f"Deposit {each.number} did not arrive")


def _receipts(actor: Actor) -> None:
    today = lender.current().today
    st.markdown("#### Receipts")
    span = st.date_input("Days", value=(today - timedelta(days=6), today), max_value=today, key="visits.receipt_days",
                         format="DD/MM/YYYY", width=260)  # fmt: skip
    if not isinstance(span, tuple) or len(span) != 2:
        st.caption("Choose the first and the last day.")
        return
    found = visits.receipts.listing(actor, first=span[0], last=span[1])
    if not found:
        empty.empty("No money was taken in the field on these days.")
        return
    now = palette.current()
    colours = {
        RECEIPT_STATUSES["in_hand"]: now.due_soon,
        RECEIPT_STATUSES["arrived"]: now.cured,
        RECEIPT_STATUSES["bounced"]: now.broken,
        RECEIPT_STATUSES["cancelled"]: now.unknown,
    }
    rows = [
        {"id": each.id, "number": each.number, "at": each.received_at, "agent": each.received_by_name,
         "borrower": f"{each.borrower_name} · {each.loan_number}", "mode": MODES[each.mode], "amount": each.amount,
         "status": RECEIPT_STATUSES[each.status]}
        for each in found
    ]  # fmt: skip
    picked = tables.table(
        rows,
        (
            Column("number", "Receipt", is_pinned=True, width=130),
            Column("status", "Status", "chip", colours=colours, width=110),
            Column("at", "Received", "moment", width=150),
            Column("agent", "By", width=130),
            Column("borrower", "Borrower and loan", width=230),
            Column("mode", "Mode", width=80),
            Column("amount", "Amount", "money", width=110),
        ),
        key="visits.receipts",
        select="id",
    )
    good = [each for each in found if each.status not in {"cancelled", "bounced"}]
    tables.totals(len(found), noun="receipts", sums=[("good", sum((each.amount for each in good), Decimal(0)))])
    exports.downloads("Receipts of the field", found, columns=_RECEIPT_FIELDS, key="visits.receipts.export")
    chosen = next((each for each in found if each.id == picked), None)
    if chosen is None:
        st.caption("Choose a receipt to see its PDF, to cancel it, or to mark its cheque as bounced.")
    else:
        _act_on(actor, chosen, today)


def _act_on(actor: Actor, each: Receipt, today: date) -> None:
    receipt_form.line(actor, each)
    if each.status in {"cancelled", "bounced"}:
        why = f": {each.cancel_reason}" if each.cancel_reason else ""
        st.caption(notices.plain(f"{RECEIPT_STATUSES[each.status].capitalize()}{why}"))
        return
    if not actor.may(Permission.CONFIRM_DEPOSITS) or each.received_by == actor.id:
        return
    with st.container(horizontal=True, gap="small"):
        if each.status == "in_hand":
            _cancel(actor, each)
        elif each.mode == "cheque":
            _bounce(actor, each, today)


def _cancel(actor: Actor, each: Receipt) -> None:
    with (
        st.popover("Cancel the receipt", icon=":material/block:", key=f"receipt.cancel.open.{each.id}"),
        st.form(f"receipt.cancel.{each.id}", border=False),
    ):
        st.caption("Its number stays, its money leaves the loan. The agent tells the borrower.")
        reason = st.text_input("Reason", key=f"receipt.cancel.{each.id}.reason", max_chars=200)
        if st.form_submit_button("Cancel it", type="primary"):
            with notices.showing_errors():
                visits.cancel_receipt(actor, each.id, reason=reason)
                notices.after_rerun(f"Receipt {each.number} is cancelled")


def _bounce(actor: Actor, each: Receipt, today: date) -> None:
    with (
        st.popover("The cheque bounced", icon=":material/undo:", key=f"receipt.bounce.open.{each.id}"),
        st.form(f"receipt.bounce.{each.id}", border=False),
    ):
        st.caption("What it credited is taken back, and the bounce counts on the loan.")
        on = st.date_input("Returned on", value=today, max_value=today, key=f"receipt.bounce.{each.id}.on",
                           format="DD/MM/YYYY")  # fmt: skip
        reason = st.text_input("Reason on the return memo", key=f"receipt.bounce.{each.id}.reason", max_chars=120)
        if st.form_submit_button("Record the bounce", type="primary"):
            with notices.showing_errors():
                if not isinstance(on, date):
                    raise InvalidInput({"on": "Choose the day on the return memo."})
                visits.bounce(actor, each.id, on=on, reason=reason)
                notices.after_rerun(f"The cheque of receipt {each.number} bounced")
