"""Places in a recording that are looked for: how the line was before an input, and where a step back leads."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pbxnb.model.entities import LineState
from pbxnb.model.kept.inputs import Applied, Input, Opened, Received, Resynced

from .told import LineTold, state_after

if TYPE_CHECKING:
    from pbxnb.journal import Journals

__all__ = ["is_step", "step_back", "told_before"]

_AT_ONCE = 1_000  # inputs that are looked at in one go


def is_step(one: Input) -> bool:
    """Whether a person who steps stops behind it: a message, or a snapshot of what came."""
    return isinstance(one, Received | Applied | Resynced)


def step_back(journal: Journals, seq: int, n: int) -> tuple[int, Input] | None:
    """The last input to stop behind but ``n``, of those before one; None where there are not so many."""
    found: list[tuple[int, Input]] = []
    until, first = seq, journal.first
    while until > first and len(found) <= n:
        since = max(first, until - _AT_ONCE)
        found = [(place, one) for place, one in journal.inputs(since, until - 1) if is_step(one)] + found
        until = since
    return found[-n - 1] if len(found) > n else None


def told_before(journal: Journals, seq: int, at: datetime) -> LineTold:
    """The line as it was before an input.

    Args:
        at: a moment on the clock that stamped the recording, for what is not known.
    """
    first = max((one.seq for one in journal.breaks() if one.seq <= seq), default=0)
    until = seq
    while until > first:
        since = max(first, until - _AT_ONCE)
        for _, one in reversed([*journal.inputs(since, until - 1)]):
            if (state := state_after(one)) is not None:
                return LineTold(state, one.at)
        until = since
    for _, one in journal.inputs(seq, seq + _AT_ONCE):  # a recording begins: what comes first tells what was before
        if isinstance(one, Opened):
            return LineTold(LineState.CONNECTING, at)
        if isinstance(one, Received) and one.held:
            return LineTold(LineState.SYNCING, at)
        if state_after(one) is not None:
            break
    return LineTold(LineState.LIVE, at)
