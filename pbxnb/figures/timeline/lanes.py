"""Which lanes the timeline shows, in which order, under which names. Pure but for reading the handle's accounts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from pbxnb.history import Block, Index, LaneBy
from pbxnb.model.entities import Account
from pbxnb.ui.handle import Handle

__all__ = ["GroupBy", "Row", "SortBy", "chosen_rows"]

GroupBy = Literal["", "department", "type"]
SortBy = Literal["number", "name", "busy"]
_NONE = Account(number="", type="")  # stands for a lane that is no account


class Row(NamedTuple):
    """A row of the timeline; a lane, or without one the heading of a group."""

    lane: str
    label: str


def chosen_rows(
    handle: Handle,
    index: Index,
    running: Sequence[Block],
    window: tuple[float, float],
    *,
    filter: str = "",  # noqa: A002 - the field's word, and the panel's trait
    collapse_idle: bool | None = None,
    sort: SortBy = "number",
    group_by: GroupBy = "",
    most: int = 24,
    before: Collection[str] = (),
) -> tuple[list[Row], int]:
    """Choose the rows of a window.

    Args:
        handle: whose accounts give the names.
        index: the ended blocks.
        running: blocks going on.
        window: seconds since 1970.
        filter: part of a number or name, any case.
        collapse_idle: leave out lanes without a block in the window; None: when there are more lanes than ``most``.
        sort: by ``number``, by ``name``, or ``busy``: what goes on first, the longest on top.
        group_by: ``department`` or ``type`` of the account; a heading before each group.
        most: lanes at most; those with a running call first.
        before: lanes shown up to now; while anything happens on them they stay, lest the rows jump.

    Returns:
        The rows from top to bottom, and how many lanes did not fit.
    """
    accounts, by = handle.accounts, index.by
    busy: dict[str, float] = {}
    for block in running:
        busy.setdefault(block.lane, block.span.start)
    active = busy.keys() | (index.lanes(*window, 4 * most) if by == "call" else index.lanes(*window))
    names = _names(accounts, active, by)
    if collapse_idle or (collapse_idle is None and len(names) > most):
        names = {lane: name for lane, name in names.items() if lane in active}
    wanted = filter.casefold()
    fitting = [lane for lane, name in names.items() if wanted in lane.casefold() or wanted in name.casefold()]
    stay = active.intersection(before)
    kept = sorted(fitting, key=lambda lane: (lane not in stay, lane not in busy, len(lane), lane))[:most]
    if by == "call":
        names |= {block.lane: block.story.whole.title for block in (*index.blocks(*window, set(kept)), *running)}
    orders: dict[str, Callable[[str], tuple[object, ...]]] = {
        "number": lambda lane: (),
        "name": lambda lane: (not names[lane], names[lane].casefold()),
        "busy": lambda lane: (lane not in busy, busy.get(lane, 0.0)),
    }
    group = {lane: _group(accounts.get(lane, _NONE), group_by) for lane in kept}
    kept.sort(key=lambda lane: (not group[lane], group[lane], *orders[sort](lane), len(lane), lane))
    rows: list[Row] = []
    for above, lane in zip((None, *kept), kept, strict=False):
        if group_by and (above is None or group[lane] != group[above]):
            rows.append(Row("", group[lane] or f"no {group_by}"))
        rows.append(Row(lane, f"{lane} {names[lane]}".strip()))
    return rows, len(fitting) - len(kept)


def _names(accounts: Mapping[str, Account], active: set[str], by: LaneBy) -> dict[str, str]:
    """Every lane there may be, with its name: extensions always, other accounts where a call waits on them now."""
    listed = dict(accounts.items())  # a live mapping: one reading of it
    if by == "call":
        return dict.fromkeys(active, "")
    if by == "queue":
        return {number: account.name for number, account in listed.items() if account.type == "acds"}
    return {
        number: account.name for number, account in listed.items() if account.type == "extensions" or number in active
    }


def _group(account: Account, by: GroupBy) -> str:
    if by == "type":
        return account.type
    return str(account.extra.get("department") or "") if by == "department" else ""
