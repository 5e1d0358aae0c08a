"""One second of a call in numbers."""

from __future__ import annotations

from datetime import datetime

import msgspec

__all__ = ["Sample"]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One second of a call.

    Attributes:
        at: its end, on the PBX's clock.
        sent, received, lost, late: packets of this second; a late one came, and too late to be heard.
        jitter: how unevenly packets come, seconds (RFC 3550 6.4.1).
        delay: how long a packet waits here to be heard, seconds.
        round_trip: to the other side and back, seconds; None while not known.
        level_in: of what is heard, dB below the loudest; -100 is silence.
        level_out: of what is sent; None while muted or held.
        far_lost: share that the other side says it lost; None while it says nothing.
        mos: mean opinion score, 1 to 4.5; None where no packet should have come.
        estimated: whether the opinion takes values for the codec that are not the ITU's, as for opus.
        warnings: names of those in force.
    """

    at: datetime
    sent: int
    received: int
    lost: int
    late: int
    jitter: float
    delay: float
    round_trip: float | None
    level_in: float
    level_out: float | None
    far_lost: float | None = None
    mos: float | None = None
    estimated: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def loss(self) -> float | None:
        """Share of the packets that nobody heard; None where none should have come."""
        expected = self.received + self.lost
        return min(1.0, (self.lost + self.late) / expected) if expected else None

    @property
    def mos_text(self) -> str:
        """The opinion for people: an estimate says so."""
        if self.mos is None:
            return "no opinion: nothing came"
        return f"MOS {'about ' if self.estimated else ''}{self.mos:.1f}{', an estimate' if self.estimated else ''}"
