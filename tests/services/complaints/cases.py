"""Acts and looks that tests of complaints share."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from services import complaints, policy

INDIA = ZoneInfo("Asia/Kolkata")

TODAY = date(2025, 6, 16)  # of the frozen clock, 11:00 in India

NOW = datetime(2025, 6, 16, 11, tzinfo=INDIA)


def entry(**over):
    values = {"about": "agent_conduct", "channel": "email", "received_at": NOW, "text": "I was shouted at."}
    return complaints.Entry(**{**values, **over})


def received(actor, borrower_id, **over):
    return complaints.receive(actor, borrower_id, entry(**over)).id


def answered(officer, complaint_id):
    complaints.acknowledge(officer, complaint_id, text="We look into it.", sent_by="letter")
    complaints.answer(officer, complaint_id, text="We are sorry.", sent_by="letter")


def call(session, borrower_id, at=NOW, **over):
    return policy.preview_many(session, [borrower_id], "call", at, **over)[borrower_id]


ACTS = ("acknowledged", "answered", "closed", "reopened", "compensated", "noted")


def do(officer, complaint_id, act):
    if act == "acknowledged":
        complaints.acknowledge(officer, complaint_id, text="Received.", sent_by="email")
    elif act == "answered":
        complaints.answer(officer, complaint_id, text="So it is.", sent_by="letter")
    elif act == "closed":
        complaints.close(officer, complaint_id, outcome="partly_upheld", reason="In part.")
    elif act == "reopened":
        complaints.reopen(officer, complaint_id, reason="Not content.")
    elif act == "compensated":
        complaints.compensate(officer, complaint_id, amount=Decimal("10.50"), paid_on=TODAY, reason="For the call.")
    else:
        complaints.note(officer, complaint_id, text="Listened to the recording.")
