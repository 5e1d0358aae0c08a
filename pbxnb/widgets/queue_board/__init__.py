"""The queue board: of each queue its agents, who waits, and the figures of today, live."""

from __future__ import annotations

import html
from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar, Final

import traitlets

from pbxnb.errors import PbxError
from pbxnb.history import Figures, Today
from pbxnb.model.changes import Changes
from pbxnb.text import clean
from pbxnb.ui.handle import Handle, PendingLike
from pbxnb.ui.queues import by_queue
from pbxnb.ui.static import table
from pbxnb.ui.text import title_of

from ..armed import ArmedPanel
from ..command_bar.words import outcome_text
from .rows import figures, queue_row

__all__ = ["QueueBoard"]

_WINDOW = "\x00window"  # a key beside the numbers of queues


class QueueBoard(ArmedPanel):
    """A part per queue: agents with state, calls and talk today, waiting callers by position, and the day's figures.

    The figures are of calls that began today and are over, as `pbxnb.history.Today` counts them; the service level is
    answered within 20 s / (offered - abandoned within 20 s). Agents are logged in and out by a button or the key L.
    There is none to send them on a break: how that is asked of the PBX is not known.

    Args:
        handle: the PBX.
        traits: any attribute below, and those of every panel.

    Attributes:
        queues: numbers of the queues to show, in this order; empty means all.
        selected: numbers of the selected queues and agents, in order of selection; set it or link it.
        armed: as of `pbxnb.widgets.armed.ArmedPanel`: whether a press sends.
        height: the greatest height as CSS; the queues scroll.

    Example:
        >>> board = pbx.queue_board()
        >>> board.observe(lambda change: print(change.new), "selected")
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "ui/party.js",
        "widgets/call_list/call_rows.js",
        "widgets/queue_board/queue_rows.js",
        "widgets/queue_board/queue_board.js",
    )
    sheets: ClassVar[tuple[str, ...]] = ("widgets/queue_board/queue_board.css",)

    queues: Final = traitlets.List(traitlets.Unicode())
    selected: Final = traitlets.List(traitlets.Unicode(), maxlen=1000).tag(sync=True)
    height: Final = traitlets.Unicode("min(70vh, 900px)").tag(sync=True)

    def __init__(self, handle: Handle, **traits: Any) -> None:
        self._sent: dict[str, dict[str, Any]] = {}  # what every page has, where that is certain
        self._told = ""  # likewise: the window
        self._serving: dict[str, set[str]] = {}  # by agent, the queues
        self._due = 0.0
        super().__init__(handle, **traits)

    def _follow(self, handle: Handle) -> None:
        super()._follow(handle)
        self._today = Today(handle.history, handle.tz)
        self._leave.callback(handle.keep_read(queues=True, orbits=False))

    @traitlets.observe("queues")
    def _queues_changed(self, _change: Any) -> None:
        if self.comm is not None:  # not while it is made
            self.refresh()

    # What the base calls.

    def _mark(self, changes: Changes) -> Iterable[str]:
        keys = set(changes.queues)
        for number in changes.accounts:
            keys.update(self._serving.get(number, ()))
        for id_ in changes.conversations:
            if (conversation := self._handle.conversations.get(id_)) is not None and conversation.queue:
                keys.add(conversation.queue)
        return keys

    def _tick(self, now: float) -> float | None:
        if now >= self._due:
            self._due = now + self.timing.recheck
            self._today.update(self._handle.clock.now())
            self._dirty.mark((*self._sent, _WINDOW))
        return self._due

    def _state(self) -> dict[str, Any]:
        self._today.update(self._handle.clock.now())
        self._sent = self._rows(self._shown())
        self._told = self._window()
        return {
            "order": list(self._sent),
            "queues": self._sent,
            "window": self._told,
            "control": self._handle.control,
        }

    def _unsure(self) -> None:
        self._sent = {number: {} for number in self._sent}
        self._told = ""

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        shown = self._shown()
        if shown != list(self._sent):  # a queue came or went: the page needs the new list
            self.refresh()
            return None
        part: dict[str, Any] = {}
        for number, row in self._rows(number for number in shown if number in keys).items():
            old = {} if whole else self._sent[number]
            if edit := {name: value for name, value in row.items() if value != old.get(name)}:
                part.setdefault("queues", {})[number] = edit
            self._sent[number] = row
        if _WINDOW in keys and (whole or self._told != self._window()):
            part["window"] = self._told = self._window()
        return part or None

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"login": bool(on), "queue": str(queue), "agent": str(agent)}:
                if self.wallboard or not self.armed:
                    self.report("The queue board is not armed, so nobody was logged in or out.")
                elif queue in self._serving.get(agent, ()):
                    self._log(queue, agent, on)

    def _log(self, queue: str, agent: str, on: bool) -> None:
        try:
            pending = self._handle.command("queue_login", queue, on, account=agent)
        except PbxError as error:
            self.report(error)
            return
        label = clean(f"Log {'in' if on else 'out'} {agent}", 60)
        pending.add_done_callback(lambda done: self._ticket.call(partial(self._logged, label, done)))

    def _logged(self, label: str, pending: PendingLike) -> None:
        try:
            outcome = pending.result(0)
        except Exception as error:  # noqa: BLE001 - shown in the strip; a command that failed must not stop the lane
            self.report(error)
        else:
            if str(outcome.status) not in ("confirmed", "accepted"):
                self.report(outcome_text(label, outcome))

    # What it shows.

    def _shown(self) -> list[str]:
        known = self._handle.queues
        return [number for number in self.queues or list(known) if number in known]

    def _rows(self, numbers: Iterable[str]) -> dict[str, dict[str, Any]]:
        model, today, served = self._handle.snapshot(), self._today.by_queue(), self._today.served()
        inside = by_queue(model.conversations.values())
        rows = {
            number: queue_row(
                model.queues[number],
                inside.get(number, ()),
                model.accounts,
                today.get(number, Figures()),
                served.get(number, {}),
            )
            for number in numbers
            if number in model.queues
        }
        serving: dict[str, set[str]] = {}
        for queue in model.queues.values():
            for agent in queue.agents:
                serving.setdefault(agent.number, set()).add(queue.number)
        self._serving = serving  # replaced, not changed: the I/O lane reads it
        return rows

    def _window(self) -> str:
        return self._today.text("day", self._handle.clock.now())

    def _plain(self) -> str:
        rows = self._rows(self._shown())
        waiting, agents = (sum(len(row[name]) for row in rows.values()) for name in ("callers", "agents"))
        return f"Queue board of {title_of(self._handle)}: {len(rows)} queues, {waiting} waiting, {agents} agents"

    def _static(self) -> str:
        cells = [
            (
                clean(f"{number} {row['name']}".strip(), 100),
                str(len(row["callers"])),
                ", ".join(f"{agent[0]} {agent[3]}".lower() for agent in row["agents"]),
                *(value for _, value in row["figures"]),
            )
            for number, row in self._rows(self._shown()).items()
        ]
        words = [word for word, _ in figures(Figures())]
        return (
            table(("Queue", "Waiting", "Agents", *words), cells)
            + f"<p><small>{html.escape(self._window())}</small></p>"
        )
