"""The audit trail: recording, searching, sealing, verifying."""

from services.audit.recording import record

__all__ = ["record"]
