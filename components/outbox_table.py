"""The outbox: messages by status, the text as the borrower got it, and what a person must decide."""

import streamlit as st

from components import dates, empty, money, notices, palette, tables
from components.tables import Column
from services import reminders
from services.actors import Actor, Permission
from services.reminders import MessageView, Outbox
from services.reminders.outbox import STATUSES

PAGE = 50
_PLACE = "outbox.messages"


def status_filter(counts: dict[str, int]) -> str | None:
    """The status to list, kept in the address; None: all."""
    options = ["all", *(status for status in STATUSES if counts.get(status))]
    chosen = st.segmented_control(
        "Status",
        options,
        default="all",
        format_func=lambda status: f"{_status_word(status)} {_count(counts, status):,}",
        key="outbox.status",
        label_visibility="collapsed",
        bind="query-params",
        on_change=tables.restart,
        args=(_PLACE,),
    )
    return None if chosen in {None, "all"} else str(chosen)


def _status_word(status: str) -> str:
    return "All" if status == "all" else STATUSES[status]


def _count(counts: dict[str, int], status: str) -> int:
    return sum(counts.values()) if status == "all" else counts.get(status, 0)


def headline(counts: dict[str, int]) -> str:
    """What of the outbox needs someone, or that nothing does."""
    unknown, failed, planned = (counts.get(status, 0) for status in ("unknown", "failed", "planned"))
    if unknown or failed:
        return f"{unknown} of unknown fate and {failed} failed need your decision"
    if planned:
        waits = "1 waits for its time" if planned == 1 else f"{money.count(planned)} wait for their time"
        return f"{waits}; nothing needs your decision"
    return "Nothing waits and nothing needs your decision"


def messages(actor: Actor, page: Outbox) -> MessageView | None:
    """Draw a page of messages; the one chosen, with its text."""
    if not page.messages:
        empty.empty(
            "No messages here.",
            "Reminders are planned every few minutes for loans that fall due or are overdue, if the borrower has an "
            "e-mail address.",
        )
        return None
    chosen = tables.table(_rows(page), _columns(), key="outbox.table", select="id")
    tables.totals(len(page.messages), noun="messages")
    following = page.messages[-1].id if len(page.messages) == PAGE else None
    tables.next_page(_PLACE, following, is_first=tables.position(_PLACE) is None)
    return reminders.opened(actor, chosen) if chosen is not None else None


def position() -> int | None:
    """Id of the message after which the page starts."""
    at: int | None = tables.position(_PLACE)
    return at


def _rows(page: Outbox) -> list[dict[str, object]]:
    return [
        {
            "id": message.id,
            "created_at": message.created_at,
            "borrower_number": message.borrower_number,
            "loan_number": message.loan_number,
            "rule": message.rule,
            "anchor_on": message.anchor_on,
            "status": message.status_label,
            "at": message.sent_at or (message.send_after if message.status == "planned" else None),
            "status_reason": _way(message) if message.status == "sent" else message.status_reason,
        }
        for message in page.messages
    ]


def _way(message: MessageView) -> str:
    return "by e-mail" if message.transport == "smtp" else "kept here: no mail server is configured"


def _columns() -> tuple[Column, ...]:
    now = palette.current()
    colours = {
        "sent": now.cured,
        "planned": now.due_soon,
        "claimed": now.due_soon,
        "handing_over": now.due_soon,
        "unknown": now.broken,
        "failed": now.broken,
        "blocked": now.broken,
        "cancelled": now.unknown,
    }
    chips = {STATUSES[status]: colour for status, colour in colours.items()}
    return (
        Column("borrower_number", "Borrower", is_pinned=True, help="The lender's own number", width=110),
        Column("loan_number", "Loan", width=110),
        Column("rule", "Reminder", width=200),
        Column("anchor_on", "About", "date", help="The due date, or the date of the promise", width=100),
        Column("status", "Status", "chip", colours=chips, width=150),
        Column("at", "Sent, or not before", "moment", width=150),
        Column("status_reason", "How, or why not", width="large"),
        Column("created_at", "Planned", "moment", width=150),
    )


def opened(actor: Actor, message: MessageView) -> None:
    """The text of a message, and the decision it needs."""
    with st.container(border=True):
        whose = notices.plain(f"{message.borrower_number} · loan {message.loan_number}")
        st.markdown(f"**{notices.plain(message.rule)}** · {whose}")
        st.caption(_history(message))
        if message.body is None:
            st.markdown("The text is written when the message is sent, from what is owed then.")
        else:
            st.markdown(f"**{notices.plain(message.subject or '')}**")
            st.code(message.body, language=None, wrap_lines=True)
        if message.status in {"unknown", "failed"} and actor.may(Permission.MANAGE_MESSAGES):
            _decide(actor, message)


def _history(message: MessageView) -> str:
    parts = [message.status_label, f"planned {dates.moment(message.created_at)}"]
    if message.sent_at is not None:
        parts.append(f"handed over {dates.moment(message.sent_at)}")
    if message.status_reason:
        parts.append(message.status_reason)
    if message.transport_id:
        parts.append(f"Message-ID {message.transport_id.strip('<>')}")
    return notices.plain(" · ".join(parts))


def _decide(actor: Actor, message: MessageView) -> None:
    with st.form(f"outbox.decide.{message.id}", border=False):
        reason = st.text_input("How do you know?", max_chars=200, placeholder="The mail server's log has it")
        with st.container(horizontal=True):
            has_arrived = message.status == "unknown" and st.form_submit_button("It arrived", type="primary")
            is_to_repeat = st.form_submit_button("Send again")
        if not (has_arrived or is_to_repeat):
            return
        if not reason.strip():
            st.error("Say how you know: it goes into the audit trail.", icon=":material/error:")
            return
        with notices.showing_errors():
            if has_arrived:
                reminders.resolve_arrived(actor, message.id, reason=reason.strip())
                notices.after_rerun("Marked as sent.")
            reminders.send_again(actor, message.id, reason=reason.strip())
            notices.after_rerun("It is sent again when the gate allows.")


def rules(actor: Actor) -> None:
    """The rules by which reminders are planned."""
    with st.expander("Which reminders are sent when", icon=":material/rule:"):
        listed = reminders.reminder_rules(actor)
        columns = (
            Column("name", "Reminder", width="medium"),
            Column("template_name", "Text"),
            Column("channel", "Channel", width="small"),
            Column("messages", "Messages so far", "number"),
            Column("is_enabled", "On", "flag", width="small"),
        )
        may_switch = actor.may(Permission.CONFIGURE)
        chosen = tables.table(listed, columns, key="outbox.rules", select="id" if may_switch else None)
        rule = next((rule for rule in listed if rule.id == chosen), None)
        if rule is not None and st.button(
            f"Switch “{rule.name}” {'off' if rule.is_enabled else 'on'}", key=f"outbox.rule.{rule.id}"
        ):
            reminders.switch_rule(actor, rule.id, is_enabled=not rule.is_enabled)
            notices.after_rerun(f"{rule.name} is switched {'off' if rule.is_enabled else 'on'}.")
