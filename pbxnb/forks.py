"""What a forked child puts right: of all threads only the one that forked lives on there.

Threads of ours, their loops and sockets are the parent's: whoever has one ends in the child and touches none of them.
A lock that another thread held at that moment would stay held for ever: in the child all are free. Both are told here;
the one hook of the process is set with the first thread of ours.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar, Protocol, TypeVar
from weakref import WeakSet

__all__ = ["SENTENCE", "end_in_child", "free_in_child"]

SENTENCE = "It belongs to another process, from which this one was forked."

L = TypeVar("L")


class Owner(Protocol):
    """Something that lives by a thread, or with one that does."""

    def forked(self) -> None:
        """We are in a forked child: end, without a word to anybody, whose callbacks are the parent's."""


class _Known:
    locks: ClassVar[WeakSet[Any]] = WeakSet()
    owners: ClassVar[WeakSet[Any]] = WeakSet()
    hooked: ClassVar[bool] = False

    @classmethod
    def forked(cls) -> None:
        for lock in tuple(cls.locks):
            lock._at_fork_reinit()  # noqa: SLF001 - as the standard library does with its own
        for owner in tuple(cls.owners):
            owner.forked()


def free_in_child(lock: L) -> L:
    """Return this new lock or condition, which nobody will hold in a forked child."""
    _Known.locks.add(lock)
    return lock


def end_in_child(owner: Owner) -> None:
    """Call ``owner.forked()`` in every forked child, as long as it is alive."""
    _Known.owners.add(owner)
    if not _Known.hooked and hasattr(os, "register_at_fork"):
        _Known.hooked = True
        os.register_at_fork(after_in_child=_Known.forked)
