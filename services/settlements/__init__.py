"""Settlements: a loan closed for less than is owed, by policy and a second person's yes. See docs/settlements.md."""

from services.settlements.checking import MOST_PARTS, assess
from services.settlements.lettering import letter_of
from services.settlements.offering import accept, preview, propose, withdraw
from services.settlements.policy import change, current, load_policy
from services.settlements.reading import Listed, Listing, Row, Sums, listing, load_of_borrower, of_borrower
from services.settlements.settling import settle, settle_for
from services.settlements.values import (
    IN_FORCE,
    LIVE,
    STATUSES,
    Assessment,
    Components,
    Expectation,
    Part,
    Policy,
    Settlement,
    Terms,
    Worth,
)

__all__ = [
    "IN_FORCE",
    "LIVE",
    "MOST_PARTS",
    "STATUSES",
    "Assessment",
    "Components",
    "Expectation",
    "Listed",
    "Listing",
    "Part",
    "Policy",
    "Row",
    "Settlement",
    "Sums",
    "Terms",
    "Worth",
    "accept",
    "assess",
    "change",
    "current",
    "letter_of",
    "listing",
    "load_of_borrower",
    "load_policy",
    "of_borrower",
    "preview",
    "propose",
    "settle",
    "settle_for",
    "withdraw",
]
