"""`History`: what was, on the PBX's clock. Fed by the model's changes, read by every picture and panel of the past."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from pbxnb.model.changes import Changes, Event
from pbxnb.model.entities import Account, Call, CallRecord, Gap, Phase, Presence
from pbxnb.model.past.memory import Taken
from pbxnb.model.store import Store

from .calls import CallFollower
from .coverage import Interval, coverage_text
from .index import Block, Index, Joined
from .stories import LaneBy, Span, Story

__all__ = ["Conditions", "History", "shares"]

_KEPT = 300_000
"""Ended spans kept, about 100,000 calls; the oldest go first."""


CONDITIONS: dict[str, Callable[[Account], bool]] = {
    "registered": lambda account: account.registered is True,
    "offline": lambda account: account.registered is False,
    "dnd": lambda account: account.dnd is True,
}
_AXES = {("registered", "true"): "registered", ("registered", "false"): "offline", ("dnd", "true"): "dnd"}
"""By axis and value of an interval of presence, the condition that it is."""
_NOBODY = Story("")


def _differ(account: Account, before: Account) -> bool:
    return account.registered is not before.registered or account.dnd is not before.dnd


class Conditions:
    """The accounts' conditions.

    Attributes:
        past: by condition, its ended intervals; each account is a lane.
        since: by condition and number, from when on it holds; PBX time, seconds since 1970.
    """

    def __init__(self) -> None:
        self.past: Final = {name: Index(most=20_000) for name in CONDITIONS}
        self.since: dict[str, dict[str, float]] = {name: {} for name in CONDITIONS}

    def follow(self, number: str, account: Account | None, moment: float) -> None:
        """An account has another value since a moment; None when it is gone."""
        for name, holds in CONDITIONS.items():
            since = self.since[name]
            if account is not None and holds(account):
                since.setdefault(number, moment)
            elif number in since:
                began = since.pop(number)
                span = Span(number, Phase.OTHER, began, max(began, moment), (number,))
                self.past[name].put((span, _NOBODY))

    def recall(self, interval: Presence) -> None:
        """An account was so before it was followed; one that is so, was so already."""
        name, began = _AXES.get((interval.axis, interval.value)), interval.start.timestamp()
        if name is None:
            return
        if interval.end is None:
            if interval.number in self.since[name]:
                self.since[name][interval.number] = began
        else:
            span = Span(interval.number, Phase.OTHER, began, interval.end.timestamp(), (interval.number,))
            self.past[name].put((span, _NOBODY))


class History:
    """The session's past, of one handle. One thread feeds it, any thread reads it.

    All times are PBX time, seconds since 1970 where they are numbers.

    Args:
        model: what the changes are made in; its times are PBX time.
        gaps: reads when the line was down; kernel time.

    Attributes:
        model: the same; another one once a replay has jumped.
    """

    def __init__(self, model: Store, gaps: Callable[[], Sequence[Gap]] = tuple) -> None:
        self._gaps = gaps
        self.restart(model)

    # --- written on the I/O lane -------------------------------------------------------------------------------------

    def restart(self, model: Store, unknown: float = float("-inf")) -> None:
        """Begin anew, with a model that is another one.

        Args:
            unknown: before which nothing is known.
        """
        self.model = model
        self._lanes: dict[LaneBy, Index] = {by: Index(by, _KEPT) for by in ("extension", "call", "queue")}
        for index in self._lanes.values():
            index.lost = unknown
        self._unknown, self._joined = unknown, float("inf")
        self._follower = CallFollower(self._end, self._join)
        self.conditions: Conditions = Conditions()

    def feed(self, changes: Changes) -> None:
        """Take in what one message changed, before the model takes in the next."""
        events, model, follower = changes.events, self.model, self._follower
        for event in events:
            if (call := event.call) is not None:
                (follower.end if event.kind == "call.ended" else follower.follow)(call, self._moment(event))
            elif (account := event.account) is not None:
                before = event.before
                if event.removed or not isinstance(before, Account) or _differ(account, before):
                    self.conditions.follow(account.number, None if event.removed else account, self._moment(event))
        if not events:  # the first snapshot: what was never known is no news
            known = (*map(model.calls.get, changes.calls), *map(model.accounts.get, changes.accounts))
            self._joined = min([self._joined, *(one.first_seen.timestamp() for one in known if one)])
            for call in filter(None, map(model.calls.get, changes.calls)):
                follower.follow(call, (call.since or call.first_seen).timestamp())
            for account in filter(None, map(model.accounts.get, changes.accounts)):
                self.conditions.follow(account.number, account, account.first_seen.timestamp())
        for key in changes.conversations:
            if (conversation := model.conversations.get(key)) is not None:
                follower.settle(conversation)

    def recall(self, record: CallRecord) -> None:
        """Take in a call that had ended before this history began."""
        self._follower.recall(record)

    def known(self, since: float) -> None:
        """With what was recalled nothing is missing from a moment on, PBX time, seconds since 1970."""
        for index in self._lanes.values():
            index.lost = min(index.lost, since)

    def _moment(self, event: Event) -> float:
        return (event.at or self.model.clock.at(event.received)).timestamp()

    def _end(self, span: Span, story: Story) -> None:
        ended = (span, story)  # one for all
        for index in self._lanes.values():
            index.put(ended)

    def _join(self, old: str, new: str, spans: tuple[Span, ...]) -> None:
        self._lanes["call"].put(Joined(old, new, spans))

    # --- read from any thread ----------------------------------------------------------------------------------------

    @property
    def began(self) -> float:
        """From when on every call that ended is told, PBX time; infinite while nothing is known."""
        return max(self._unknown, self._joined)

    def lanes(self, by: LaneBy) -> Index:
        """The ended spans on lanes."""
        return self._lanes[by]

    def running(self, by: LaneBy) -> list[Block]:
        """The span that lasts of every open call, on its lanes, in order of start."""
        found = [
            Block(lane, phase, span, story)
            for span, story in self._follower.running()
            for lane, phase in story.lanes(span, by)
        ]
        return sorted(found, key=lambda block: (block.span.start, block.lane, block.call))

    def story(self, id: str) -> Story | None:  # noqa: A002 - the field's name
        """The story of a conversation, or of a call."""
        return self._follower.story(id)

    def closed_calls(self) -> Taken[CallRecord]:
        """The ended calls as they are now, oldest first."""
        return self.model.closed_calls()

    def open_calls(self) -> list[Call]:
        """The calls that go on."""
        return list(self.model.calls.values())

    def presence(self) -> Taken[Presence]:
        """Intervals of each axis of all accounts, as they are now: ended ones, then running ones."""
        return self.model.presence()

    def gaps(self) -> list[Interval]:
        """When nothing was known, as intervals."""
        return [(gap.start.timestamp(), gap.end.timestamp() if gap.end else None) for gap in self.unknown()]

    def unknown(self) -> list[Gap]:
        """When nothing was known, and why; PBX time."""
        at = self.model.clock.at
        return [Gap(at(gap.start), at(gap.end) if gap.end else None, gap.why) for gap in self._gaps()]

    def coverage(self, now: datetime) -> str:
        """What may be missing of all that, as a phrase; ``now`` is on the PBX's clock."""
        return coverage_text(self.unknown(), self.model.dropped, now)

    def shares(self, now: datetime) -> dict[str, dict[str, float]]:
        """Share of each account's observed time per state, 0 to 1, ``gap`` among them; they add up to 1."""
        return shares(self.presence(), self.gaps(), now.timestamp())

    def counts(self, now: datetime) -> dict[str, int]:
        """Conversations that go on, that began within the last minute, that wait; registered extensions."""
        listed = list(self.model.conversations.items())
        newest = now.timestamp()
        return {
            "calls": sum(one.state is not None for _, one in listed),
            "rate": sum(story.began > newest - 60 for story in self._stories(newest - 60, newest)),
            "waiting": sum(one.phase is Phase.QUEUED for _, one in listed),
            "registered": len(self._extensions(self.conditions.since["registered"])),
        }

    def samples(self, last: datetime, step: float, points: int) -> dict[str, list[int | None]]:
        """The same counts at earlier moments, oldest first; None where the line was down.

        Args:
            last: of the moments.
            step: seconds between two of them.
            points: how many.
        """
        newest = last.timestamp()
        first = newest - (points - 1) * step
        stories = self._stories(first - 60, newest)
        registered = self.conditions.past["registered"].blocks(first, newest + 1)
        since = dict(self.conditions.since["registered"])
        intervals: dict[str, list[Interval]] = {
            "calls": [(story.began, story.ended) for story in stories],
            # whoever began in the minute before a sample counts there
            "rate": [(story.began, story.began + 60) for story in stories],
            "waiting": [interval for story in stories for interval in story.queued],
            "registered": [(since[number], None) for number in self._extensions(since)],
        }
        ours = self._extensions([block.lane for block in registered])
        intervals["registered"] += [(block.span.start, block.span.end) for block in registered if block.lane in ours]
        down = counted_at([(first, self._lanes["call"].lost), *self.gaps()], first, step, points)
        return {
            name: [None if gone else n for n, gone in zip(counted_at(these, first, step, points), down, strict=True)]
            for name, these in intervals.items()
        }

    def _stories(self, start: float, end: float) -> Collection[Story]:
        """The conversations of a window, and those that go on; however many ended ones the model still shows."""
        ended = {block.call: block.story.whole for block in self._lanes["call"].blocks(start, end + 1)}
        return (ended | {story.id: story for _, story in self._follower.running()}).values()

    def _extensions(self, numbers: Sequence[str] | Mapping[str, float]) -> set[str]:
        accounts = self.model.accounts
        return {n for n in list(numbers) if (account := accounts.get(n)) is not None and account.type == "extensions"}


def counted_at(intervals: Iterable[Interval], first: float, step: float, points: int) -> list[int]:
    """How many half-open intervals contain each of ``points`` samples, ``step`` seconds apart from ``first`` on."""
    turns = [0] * (points + 1)
    for start, end in intervals:
        turns[_sample(start, first, step, points)] += 1
        turns[points if end is None else _sample(max(start, end), first, step, points)] -= 1
    counts, total = [], 0
    for turn in turns[:points]:
        total += turn
        counts.append(total)
    return counts


def _sample(moment: float, first: float, step: float, points: int) -> int:
    """Index of the first sample that is not before a moment."""
    if moment <= first:
        return 0
    return points if moment > first + (points - 1) * step else math.ceil((moment - first) / step - 1e-9)


def shares(presence: Iterable[Presence], gaps: Sequence[Interval], now: float) -> dict[str, dict[str, float]]:
    """Share of each account's observed time per state, 0 to 1, ``gap`` among them; they add up to 1.

    Args:
        presence: intervals; those of the axis ``state`` count, open ones up to ``now``.
        gaps: when the line was down.
        now: the end of the window.
    """
    seconds: dict[str, dict[str, float]] = {}
    for interval in presence:
        if interval.axis != "state":
            continue
        start, end = interval.start.timestamp(), interval.end.timestamp() if interval.end else now
        down = sum(max(0.0, min(end, now if until is None else until) - max(start, since)) for since, until in gaps)
        mine = seconds.setdefault(interval.number, {})
        mine[interval.value] = mine.get(interval.value, 0.0) + max(0.0, end - start - down)
        if down:
            mine["gap"] = mine.get("gap", 0.0) + down
    totals = {number: sum(mine.values()) for number, mine in seconds.items()}
    return {
        number: {state: spent / totals[number] for state, spent in mine.items()}
        for number, mine in seconds.items()
        if totals[number] > 0
    }
