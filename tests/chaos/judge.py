"""What has to be so afterwards: model = PBX, gaps cover every outage and nothing else. Each breach is a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from pbxnb.model.entities import CallRecord, Gap, Snapshot
from pbxnb.simulator import Simulator
from tests.helpers.chaos_proxy import Passage

__all__ = ["contradictions", "differences", "truth", "wrong_gaps"]

TOLERANCE = 0.3  # seconds that a busy machine may put between an event and the notice of it

Truth = tuple[dict[str, Any], dict[str, Any]]

_STATES = {"ringing": "ringing", "queued": "ringing", "held": "held", "parked": "parked"}
_STRENGTH = ("ringing", "dialling", "busy", "held", "parked")


def truth(sim: Simulator) -> Truth:
    """Accounts and calls of the embedded PBX, from its own objects; call it on the simulator's loop."""
    pbx = sim.pbx
    calls: dict[str, Any] = {}
    doing: dict[str, list[str]] = {number: [] for number in pbx.accounts}
    for call in pbx.calls.values():
        state = _STATES.get(call.phase.value, "connected")
        calls[call.id] = (state, call.caller.number, call.called.number, frozenset(call.extensions))
        for number in {*call.accounts, *call.extensions, call.caller.number, call.called.number} & doing.keys():
            word = "busy" if state == "connected" else state
            doing[number].append("dialling" if word == "ringing" and number == call.caller.number else word)
    accounts = {}
    for number, account in pbx.accounts.items():
        registered, dnd = getattr(account, "registered", None), getattr(account, "dnd", None)
        idle = "offline" if registered is False else "idle"
        state = min(doing[number], key=_STRENGTH.index, default=idle)
        accounts[number] = (account.name, account.type, registered, dnd, state)
    return accounts, calls


def differences(expected: Truth, shown: Snapshot, *, old: bool) -> list[str]:
    """Where the model is not the PBX.

    Args:
        old: a PBX of 2016, which tells nothing of an account between two snapshots but its calls.
    """
    shown_calls = {
        call.id: (call.state.value, call.from_.number, call.to.number, frozenset(call.extensions))
        for call in shown.calls.values()
    }
    shown_accounts = {
        account.number: (account.name, account.type, account.registered, account.dnd, account.state.value)
        for account in shown.accounts.values()
    }
    wanted_accounts = expected[0]
    if old:
        shown_accounts, wanted_accounts = (
            {k: v[:2] for k, v in each.items()} for each in (shown_accounts, expected[0])
        )
    return [*_unequal("call", expected[1], shown_calls), *_unequal("account", wanted_accounts, shown_accounts)]


def contradictions(shown: Snapshot, closed: Sequence[CallRecord]) -> Iterator[str]:
    """What no model can say, whatever the PBX is."""
    for call in shown.calls.values():
        talk = shown.conversations.get(call.conversation)
        if talk is None or call.id not in talk.calls or talk.ended_at is not None:
            yield f"call {call.id} is open, and its conversation is {talk}"
    for account in shown.accounts.values():
        if lost := set(account.calls) - shown.calls.keys():
            yield f"account {account.number} has calls that are not there: {lost}"
    for record in closed:
        if record.inferred and not record.gap:
            yield f"call {record.call.id} ended by inference outside any gap"


def _unequal(what: str, wanted: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(wanted.keys() | shown.keys()):
        if wanted.get(key) != shown.get(key):
            yield f"{what} {key}: the PBX has {wanted.get(key)}, the model {shown.get(key)}"


def wrong_gaps(
    gaps: Sequence[Gap],
    passages: Sequence[Passage],
    *,
    live: Sequence[float],
    again: Sequence[float],
    interval: float,
    stale: float,
    end: float,
) -> Iterator[str]:
    """Where the gaps are not the outages.

    Args:
        gaps: as the status has them.
        passages: the sockets there were.
        live: when the line became live on a new socket, each time, seconds of the wall clock.
        again: the same, and when a silence was over.
        interval: seconds between the client's pings: on a sound line the last sign of life is no older.
        stale: a longer silence, seconds, is a gap.
        end: when it was closed.
    """
    spans = [(gap.start.timestamp(), gap.end.timestamp() if gap.end else end) for gap in gaps]
    if not live:
        return
    for this, after in zip(passages, [*passages[1:], None], strict=True):
        gone = this.gone or end
        if gone < live[0] or gone >= end - TOLERANCE:  # it had no time left to notice
            continue
        back = after.opened if after is not None and after.opened else min(end, gone + 1e-3)
        if not _covered(spans, gone, back):
            yield f"the socket was gone from {gone:.3f} to {back:.3f}, and the gaps are {_told(spans)}"
        if this.by_client and this.troubled is None and not this.silences:
            yield f"the client hung up at {gone:.3f} on a line that was sound"
    for passage in passages:
        for start, stop in passage.silences:
            heard = any((passage.opened or 0.0) <= moment <= start for moment in live)  # it was live, on this socket
            if (
                stop - start > stale + TOLERANCE
                and heard
                and stop <= end
                and not _covered(spans, start, stop - TOLERANCE)
            ):
                yield f"nothing came from {start:.3f} to {stop:.3f}, and the gaps are {_told(spans)}"
    for (_, before), (start, _) in pairwise(sorted(spans)):
        if start < before:
            yield f"a gap begins at {start:.3f}, before the former one ends at {before:.3f}"
    for start, stop in spans:
        yield from (
            f"the gap from {start:.3f} to {stop:.3f} goes on although the line was live again at {moment:.3f}"
            for moment in again
            if start + TOLERANCE < moment < stop - TOLERANCE
        )
        causes = [
            passage
            for passage in passages
            if any(start - TOLERANCE <= moment <= stop + TOLERANCE for moment in (passage.gone or 0.0, *_ends(passage)))
        ]
        began = min((_trouble(p) for p in causes), default=None)
        if began is None:
            yield f"there is a gap from {start:.3f} to {stop:.3f}, and nothing was wrong then"
        elif start < began - interval - TOLERANCE:
            yield f"the gap of {start:.3f} began {began - start:.3f} s before anything was wrong"


def _ends(passage: Passage) -> Iterator[float]:
    return (stop for _, stop in passage.silences)


def _trouble(passage: Passage) -> float:
    """When something was first wrong with a socket."""
    return min(
        [passage.gone or float("inf"), *filter(None, [passage.troubled]), *(start for start, _ in passage.silences)]
    )


def _covered(spans: Sequence[tuple[float, float]], start: float, stop: float) -> bool:
    """Whether gaps, one after the other, reach from ``start`` to ``stop``."""
    reached = start
    for begin, end in sorted(spans):
        if begin <= reached + TOLERANCE:
            reached = max(reached, end)
    return reached >= stop


def _told(spans: Sequence[tuple[float, float]]) -> str:
    return ", ".join(f"{start:.3f} to {stop:.3f}" for start, stop in spans) or "none"
