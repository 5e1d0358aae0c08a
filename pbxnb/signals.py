"""`Signal`: a list of functions that are called with each value, in order; one that fails does not stop the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pbxnb.forks import free_in_child
from pbxnb.text import clean_logger

__all__ = ["Assignable", "Signal"]

_LOG = clean_logger("pbxnb")
_T = TypeVar("_T")


class Signal(Generic[_T]):
    """Functions that want each value; call the signal to fire it.

    Listeners may come and go from any thread, also while the signal fires; one added meanwhile gets the next value.
    An error of a listener is logged with its traceback, and the others are still called.

    Args:
        report: called with the error of a listener instead of the log.

    Attributes:
        listeners: the functions, oldest first; empty when nobody listens.

    Example:
        >>> changed: Signal[int] = Signal()
        >>> stop = changed.add(print)
        >>> changed(45)
        45
        >>> stop()
        >>> changed(46)
    """

    __slots__ = ("_entries", "_lock", "_report", "listeners")

    def __init__(self, report: Callable[[BaseException], object] | None = None) -> None:
        self.listeners: tuple[Callable[[_T], object], ...] = ()
        self._entries: tuple[list[Callable[[_T], object]], ...] = ()  # a list has its own identity: fn may be in twice
        self._lock = free_in_child(threading.Lock())
        self._report = report

    def add(self, fn: Callable[[_T], object]) -> Callable[[], None]:
        """Call ``fn(value)`` from now on.

        Returns:
            The stop, which may be called more than once.
        """
        entry = [fn]
        with self._lock:
            self._set((*self._entries, entry))

        def stop() -> None:
            with self._lock:
                self._set(tuple(other for other in self._entries if other is not entry))

        return stop

    def __call__(self, *values: _T) -> None:
        """Call every listener with each value, one value after the other."""
        for value in values:
            for fn in self.listeners:
                try:
                    fn(value)
                except BaseException as error:  # noqa: BLE001 - whatever a listener does wrong, the others go on
                    if self._report is None:
                        _LOG.exception("A callback failed. The others go on.")
                    else:
                        self._report(error)

    def _set(self, entries: tuple[list[Callable[[_T], object]], ...]) -> None:
        self._entries = entries
        self.listeners = tuple(fn for (fn,) in entries)


class Assignable(Generic[_T]):
    """A signal as an attribute of a class: ``x.on_event.add(fn)`` adds a listener, ``x.on_event = fn`` sets one.

    The signal itself is the instance's attribute of the same name with an underscore in front.
    """

    def __set_name__(self, _owner: type, name: str) -> None:
        self._signal, self._stop = f"_{name}", f"_stop_{name}"

    def __get__(self, owner: Any, _type: type | None = None) -> Signal[_T]:
        signal: Signal[_T] = getattr(owner, self._signal)
        return signal

    def __set__(self, owner: Any, fn: Callable[[_T], object]) -> None:
        vars(owner).pop(self._stop, lambda: None)()
        vars(owner)[self._stop] = self.__get__(owner).add(fn)
