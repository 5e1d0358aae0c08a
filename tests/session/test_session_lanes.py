"""The lanes without a line: queues, the callback lane, subscriptions, waiting."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest

from pbxnb.errors import ConfigError, HandleClosed, StreamOverrun, WaitTimeout, WrongThread
from pbxnb.loops import fail, fulfil
from pbxnb.model.changes import Event
from pbxnb.model.entities import Account, Call, Party
from pbxnb.session.events.callbacks import CallbackLane
from pbxnb.session.events.matching import event_matcher
from pbxnb.session.events.queueing import EventQueue, Tally
from pbxnb.session.events.subscriptions import OneEvent, Subscriptions
from pbxnb.session.pending import Pending
from pbxnb.session.waiting import block, settled

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def event(kind: str = "call.new", n: int = 0, **kw) -> Event:
    return Event(kind=kind, received=NOW, seq=n, **kw)


def call(id_: str = "1", **kw) -> Call:
    return Call(id=id_, since=NOW, **kw)


@pytest.fixture
def lane():
    lane = CallbackLane()
    yield lane
    lane.stop(0)
    assert lane.join(5)


# ---- the bounded queue ----


def test_a_full_queue_drops_its_oldest_messages_and_counts_them():
    tally = Tally()
    queue = EventQueue(tally, limit=4)
    for item, may_go in [("m1", True), ("s1", False), ("m2", True), ("s2", False), ("m3", True), ("s3", False)]:
        queue.put(item, may_go=may_go)
    assert [queue.get() for _ in range(5)] == ["s1", "s2", "m3", "s3", None]
    assert tally.count == 2


def test_state_events_never_go_however_many():
    tally = Tally()
    queue = EventQueue(tally, limit=3)
    for n in range(10):
        queue.put(n)
    queue.put("a message", may_go=True)
    assert [queue.get() for _ in range(10)] == list(range(10))
    assert tally.count == 1


def test_what_waits_is_bounded_by_bytes_too():
    tally = Tally()
    queue = EventQueue(tally, most_bytes=100)
    for n in range(10):
        queue.put(n, may_go=True, size=40)
        queue.put(str(n))
    assert tally.count == 8
    assert [queue.get() for _ in range(13)] == [*map(str, range(8)), 8, "8", 9, "9", None]
    queue.put("large", may_go=True, size=1000)
    queue.put("kept", size=99)
    assert not queue.full
    queue.put("more", size=1)
    assert queue.full
    assert [queue.get() for _ in range(3)] == ["kept", "more", None]
    assert not queue.full


async def test_a_stream_of_large_events_ends_before_it_fills_the_memory(caplog):
    subscriptions = Subscriptions(CallbackLane())
    stream = subscriptions.stream("call.*")
    for n in range(100):
        subscriptions.publish(event(n=n, size=2**20))
    assert [(await anext(stream)).seq for _ in range(64)] == list(range(64))
    with pytest.raises(StreamOverrun, match="36 events are lost"):
        await anext(stream)


# ---- the callback lane ----


def test_jobs_run_in_order_on_the_callback_thread(lane):
    seen, done = [], threading.Event()
    for n in range(100):
        lane.post(lambda n=n: seen.append((n, threading.current_thread().name)))
    lane.post(done.set)
    assert done.wait(5)
    assert seen == [(n, "pbxnb-callbacks") for n in range(100)]


def test_a_failing_job_is_logged_and_the_next_one_runs(lane, caplog):
    done = threading.Event()
    lane.post(lambda: 1 / 0)
    lane.post(done.set)
    assert done.wait(5)
    assert "ZeroDivisionError" in caplog.text


ANY_ERROR = [SystemExit, asyncio.CancelledError, KeyboardInterrupt, pytest.fail.Exception]


@pytest.mark.parametrize("error", ANY_ERROR)
def test_nothing_that_user_code_raises_ends_the_lane_or_goes_unsaid(lane, caplog, error):
    def fails(*_):
        raise error("enough")

    subscriptions, done, future = Subscriptions(lane), threading.Event(), Future()
    lane.post(fails)
    subscriptions.on("call.new", fails)
    subscriptions.publish(event())
    lane.until(fails, future)
    with pytest.raises(error):
        future.result(5)
    lane.post(done.set)
    assert done.wait(5)
    assert [r.exc_info[0] for r in caplog.records] == [error, error]


@pytest.mark.parametrize("error", ANY_ERROR)
async def test_nothing_that_a_coroutine_handler_raises_ends_its_events_or_its_loop(lane, caplog, error):
    seen = asyncio.Queue()

    async def fails(e):
        seen.put_nowait(e.seq)
        raise error("enough")

    subscriptions = Subscriptions(lane)
    subscriptions.on("call.new", fails)
    for n in (1, 2):
        subscriptions.publish(event(n=n))
        assert await asyncio.wait_for(seen.get(), 5) == n
    assert [r.exc_info[0] for r in caplog.records] == [error]  # the 1st, 10th ...


async def test_a_coroutine_handler_whose_loop_ends_lets_it(lane, caplog):
    begun = asyncio.Event()

    async def waits(_):
        begun.set()
        await asyncio.Event().wait()

    subscriptions = Subscriptions(lane)
    subscriptions.on("call.new", waits)
    before = asyncio.all_tasks()
    subscriptions.publish(event())
    await begun.wait()
    (task,) = asyncio.all_tasks() - before
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not caplog.records


class NoTruth:
    """As a table of pandas: neither true nor comparable."""

    def __bool__(self):
        raise ValueError("ambiguous")

    def __eq__(self, other):
        return self

    __hash__ = None


def test_a_value_that_is_neither_true_nor_false_fails_its_waiter_and_nobody_else(lane):
    one, other = Future(), Future()
    lane.until(NoTruth, one)
    with pytest.raises(ValueError, match="ambiguous"):
        one.result(5)
    subscriptions, edge = Subscriptions(lane), Future()
    subscriptions.add("call.new", OneEvent(event_matcher("call.new", {"id": NoTruth()}), edge))
    subscriptions.add("call.new", OneEvent(event_matcher("call.new", {"id": "1"}), other))
    subscriptions.publish(event(call=call()))
    assert other.result(5)
    with pytest.raises(ValueError, match="ambiguous"):
        edge.result(0)


def test_a_lane_nobody_uses_has_no_thread():
    lane = CallbackLane()
    lane.changed()
    lane.stop(0)
    assert not [t for t in threading.enumerate() if t.name == "pbxnb-callbacks"]


def test_a_condition_is_tried_at_once_and_after_changes(lane):
    values = iter([False, False, "yes"])
    tried = threading.Semaphore(0)

    def test():
        tried.release()
        return next(values)

    future: Future = Future()
    lane.until(test, future)
    for _ in range(2):
        assert tried.acquire(timeout=5)
        lane.changed()
    assert future.result(5) == "yes"


def test_the_error_of_a_condition_is_the_waiters(lane):
    future: Future = Future()
    lane.until(lambda: {}["missing"], future)
    with pytest.raises(KeyError, match="missing"):
        future.result(5)


def test_the_end_settles_open_and_later_conditions(lane):
    early, late = Future(), Future()
    lane.until(lambda: False, early)
    lane.refuse(HandleClosed("over"))
    lane.until(lambda: True, late)
    for future in (early, late):
        with pytest.raises(HandleClosed, match="over"):
            future.result(5)


def test_what_is_queued_at_the_end_still_runs_but_not_for_long(lane):
    seen, release, begun = [], threading.Event(), threading.Event()
    lane.post(lambda: (begun.set(), release.wait(5)))
    lane.post(lambda: seen.append("queued"))
    assert begun.wait(5)
    lane.stop(within=5)
    release.set()
    assert lane.join(5)
    assert seen == ["queued"]


# ---- subscriptions ----


def test_globs_choose_events(lane):
    subscriptions, seen, done = Subscriptions(lane), [], threading.Event()
    subscriptions.on("call.*", lambda e: seen.append(e.kind))
    subscriptions.on("gap", lambda e: done.set())
    for kind in ("message", "call.new", "account.changed", "call.ended", "gap"):
        subscriptions.publish(event(kind))
    assert done.wait(5)
    assert seen == ["call.new", "call.ended"]


def test_an_impossible_kind_is_refused_with_the_nearest(lane):
    with pytest.raises(ConfigError, match=r"did you mean 'call\.changed'\?"):
        Subscriptions(lane).on("call.change", print)


def test_unsubscribing_twice_is_harmless_and_stops_the_events(lane):
    subscriptions, seen = Subscriptions(lane), []
    stop = subscriptions.on("*", seen.append)
    stop()
    stop()
    subscriptions.publish(event())
    assert seen == []


def test_a_handler_that_always_fails_is_reported_the_first_and_tenth_time(lane, caplog):
    subscriptions, done = Subscriptions(lane), threading.Event()

    def broken(_):
        raise RuntimeError("mine")

    subscriptions.on("call.new", broken)
    subscriptions.on("gap", lambda _: done.set())
    for _ in range(12):
        subscriptions.publish(event())
    subscriptions.publish(event("gap"))
    assert done.wait(5)
    records = [r for r in caplog.records if "broken" in r.getMessage()]
    assert [r.args[1] for r in records] == [1, 10]
    assert all(r.exc_info for r in records)


async def test_a_coroutine_handler_runs_on_the_loop_that_subscribed_it(lane):
    subscriptions, seen, loop = Subscriptions(lane), [], asyncio.get_running_loop()
    done = asyncio.Event()

    async def handler(e):
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)  # the next event waits for this one
        seen.append(e.seq)
        if e.seq == 99:
            done.set()

    subscriptions.on("call.new", handler)
    await asyncio.to_thread(lambda: [subscriptions.publish(event(n=n)) for n in range(100)])
    await asyncio.wait_for(done.wait(), 5)
    assert seen == list(range(100))


def test_a_coroutine_handler_without_a_loop_is_refused(lane):
    async def handler(_): ...

    with pytest.raises(ConfigError, match="no event loop"):
        Subscriptions(lane).on("call.new", handler)


async def test_a_stream_keeps_the_events_since_its_making_and_ends_with_the_handle(lane):
    subscriptions = Subscriptions(lane)
    stream = subscriptions.stream("call.*")
    subscriptions.publish(event(n=1))
    ender = asyncio.create_task(asyncio.to_thread(lambda: (time.sleep(0.01), subscriptions.publish(event(n=2)))))
    seen = [(await anext(stream)).seq, (await anext(stream)).seq]
    await ender
    subscriptions.end(HandleClosed("over"))
    assert seen == [1, 2]
    assert [e async for e in stream] == []


async def test_a_stream_that_nobody_reads_says_so_once_and_ends_after_what_it_kept(lane, caplog):
    subscriptions = Subscriptions(lane)
    stream = subscriptions.stream("*")
    stream._buffer.queue.limit = 5
    subscriptions.publish(event("message"))
    for n in range(9):
        subscriptions.publish(event(n=n))
    subscriptions.publish(event("message"))
    assert [r.getMessage() for r in caplog.records] == ["Nobody reads events('*'): 5 wait, and the stream ends here."]
    assert [(await anext(stream)).seq for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(StreamOverrun, match=r"5 events are lost.*snapshot\(\)") as caught:
        await anext(stream)
    assert caught.value.lost == caught.value.data["lost"] == 5
    assert [e async for e in stream] == []
    assert subscriptions._all == ()
    assert lane.tally.count == 1  # the message


async def test_an_overrun_is_said_even_where_the_handle_has_closed(lane):
    subscriptions = Subscriptions(lane)
    stream = subscriptions.stream("*")
    stream._buffer.queue.limit = 1
    for n in range(3):
        subscriptions.publish(event(n=n))
    subscriptions.end(HandleClosed("over"))
    assert (await anext(stream)).seq == 0
    with pytest.raises(StreamOverrun):
        await anext(stream)


def test_a_handler_that_is_too_far_behind_is_named_once(lane, caplog):
    lane._jobs.limit = 3
    subscriptions, release = Subscriptions(lane), threading.Event()
    subscriptions.on("*", lambda _: release.wait(5))
    for n in range(20):
        subscriptions.publish(event(n=n))
    release.set()
    assert [r.getMessage() for r in caplog.records] == [
        "A handler holds up all the others of this handle: more than 3 events wait that may not be dropped."
    ]


async def test_every_reader_of_one_stream_is_woken(lane):
    subscriptions = Subscriptions(lane)
    stream = subscriptions.stream("*")
    readers = [asyncio.create_task(anext(stream)) for _ in range(2)]
    await asyncio.sleep(0)  # both wait now
    for n in (1, 2):
        subscriptions.publish(event(n=n))
    async with asyncio.timeout(5):
        assert {e.seq for e in await asyncio.gather(*readers)} == {1, 2}


async def test_a_stream_nobody_holds_is_unsubscribed(lane):
    subscriptions = Subscriptions(lane)
    async for _ in _after_one(subscriptions):
        break
    gc.collect()
    assert subscriptions._all == ()


def _after_one(subscriptions):
    stream = subscriptions.stream("*")
    subscriptions.publish(event())
    return stream


def test_waiting_for_one_event_by_its_fields():
    future: Future = Future()
    one = OneEvent(event_matcher("call.ended", {"id": "7", "to": "204"}), future)
    one.deliver(event("call.ended", call=call("6", to=Party(number="204"))))
    assert not future.done()
    one.deliver(event("call.ended", call=call("7", to=Party(number="204", name="Anna"))))
    assert future.result(0).call.id == "7"


def test_a_call_stands_for_itself_however_it_changed():
    match = event_matcher("call.*", {"call": call("7", raw_state="ringing")})
    assert match(event("call.changed", call=call("7", raw_state="connected")))
    assert not match(event("call.changed", call=call("8")))


def test_an_account_event_is_matched_by_account_fields_and_its_own():
    match = event_matcher("account.changed", {"number": "45", "removed": True})
    assert match(event("account.changed", account=Account(number="45", since=NOW), removed=True))
    assert not match(event("account.changed", account=Account(number="45", since=NOW)))


def test_a_field_that_no_such_event_has_is_a_type_error():
    with pytest.raises(TypeError, match="did you mean 'recording'"):
        event_matcher("call.new", {"recordng": True})


# ---- pendings ----


def pending(future, post=lambda job: job(), later=lambda s, fn: fn()):
    return Pending(future, "outcome of 'dial'", post=post, later=later)


async def test_a_pending_is_awaitable_many_times_and_from_many_loops():
    future: Future = Future()
    waiting = pending(future)
    threading.Timer(0.01, lambda: fulfil(future, 42)).start()
    assert await waiting == 42
    assert await waiting == 42
    assert await asyncio.to_thread(lambda: asyncio.run(_wait(waiting))) == 42


async def _wait(waiting):
    return await waiting


async def test_cancelling_an_await_leaves_the_pending_alone():
    waiting = pending(future := Future())
    task = asyncio.create_task(_wait(waiting))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not future.cancelled()
    fulfil(future, 1)
    assert await waiting == 1


def test_cancel_stops_the_waiting_and_a_late_result_is_ignored():
    waiting = pending(future := Future())
    assert waiting.cancel()
    assert waiting.cancelled()
    fulfil(future, 1)
    fail(future, ValueError())
    assert waiting.cancelled()
    assert "no longer" in repr(waiting)


def test_result_times_out_and_can_be_asked_again():
    waiting = pending(future := Future())
    with pytest.raises(WaitTimeout, match=r"0\.01 s"):
        waiting.result(0.01)
    fulfil(future, "yes")
    assert waiting.result() == "yes"


def test_a_failure_nobody_reads_is_logged_and_one_that_is_read_is_not(caplog):
    later = []
    for read in (False, True):
        future: Future = Future()
        waiting = pending(future, later=lambda s, fn: later.append(fn))
        fail(future, ValueError("lost"))
        if read:
            with pytest.raises(ValueError, match="lost"):
                waiting.result()
    for fn in later:
        fn()
    assert len([r for r in caplog.records if "lost" in r.getMessage()]) == 1


def test_a_blocking_wait_on_our_own_thread_raises_unless_it_is_done(lane):
    future: Future = Future()
    caught: Future = Future()

    def job():
        try:
            block(future, None, "it")
        except WrongThread as error:
            caught.set_result(error)

    lane.post(job)
    assert "pbxnb-callbacks" in str(caught.result(5))
    future.set_result(1)
    answer: Future = Future()
    lane.post(lambda: answer.set_result(pending(future).result()))
    assert answer.result(5) == 1


async def test_an_await_wakes_up_five_times_a_second(monkeypatch):
    beats, third = [], asyncio.Event()
    real = asyncio.wait

    async def counting(*args, timeout):
        beats.append(timeout)
        if len(beats) == 3:
            third.set()
        return await real(*args, timeout=0.001)

    monkeypatch.setattr(asyncio, "wait", counting)
    future: Future = Future()
    task = asyncio.create_task(settled(future))
    await third.wait()
    future.set_result(None)
    await task
    assert set(beats) == {0.2}
