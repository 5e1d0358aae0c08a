"""What has ended is given back as it was, within one bound in bytes, and what had to go is counted."""

from __future__ import annotations

import random
import tracemalloc
from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb.model.entities import Call, CallState, Party, Phase
from pbxnb.model.past.memory import Memory, Packed
from pbxnb.model.past.presence import Axis, PresenceLog
from pbxnb.model.tracks import EndedCall
from tests.model.model_kit import T0, Desk, at, call

# Half of a surrogate pair is a text that Python holds and most encodings do not.
halves = st.just("\ud800\udfff")  # of one character, which they must not become
texts = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x00\ud800\udfff<&"), max_size=12) | halves
moments = st.datetimes(timezones=st.just(UTC))
numbers = st.integers() | st.floats(allow_nan=False)
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
parties = st.builds(Party, texts, texts, texts, texts)
phones = st.lists(texts, max_size=3).map(tuple)
calls = st.builds(
    Call,
    id=texts, from_=parties, to=parties, state=st.sampled_from(CallState), raw_state=texts,
    started_at=st.none() | moments, connected_at=st.none() | moments, since=st.none() | moments, first_seen=moments,
    phase=st.sampled_from(Phase), extensions=phones, recording=st.booleans(), queue=texts, conversation=texts,
    inferred=st.booleans(), extra=st.dictionaries(texts, plain, max_size=3),
)  # fmt: skip
spans = st.tuples(st.sampled_from(CallState), st.sampled_from(Phase), phones, texts, texts, moments)
seconds = st.floats(0, 1e9)
ended = st.builds(
    EndedCall, calls, moments, seconds, seconds, seconds, st.booleans(), st.booleans(), st.booleans(), texts, moments,
    st.lists(spans, min_size=1, max_size=4),
)  # fmt: skip


def packed(most: int = 2**30) -> Packed[EndedCall, tuple[EndedCall, str]]:
    return Memory(most).rows(EndedCall, lambda row, note: (row, note))


@settings(max_examples=200, deadline=None)
@given(st.lists(ended, max_size=12), st.integers(1, 40_000))
def test_every_row_is_given_back_as_it_was_put_in_in_its_order(rows: list[EndedCall], size: int):
    kept = packed()
    for row in rows:
        kept.append(row, size * 200)  # so large that some are packed and some wait
    assert [row for row, _ in kept.taken()] == rows
    assert len(kept) == len(kept.taken()) == len(rows)


@settings(max_examples=200, deadline=None)
@given(ended, texts, texts)
def test_a_record_made_later_is_the_record_made_at_once(row: EndedCall, conversation: str, domain: str):
    kept = Memory().rows(EndedCall, lambda row, note: row.record(note, domain))
    number = kept.append(row, 2**30)
    kept.note(number, conversation)
    assert [*kept.taken()] == [row.record(conversation, domain)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 600_000), st.text(max_size=3)), max_size=60))
def test_notes_stand_at_their_rows_whether_those_are_packed_wait_or_are_gone(steps: list[Any]):
    kept, row, expected = packed(2**20), an_ended_call("1"), list[str]()
    for back, size, note in steps:
        expected.append("")
        kept.append(row, size)
        number = max(0, len(expected) - 1 - back)
        expected[number] = note
        kept.note(number, note)
    assert [note for _, note in kept.taken()] == expected[kept.dropped :]


def an_ended_call(key: str, name: str = "", seconds: float = 0) -> EndedCall:
    start, end = at(seconds), at(seconds + 30)
    value = Call(id=key, from_=Party("+15550100", name, "acme.example", ""), started_at=start, extensions=("204",))
    span = (CallState.CONNECTED, Phase.TALKING, ("204",), "+15550100", "204", end)
    return EndedCall(value, end, 0.0, 30.0, 0.0, True, False, False, "", start, [span])


@pytest.mark.parametrize("most", [0, 1, 50_000, 1_000_000])
def test_memory_holds_no_more_than_its_bound_and_counts_what_went(most: int):
    kept = packed(most)
    for n in range(3_000):
        kept.append(an_ended_call(str(n), f"{n}" * 50, n), 2_000)
    found = [row.call.id for row, _ in kept.taken()]
    assert kept.dropped + len(found) == 3_000
    assert found == [str(n) for n in range(kept.dropped, 3_000)]
    assert kept.dropped > 0 or most == 1_000_000


def test_names_without_end_take_no_more_memory_than_the_bound():
    desk = Desk(memory=2 * 2**20)
    noise = random.Random(1)
    tracemalloc.start()
    try:
        for n in range(3_000):
            desk.calls(call(str(n), f'"{noise.randbytes(1_000).hex()}" <sip:+1555{n:06}@a>', "207"), after=0.1)
            desk.calls(after=0.1)
        desk.calls(after=61)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert desk.store.dropped.calls + len(desk.store.closed_calls()) == 3_000
    assert desk.store.dropped.calls > 0
    assert held < 4 * 2**20


def test_the_oldest_goes_first_whatever_it_is():
    memory = Memory(400_000)
    kept = memory.rows(EndedCall, lambda row, _: row)
    log = PresenceLog(memory=memory)
    for n in range(4_000):  # presence first, then calls
        log.begin(at(n), at(n), n)
        log.put("204", Axis.CHAT_STATUS, f"{n * 7919}", "account.user-state")
    before = len(log.ended)
    assert log.ended.dropped == 0
    for n in range(20_000):
        kept.append(an_ended_call(f"{n * 7919}", f"{n}" * 20, 5_000 + n), 2_000)
    assert len(log.ended) < before
    assert log.ended.dropped + len(log.ended) == before
    assert log.ended.dropped > 0
    assert kept.dropped > 0


def test_a_walk_sees_one_moment_and_may_be_repeated():
    desk = Desk()
    for n in range(300):
        desk.calls(call(str(n), "204", "207"), after=1)
        desk.calls(after=1)
    taken = desk.store.closed_calls()
    walk = iter(taken)
    first = next(walk)
    desk.calls(call("later", "204", "207"), after=1)
    desk.calls(after=1)
    assert [first, *walk] == [*taken]
    assert len(taken) == 300
    assert len(desk.store.closed_calls()) == 301


@pytest.mark.parametrize(("start", "end"), [(900, None), (None, 100), (500, 520), (None, None), (2_000, 3_000)])
def test_blocks_of_another_time_need_not_be_read(start: int | None, end: int | None):
    kept = packed()
    for n in range(2_000):
        kept.append(an_ended_call(str(n), seconds=n), 0)  # each lasts 30 s
    bounds = [None if bound is None else T0 + timedelta(seconds=bound) for bound in (start, end)]
    found = [int(row.call.id) for row, _ in kept.taken().during(*bounds)]
    first, last = -1 if start is None else start - 30, 2_000 if end is None else end
    assert {n for n in range(2_000) if first <= n <= last} <= {*found}
    packed_rows = [n for n in found if n < 2_000 // 256 * 256]
    assert all(first - 256 <= n <= last + 256 for n in packed_rows)
