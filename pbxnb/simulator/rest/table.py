"""Every resource that is served."""

from __future__ import annotations

from . import (
    accounts,
    administration,
    calls,
    chats,
    dialling,
    directory,
    portal,
    queues,
    records,
    series,
    sessions,
    settings,
)

__all__ = ["RESOURCES"]

RESOURCES = (
    *sessions.ROWS,
    *portal.ROWS,
    *queues.ROWS,
    *directory.ROWS,
    *settings.ROWS,
    *accounts.ROWS,
    *calls.ROWS,
    *dialling.ROWS,
    *chats.ROWS,
    *records.ROWS,
    *series.ROWS,
    *administration.ROWS,
)
"""In the order of the catalogue; a path without fields stands before one that would take it too."""
