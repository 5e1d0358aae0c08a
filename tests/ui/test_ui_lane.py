"""The UI lane: one thread while somebody needs it, painting at a beat, at once after a click, whatever happens."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import types
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from pbxnb.ui.kernel import detached_context, release_route
from pbxnb.ui.lane import Lane
from pbxnb.ui.timing import Timing

BEAT = Timing().beat


@pytest.fixture
def lane() -> Iterator[Lane]:
    made = Lane()
    yield made
    thread = made._thread
    for ticket in tuple(made._tickets):
        ticket.close()
    if thread is not None:
        thread.join(5)
        assert not thread.is_alive()


class Painter:
    """Counts its paints; `after` waits for a number of them."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._done = threading.Condition()
        self.again: float | None = None

    def __call__(self, now: float) -> float | None:
        with self._done:
            self.times.append(now)
            self._done.notify_all()
        return self.again

    def after(self, count: int) -> None:
        with self._done:
            assert self._done.wait_for(lambda: len(self.times) >= count, 5)


def test_there_is_one_lane_and_one_thread_for_all(lane: Lane) -> None:
    assert Lane.get() is Lane.get()
    first, second = Painter(), Painter()
    one, two = lane.register(first), lane.register(second)
    thread = lane._thread
    assert thread is not None
    assert (thread.name, thread.daemon) == ("pbxnb-ui", True)
    one.wake()
    two.wake()
    first.after(1)
    second.after(1)
    one.close()
    assert lane._thread is thread
    two.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_lane_that_ended_starts_again(lane: Lane) -> None:
    lane.register(Painter()).close()
    painter = Painter()
    lane.register(painter).wake()
    painter.after(1)


def test_nobody_is_painted_who_did_not_ask(lane: Lane) -> None:
    quiet, loud = Painter(), Painter()
    lane.register(quiet)
    ticket = lane.register(loud)
    for count in (1, 2, 3):
        ticket.wake()
        loud.after(count)
    assert quiet.times == []


def test_many_wakes_make_one_paint_a_beat(lane: Lane) -> None:
    painter = Painter()
    ticket = lane.register(painter)
    end = time.monotonic() + 5 * BEAT
    while time.monotonic() < end:
        ticket.wake()
    painter.after(3)
    ticket.close()
    assert all(later - earlier >= BEAT * 0.99 for earlier, later in zip(painter.times, painter.times[1:], strict=False))


def test_a_nudge_does_not_wait_for_the_beat(lane: Lane) -> None:
    painter = Painter()
    ticket = lane.register(painter)
    ticket.wake()
    painter.after(1)
    ticket.nudge()
    painter.after(2)
    lane._last_beat = time.monotonic() + 60  # no beat for a minute
    ticket.nudge()
    painter.after(3)


def test_a_painter_may_ask_for_its_next_time(lane: Lane) -> None:
    painter = Painter()
    painter.again = 0.0
    lane.register(painter).wake()
    painter.after(3)


def test_calls_run_on_the_lane_in_order(lane: Lane) -> None:
    ran: list[int] = []
    done = threading.Event()
    ticket = lane.register(Painter())
    for number in range(5):
        ticket.call(lambda number=number: ran.append(number) if lane.here() else None)
    ticket.call(done.set)
    assert done.wait(5)
    assert ran == [0, 1, 2, 3, 4]
    assert not lane.here()


@pytest.mark.parametrize(
    "error", [RuntimeError, SystemExit, KeyboardInterrupt, asyncio.CancelledError, pytest.fail.Exception]
)
def test_a_painter_that_fails_does_not_stop_the_others(
    lane: Lane, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    def fail(_: object = None) -> None:
        raise error("broken")

    good = Painter()
    bad, fine = lane.register(fail), lane.register(good)
    bad.nudge()
    fine.nudge()
    good.after(1)
    bad.call(fail)
    fine.nudge()
    good.after(2)
    assert [r.exc_info and r.exc_info[0] for r in caplog.records] == [error, error]


def test_a_closed_ticket_is_silent(lane: Lane) -> None:
    painter, other = Painter(), Painter()
    ticket, stays = lane.register(painter), lane.register(other)
    ticket.close()
    ticket.close()
    ticket.wake()
    ticket.nudge()
    ticket.call(lambda: painter(0.0))
    stays.nudge()
    other.after(1)
    assert painter.times == []


# The two touches of ipykernel.


def test_without_a_kernel_the_context_is_simply_empty() -> None:
    assert len(detached_context()) == 0


def test_in_a_kernel_the_context_has_no_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    parent: ContextVar[dict[str, str]] = ContextVar("parent")
    parent.set({"header": "of a cell"})
    kernel = types.SimpleNamespace(_shell_parent=parent)
    module = types.SimpleNamespace(
        Kernel=types.SimpleNamespace(initialized=lambda: True, instance=lambda: kernel),
    )
    monkeypatch.setitem(sys.modules, "ipykernel.kernelbase", module)  # type: ignore[arg-type]
    assert detached_context().run(parent.get) == {}
    kernel._shell_parent = "something else in a later ipykernel"
    assert len(detached_context()) == 0


def test_releasing_a_route_forgets_it_and_never_fails() -> None:
    comm = types.SimpleNamespace(_reply_subshell_id="main")
    widget = types.SimpleNamespace(comm=comm)
    release_route(widget)
    release_route(widget)
    assert not hasattr(comm, "_reply_subshell_id")
    for odd in (None, types.SimpleNamespace(comm=None), types.SimpleNamespace(comm=7)):
        release_route(odd)
