"""Who hears of what: collects the changes of one event and sends each frame once to all who see the same.

The engine calls `Push.note` inside its commands; `Push.flush`, after them, renders the settled state. A frame therefore
never shows a state between two steps of one move. It knows frames only as text and sockets only as outboxes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .accounts import Extension, Orbit
from .calls import Call, Change, Kind, Phase
from .clock import Timer
from .pbx import Pbx
from .quirks import Dialect
from .sockets import Socket
from .wire import Wire

__all__ = ["Push"]

FREE_LIST = 50
ENTRIES_PER_SECOND = 5_000.0
"""A list longer than ``FREE_LIST`` calls is repeated so rarely that this many entries a virtual second are sent."""


class Push:
    """The pushes of one tenant.

    Args:
        pbx: whose changes.
        wire: renders them.
        sockets: the tenant's sockets now.
    """

    def __init__(self, pbx: Pbx, wire: Wire, sockets: Callable[[], Iterable[Socket]]) -> None:
        self._pbx = pbx
        self._wire = wire
        self._sockets = sockets
        self._accounts: dict[str, None] = {}
        self._calls: dict[str, Call] = {}
        self._ended = False
        self._extras: list[tuple[str, str]] = []
        self._orbits = False
        self._next_list = 0.0
        self._late: Timer | None = None
        pbx.subscribe(self.note)

    def note(self, change: Change) -> None:
        """Remember what changed until the flush."""
        match change.kind:
            case Kind.CHAT:
                receiver, sender = change.accounts
                self._extras.append((receiver, self._wire.action("chat", dest=sender, message=change.text)))
                return
            case Kind.MISSED if self._wire.dialect is Dialect.MODERN:
                extension = self._pbx.extension(change.accounts[0])
                count = extension.missed if extension else 0
                self._extras.append((change.accounts[0], self._wire.action("missed-calls", count=count)))
                return
            case Kind.RECORDING if self._wire.dialect is Dialect.MODERN and change.call is not None:
                name = "rec-start" if change.call.recording else "rec-stop"
                self._extras += [(n, self._wire.action(name, id=change.call.id)) for n in change.call.extensions]
                return
            case Kind.MISSED | Kind.RECORDING | Kind.CALL_REFUSED:
                return
        self._accounts.update(dict.fromkeys(change.accounts))
        self._orbits = self._orbits or any(isinstance(self._pbx.accounts.get(n), Orbit) for n in change.accounts)
        if change.call is not None:
            self._calls[change.call.id] = change.call
            self._ended = self._ended or change.kind is Kind.CALL_ENDED

    def setting_changed(self, number: str) -> None:
        """A setting of an account was changed by its user: modern says so to the own sockets."""
        if self._wire.dialect is Dialect.MODERN:
            self._extras.append((number, self._wire.action("user-change", account=number)))

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
                frame = self._wire.user_state(number)
                for socket in listeners:
                    socket.send(frame)
        for socket in sockets:
            if socket.own and socket.user in accounts:
                self._own(socket)
            if lamps := [n for n in accounts if n in socket.lamps]:
                socket.send(self._wire.blf(lamps))
        if orbits and (listeners := [s for s in sockets if s.orbits]):
            frame = self._wire.orbits()
            for socket in listeners:
                socket.send(frame)
        by_user: dict[str, list[Socket]] = {}
        for socket in sockets:
            by_user.setdefault(socket.user, []).append(socket)
        for number, frame in extras:
            for socket in by_user.get(number, ()):
                socket.send(frame)
        self._everyone([s for s in sockets if s.everyone])

    def _own(self, socket: Socket) -> None:
        calls = self._pbx.calls_of(socket.user)
        changed = [c for c in calls if c.id in self._calls]
        # A call that is open and was not ours before needs no array; one that left us does, and only the array tells.
        if self._one_by_one() and changed and all(c.open and c in calls for c in self._calls.values()):
            for call in changed:
                socket.send(self._wire.one_call(call, socket.user))
        else:
            socket.send(self._wire.call_state(socket.user))

    def _everyone(self, sockets: list[Socket]) -> None:
        if not sockets:
            self._calls, self._ended = {}, False
        if not self._calls:
            return
        now, many = self._pbx.clock.now, len(self._pbx.calls)
        if many > FREE_LIST and now < self._next_list:
            if self._late is None:
                self._late = self._pbx.at(self._next_list - now, self._late_list)
            return
        self._next_list = now + many / ENTRIES_PER_SECOND
        changed, self._calls = self._calls, {}
        ended, self._ended = self._ended, False
        if self._one_by_one() and not ended:
            frames = [self._wire.one_call(call) for call in changed.values() if call.phase is not Phase.ENDED]
        else:
            frames = [self._wire.call_state()]
        for frame in frames:
            for socket in sockets:
                socket.send(frame)

    def _late_list(self) -> None:
        self._late = None
        self._everyone([s for s in self._sockets() if s.everyone])

    def _one_by_one(self) -> bool:
        return "calls-object" in self._wire.manners.frame()

    def sees_domain(self, user: str) -> bool:
        """True when the extension may see the tenant's calls."""
        extension = self._pbx.accounts.get(user)
        return isinstance(extension, Extension) and extension.sees_domain

    def supervises(self, user: str) -> bool:
        """True when the extension may command the tenant's calls."""
        extension = self._pbx.accounts.get(user)
        return isinstance(extension, Extension) and extension.supervises
