"""The directory of one tenant of the embedded PBX: its accounts, and who may see or command what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from pbxnb.errors import SimulatorError

from .accounts import SimAccount, SimAgent, SimExtension, SimHuntGroup, SimOrbit, SimQueue
from .calls import SimParty

__all__ = ["SimDirectory"]

A = TypeVar("A", bound=SimAccount)


class SimDirectory:
    """The accounts of one tenant, in the order they were added; in ``accounts`` by number.

    Args:
        utc_offset: seconds that its wall clock is ahead of UTC; the days of its queues begin by it.
    """

    def __init__(self, domain: str, utc_offset: float = 0.0) -> None:
        self.domain = domain
        self.utc_offset = utc_offset
        self.accounts: dict[str, SimAccount] = {}
        self._queues: list[SimQueue] = []
        self._last_id = 1000

    def add(self, account: A) -> A:
        """Put an account into service and return it.

        Raises:
            SimulatorError: the number is empty or taken.
        """
        if not account.number or account.number in self.accounts:
            raise SimulatorError(f"The number {account.number!r} is empty or taken in {self.domain}.")
        self._last_id += 1
        account.id = self._last_id
        self.accounts[account.number] = account
        if isinstance(account, SimQueue):
            account.days.utc_offset = self.utc_offset
            self._queues.append(account)
        return account

    def remove(self, number: str) -> None:
        """Take an account out of service, and out of the queues and groups it serves."""
        account = self.accounts.pop(number)
        if isinstance(account, SimQueue):
            self._queues.remove(account)
        for queue in self._queues:
            queue.agents.pop(number, None)
        for other in self.accounts.values():
            if isinstance(other, SimHuntGroup):
                other.members = tuple(member for member in other.members if member != number)

    def add_extension(
        self, number: str, name: str = "", department: str = "", *, registered: bool = True
    ) -> SimExtension:
        """Add an extension, registered with one phone and online by default."""
        extension = SimExtension(number, name or number, department)
        if registered:
            extension.phones.append("desk phone")
            extension.chat_status = "online"
        return self.add(extension)

    def add_queue(
        self,
        number: str,
        name: str,
        agents: Iterable[str] = (),
        *,
        now: float = 0.0,
        ring_for: float = 15.0,
        wrap_up: float = 10.0,
        max_wait: float | None = None,
        then: str = "",
        managers: tuple[str, ...] = (),
    ) -> SimQueue:
        """Add a queue whose agents log in ``now``; ``then`` is where callers go after ``max_wait`` seconds."""
        members = {n: SimAgent(n, idle_since=now) for n in agents}
        return self.add(SimQueue(number, name, members, ring_for, wrap_up, max_wait, then, managers))

    @property
    def extensions(self) -> list[SimExtension]:
        """All extensions, in the order they were added."""
        return [a for a in self.accounts.values() if isinstance(a, SimExtension)]

    @property
    def queues(self) -> list[SimQueue]:
        """All queues."""
        return list(self._queues)

    @property
    def orbits(self) -> list[SimOrbit]:
        """All park orbits."""
        return [a for a in self.accounts.values() if isinstance(a, SimOrbit)]

    def extension(self, number: str) -> SimExtension | None:
        """The extension of that number, if there is one."""
        account = self.accounts.get(number)
        return account if isinstance(account, SimExtension) else None

    def sees_domain(self, number: str) -> bool:
        """True for an extension that may see the tenant's calls."""
        extension = self.extension(number)
        return extension is not None and extension.sees_domain

    def supervises(self, number: str) -> bool:
        """True for an extension that may command the tenant's calls."""
        extension = self.extension(number)
        return extension is not None and extension.supervises

    def has_phone(self, number: str) -> bool:
        """True for an extension with a phone registered: it can answer."""
        extension = self.extension(number)
        return extension is not None and extension.registered

    def end(self, number: str, name: str = "") -> SimParty:
        """``number`` as one end of a call; what is no account of the tenant is outside."""
        account = self.accounts.get(number)
        if account is None:
            return SimParty(number, name, external=True)
        return SimParty(number, name or account.name, extension=isinstance(account, SimExtension))
