"""What is sent to which socket: collects the changes of one event and sends each frame once to all who see the same.

The engine calls `Subscriptions.note` inside its commands; `Subscriptions.flush`, after them, renders the settled state.
A frame therefore never shows a state between two steps of one move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..engine.accounts import SimOrbit
from ..engine.calls import ChangeKind, SimCall, SimChange, SimPhase
from ..engine.clock import SimTimer
from ..engine.pbx import SimPbx
from .frames import FrameWriter
from .sockets import SimSocket
from .variants import Dialect

__all__ = ["Subscriptions"]

FREE_LIST = 50
ENTRIES_PER_SECOND = 5_000.0
"""A list longer than ``FREE_LIST`` calls is repeated so rarely that this many entries a virtual second are sent."""


class Subscriptions:
    """The subscriptions of one tenant's sockets.

    Args:
        pbx: whose changes.
        frames: renders them.
        sockets: the tenant's sockets now.
    """

    def __init__(self, pbx: SimPbx, frames: FrameWriter, sockets: Callable[[], Iterable[SimSocket]]) -> None:
        self._pbx = pbx
        self._frames = frames
        self._sockets = sockets
        self._accounts: dict[str, None] = {}
        self._calls: dict[str, SimCall] = {}
        self._ended = False
        self._extras: list[tuple[str, str]] = []
        self._orbits = False
        self._next_list = 0.0
        self._late: SimTimer | None = None
        pbx.changed.add(self.note)

    def note(self, change: SimChange) -> None:
        """Remember what changed until the flush."""
        match change.kind:
            case ChangeKind.CHAT:
                receiver, sender = change.accounts
                self._extras.append((receiver, self._frames.action("chat", dest=sender, message=change.text)))
                return
            case ChangeKind.MISSED if self._frames.dialect is Dialect.MODERN:
                extension = self._pbx.extension(change.accounts[0])
                count = extension.missed if extension else 0
                self._extras.append((change.accounts[0], self._frames.action("missed-calls", count=count)))
                return
            case ChangeKind.RECORDING if self._frames.dialect is Dialect.MODERN and change.call is not None:
                name = "rec-start" if change.call.recording else "rec-stop"
                self._extras += [(n, self._frames.action(name, id=change.call.id)) for n in change.call.extensions]
                return
            case ChangeKind.MISSED | ChangeKind.RECORDING | ChangeKind.CALL_REFUSED:
                return
        self._accounts.update(dict.fromkeys(change.accounts))
        self._orbits = self._orbits or any(isinstance(self._pbx.accounts.get(n), SimOrbit) for n in change.accounts)
        if change.call is not None:
            self._calls[change.call.id] = change.call
            self._ended = self._ended or change.kind is ChangeKind.CALL_ENDED

    def setting_changed(self, number: str) -> None:
        """A setting of an account was changed by its user: modern says so to the own sockets."""
        if self._frames.dialect is Dialect.MODERN:
            self._extras.append((number, self._frames.action("user-change", account=number)))

    def flush(self) -> None:
        """Send what changed since the last flush."""
        if not (self._accounts or self._calls or self._extras):
            return
        sockets = list(self._sockets())
        accounts, self._accounts = self._accounts, {}
        extras, self._extras = self._extras, []
        orbits, self._orbits = self._orbits, False
        if listeners := [s for s in sockets if s.users]:
            for number in accounts:
                frame = self._frames.user_state(number)
                for socket in listeners:
                    socket.send(frame)
        for socket in sockets:
            if socket.own and socket.user in accounts:
                self._own(socket)
            if lamps := [n for n in accounts if n in socket.lamps]:
                socket.send(self._frames.blf(lamps))
        if orbits and (listeners := [s for s in sockets if s.orbits]):
            frame = self._frames.orbits()
            for socket in listeners:
                socket.send(frame)
        by_user: dict[str, list[SimSocket]] = {}
        for socket in sockets:
            by_user.setdefault(socket.user, []).append(socket)
        for number, frame in extras:
            for socket in by_user.get(number, ()):
                socket.send(frame)
        self._everyone([s for s in sockets if s.everyone])

    def _own(self, socket: SimSocket) -> None:
        calls = self._pbx.calls_of(socket.user)
        changed = [c for c in calls if c.id in self._calls]
        # A call that is open and was not ours before needs no array; one that left us does, and only the array tells.
        if self._one_by_one() and changed and all(c.open and c in calls for c in self._calls.values()):
            for call in changed:
                socket.send(self._frames.one_call(call, socket.user))
        else:
            socket.send(self._frames.call_state(socket.user))

    def _everyone(self, sockets: list[SimSocket]) -> None:
        if not sockets:
            self._calls, self._ended = {}, False
        if not self._calls:
            return
        now, many = self._pbx.clock.now, len(self._pbx.calls)
        if many > FREE_LIST and now < self._next_list:
            if self._late is None:
                self._late = self._pbx.clock.at(self._next_list - now, self._late_list)
            return
        self._next_list = now + many / ENTRIES_PER_SECOND
        changed, self._calls = self._calls, {}
        ended, self._ended = self._ended, False
        if self._one_by_one() and not ended:
            frames = [self._frames.one_call(call) for call in changed.values() if call.phase is not SimPhase.ENDED]
        else:
            frames = [self._frames.call_state()]
        for frame in frames:
            for socket in sockets:
                socket.send(frame)

    def _late_list(self) -> None:
        self._late = None
        self._everyone([s for s in self._sockets() if s.everyone])

    def _one_by_one(self) -> bool:
        return "calls-object" in self._frames.variants.frame()
