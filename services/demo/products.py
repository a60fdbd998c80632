"""The demo lender's products: tickets, tenures, rates and how often each falls behind. Constants only."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ProductSpec:
    """A product and what its loans look like."""

    code: str
    name: str
    share: float
    """Of the loans disbursed."""
    ticket: tuple[int, int]
    """Smallest and largest principal, rupees."""
    tenures: tuple[int, ...]
    """Months; each is as frequent as the others."""
    rate: tuple[int, int]
    """Lowest and highest yearly interest, in hundredths of a percent."""
    auto_debit: float
    """Share with a NACH mandate."""
    risk: float
    """Multiplies the hazard of falling behind."""
    is_microfinance: bool = False
    is_secured: bool = False


PRODUCTS: Final = (
    ProductSpec("CD", "Consumer durable", 0.33, (8_000, 90_000), (6, 8, 9, 10, 12), (0, 1_800), 0.92, 0.8),
    ProductSpec("MFI", "Microfinance", 0.27, (15_000, 60_000), (10, 12, 12, 18), (2_000, 2_450), 0.05, 1.1, True),
    ProductSpec(
        "TW", "Two-wheeler", 0.16, (45_000, 140_000), (12, 12, 18, 24), (1_200, 2_100), 0.85, 1.3, is_secured=True
    ),
    ProductSpec("PL", "Personal loan", 0.12, (40_000, 500_000), (12, 12, 18, 24), (1_400, 2_400), 0.95, 1.1),
    ProductSpec("GL", "Gold loan", 0.05, (20_000, 300_000), (6, 9, 12), (1_000, 1_800), 0.2, 0.6, is_secured=True),
    ProductSpec("BL", "Business loan", 0.05, (100_000, 1_500_000), (12, 18, 24), (1_600, 2_400), 0.9, 1.4),
    ProductSpec(
        "HI",
        "Home improvement",
        0.02,
        (100_000, 600_000),
        (24, 36, 48, 60),
        (1_300, 1_900),
        0.9,
        0.8,
        is_secured=True,
    ),
)

SOURCING: Final = ("Branch", "Dealer", "Partner app")
"""How the loan was sourced: the attribute that the demo lender filters its portfolio by."""
SEGMENT_ATTRIBUTE: Final = "sourcing"
