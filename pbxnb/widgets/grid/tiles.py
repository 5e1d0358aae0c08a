"""What a tile shows of an account, and the columns that carry tiles to the page. Pure: knows entities, no widget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pbxnb.model.entities import Account, AccountState, Call, CallState
from pbxnb.text import clean
from pbxnb.ui.text import party_text
from pbxnb.ui.times import began

__all__ = ["Tile", "calls_of", "columns", "department", "make_tile"]

_CODES = {
    AccountState.IDLE: "i",
    AccountState.RINGING: "r",
    AccountState.DIALLING: "d",
    AccountState.BUSY: "b",
    AccountState.HELD: "h",
    AccountState.PARKED: "p",
    AccountState.OFFLINE: "o",
}
_CALL_CODES = {CallState.CONNECTED: "b", CallState.HELD: "h", CallState.PARKED: "p", CallState.OTHER: "d"}
# Which of several calls a tile speaks of: the one that asks for attention, then the one being talked on.
_FIRST = {CallState.RINGING: 0, CallState.CONNECTED: 1, CallState.HELD: 2, CallState.PARKED: 3, CallState.OTHER: 4}
_MOST_LINES = 10


class Tile(NamedTuple):
    """One account as the page needs it; compared with what was sent before to send only what differs.

    ``state`` and ``flags`` are one character each. ``other`` is direction (``>`` we call, ``<`` they call), kind
    (``i`` internal, ``x`` external, ``q`` through a queue) and the other party. ``lines`` hold every call when there
    are several. Times are those of `pbxnb.ui.times.began`.
    """

    state: str
    flags: str
    began: float
    other: str
    wish: str
    lines: tuple[tuple[str, str, float], ...]
    name: str
    type: str
    department: str
    group: str
    text: str


# What the page assumes until told otherwise: most accounts of a domain are extensions.
_ASSUMED = {"type": "extensions"}
# Column on the wire -> field; see grid_rows.js.
_SPARSE = {"o": "other", "w": "wish", "m": "name", "g": "group", "d": "department", "k": "type", "u": "text"}


def make_tile(
    account: Account,
    calls: Mapping[str, Call],
    known: Mapping[str, Account],
    *,
    group: str = "",
    text: str = "",
    out: bool = False,
) -> Tile:
    """Return what the tile of ``account`` shows.

    Args:
        calls: the live calls by id.
        known: the accounts of the domain: a party among them is internal.
        group: its group, when a Python function groups.
        text: its own line, when a Python function gives one.
        out: True when a Python predicate leaves it out.
    """
    mine = calls_of(account, calls)
    lines = tuple(
        (_code(call, account), _other(call, account, known), round(began(call), 1)) for call in mine[:_MOST_LINES]
    )
    flags = (
        (0 if account.registered is None else 1 if account.registered else 2)
        | 4 * bool(account.dnd)
        | 8 * any(call.recording for call in mine)
        | 16 * account.inferred
        | 32 * out
    )
    return Tile(
        state=_CODES[account.state],
        flags=chr(48 + flags),
        began=began(account),
        other=lines[0][1] if lines else "",
        wish=_wish(account),
        lines=lines if len(lines) > 1 else (),
        name=clean(account.name),
        type=clean(account.type, 30),
        department=department(account),
        group=group,
        text=text,
    )


def calls_of(account: Account, calls: Mapping[str, Call]) -> list[Call]:
    """Return the calls an account is in, the one its tile speaks of first."""
    # Calls and accounts are read at two moments: a call may have gone meanwhile.
    mine = [call for id_ in account.calls if (call := calls.get(id_)) is not None]
    return sorted(mine, key=lambda call: _FIRST[call.state])


def department(account: Account) -> str:
    """Return the account's department as the PBX gives it (rest.md 2.1), or an empty text."""
    return clean(account.extra.get("department", ""), 60)


def columns(
    entries: Iterable[tuple[int, Tile, Tile | None]],
    base: float,
    *,
    indexed: bool = True,
) -> dict[str, Any]:
    """Return tiles as columns, a third of the bytes of rows; a column in which nothing differs is left out.

    Args:
        entries: index of the tile, the tile, and what the page already has of it (None: unknown), by ascending index.
        base: PBX time, s; times are seconds before it, and ``-1 - seconds`` where that is only the least they can be.
        indexed: carry the indexes, each as its distance to the one before, a character; False when every tile is there
            and the page has nothing yet, so that empty texts may be left out too.
    """
    listed = list(entries)
    made: dict[str, Any] = {}
    if indexed:
        indexes = [index for index, _, _ in listed]
        made["i"] = "".join(map(_step, indexes, [0, *indexes]))
    made["s"] = "".join(tile.state for _, tile, _ in listed)
    if any(old is None or old.flags != tile.flags for _, tile, old in listed):
        made["f"] = "".join(tile.flags for _, tile, _ in listed)
    if any(old is None or old.began != tile.began for _, tile, old in listed):
        ages = [_age(base, tile.began) for _, tile, _ in listed]
        made["b"] = round(base, 1)
        made["t"] = ages if len(set(ages)) > 1 else ages[0]
    for letter, field in _SPARSE.items():
        cells: list[Any] = []
        for at, (_, tile, old) in enumerate(listed):
            value = getattr(tile, field)
            if (value != getattr(old, field)) if old is not None else indexed or value != _ASSUMED.get(field, ""):
                cells += (at, value)
        if cells:
            made[letter] = cells
    calls: list[Any] = []
    for at, (_, tile, old) in enumerate(listed):
        if (tile.lines != old.lines) if old is not None else tile.lines or indexed:
            calls += (at, tile.lines)
    if calls:
        made["l"] = calls
    return made


def _age(base: float, began: float) -> int:
    seconds = max(0, round(base - abs(began)))
    return seconds if began >= 0 else ~seconds


def _step(index: int, before: int) -> str:
    """A distance as one character, which is one byte up to 92 and two up to 2,012; surrogates cannot be sent."""
    code = 35 + index - before
    return chr(code if code < 0xD800 else code + 0x800)


def _code(call: Call, account: Account) -> str:
    if call.state is CallState.RINGING:
        return "d" if call.from_.number == account.number else "r"
    return _CALL_CODES[call.state]


def _other(call: Call, account: Account, known: Mapping[str, Account]) -> str:
    out = call.from_.number == account.number
    other = call.to if out else call.from_
    kind = "q" if call.queue else "i" if other.number in known else "x"
    text = party_text(other) or "unknown"
    return f"{'>' if out else '<'}{kind}{text}" + (f" · {clean(call.queue, 20)}" if call.queue else "")


def _wish(account: Account) -> str:
    reason = clean(account.extra.get("reason", ""), 60) if account.dnd else ""
    status = "" if account.chat_status in ("", "online") else f"chat {clean(account.chat_status, 30)}"
    return " · ".join(part for part in (reason, status) if part)
