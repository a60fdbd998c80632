"""Background: the rules of the gate, reminders with their texts, and the timetable

Revision: background, after casework
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "background"
down_revision = "casework"
branch_labels = None
depends_on = None

AUTOMATED = {"automated_only": True}
# rule, source, parameters, severity, effective_from, is_enabled
RULES = [
    ("hold", "IN-11: care for the deceased's family (RBI draft 2026), kept as our own rule until then",
     {"kinds": ["deceased"]}, "block", "2000-01-01", True),
    ("hold", "IN-03: a borrower's wish not to be contacted", {"kinds": ["do_not_contact"]}, "block", "2000-01-01", True),
    ("hold", "IN-09: no pursuit while a complaint is open (RBI, 24 Apr 2008)",
     {"kinds": ["complaint"]}, "block", "2008-04-24", True),
    ("hold", "IN-04: sensitive occasions (RBI draft 2026), kept as our own rule until then",
     {"kinds": ["bereavement", "calamity"]}, "block", "2000-01-01", True),
    ("hold", "IN-09: matters before a court go through counsel, by letter",
     {"kinds": ["legal"], "channels": ["call", "visit", "sms", "whatsapp", "email"]}, "block", "2008-04-24", True),
    ("hold", "Own rule: a person, not a machine, writes about what is disputed, hard or doubtful",
     {"kinds": ["dispute", "hardship", "fraud"], **AUTOMATED}, "block", "2000-01-01", True),
    ("hold", "Own rule: know of the hold before you speak",
     {"kinds": ["dispute", "hardship", "fraud"]}, "warn", "2000-01-01", True),
    ("open_promise", "Own rule: who has promised is not reminded of the debt until the promise is due",
     {**AUTOMATED}, "block", "2000-01-01", True),
    ("contact_point", "IN-03: only to a number or address on file for the borrower",
     {"channels": ["email", "sms", "whatsapp"]}, "block", "2000-01-01", True),
    ("contact_point", "IN-03: only to a number or address on file for the borrower",
     {"channels": ["call", "visit", "letter"]}, "warn", "2000-01-01", True),
    ("consent", "IN-03: refused consent and do-not-contact numbers", {}, "block", "2000-01-01", True),
    ("consent", "WA-01: WhatsApp needs an opt-in",
     {"channels": ["whatsapp"], "must_be_given": True}, "block", "2000-01-01", True),
    ("calendar", "IN-04: no call or visit on sensitive days (RBI revised draft, 20 May 2026): national holidays",
     {"channels": ["call", "visit"], "yearly": ["01-26", "08-15", "10-02"]}, "block", "2026-10-01", True),
    ("hours", "IN-01: no recovery call before 08:00 or after 19:00 (RBI, 12 Aug 2022)",
     {"channels": ["call"], "from": "08:00", "to": "19:00"}, "block", "2022-08-12", True),
    ("hours", "IN-01 applied to every channel that reaches the borrower at once, our own rule",
     {"channels": ["visit", "sms", "whatsapp", "email"], "from": "08:00", "to": "19:00"}, "block", "2022-08-12", True),
    ("hours", "IN-01: calls and visits 08:00-19:00 (RBI revised draft, 20 May 2026; confirm the final text)",
     {"channels": ["call", "visit"], "from": "08:00", "to": "19:00"}, "block", "2026-10-01", True),
    ("hours", "IN-02: microfinance 09:00-18:00 [recalled, verify]",
     {"microfinance_only": True, "from": "09:00", "to": "18:00"}, "block", "2022-04-01", False),
    ("cap", "IN-03: no excessive calls; the number is the lender's own",
     {"channels": ["call"], "per_day": 3, "per_week": 10}, "block", "2000-01-01", True),
    ("cap", "IN-03: no excessive visits; the number is the lender's own",
     {"channels": ["visit"], "per_day": 1, "per_week": 2}, "block", "2000-01-01", True),
    ("cap", "IN-03: no excessive messages; the number is the lender's own",
     {"channels": ["email"], "per_day": 1, "per_week": 3}, "block", "2000-01-01", True),
    ("cap", "IN-03: no excessive messages; the number is the lender's own",
     {"channels": ["sms"], "per_day": 1, "per_week": 4}, "block", "2000-01-01", True),
    ("cap", "IN-03: no excessive messages; the number is the lender's own",
     {"channels": ["whatsapp"], "per_day": 1, "per_week": 4}, "block", "2000-01-01", True),
]

FOOT = """
If you have paid already, please ignore this message, or send us the receipt so that we can set it right.
If something stops you from paying, or if you disagree with what is written here, tell us: we will look at it together.

{{ lender }}
You may complain to our grievance officer at {{ grievance_contact }}. If we do not answer within 30 days,
you may turn to the RBI Ombudsman at https://cms.rbi.org.in.
Loan {{ loan_number }}. This is an automatic message about your own loan.
"""
# name, subject, body
TEMPLATES = [
    ("due_soon", "Your instalment of {{ amount }} is due on {{ due_on }}",
     "Dear {{ borrower_name }},\n\nThe next instalment of your loan {{ loan_number }}, {{ amount }}, "
     "is due on {{ due_on }}.\nPlease keep the amount ready in the account from which it is paid.\n" + FOOT),
    ("overdue", "{{ amount }} of your loan {{ loan_number }} is overdue",
     "Dear {{ borrower_name }},\n\nOn your loan {{ loan_number }} the amount of {{ amount }} is overdue "
     "since {{ due_on }}.\nPlease pay it as soon as you can.\n" + FOOT),
    ("overdue_long", "Please speak to us about your loan {{ loan_number }}",
     "Dear {{ borrower_name }},\n\nOn your loan {{ loan_number }} the amount of {{ amount }} is unpaid "
     "since {{ due_on }}, {{ days_past_due }} days.\nPlease pay it, or speak to us, so that we can agree how it can "
     "be paid. Unpaid dues are reported to the credit bureaus.\n" + FOOT),
    ("promise_due", "Your payment of {{ amount }} agreed for {{ due_on }}",
     "Dear {{ borrower_name }},\n\nThank you for agreeing to pay {{ amount }} on your loan {{ loan_number }} "
     "by {{ due_on }}.\nThis is only to remind you of the date.\n" + FOOT),
]
# name, anchor, offset_days, min_bucket, max_bucket, template
REMINDERS = [
    ("Three days before the due date", "next_due", -3, 0, 0, "due_soon"),
    ("Day before a promised payment", "promise", -1, 0, 32767, "promise_due"),
    ("2 days overdue", "oldest_due", 2, 1, 1, "overdue"),
    ("10 days overdue", "oldest_due", 10, 1, 1, "overdue"),
    ("20 days overdue", "oldest_due", 20, 1, 1, "overdue"),
    ("45 days overdue", "oldest_due", 45, 2, 2, "overdue_long"),
    ("75 days overdue", "oldest_due", 75, 3, 3, "overdue_long"),
]
# kind, every_minutes, daily_at
TIMETABLE = [
    ("close", None, "00:30"),
    ("jobs.clean", None, "03:30"),
    ("reminders.plan", 15, None),
    ("reminders.send", 1, None),
    ("audit.seal", 5, None),
]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("lender", sa.Column("grievance_contact", sa.Text(), nullable=True))
    op.create_index(
        "ix_message_open_loan", "message", ["loan_id"], postgresql_where=sa.text("status IN ('planned', 'claimed')")
    )
    op.create_check_constraint("one_rhythm", "schedule", "(every_minutes IS NULL) <> (daily_at IS NULL)")
    op.create_check_constraint("rhythm", "schedule", "coalesce(every_minutes > 0, daily_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$')")
    _seed_rules()
    _seed_reminders()
    _seed_timetable()


def _seed_rules() -> None:
    statement = sa.text(
        "INSERT INTO policy_rule (rule, source, parameters, severity, effective_from, is_enabled)"
        " VALUES (:rule, :source, CAST(:parameters AS jsonb), :severity, CAST(:since AS date), :on)"
    )
    for rule, source, parameters, severity, since, on in RULES:
        op.get_bind().execute(
            statement,
            {"rule": rule, "source": source, "parameters": json.dumps(parameters), "severity": severity,
             "since": since, "on": on},
        )


def _seed_reminders() -> None:
    bind = op.get_bind()
    for name, subject, body in TEMPLATES:
        bind.execute(
            sa.text("INSERT INTO message_template (name, channel, subject, body) VALUES (:n, 'email', :s, :b)"),
            {"n": name, "s": subject, "b": body},
        )
    statement = sa.text(
        "INSERT INTO reminder_rule (name, anchor, offset_days, min_bucket, max_bucket, template_name, position)"
        " VALUES (:name, :anchor, :days, :low, :high, :template, :position)"
    )
    for position, (name, anchor, days, low, high, template) in enumerate(REMINDERS):
        bind.execute(
            statement,
            {"name": name, "anchor": anchor, "days": days, "low": low, "high": high, "template": template,
             "position": position},
        )


def _seed_timetable() -> None:
    # planned 'now': the first close is that of the first night, not of a day before the installation
    statement = sa.text(
        "INSERT INTO schedule (kind, every_minutes, daily_at, last_planned_at)"
        " VALUES (:kind, :minutes, :at, CASE WHEN CAST(:at AS text) IS NULL THEN NULL ELSE now() END)"
    )
    for kind, minutes, at in TIMETABLE:
        op.get_bind().execute(statement, {"kind": kind, "minutes": minutes, "at": at})


def downgrade() -> None:
    op.execute("DELETE FROM schedule")
    op.execute("DELETE FROM reminder_rule")
    op.execute("DELETE FROM message_template")
    op.execute("DELETE FROM policy_rule")
    op.drop_constraint(op.f("ck_schedule_rhythm"), "schedule")
    op.drop_constraint(op.f("ck_schedule_one_rhythm"), "schedule")
    op.drop_index("ix_message_open_loan", "message")
    op.drop_column("lender", "grievance_contact")
