"""Every constant of the line's behaviour in one frozen value, so that tests run the same rules on a quick clock.

All are seconds unless said otherwise. The defaults are those of architecture.md 4.3; no other module of the client
holds a number of time.
"""

from __future__ import annotations

import msgspec

__all__ = ["Timing"]


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
    session_age: float = 1800.0
