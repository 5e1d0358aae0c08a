"""Pacing: a few ahead, then merged batches ever more slowly, and the page is right after any of them."""

from __future__ import annotations

import itertools
import random

from pbxnb.ui.pacing import Pacer
from pbxnb.ui.timing import Timing

NEVER = float("-inf")


def test_two_batches_may_be_ahead_and_need_only_the_one_before() -> None:
    pacer = Pacer(Timing())
    assert pacer.due() == NEVER
    assert pacer.sent({"a"}, now=10.0) == (1, 0)
    assert pacer.due() == NEVER
    assert pacer.sent({"b"}, now=10.05) == (2, 1)
    assert pacer.due() == 10.55


def test_a_late_batch_repeats_what_is_not_acknowledged() -> None:
    pacer = Pacer(Timing())
    pacer.sent({"a"}, now=0.0)
    pacer.sent({"b"}, now=0.0)
    assert pacer.merging
    assert pacer.merged({"c"}) == {"a", "b", "c"}
    assert pacer.sent({"a", "b", "c"}, now=0.5) == (3, 0)


def test_an_acknowledgement_frees_the_pace_and_what_it_covers() -> None:
    pacer = Pacer(Timing())
    for keys in ({"a"}, {"b"}):
        pacer.sent(keys, now=0.0)
    pacer.acknowledge(1)
    assert pacer.due() == NEVER
    pacer.sent({"c"}, now=0.1)
    assert pacer.merged(set()) == {"b", "c"}
    pacer.acknowledge(3)
    assert pacer.merged({"d"}) == {"d"}


def test_the_window_opens_while_acknowledgements_return_promptly_and_closes_when_they_do_not() -> None:
    pacer, now = Pacer(Timing()), 0.0

    def burst() -> int:
        before = pacer.number
        while pacer.due() == NEVER:
            pacer.sent({"a"}, now=now)
        return pacer.number - before

    sent = []
    for late in (0.2, 0.2, 0.6, 0.2, None, 0.2):  # None: the page has said hello, which answers no batch
        sent.append(burst())
        now += late or 9.0
        pacer.acknowledge(pacer.number, now=None if late is None else now)
    assert sent == [2, 8, 8, 2, 8, 8]


def test_a_page_that_sleeps_gets_two_a_second_then_one_in_five() -> None:
    pacer, sent = Pacer(Timing()), []
    for beat in range(20 * 60):
        if beat / 20 >= pacer.due():
            pacer.sent({"a"}, now=beat / 20)
            sent.append(beat / 20)
    steps = [round(later - earlier, 2) for earlier, later in itertools.pairwise(sent)]
    assert steps == [0.05] + [0.5] * 28 + [5.0] * (len(steps) - 29)
    assert pacer.merged(set()) == {"a"}


def test_numbers_a_page_cannot_know_are_ignored() -> None:
    pacer = Pacer(Timing())
    pacer.sent({"a"}, now=0.0)
    pacer.sent({"a"}, now=0.0)
    for wrong in (-1, 0, 3, 10**9):
        pacer.acknowledge(wrong)
    assert pacer.outstanding == 2
    pacer.acknowledge(2)
    pacer.acknowledge(1)
    assert pacer.outstanding == 0


def test_after_the_whole_state_nothing_before_it_is_needed() -> None:
    pacer = Pacer(Timing())
    pacer.sent({"a"}, now=0.0)
    pacer.sent({"b"}, now=0.0)
    assert pacer.sent_full(now=1.0) == (3, 0)
    assert pacer.merged({"c"}) == {"c"}
    assert pacer.sent({"c"}, now=2.0) == (4, 3)


def test_whatever_is_lost_on_the_way_the_next_usable_batch_makes_the_page_right() -> None:
    """A page that drops, loses and delays at random ends with the newest values, or knows that it misses some."""
    for seed in range(200):
        chance = random.Random(seed)
        pacer, truth, page, reached = Pacer(Timing()), {}, {}, 0
        wire: list[tuple[int, int, dict[str, int]]] = []
        dirty: set[str] = set()
        now = 0.0
        for step in range(200):
            now += 0.05
            key = chance.choice("abcdef")
            truth[key] = step
            dirty.add(key)
            if now >= pacer.due():
                keys, dirty = pacer.merged(dirty), set()
                batch = {key: truth[key] for key in keys}
                number, since = pacer.sent(keys, now=now)
                if chance.random() > 0.2:
                    wire.append((number, since, batch))
            if wire and chance.random() < 0.5:
                number, since, batch = wire.pop(0)
                if since > reached:
                    page, wire = dict(truth), []
                    pacer.acknowledge(pacer.number)
                    reached, _ = pacer.sent_full(now=now)
                elif number > reached:
                    page.update(batch)
                    reached = number
                if chance.random() < 0.7:
                    pacer.acknowledge(reached)
        # The line is quiet now: what is on it arrives, and one more batch goes.
        keys = pacer.merged(dirty)
        wire.append((*pacer.sent(keys, now=now), {key: truth[key] for key in keys}))
        usable = True
        for number, since, batch in wire:
            if number > reached and (usable := since <= reached):
                page.update(batch)
                reached = number
        assert page == truth or not usable, seed
