"""Every resource that is served."""

from __future__ import annotations

from . import (
    accounts,
    administration,
    calls,
    directory,
    portal,
    queues,
    records,
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
    *records.ROWS,
    *administration.ROWS,
)
"""In the order of the catalogue; a path without fields stands before one that would take it too."""
