"""Repayment plans: agreed against limits and means; where they stand follows payments. See docs/plans.md."""

from services.plans.checking import FIRST_WITHIN_DAYS
from services.plans.generating import METHODS, RHYTHMS, Pattern, Row, edited, generate, monthly_burden
from services.plans.limits import change_limits, current_limits
from services.plans.making import cancel, cancel_in, make, make_approved, preview
from services.plans.reading import load_of_borrower, of_borrower
from services.plans.settling import settle, settle_for
from services.plans.values import (
    APPROVAL_REASONS,
    IN_FORCE,
    RESTRUCTURING,
    STATUSES,
    Affordability,
    Assessment,
    Instalment,
    Limits,
    Plan,
    Proposal,
)

__all__ = [
    "APPROVAL_REASONS",
    "FIRST_WITHIN_DAYS",
    "IN_FORCE",
    "METHODS",
    "RESTRUCTURING",
    "RHYTHMS",
    "STATUSES",
    "Affordability",
    "Assessment",
    "Instalment",
    "Limits",
    "Pattern",
    "Plan",
    "Proposal",
    "Row",
    "cancel",
    "cancel_in",
    "change_limits",
    "current_limits",
    "edited",
    "generate",
    "load_of_borrower",
    "make",
    "make_approved",
    "monthly_burden",
    "of_borrower",
    "preview",
    "settle",
    "settle_for",
]
