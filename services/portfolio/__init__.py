"""The portfolio: figures, roll rates, vintages and segments from aggregates, and the accounts behind them."""

from db.queries.portfolio.scope import NOT_GIVEN
from db.queries.portfolio.segments import Dimension
from services.portfolio.definitions import DEFINITIONS, FigureKey, Unit
from services.portfolio.filtering import RISK_BANDS, FilterChoices, PortfolioFilter, choices
from services.portfolio.overview import Overview, overview, with_promises_now
from services.portfolio.rolls import Measure, Outcome, Rolls, rolls
from services.portfolio.segments import WorstSegments, worst_segments
from services.portfolio.vintages import Vintage, vintages

__all__ = [
    "DEFINITIONS",
    "NOT_GIVEN",
    "RISK_BANDS",
    "Dimension",
    "FigureKey",
    "FilterChoices",
    "Measure",
    "Outcome",
    "Overview",
    "PortfolioFilter",
    "Rolls",
    "Unit",
    "Vintage",
    "WorstSegments",
    "choices",
    "overview",
    "rolls",
    "vintages",
    "with_promises_now",
    "worst_segments",
]
