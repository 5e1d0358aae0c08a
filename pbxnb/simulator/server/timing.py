"""Every constant of the embedded PBX's server in one frozen value, so that tests run the same rules on small ones."""

from __future__ import annotations

import msgspec

__all__ = ["TIMING", "Timing"]


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Times in real seconds unless said otherwise, and the limits of what waits.

    Attributes:
        held: a clock that waits for its first client runs this long after the first socket opened in any case.
        take: a client has this long to take what was sent before `Simulator.advance` goes on without it.
        answer: a call from another thread waits this long for the simulator's loop.
        close: a client has this long to answer a close frame.
        shutdown: a request has this long to end when the server stops.
        token_life: a login token can be exchanged this long (protocol.md 2.3).
        session_life: a session lives this long after its last use (rest.md 1.5).
        media: virtual seconds after the answer within which the client must answer the PBX's offer (protocol.md 4.8).
        timers: so many timers (a count) run before the sockets have their turn.
        burst: so many frames (a count) are taken from one client before the others have their turn.
        outbox_frames: a client that leaves more frames (a count) unread is dropped ...
        outbox_bytes: ... or more bytes.
    """

    held: float = 1.0
    take: float = 0.2
    answer: float = 10.0
    close: float = 1.0
    shutdown: float = 0.2
    token_life: float = 10.0
    session_life: float = 3600.0
    media: float = 2.0
    timers: int = 256
    burst: int = 64
    outbox_frames: int = 20_000
    outbox_bytes: int = 64 * 2**20


TIMING = Timing()
"""The defaults."""
