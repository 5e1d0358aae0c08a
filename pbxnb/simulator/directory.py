"""Who is there on the embedded PBX: one tenant's accounts, its clock, and those who watch it.

The base of `exchange`, which moves calls, and of `pbx`, which takes commands. It knows no call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pbxnb.errors import SimulatorError

from .accounts import Account, Agent, Attendant, Conference, Extension, HuntGroup, Orbit, Queue
from .calls import Change, End, Kind
from .clock import Clock, Timer

__all__ = ["Directory"]


class Directory:
    """The accounts of one tenant, in the order they were added."""

    def __init__(self, domain: str, clock: Clock) -> None:
        self.domain = domain
        self.clock = clock
        self.accounts: dict[str, Account] = {}
        self._queues: list[Queue] = []
        self._observers: list[Callable[[Change], None]] = []

    # -- what there is -------------------------------------------------------------------------------------------

    def add(self, account: Account) -> None:
        """Put an account into service.

        Raises:
            SimulatorError: the number is empty or taken.
        """
        if not account.number or account.number in self.accounts:
            raise SimulatorError(f"The number {account.number!r} is empty or taken in {self.domain}.")
        self.accounts[account.number] = account
        if isinstance(account, Queue):
            self._queues.append(account)

    def add_extension(self, number: str, name: str = "", department: str = "", *, registered: bool = True) -> Extension:
        """Add an extension, registered with one phone and online unless told otherwise."""
        extension = Extension(number, name or number, department)
        if registered:
            extension.phones.append("desk phone")
            extension.chat_status = "online"
        self.add(extension)
        return extension

    def add_queue(
        self,
        number: str,
        name: str,
        agents: Iterable[str] = (),
        *,
        ring_for: float = 15.0,
        wrap_up: float = 10.0,
        max_wait: float | None = None,
        then: str = "",
    ) -> Queue:
        """Add a queue whose agents are logged in; ``then`` is where callers go after ``max_wait`` seconds."""
        members = {n: Agent(n, login_at=self.clock.now, idle_since=self.clock.now) for n in agents}
        queue = Queue(number, name, members, ring_for, wrap_up, max_wait, then)
        self.add(queue)
        return queue

    def add_hunt_group(
        self, number: str, name: str, members: Iterable[str], *, ring_for: float = 30.0, then: str = ""
    ) -> HuntGroup:
        """Add a hunt group that rings all free members at once, then goes to ``then``."""
        group = HuntGroup(number, name, tuple(members), ring_for, then)
        self.add(group)
        return group

    def add_attendant(self, number: str, name: str, menu: Mapping[str, str]) -> Attendant:
        """Add an auto attendant; ``menu`` maps digits to numbers."""
        attendant = Attendant(number, name, dict(menu))
        self.add(attendant)
        return attendant

    def add_orbit(self, number: str, name: str = "") -> Orbit:
        """Add a park orbit."""
        orbit = Orbit(number, name or f"Orbit {number}")
        self.add(orbit)
        return orbit

    def add_conference(self, number: str, name: str) -> Conference:
        """Add a conference room."""
        room = Conference(number, name)
        self.add(room)
        return room

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def extensions(self) -> list[Extension]:
        """All extensions, in the order they were added."""
        return [a for a in self.accounts.values() if isinstance(a, Extension)]

    @property
    def queues(self) -> list[Queue]:
        """All queues."""
        return list(self._queues)

    @property
    def orbits(self) -> list[Orbit]:
        """All park orbits."""
        return [a for a in self.accounts.values() if isinstance(a, Orbit)]

    def extension(self, number: str) -> Extension | None:
        """The extension of that number, if there is one."""
        account = self.accounts.get(number)
        return account if isinstance(account, Extension) else None

    def has_phone(self, number: str) -> bool:
        """True for an extension with a phone registered: somebody can lift a receiver."""
        extension = self.extension(number)
        return extension is not None and extension.registered

    def end(self, number: str, name: str = "") -> End:
        """``number`` as one end of a call; what is no account of the tenant is outside."""
        account = self.accounts.get(number)
        if account is None:
            return End(number, name, external=True)
        return End(number, name or account.name, extension=isinstance(account, Extension))

    # -- telling -------------------------------------------------------------------------------------------------

    def subscribe(self, fn: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``fn`` after every change; returns what ends that."""
        self._observers.append(fn)
        return lambda: self._observers.remove(fn) if fn in self._observers else None

    def at(self, delay: float, fn: Callable[[], object]) -> Timer:
        """Run ``fn`` after ``delay`` virtual seconds."""
        return self.clock.at(delay, fn)

    def tell(self, change: Change) -> None:
        """Tell the observers."""
        for observer in tuple(self._observers):
            observer(change)

    def account_changed(self, number: str) -> None:
        """An account looks different, apart from its calls."""
        self.tell(Change(Kind.ACCOUNT, (number,)))
