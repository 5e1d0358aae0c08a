"""Every resource that is served."""

from __future__ import annotations

from . import accounts, calls, chats, directory, queues, records, sessions, settings, system

__all__ = ["RESOURCES"]

RESOURCES = (
    *sessions.ROWS,
    *system.ROWS,
    *directory.ROWS,
    *accounts.ROWS,
    *settings.ROWS,
    *calls.ROWS,
    *records.ROWS,
    *queues.ROWS,
    *chats.ROWS,
)
"""In the order of the catalogue; a path without fields stands before one that would take it too."""
