"""The audit trail: recording, searching, sealing, verifying, and one borrower's record as a document."""

from services.audit.recording import record

__all__ = ["record"]
