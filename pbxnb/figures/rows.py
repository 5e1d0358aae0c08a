"""Which lanes the timeline shows, in which order, under which names. Pure but for reading the handle's accounts."""

from __future__ import annotations

from pbxnb.ui.handle import Handle

from .history import Block, History
from .phases import LaneBy

__all__ = ["choose"]


def choose(
    handle: Handle,
    history: History,
    running: list[Block],
    window: tuple[float, float],
    *,
    by: LaneBy,
    filter: str = "",  # noqa: A002 - the field's word, and the panel's trait
    collapse_idle: bool | None = None,
    most: int = 24,
) -> tuple[dict[str, str], int]:
    """Choose the lanes of a window.

    Args:
        handle: whose accounts give the names.
        history: ended blocks.
        running: blocks going on.
        window: seconds since 1970.
        by: what a lane stands for.
        filter: part of a number or name, any case.
        collapse_idle: leave out lanes without a block in the window; None: when there are more lanes than ``most``.
        most: lanes at most; those with a running call first.

    Returns:
        Lane -> label in order of number, and how many lanes did not fit.
    """
    accounts = handle.accounts
    busy = {block.lane for block in running}
    active = busy | history.lanes(*window)
    if by == "extension":
        names = {number: account.name for number, account in accounts.items() if account.type == "extensions"}
    elif by == "queue":
        names = {number: account.name for number, account in accounts.items() if account.type == "acds"}
    else:
        names = {}
    if by == "call" or collapse_idle or (collapse_idle is None and len(names) > most):
        names = {lane: name for lane, name in names.items() if lane in active}
    if by == "call":
        names = dict.fromkeys(active, "")
    wanted = filter.casefold()
    fitting = [lane for lane, name in names.items() if wanted in lane.casefold() or wanted in name.casefold()]
    # Running calls must not fall off the edge; beyond them the lowest numbers stay.
    kept = set(sorted(fitting, key=lambda lane: (lane not in busy, len(lane), lane))[:most])
    ordered = sorted(kept, key=lambda lane: (len(lane), lane))
    return {lane: f"{lane} {names[lane]}".strip() for lane in ordered}, len(fitting) - len(ordered)
