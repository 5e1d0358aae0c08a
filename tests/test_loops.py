"""`LoopThread`: a loop in a thread, the work given to it, and what becomes of that at the end."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from pbxnb.loops import LoopThread, fail, fulfil


class Ended(Exception):
    pass


class Running:
    """A loop thread that runs until it is told to stop."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.after = threading.Event()
        self.lane = LoopThread(self._main, "pbxnb-test", ended=Ended, after=self.after.set)
        self.lane.start()

    async def _main(self) -> None:
        await asyncio.to_thread(self.stop.wait, 5)

    def end(self) -> None:
        self.stop.set()
        assert self.lane.join(5)


@pytest.fixture
def running() -> Iterator[Running]:
    one = Running()
    yield one
    one.end()


async def where() -> str:
    return threading.current_thread().name


def test_work_runs_on_the_thread_and_is_refused_afterwards(running: Running):
    assert running.lane.submit(where).result(5) == "pbxnb-test"
    unfinished = running.lane.submit(asyncio.Event().wait)
    running.end()
    with pytest.raises(Ended):
        unfinished.result(5)
    assert running.after.is_set()
    with pytest.raises(Ended):
        running.lane.submit(where).result(0)
    assert running.lane.call(print) is False


def test_work_that_fails_fails_its_future(running: Running, caplog):
    async def broken():
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        running.lane.submit(broken).result(5)
    running.end()
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
def test_nothing_that_work_or_a_callback_raises_ends_the_loop(running: Running, error: type[BaseException]):
    async def raises():
        raise error

    def fails():
        raise error

    with pytest.raises(Ended if error is asyncio.CancelledError else error):
        running.lane.submit(raises).result(5)
    running.lane.call(fails)
    assert running.lane.submit(where).result(5) == "pbxnb-test"


def test_later_runs_on_the_thread_in_time_and_at_once_where_the_loop_has_ended(running: Running):
    names: Future[str] = Future()
    running.lane.later(0.001, lambda: names.set_result(threading.current_thread().name))
    assert names.result(5) == "pbxnb-test"
    running.end()
    here: list[str] = []
    running.lane.later(60, lambda: here.append(threading.current_thread().name))
    assert here == [threading.current_thread().name]


def test_only_its_own_thread_is_inside(running: Running):
    async def inside() -> bool:
        return running.lane.inside

    assert running.lane.submit(inside).result(5) is True
    assert running.lane.inside is False


def test_the_first_word_counts():
    future: Future[int] = Future()
    fulfil(future, 1)
    fulfil(future, 2)
    fail(future, ValueError())
    assert future.result() == 1


def test_what_is_taken_is_run_also_at_the_very_end():
    lane = LoopThread(lambda: asyncio.sleep(0), "pbxnb-test", settle=0.0)
    taken, ran = 0, []
    lane.start()
    while not lane.join(0):
        taken += lane.call(lambda: ran.append(1))
    assert taken == len(ran)
