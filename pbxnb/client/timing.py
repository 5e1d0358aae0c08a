"""Every constant of the line's behaviour in one frozen value, so that tests run the same rules on a quick clock; turns.

All are seconds unless said otherwise. The defaults are those of architecture.md 4.3; no other module of the client
holds a number of time.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

__all__ = ["Timing", "Turns"]

_MOST = 10_000  # that wait for their turn


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The client's clockwork.

    Attributes:
        ask_after: without a ``domain-state`` this long after the socket opened, ask with ``get-users``, ``get-calls``.
        rest_after: that much later, without accounts, read them by REST.
        live_after: this long after the socket opened the line counts as live, whatever is missing.
        stable_after: a line that was live this long resets the back-off.
        backoff_base: the first wait is drawn from 0 to this; each further one from twice as much.
        backoff_cap: no wait is drawn from more than this.
        restart_within: the wait after the first orderly close of a live line is drawn from 0 to this.
        attempts: never more connection attempts than this (a count) ...
        attempts_within: ... in so long.
        refused_for: a line that was live believes that its login is refused after so long, and three refusals in a row.
        close_timeout: how long a server may take to answer our close before we hang up.
        stale_pings: the line is stale after this many ping intervals (a count) without a frame or a pong.
        tick: how often the model's time-driven rules run.
        catch_up: after a frame that could not be read the state is asked for again, never more often than this.
        read_every: queues and orbits are re-read this often while somebody looks.
        read_gap: never read one queue, or the orbits, more often than this.
        read_apart: never begin two of these reads within less than this: ten a second, however many queues there are.
        session_age: a login older than this is renewed before REST is used (web sessions last an hour, rest.md 1.5).
    """

    ask_after: float = 0.5
    rest_after: float = 1.0
    live_after: float = 3.0
    stable_after: float = 5.0
    backoff_base: float = 1.0
    backoff_cap: float = 30.0
    restart_within: float = 1.0
    attempts: int = 8
    attempts_within: float = 10.0
    refused_for: float = 60.0
    close_timeout: float = 0.5
    stale_pings: int = 2
    tick: float = 1.0
    catch_up: float = 10.0
    read_every: float = 30.0
    read_gap: float = 1.0
    read_apart: float = 0.1
    session_age: float = 1800.0


class Turns:
    """Who may be read next: each now and then, all together at one rate. Moments are seconds of any one clock.

    Args:
        gap: seconds between two turns of one.
        apart: seconds between any two turns.
        ahead: of those that somebody looks at: they go before whoever has not waited so many seconds longer.

    Example:
        >>> turns = Turns(gap=1.0, apart=0.1, ahead=30.0)
        >>> turns.want("600", now=0.0)
        >>> turns.take(0.0), turns.take(0.0)
        ('600', None)
    """

    def __init__(self, gap: float, apart: float, ahead: float) -> None:
        self._gap = gap
        self._apart = apart
        self._ahead = ahead
        self._due: dict[str, float] = {}
        self._urgent: set[str] = set()
        self._last: dict[str, float] = {}
        self._free = float("-inf")

    def want(self, key: str, now: float, *, after: float = 0.0, urgent: bool = False) -> None:
        """Give it a turn, ``after`` so many seconds; before all others where somebody waits for the answer."""
        if key in self._due or len(self._due) < _MOST:
            due = max(now + after, self._last.get(key, float("-inf")) + self._gap)
            self._due[key] = min(due, self._due.get(key, due))
            if urgent:
                self._urgent.add(key)

    def take(self, now: float, shown: Callable[[str], bool] = lambda _key: False) -> str | None:
        """Whose turn it is now, if anybody's: of those that are due, who has waited longest."""
        due = [key for key, when in self._due.items() if when <= now] if now >= self._free else []
        if not due:
            return None
        key = min(due, key=lambda key: (key not in self._urgent, self._due[key] - self._ahead * shown(key)))
        del self._due[key]
        self._urgent.discard(key)
        if len(self._last) >= _MOST:
            self._last = {old: when for old, when in self._last.items() if when + self._gap > now}
        self._last[key] = now
        self._free = now + self._apart
        return key

    def wait(self, now: float) -> float | None:
        """Seconds until somebody's turn; None while nobody waits."""
        return max(0.0, min(self._due.values()) - now, self._free - now) if self._due else None
