"""What the softphone says, and shows of a call, as text and plain values for the page. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pbxnb.model.entities import Orbit
from pbxnb.phone.leg import LegState, MediaState
from pbxnb.phone.quality import Quality
from pbxnb.protocol.parties import Party
from pbxnb.text import clean

from .page_call import PageCall
from .page_calls import PageCalls

__all__ = [
    "TEXTS", "elsewhere", "idle", "orbit_menu", "quality_text", "shown", "state_word", "status_text", "takeover_text",
]  # fmt: skip

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


TONES = {
    LegState.EARLY: "dialling",
    LegState.CONNECTING: "busy",
    LegState.TALKING: "busy",
    LegState.HELD_HERE: "held",
    LegState.HELD_THERE: "held",
    LegState.HELD_BOTH: "held",
    LegState.ENDING: "idle",
}
"""The state of an extension, with its shape and colour, that a call's is most like, where that has another name."""
TEXTS = {
    # buttons
    "answer": "Answer",
    "dial": "Call",
    "reject": "Reject",
    "hangup": "Hang up",
    "resume": "Resume",
    "hold": "Hold",
    "unmute": "Unmute",
    "mute": "Mute",
    "transfer": "Transfer",
    "park": "Park",
    "complete": "Connect both",
    "sound": "Enable sound",
    "test": "Test microphone",
    "stop": "Stop the test",
    # what the person can do about a microphone of this kind
    "refused": "The browser was told to keep the microphone from this page: the sign beside the address allows it. "
    "You can still listen.",
    "missing": "No microphone was found: plug one in. You can still listen.",
    "busy": "The microphone does not answer, perhaps because another program holds it: close that one. "
    "You can still listen.",
    "insecure": "This page is not secure (ORIGIN), so the browser hides the microphone. Open it as https, or tunnel: "
    "ssh -L TUNNEL. You can still listen.",
    "blocked by host": "The page around this notebook keeps the microphone from it, as VS Code does. Open the notebook "
    "in a browser tab of its own; the kernel's own phone (pbx.phone) works here. You can still listen.",
    "listen only": "Your microphone is left out: you hear the others, they do not hear you.",
    # what the page finds
    "elsewhere": "In use in another tab",
    "speak": "Speak: after 3 s you hear yourself.",
    "silent": "The kernel has not answered for SECONDS s. The call goes on until 15 s.",
    "alone": "The kernel is silent: the call was ended here.",
}
"""What the page says by itself; words in capitals are its own to fill in."""


def elsewhere(calls: PageCalls) -> dict[str, str]:
    """Return why what needs the sound of a page cannot be done in one that has not the phone."""
    why = "The phone is in use in another tab." if calls.owner.page else "This page is asking for the phone."
    return {"dial": why, "answer": why}


def status_text(calls: PageCalls, *, protected: bool) -> str:
    """Return how the phone stands with the PBX; a line that anybody on the way can read is called so."""
    return f"{calls.phone.account} {calls.phone.line.registrar.state}{'' if protected else ' · not protected'}"


def takeover_text(calls: PageCalls) -> str:
    """Return the word on the button that takes the phone to another page."""
    if not calls.calls:
        return "Take over"
    return f"Take over: {'ends' if calls.on_page_close == 'hangup' else 'parks'} its calls"


def idle(calls: PageCalls) -> dict[str, Any]:
    """Return what is shown in the place of a call where there is none."""
    party = calls.text(Party(calls.phone.account))
    return {"state": "idle", "tone": "idle", "word": "Ready to call", "party": party, "quality": ""}


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
        "tone": TONES.get(leg.state, str(leg.state)),
        "word": f"{state_word(call)}{', muted' if leg.muted else ''}",
        "party": calls.text(call.leg.party),
        "since": call.answered or call.began,
        "recording": call.leg.call is not None and call.leg.call.recording,
        "trouble": trouble(call) or " ".join(notice.text for notice in _in_force(call.quality)),
        "quality": quality_text(call.quality),
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
    """Return the orbits that are free, as number and text: many a PBX names orbit 71 "Orbit 71"."""
    free = [orbit for orbit in orbits.values() if not orbit.parked][:MOST_ORBITS]
    names = [one.name if one.number in one.name else f"{one.number} {one.name}".rstrip() for one in free]
    return [[one.number, clean(name, 40)] for one, name in zip(free, names, strict=True)]
