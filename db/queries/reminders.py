"""Statements of reminders: who is due one, and each step of a message from planned to sent."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, func, insert, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.orm import Session

from db.models.messages import DeliveryEvent, Message, ReminderRule
from db.models.owes import Borrower, Loan
from db.queries import agent_notices

Rows = Sequence[Row[*tuple[Any, ...]]]

# --- planning -------------------------------------------------------------------------------------------------------


def enabled_rules(session: Session) -> Rows:
    """Rules in use, in order."""
    return session.execute(
        select(
            ReminderRule.id,
            ReminderRule.anchor,
            ReminderRule.offset_days,
            ReminderRule.min_bucket,
            ReminderRule.max_bucket,
            ReminderRule.channel,
            ReminderRule.template_name,
        )
        .where(ReminderRule.is_enabled)
        .order_by(ReminderRule.position, ReminderRule.id)
    ).all()


_IN_PLAN = """(EXISTS (SELECT FROM repayment_plan r
                      WHERE r.loan_id = s.loan_id AND r.status IN ('running', 'behind'))
               OR EXISTS (SELECT FROM settlement v
                          WHERE v.loan_id = s.loan_id AND v.status IN ('running', 'behind')))"""
"""A plan or settlement in force suspends reminders of the loan's own dues."""

_ANCHORS = {
    # each: loan, borrower, anchor date; the dates asked for are few, so that a lost day is made up for
    "next_due": f"""SELECT s.loan_id, s.borrower_id, s.bucket, s.next_due_on AS anchor_on, NULL::bigint AS agent_id
                   FROM loan_state s
                   WHERE s.status = 'active' AND s.next_due_on BETWEEN :first AND :last AND s.next_due_on >= :today
                     AND NOT {_IN_PLAN}""",
    "oldest_due": f"""SELECT s.loan_id, s.borrower_id, s.bucket, s.oldest_due_on AS anchor_on, NULL::bigint AS agent_id
                     FROM loan_state s
                     WHERE s.status = 'active' AND s.overdue_amount > 0 AND s.oldest_due_on BETWEEN :first AND :last
                       AND NOT {_IN_PLAN}""",
    "promise": """SELECT DISTINCT p.loan_id, p.borrower_id, s.bucket, p.due_on AS anchor_on, NULL::bigint AS agent_id
                  FROM promise p JOIN loan_state s USING (loan_id)
                  WHERE p.status = 'pending' AND p.due_on BETWEEN :first AND :last AND p.due_on >= :today""",
    "plan": """SELECT p.loan_id, p.borrower_id, s.bucket, i.due_on AS anchor_on, NULL::bigint AS agent_id
               FROM plan_instalment i JOIN repayment_plan p ON p.id = i.plan_id JOIN loan_state s USING (loan_id)
               WHERE p.status IN ('running', 'behind') AND i.settled_on IS NULL
                 AND i.due_on BETWEEN :first AND :last AND i.due_on >= :today""",
    "settlement": """SELECT p.loan_id, p.borrower_id, s.bucket, i.due_on AS anchor_on, NULL::bigint AS agent_id
               FROM settlement_part i JOIN settlement p ON p.id = i.settlement_id JOIN loan_state s USING (loan_id)
               WHERE p.status IN ('running', 'behind') AND i.settled_on IS NULL
                 AND i.due_on BETWEEN :first AND :last AND i.due_on >= :today""",
    # dates do not matter: a case was given to somebody of whom the borrower must be told, and no message tried to
    "agent": f"""SELECT l.loan_id, w.borrower_id, l.bucket, CAST(:last AS date) AS anchor_on, w.agent_id
               FROM ({agent_notices.WAITING}) w
               JOIN LATERAL (
                   SELECT s.loan_id, s.bucket FROM loan_state s
                   WHERE s.borrower_id = w.borrower_id AND s.status <> 'closed'
                   ORDER BY s.status = 'active' DESC, s.dpd DESC, s.loan_id LIMIT 1
               ) l ON true
               WHERE NOT EXISTS (SELECT FROM message m WHERE m.borrower_id = w.borrower_id
                                   AND m.agent_id = w.agent_id AND m.status <> 'cancelled')""",
}


def candidates(
    session: Session, rule: Row[*tuple[Any, ...]], *, first: date, last: date, today: date, limit: int
) -> Rows:
    """Loans that a rule is about and that have no message of it for that date yet.

    Args:
        session: a transaction.
        rule: a row of `enabled_rules`.
        first: the earliest anchor date.
        last: the latest anchor date.
        today: the business date: what should come before a date that is over is not sent.
        limit: at most so many.
    """
    statement = text(f"""
        SELECT a.loan_id, a.borrower_id, a.anchor_on, a.agent_id, p.id AS contact_point_id, t.id AS template_id
        FROM ({_ANCHORS[rule.anchor]}) a
        JOIN borrower b ON b.id = a.borrower_id
        JOIN LATERAL (
            SELECT id FROM contact_point
            WHERE borrower_id = a.borrower_id AND kind = :channel AND party_id IS NULL
              AND NOT do_not_contact AND consent IS DISTINCT FROM false
            ORDER BY is_primary DESC, consent DESC NULLS LAST, id LIMIT 1
        ) p ON true
        JOIN LATERAL (
            SELECT id FROM message_template
            WHERE name = :template AND channel = :channel AND language IN (coalesce(b.language, 'en'), 'en')
            ORDER BY (language = 'en'), version DESC LIMIT 1
        ) t ON true
        WHERE a.bucket BETWEEN :low AND :high
          AND NOT EXISTS (
              SELECT FROM message m WHERE m.rule_id = :rule AND m.loan_id = a.loan_id AND m.anchor_on = a.anchor_on
                AND m.agent_id IS NOT DISTINCT FROM a.agent_id
          )
        LIMIT :limit
    """)
    values = {"rule": rule.id, "channel": rule.channel, "template": rule.template_name}
    values |= {"low": rule.min_bucket, "high": rule.max_bucket}
    return session.execute(statement, values | {"first": first, "last": last, "today": today, "limit": limit}).all()


def insert_messages(session: Session, messages: Sequence[dict[str, Any]]) -> int:
    """Add messages, at most one a rule, loan, date and agent; how many are new."""
    statement = insert_once(Message).on_conflict_do_nothing(
        index_elements=["rule_id", "loan_id", "anchor_on", "agent_id"]
    )
    return len(session.execute(statement.returning(Message.id), list(messages)).all())


# --- sending --------------------------------------------------------------------------------------------------------

_OPEN = ("planned", "claimed")


def has_due(session: Session, at: datetime) -> bool:
    """Whether a message waits to be sent, or was left by a worker that died."""
    waits = select(Message.id).where(Message.status.in_(_OPEN), Message.send_after <= at)
    left = select(Message.id).where(Message.status == "handing_over", Message.claimed_until < at)
    return session.execute(select(or_(waits.exists(), left.exists()))).scalar_one()


def claim(session: Session, *, at: datetime, until: datetime, limit: int) -> list[int]:
    """Take messages that are due, and those whose worker died before it handed them over; oldest first."""
    due = (
        select(Message.id)
        .where(
            Message.send_after <= at,
            or_(Message.status == "planned", (Message.status == "claimed") & (Message.claimed_until < at)),
        )
        .order_by(Message.send_after, Message.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(Message)
        .where(Message.id.in_(due.scalar_subquery()))
        .values(status="claimed", claimed_until=until, attempts=Message.attempts + 1)
        .returning(Message.id, Message.send_after)
    )
    rows = session.execute(statement).all()
    return [row.id for row in sorted(rows, key=lambda row: (row.send_after, row.id))]


def give_back(session: Session, message_ids: Collection[int], *, until: datetime) -> None:
    """Let messages that were claimed until then, and not begun, wait as if nobody had claimed them."""
    session.execute(
        update(Message)
        .where(
            Message.id == func.any(literal(list(message_ids))),
            Message.status == "claimed",
            Message.claimed_until == until,
        )
        .values(status="planned", claimed_until=None, attempts=Message.attempts - 1)
    )


_CONTENT = text(f"""
    SELECT m.id, m.attempts, m.loan_id, m.borrower_id, m.anchor_on, m.channel, r.anchor, r.offset_days,
           b.name AS borrower_name, l.external_id AS loan_number, t.subject AS subject_template,
           t.body AS body_template, t.language, c.value_encrypted AS address, d.name AS lender,
           d.grievance_contact, d.locale, l.currency, u.name AS agent_name, g.name AS agency,
           k.id_card_number AS id_card, k.certificate_number AS certificate,
           greatest(0, :today - m.anchor_on) AS days_past_due,
           CASE r.anchor WHEN 'next_due' THEN s.next_due_amount WHEN 'oldest_due' THEN s.overdue_amount
                WHEN 'plan' THEN i.amount WHEN 'settlement' THEN q.amount WHEN 'agent' THEN s.overdue_amount
                ELSE p.amount - p.paid_amount END AS amount,
           CASE r.anchor
               WHEN 'next_due' THEN s.status = 'active' AND s.next_due_on = m.anchor_on AND m.anchor_on >= :today
                    AND NOT {_IN_PLAN}
               WHEN 'oldest_due' THEN s.status = 'active' AND s.overdue_amount > 0 AND s.oldest_due_on = m.anchor_on
                    AND NOT {_IN_PLAN}
               WHEN 'plan' THEN i.amount IS NOT NULL AND m.anchor_on >= :today
               WHEN 'settlement' THEN q.amount IS NOT NULL AND m.anchor_on >= :today
               WHEN 'agent' THEN EXISTS (SELECT FROM collection_case x WHERE x.borrower_id = m.borrower_id
                                           AND x.closed_on IS NULL AND x.owner_id = m.agent_id)
               ELSE p.amount > p.paid_amount AND m.anchor_on >= :today END AS is_owed
    FROM message m
    JOIN reminder_rule r ON r.id = m.rule_id
    JOIN message_template t ON t.id = m.template_id
    JOIN borrower b ON b.id = m.borrower_id
    JOIN loan l ON l.id = m.loan_id
    JOIN loan_state s ON s.loan_id = m.loan_id
    CROSS JOIN lender d
    LEFT JOIN app_user u ON u.id = m.agent_id
    LEFT JOIN collector k ON k.user_id = m.agent_id
    LEFT JOIN agency g ON g.id = k.agency_id
    LEFT JOIN contact_point c ON c.id = m.contact_point_id AND NOT c.do_not_contact AND c.consent IS DISTINCT FROM false
    LEFT JOIN LATERAL (
        SELECT sum(amount) AS amount, sum(paid_amount) AS paid_amount FROM promise
        WHERE loan_id = m.loan_id AND due_on = m.anchor_on AND status = 'pending'
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT sum(i.amount - i.paid_amount) AS amount
        FROM plan_instalment i JOIN repayment_plan r ON r.id = i.plan_id
        WHERE r.loan_id = m.loan_id AND r.status IN ('running', 'behind') AND i.due_on = m.anchor_on
          AND i.settled_on IS NULL
    ) i ON true
    LEFT JOIN LATERAL (
        SELECT sum(i.amount - i.paid_amount) AS amount
        FROM settlement_part i JOIN settlement r ON r.id = i.settlement_id
        WHERE r.loan_id = m.loan_id AND r.status IN ('running', 'behind') AND i.due_on = m.anchor_on
          AND i.settled_on IS NULL
    ) q ON true
    WHERE m.id = :id AND m.status = 'claimed'
""")


def content(session: Session, message_id: int, today: date) -> Row[*tuple[Any, ...]] | None:
    """All that a claimed message says and to whom, with whether it is still owed; None when it is not claimed now."""
    return session.execute(_CONTENT, {"id": message_id, "today": today}).one_or_none()


def move(session: Session, message_id: int, *, attempts: int, from_status: str, **values: Any) -> bool:
    """Change a message that this worker holds; False when a payment cancelled it or another worker took it."""
    statement = (
        update(Message)
        .where(Message.id == message_id, Message.status == from_status, Message.attempts == attempts)
        .values(**values)
        .returning(Message.id)
    )
    return session.execute(statement).one_or_none() is not None


def give_up_lost(session: Session, at: datetime, reason: str) -> int:
    """Messages whose worker died while the server may have had them: nobody knows, so nobody sends them again."""
    statement = (
        update(Message)
        .where(Message.status == "handing_over", Message.claimed_until < at)
        .values(status="unknown", status_reason=reason, claimed_until=None)
        .returning(Message.id)
    )
    return len(session.execute(statement).all())


def cancel_for_loans(session: Session, loan_ids: Collection[int], reason: str) -> int:
    """Cancel what is not yet handed over for these loans."""
    statement = (
        update(Message)
        .where(Message.loan_id == func.any(literal(list(loan_ids))), Message.status.in_(_OPEN))
        .values(status="cancelled", status_reason=reason, claimed_until=None)
        .returning(Message.id)
    )
    return len(session.execute(statement).all())


def cancel_settled(session: Session, first_loan_id: int, last_loan_id: int, reason: str) -> int:
    """Cancel what is not yet handed over for loans of a range that owe nothing of what it is about."""
    statement = text("""
        UPDATE message m SET status = 'cancelled', status_reason = :reason, claimed_until = NULL
        FROM reminder_rule r, loan_state s
        WHERE m.status IN ('planned', 'claimed') AND m.loan_id BETWEEN :first AND :last
          AND r.id = m.rule_id AND s.loan_id = m.loan_id
          AND (s.status <> 'active' OR r.anchor = 'oldest_due' AND s.overdue_amount = 0)
        RETURNING m.id
    """)
    values = {"first": first_loan_id, "last": last_loan_id, "reason": reason}
    return len(session.execute(statement, values).all())


# --- the outbox as people see it --------------------------------------------------------------------------------------

LISTED = (
    Message.id,
    Message.status,
    Message.status_reason,
    Message.channel,
    Message.send_after,
    Message.sent_at,
    Message.created_at,
    Message.attempts,
    Message.transport,
    Message.anchor_on,
    Message.subject,
    Message.loan_id,
    Message.borrower_id,
    Loan.external_id.label("loan_number"),
    Borrower.external_id.label("borrower_number"),
    ReminderRule.name.label("rule"),
)


def listed(session: Session, *, status: str | None, before_id: int | None, limit: int) -> Rows:
    """A page of messages, newest first, older than `before_id`."""
    statement = (
        select(*LISTED)
        .join(Loan, Loan.id == Message.loan_id)
        .join(Borrower, Borrower.id == Message.borrower_id)
        .join(ReminderRule, ReminderRule.id == Message.rule_id)
    )
    if status is not None:
        statement = statement.where(Message.status == status)
    if before_id is not None:
        statement = statement.where(Message.id < before_id)
    return session.execute(statement.order_by(Message.id.desc()).limit(limit)).all()


def opened(session: Session, message_id: int) -> Row[*tuple[Any, ...]] | None:
    """One message with its text."""
    return session.execute(
        select(*LISTED, Message.body, Message.transport_id)
        .join(Loan, Loan.id == Message.loan_id)
        .join(Borrower, Borrower.id == Message.borrower_id)
        .join(ReminderRule, ReminderRule.id == Message.rule_id)
        .where(Message.id == message_id)
    ).one_or_none()


def counts(session: Session) -> dict[str, int]:
    """Messages by status."""
    rows = session.execute(select(Message.status, func.count().label("messages")).group_by(Message.status))
    return {row.status: row.messages for row in rows}


def lock(session: Session, message_id: int) -> Row[*tuple[Any, ...]] | None:
    """A message for a decision of a person about it."""
    return session.execute(
        select(Message.id, Message.status, Message.loan_id, Message.borrower_id)
        .where(Message.id == message_id)
        .with_for_update()
    ).one_or_none()


def set_status(session: Session, message_id: int, **values: Any) -> None:
    """What a person decided about a locked message."""
    session.execute(update(Message).where(Message.id == message_id).values(**values))


def add_event(session: Session, message_id: int, event: str, detail: str | None) -> None:
    """Keep what became known of a message's way."""
    session.execute(insert(DeliveryEvent).values(message_id=message_id, event=event, detail=detail))


def rules_with_counts(session: Session) -> Rows:
    """Every reminder rule with how many messages it made."""
    made = select(func.count()).where(Message.rule_id == ReminderRule.id).scalar_subquery()
    return session.execute(
        select(
            ReminderRule.id,
            ReminderRule.name,
            ReminderRule.anchor,
            ReminderRule.offset_days,
            ReminderRule.min_bucket,
            ReminderRule.max_bucket,
            ReminderRule.channel,
            ReminderRule.template_name,
            ReminderRule.is_enabled,
            made.label("messages"),
        ).order_by(ReminderRule.position, ReminderRule.id)
    ).all()


def switch_rule(session: Session, rule_id: int, *, is_enabled: bool) -> str | None:
    """Switch a rule on or off; its name, or None when there is no such rule."""
    statement = (
        update(ReminderRule)
        .where(ReminderRule.id == rule_id)
        .values(is_enabled=is_enabled)
        .returning(ReminderRule.name)
    )
    return session.execute(statement).scalar_one_or_none()
