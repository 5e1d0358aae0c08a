"""`Signal`: who listens is called, in order, whatever the others do."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from pbxnb.signals import Signal


def test_every_listener_gets_every_value_in_order_until_its_own_stop():
    seen: list[tuple[str, int]] = []
    signal: Signal[int] = Signal()
    first = signal.add(lambda value: seen.append(("first", value)))
    signal.add(lambda value: seen.append(("second", value)))
    signal(1)
    first()
    first()
    signal(2)
    assert seen == [("first", 1), ("second", 1), ("second", 2)]


@pytest.mark.parametrize("error", [asyncio.CancelledError, KeyboardInterrupt, SystemExit, pytest.fail.Exception])
def test_whatever_a_listener_raises_the_others_are_called(error: type[BaseException], caplog):
    def fails(_: int) -> None:
        raise error("mine")

    seen: list[int] = []
    signal: Signal[int] = Signal()
    signal.add(fails)
    signal.add(seen.append)
    signal(1)
    assert seen == [1]
    assert [r.exc_info[0] for r in caplog.records] == [error]


def test_the_same_function_may_listen_twice_and_each_stop_takes_one_away():
    seen: list[int] = []
    signal: Signal[int] = Signal()
    one, two = signal.add(seen.append), signal.add(seen.append)
    signal(1)
    one()
    signal(2)
    two()
    signal(3)
    assert seen == [1, 1, 2]
    assert signal.listeners == ()


def test_an_error_is_logged_with_its_traceback_and_the_others_are_still_called(caplog):
    seen: list[int] = []
    signal: Signal[int] = Signal()
    signal.add(lambda value: value / 0)
    signal.add(seen.append)
    signal(1)
    assert seen == [1]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_a_listener_may_stop_itself_and_add_others_while_the_signal_fires():
    seen: list[str] = []
    signal: Signal[str] = Signal()

    def once(value: str) -> None:
        seen.append(value)
        stop()
        signal.add(seen.append)

    stop = signal.add(once)
    signal("a")
    assert seen == ["a"]  # the one added meanwhile waits for the next value
    signal("b")
    assert seen == ["a", "b"]


def test_listeners_come_and_go_from_many_threads_and_none_is_lost():
    signal: Signal[int] = Signal()
    seen: list[int] = []

    def come_and_go() -> None:
        for _ in range(200):
            signal.add(print)()
        signal.add(seen.append)

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    signal(1)
    assert seen == [1] * 8
