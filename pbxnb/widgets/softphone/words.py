"""What the softphone shows of a call, as text and plain values for the page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pbxnb.model.entities import Orbit
from pbxnb.phone.leg import LegState, MediaState
from pbxnb.phone.quality import Quality
from pbxnb.text import clean

from .page_call import PageCall
from .page_calls import PageCalls

__all__ = ["orbit_menu", "quality_text", "shown", "state_word"]

MOST_ORBITS = 50
WORDS = {
    LegState.DIALLING: "Dialling",
    LegState.EARLY: "Ringing there",
    LegState.RINGING: "Calling you",
    LegState.CONNECTING: "Connecting",
    LegState.TALKING: "In call",
    LegState.HELD_HERE: "On hold",
    LegState.HELD_THERE: "Held by the other side",
    LegState.HELD_BOTH: "On hold at both ends",
    LegState.ENDING: "Hanging up",
    LegState.ENDED: "Ended",
}


def state_word(call: PageCall) -> str:
    """Return how people say where a call stands."""
    leg = call.leg.leg
    if leg.state is LegState.CONNECTING and leg.media is MediaState.STALLED:
        return "Answered, no audio"
    return WORDS[leg.state]


def shown(calls: PageCalls, call: PageCall | None) -> dict[str, Any] | None:
    """Return what a page needs to know of a call; None where there is none."""
    if call is None:
        return None
    leg = call.leg.leg
    return {
        "leg": call.leg.number,
        "state": str(leg.state),
        "word": state_word(call),
        "party": calls.text(call.leg.party),
        "since": call.answered or call.began,
        "muted": leg.muted,
        "held": leg.held,
        "recording": call.leg.call is not None and call.leg.call.recording,
        "trouble": trouble(call),
        "quality": quality_text(call.quality),
        "warnings": [notice.text for notice in _in_force(call.quality)],
    }


def trouble(call: PageCall) -> str:
    """Return what is wrong with the sound of an answered call, a sentence; empty where nothing is."""
    leg = call.leg.leg
    if call.leg.silence:
        return call.leg.silence
    if leg.media is MediaState.STALLED:
        begun = "Nothing has been heard for 3 s." if leg.state is not LegState.CONNECTING else "No audio came for 3 s."
        return f"{begun} Is UDP between this page and the PBX blocked?"
    if leg.media is MediaState.ONE_WAY:
        return "The other side does not hear you: what you send does not arrive."
    return ""


def quality_text(quality: Quality) -> str:
    """Return the newest second in one line; empty before the first."""
    newest = quality.newest
    if newest is None or newest.mos is None:
        return ""
    trip = f" · round trip {newest.round_trip * 1000:.0f} ms" if newest.round_trip is not None else ""
    return f"{newest.mos_text} · {newest.loss or 0:.0%} lost · jitter {newest.jitter * 1000:.0f} ms{trip}"


def _in_force(quality: Quality) -> list[Any]:
    newest = {notice.name: notice for notice in quality.notices if not notice.cleared}
    return [newest[name] for name in quality.warnings if name in newest]


def orbit_menu(orbits: Mapping[str, Orbit]) -> list[list[str]]:
    """Return the orbits that are free, as number and text."""
    free = [orbit for orbit in orbits.values() if not orbit.parked][:MOST_ORBITS]
    return [[orbit.number, clean(f"{orbit.number} {orbit.name}".strip(), 40)] for orbit in free]
