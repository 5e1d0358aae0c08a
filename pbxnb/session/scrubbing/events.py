"""The nearest event of a kind in a recording: what happened next, or last before a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from pbxnb.model.store import Store

if TYPE_CHECKING:
    from pbxnb.journal import Journals

__all__ = ["nearest_event"]

_STRIDE = 100  # inputs between two breaths
_BACK, _MOST_BACK = 500, 8_000  # inputs that are looked at in one go backwards: at first, at most


def nearest_event(journal: Journals, kind: str, t: datetime, *, forward: bool) -> Iterator[datetime | None]:
    """Look for the moment of the nearest event after ``t``, or before it, by letting the model go through the inputs.

    So the events are those that a replay fires; that of what follows a hole in the recording is none.

    Args:
        journal: the recording.
        kind: of the event, such as ``call.ended``.
        t: PBX time.

    Yields:
        None now and then, so that whoever asks may do something else, or stop; at last the moment, PBX time, if any.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> _ = await pbx.wait_for("call.new", timeout=60)
        >>> await pbx.stop_recording()
        >>> with pbxnb.open("monday.pbx") as monday:
        ...     found = nearest_event(monday.journal, "call.new", pbx.clock.now(), forward=False)
        ...     next(filter(None, found)) <= pbx.clock.now()
        True
    """
    seq, store = journal.before(t)
    if forward:
        for at, found in _happened(journal, kind, seq, None, store):
            if found and at > t:
                yield at
                return
            yield None
        return
    until, length, first = seq, _BACK, journal.first
    while until > first:
        since = max(first, until - length)
        last = None
        for at, found in _happened(journal, kind, since, until - 1, journal.store(since)):
            last = at if found and at < t else last
            yield None
        if last is not None:
            yield last
            return
        until, length = since, min(2 * length, _MOST_BACK)


def _happened(
    journal: Journals, kind: str, first: int, last: int | None, store: Store
) -> Iterator[tuple[datetime, bool]]:
    """When an event of the kind happened, and every so often a moment at which none did."""
    breaks = {one.seq for one in journal.breaks() if one.seq > first}
    for seq, one in journal.inputs(first, last):
        if seq in breaks:
            store = journal.store(seq)
        at = store.clock.at(one.at)
        found = any(event.kind == kind for event in one.apply_to(store).events)
        if found or seq % _STRIDE == 0:
            yield at, found
