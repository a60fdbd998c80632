"""Hardship: relief that a borrower applies for, decided by a second person, reviewed, and ending by itself."""

from services.hardship.applying import add_evidence, apply, withdraw
from services.hardship.policy import change, current, load_policy
from services.hardship.reading import listing, load_of_borrower
from services.hardship.reviewing import review
from services.hardship.values import (
    CAUSES,
    LIVE,
    RELIEFS,
    STATUSES,
    Application,
    Evidence,
    Hardship,
    Policy,
    Relief,
    Review,
)

__all__ = [
    "CAUSES",
    "LIVE",
    "RELIEFS",
    "STATUSES",
    "Application",
    "Evidence",
    "Hardship",
    "Policy",
    "Relief",
    "Review",
    "add_evidence",
    "apply",
    "change",
    "current",
    "listing",
    "load_of_borrower",
    "load_policy",
    "review",
    "withdraw",
]
