"""The kinds of reports: what each says, and the words of its cover sheet."""

from dataclasses import dataclass
from enum import StrEnum

from services.performance.definitions import COST_MEANING, DEFINITIONS, INDEX_MEANING, Figure


class ReportKind(StrEnum):
    """The reports that are produced on schedule."""

    DAILY_COLLECTIONS = "daily_collections"
    BUCKET_MOVEMENT = "bucket_movement"
    PROMISES = "promises"
    AGENT_PERFORMANCE = "agent_performance"
    AGENCY_PERFORMANCE = "agency_performance"
    NPA_FORMATION = "npa_formation"


@dataclass(frozen=True, slots=True)
class ReportDefinition:
    """What a report is called and means."""

    title: str
    definitions: tuple[tuple[str, str], ...]
    """Term and meaning, as the cover sheet lists them."""


REPORTS: dict[ReportKind, ReportDefinition] = {
    ReportKind.DAILY_COLLECTIONS: ReportDefinition(
        "Daily collections",
        (
            ("Received", "Money of the whole book by its value date, also from borrowers without a case."),
            ("Taken back", "Reversals and bounces by the day on which they became known."),
            ("Net", "Received less taken back."),
        ),
    ),
    ReportKind.BUCKET_MOVEMENT: ReportDefinition(
        "Bucket movement",
        (
            ("Cohort", "Loans active at the last day-end of the month before, by their bucket then; frozen."),
            ("To", "The bucket at the as-of date, or the way out: closed, written off, no longer reported."),
            ("Share", "Loans, or outstanding principal at the opening, ÷ all of the opening bucket. Rows add to 1."),
        ),
    ),
    ReportKind.PROMISES: ReportDefinition(
        "Promises due and broken",
        (
            ("Due", "Pending promises whose date lies in the seven days after the as-of date."),
            ("Broken", DEFINITIONS[Figure.BROKEN].meaning),
            ("Partly kept", DEFINITIONS[Figure.PARTLY_KEPT].meaning),
            ("Status", "As it stands when the report is produced."),
        ),
    ),
    ReportKind.AGENT_PERFORMANCE: ReportDefinition(
        "Agent performance",
        (
            *((DEFINITIONS[figure].label, DEFINITIONS[figure].meaning) for figure in Figure),
            ("Cost to collect", COST_MEANING),
            ("Index", INDEX_MEANING),
        ),
    ),
    ReportKind.AGENCY_PERFORMANCE: ReportDefinition(
        "Agency performance",
        (
            ("Agency", "Those who are in it now; everybody else is in-house."),
            *((DEFINITIONS[figure].label, DEFINITIONS[figure].meaning) for figure in Figure),
            ("Cost to collect", COST_MEANING),
            ("Index", INDEX_MEANING),
        ),
    ),
    ReportKind.NPA_FORMATION: ReportDefinition(
        "NPA formation",
        (
            (
                "Opening standard",
                "Outstanding principal of active loans not NPA at the last day-end of the month before.",
            ),
            ("Newly NPA", "Outstanding principal, at the as-of date, of loans that are NPA then and were not before."),
            ("Formation", "Newly NPA ÷ opening standard."),
            ("Upgraded", "Loans that were NPA at the opening, are active and are not NPA any more."),
        ),
    ),
}
