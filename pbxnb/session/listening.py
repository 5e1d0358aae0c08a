"""What a handle says by itself: handlers, streams of events, and waiting. `Pbx` takes each function as a method."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from pbxnb.arguments import check_function, helpful_keywords
from pbxnb.model.changes import Event

from .events.subscriptions import EventStream
from .line import Line
from .pending import Pending
from .registry import REGISTRY


class Listened(Protocol):
    """What listening needs of the handle."""

    _line: Line


H = TypeVar("H", bound=Listened)
T = TypeVar("T")


def on(self: Listened, kind: str, fn: Callable[[Event], Any]) -> Callable[[], None]:
    """Call ``fn(event)`` for every event of ``kind``.

    A plain function runs on the callback lane, in order; a coroutine function on the loop that calls `on`, one event
    after the other. Dropped when the cell it was subscribed in runs again.

    Args:
        kind: ``message``, ``call.new``, ``call.changed``, ``call.ended``, ``account.changed``, ``connection``,
            ``gap``, or a glob such as ``call.*``.
        fn: the handler. Its errors are logged and never stop the line.

    Returns:
        The unsubscribe.

    Raises:
        ConfigError: no event can ever match ``kind``, or ``fn`` is no function.

    Example:
        >>> stop = pbx.on("call.new", lambda event: print(event.call))
        >>> stop()
    """
    check_function("fn", fn)
    unsubscribe = self._line.subscriptions.on(kind, fn)
    forget = REGISTRY.cells.remember(unsubscribe)

    def stop() -> None:
        unsubscribe()
        forget()

    return stop


def events(self: Listened, kind: str = "*") -> EventStream:
    """The events of ``kind`` as an async iterator, which ends with the handle; kinds as for `on`.

    Raises:
        StreamOverrun: while iterating: nobody read it for 100,000 events; its ``lost`` came after those.

    Example:
        >>> stream = pbx.events("call.*")
        >>> event = await anext(stream)
    """
    stream = self._line.subscriptions.stream(kind)
    weakref.finalize(stream, REGISTRY.cells.remember(stream.unsubscribe))
    return stream


@helpful_keywords
def until(self: H, predicate: Callable[[H], T], timeout: float | None = None) -> Pending[T]:
    """Wait until ``predicate(pbx)`` is true; the result is what it returned.

    It is tried at once and after changes, on the callback lane, with the newest state: a state that came and went in
    between may be skipped (for edges, `wait_for`). Its exception is the waiter's. The end of the only waiter, or of
    the `Pending`, ends it; asked again, it begins anew.

    Args:
        predicate: reads, and returns something true when the wait is over.
        timeout: seconds; None waits as long as it takes.

    Example:
        >>> await pbx.until(lambda pbx: pbx.extensions.where(state="busy"), timeout=60)
        [...]
    """
    check_function("predicate", predicate, plain=True)
    return self._line.until(lambda: predicate(self), timeout)


def wait_for(self: Listened, kind: str, timeout: float | None = None, **match: Any) -> Pending[Event]:
    """Wait for the next event of ``kind`` whose fields, or whose call's or account's fields, match.

    The end of the only waiter, or of the `Pending`, ends it; asked again, it begins anew.

    Args:
        kind: as for `on`.
        timeout: seconds; None waits as long as it takes.
        match: values to have; a call or account may stand for itself: ``wait_for("call.ended", call=call)``.

    Raises:
        TypeError: a field that such events do not have.
        ConfigError: no event can ever match ``kind`` and ``match``.

    Example:
        >>> event = await pbx.wait_for("call.new", timeout=60)
        >>> event.kind
        'call.new'
    """
    return self._line.wait_for(kind, timeout, match)
