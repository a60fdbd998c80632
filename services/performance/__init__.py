"""Performance: what came of cases by agent, team, agency, bucket, product and region; targets and costs."""

from db.queries.performance.reading import Dimension
from services.performance.behind import of_bucket
from services.performance.case_list import EXPORT_FIELDS, CasePage, CountedCase, cases_behind
from services.performance.case_list import export as export_cases
from services.performance.definitions import DEFINITIONS, Definition, Figure
from services.performance.fairness import Index, Measure
from services.performance.overview import (
    IN_HOUSE,
    NOBODY,
    Choices,
    Performance,
    PerformanceFilter,
    Ranked,
    Row,
    TrendPoint,
    choices,
    overview,
    trend,
)
from services.performance.plans import Plans, plans, set_cost, set_target
from services.performance.recording import summarise
from services.performance.sums import Sums

__all__ = [
    "DEFINITIONS",
    "EXPORT_FIELDS",
    "IN_HOUSE",
    "NOBODY",
    "CasePage",
    "Choices",
    "CountedCase",
    "Definition",
    "Dimension",
    "Figure",
    "Index",
    "Measure",
    "Performance",
    "PerformanceFilter",
    "Plans",
    "Ranked",
    "Row",
    "Sums",
    "TrendPoint",
    "cases_behind",
    "choices",
    "export_cases",
    "of_bucket",
    "overview",
    "plans",
    "set_cost",
    "set_target",
    "summarise",
    "trend",
]
