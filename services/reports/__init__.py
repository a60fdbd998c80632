"""Reports: produced on schedule or on demand as files with a cover sheet, kept as produced, and downloaded."""

from services.reports.kinds import REPORTS, ReportKind
from services.reports.producing import ReportList, ReportView, download, listing, produce, request

__all__ = ["REPORTS", "ReportKind", "ReportList", "ReportView", "download", "listing", "produce", "request"]
