"""What a page says of the sound of its call, in the terms of the media of the kernel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

from pbxnb.media.wire import Quality

__all__ = ["of_page"]

SILENT = -100.0
"""dB of silence."""
LARGEST = 2.0**53
MOST_REPORTS = 100


def of_page(reports: Iterable[Mapping[str, Any]], before: Iterable[Mapping[str, Any]] = ()) -> Quality:
    """What a page's ``RTCPeerConnection.getStats()`` says of the sound, as the media of the kernel count it.

    Args:
        reports: as the page sends them: anything may be in them.
        before: those of a second ago, from which the delay is reckoned; without them it is that of the whole call.
    """
    now, then = _Reports(reports), _Reports(before)
    waited, heard = (
        now.number("inbound-rtp", name) - then.number("inbound-rtp", name)
        for name in ("jitterBufferDelay", "jitterBufferEmittedCount")
    )
    trips = [("remote-inbound-rtp", "roundTripTime"), ("candidate-pair", "currentRoundTripTime")]
    lost = now.number("remote-inbound-rtp", "fractionLost", None)
    return Quality(
        sent=int(now.number("outbound-rtp", "packetsSent")),
        received=int(now.number("inbound-rtp", "packetsReceived")),
        lost=int(now.number("inbound-rtp", "packetsLost")),
        late=int(now.number("inbound-rtp", "packetsDiscarded")),
        jitter=now.number("inbound-rtp", "jitter"),
        delay=waited / heard if waited > 0 and heard > 0 else 0.0,
        round_trip=next((found for trip in trips if (found := now.number(*trip, None)) is not None), None),
        level_in=_decibels(now.number("inbound-rtp", "audioLevel")),
        level_out=_decibels(now.number("media-source", "audioLevel")),
        far_lost=None if lost is None else min(1.0, lost),
    )


class _Reports:
    """The first report of each type."""

    def __init__(self, reports: Iterable[Mapping[str, Any]]) -> None:
        self._of: dict[str, Mapping[str, Any]] = {}
        for report in itertools.islice(reports, MOST_REPORTS):
            if isinstance(report, Mapping):
                self._of.setdefault(str(report.get("type")), report)

    def number(self, type_: str, name: str, otherwise: Any = 0.0) -> Any:
        """A number that can be; negative ones, as of packets that came twice, are none at all."""
        value = self._of.get(type_, {}).get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
            return otherwise
        return max(0.0, float(value))


def _decibels(level: float) -> float:
    """A level from 0 to 1."""
    return max(SILENT, 20 * math.log10(min(1.0, level))) if level > 0 else SILENT
