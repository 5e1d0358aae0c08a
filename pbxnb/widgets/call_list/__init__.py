"""The call list: one row per conversation, live, its calls on expansion. Knows a `Handle`; sends no command itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

import traitlets

from pbxnb.model.changes import Changes
from pbxnb.model.derive import newest_call, open_calls
from pbxnb.model.entities import Conversation, Phase
from pbxnb.protocol.commands import keys
from pbxnb.signals import Signal
from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.queues import places as places_of
from pbxnb.ui.static import table
from pbxnb.ui.text import title_of
from pbxnb.ui.times import lasted

from .rows import PHASES, Row, difference, involved, leg, parked_text, row

__all__ = ["ACTIONS", "CallList"]

ACTIONS = frozenset({"retrieve", *(name for _, name, _ in keys(on_calls=True))})
"""What a key on a row, or a drop on an orbit, may ask for."""

# Keys beside the ids of conversations; no id begins with a NUL.
_ORBITS = "\x00orbits"
_QUEUES = "\x00queues"
_LEGS = "\x00legs "
_MOST_EXPANDED = 200


class CallList(LivePanel):
    """A row per conversation: state, from, to, direction, queue, and its ring, talk and hold times apart.

    A row stays a moment after its end. While the pointer or the focus is in the list no row moves or goes.

    Args:
        handle: the PBX.
        traits: any attribute below.

    Attributes:
        selected: ids of the selected conversations, in order of selection; set it or link it.
        highlighted: numbers of accounts whose conversations are lit; link it with the ``selected`` of a grid.
        phase: the tab: ``all``, ``ringing``, ``talking``, ``held``, ``parked`` or ``queued``.
        filter: words to look for in the parties and the queue.
        ring_limit: seconds of ringing, or of waiting in a queue, from which a row is marked; 0 never.
        hold_limit: seconds on hold, or parked, from which a row is marked; 0 never.
        linger: seconds an ended row stays.
        height: the greatest height of the rows as CSS; they scroll, the tabs stay.

    Example:
        >>> grid, calls = pbx.grid(), pbx.call_list(ring_limit=20)
        >>> link = traitlets.dlink((grid, "selected"), (calls, "highlighted"))
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "ui/clipboard.js",
        "ui/menu.js",
        "ui/party.js",
        "ui/table_copy.js",
        "widgets/call_list/call_rows.js",
        "widgets/call_list/call_row.js",
        "widgets/call_list/call_list.js",
    )
    sheets: ClassVar[tuple[str, ...]] = ("widgets/call_list/call_list.css",)

    selected = traitlets.List(traitlets.Unicode(), maxlen=1000).tag(sync=True)
    phase: Final = traitlets.Enum(("all", *PHASES), "all").tag(sync=True)
    filter: Final = traitlets.Unicode("").tag(sync=True)
    ring_limit: Final = traitlets.Float(30.0, min=0.0).tag(sync=True)
    hold_limit: Final = traitlets.Float(120.0, min=0.0).tag(sync=True)
    height: Final = traitlets.Unicode("min(60vh, 720px)").tag(sync=True)
    highlighted = traitlets.List(traitlets.Unicode())
    linger: Final = traitlets.Float(8.0, min=0.0, max=60.0)

    def __init__(self, handle: Handle, **traits: Any) -> None:
        self._sent: dict[str, Row] = {}  # what every page has, where that is certain
        self._leaving: set[str] = set()  # ended conversations that are still on the page
        self._expanded: set[str] = set()
        self._actions: Signal[tuple[str, str, str]] = Signal(self.report)
        super().__init__(handle, **traits)

    def _follow(self, handle: Handle) -> None:
        super()._follow(handle)
        self._leave.callback(handle.keep_read(queues=True, orbits=True))

    @property
    def selected_calls(self) -> tuple[str, ...]:
        """The newest call of each selected conversation that has not ended, in order of selection."""
        found = (self._handle.conversations.get(id_) for id_ in self.selected)
        return tuple(newest_call(c, self._handle.calls) for c in found if c is not None and c.state is not None)

    def select_call(self, call: str) -> None:
        """Select the conversation of a call, given by its id; an unknown id selects nothing."""
        conversations = self._handle.snapshot().conversations
        self.selected = [id_ for id_, conversation in conversations.items() if call in conversation.calls][:1]

    def on_action(self, fn: Callable[[str, str, str], object]) -> Callable[[], None]:
        """Call ``fn(action, call, to)`` when a key on a row or a drop on an orbit asks for something.

        Args:
            fn: runs on the UI lane; ``action`` is one of `ACTIONS`, ``call`` a call's id, ``to`` an orbit or empty.

        Returns:
            A function that unsubscribes.
        """
        return self._actions.add(lambda asked: fn(*asked))

    @traitlets.observe("highlighted")
    def _highlighted_changed(self, change: Any) -> None:
        other = set(change["old"] or ()) ^ set(change["new"])
        self.refresh(id_ for id_, c in self._open() if other & involved(c, self._handle.calls))

    @traitlets.observe("linger")
    def _linger_changed(self, _change: Any) -> None:
        self.refresh()

    # What the base calls.

    def _mark(self, changes: Changes) -> Iterable[str]:
        keys = set(changes.conversations)
        for id_ in changes.calls:  # a recording shows on the row, and is a change of the call alone
            if (call := self._handle.calls.get(id_)) is not None and call.conversation:
                keys.add(call.conversation)
        if changes.orbits:
            keys.add(_ORBITS)
        if changes.queues:
            keys.add(_QUEUES)
        return keys

    def _state(self) -> dict[str, Any]:
        conversations, places = dict(self._open()), self._places()
        self._sent = {id_: self._row(conversation, places) for id_, conversation in conversations.items()}
        self._expanded &= self._sent.keys()
        return {
            "rows": list(self._sent.values()),
            "legs": {id_: self._legs(conversations[id_]) for id_ in self._expanded},
            "orbits": self._orbits(),
            "keys": keys(on_calls=True),
        }

    def _unsure(self) -> None:
        self._sent.clear()

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        part: dict[str, Any] = {}
        conversations = self._handle.conversations
        of_queues = any((c := conversations.get(key)) is not None and c.queue for key in keys)
        places: dict[str, int] = {}
        if of_queues or _QUEUES in keys:  # who waits may have moved up
            keys = keys - {_QUEUES} | {id_ for id_, c in self._open() if c.phase is Phase.QUEUED}
            places = self._places()
        for key in keys:
            if key == _ORBITS:
                part["orbits"] = self._orbits()
                continue
            id_ = key.removeprefix(_LEGS)
            conversation = conversations.get(id_)
            if id_ != key or id_ in self._expanded:
                lines = self._legs(conversation) if conversation and id_ in self._expanded else None
                part.setdefault("legs", {})[id_] = lines
            if id_ != key:
                continue
            if conversation is None or not self._lingers(conversation):
                part.setdefault("gone", []).append(key)
                self._sent.pop(key, None)
                self._expanded.discard(key)
                continue
            new, old = self._row(conversation, places), self._sent.get(key)
            if whole or old is None:
                part.setdefault("rows", []).append(new)
            elif len(edit := difference(old, new)) > 1:
                part.setdefault("edits", []).append(edit)
            self._sent[key] = new
        return part or None

    def _tick(self, now: float) -> float | None:
        if not self._leaving:
            return None
        conversations = ((id_, self._handle.conversations.get(id_)) for id_ in self._leaving)
        over = {id_ for id_, c in conversations if c is None or not self._lingers(c)}
        self._leaving -= over
        self._dirty.mark(over)
        return now + 0.5 if self._leaving else None

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"expand": str(id_), "on": bool(on)} if id_ in self._handle.conversations:
                self._expand(id_, on)
            case {"act": str(action), "call": str(call), "to": str(to)} if action in ACTIONS:
                if not self._actions.listeners:
                    self.report("No command bar follows this list; give it one to send commands from here.")
                self._actions((action, call[:200], to[:200]))

    def _expand(self, id_: str, on: bool) -> None:
        if on and len(self._expanded) < _MOST_EXPANDED:
            self._expanded.add(id_)
        elif not on:
            self._expanded.discard(id_)
        self._dirty.mark([_LEGS + id_])

    # Rows.

    def _open(self) -> list[tuple[str, Conversation]]:
        return [(id_, c) for id_, c in self._handle.snapshot().conversations.items() if self._lingers(c)]

    def _lingers(self, conversation: Conversation) -> bool:
        if conversation.state is not None:
            return True
        # The moment is the reader's: on a simulated PBX that runs fast it lasts as long as on a real one.
        return lasted(conversation, self._now()) / (self._handle.clock.rate or 1.0) < self.linger

    def _places(self) -> dict[str, int]:
        model = self._handle.snapshot()
        return places_of(model.queues, model.conversations.values())

    def _row(self, conversation: Conversation, places: Mapping[str, int]) -> Row:
        handle = self._handle
        if conversation.state is None and conversation.id not in self._leaving:
            self._leaving.add(conversation.id)
            self._ticket.wake()  # for the `_tick` that will see it go
        lit = bool(self.highlighted) and not involved(conversation, handle.calls).isdisjoint(self.highlighted)
        return row(
            conversation,
            calls=handle.calls,
            accounts=handle.accounts,
            queues=handle.queues,
            orbits=handle.orbits,
            place=places.get(conversation.id),
            lit=lit,
        )

    def _legs(self, conversation: Conversation) -> list[list[Any]]:
        still = {call.id: call for call in open_calls(conversation, self._handle.calls)}
        return [leg(id_, still.get(id_), self._handle.accounts) for id_ in conversation.calls[-20:]]

    def _orbits(self) -> list[list[str]]:
        orbits = list(self._handle.snapshot().orbits.items())[:50]
        return [[number, clean(orbit.name or number, 30), parked_text(orbit)] for number, orbit in orbits]

    def _plain(self) -> str:
        phases = [c.phase for _, c in self._open() if c.state is not None]
        counts = ", ".join(f"{phases.count(name)} {name}" for name in PHASES if name in phases)
        return f"Call list of {title_of(self._handle)}: {len(phases)} calls" + (f", {counts}" if counts else "")

    def _static(self) -> str:
        places = self._places()
        rows = [self._row(conversation, places) for _, conversation in self._open()]
        cells = [
            (
                r[3],
                *(part.replace("\t", " ") for part in (r[4], r[5], r[7])),
                *(f"{spent:.0f} s" if spent else "" for spent in r[8:11]),
            )
            for r in rows
        ]
        return table(("State", "From", "To", "Via", "Ring", "Talk", "Hold"), cells)
