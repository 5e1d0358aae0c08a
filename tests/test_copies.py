"""What is read is a value: it may be copied, pickled and compared. What is alive says that it may not."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import pbxnb
from pbxnb import errors
from pbxnb.errors import CannotCopy, NoEventLoop
from pbxnb.protocol.messages import NOTHING
from pbxnb.ui.handle import handle_of

WAYS: tuple[Callable[[Any], Any], ...] = (lambda value: pickle.loads(pickle.dumps(value)), copy.deepcopy, copy.copy)  # noqa: S301


@pytest.fixture(scope="module")
def lived():
    """A handle after some calls, and the changes and events it had."""
    changes: list[Any] = []
    events: list[Any] = []
    with pbxnb.simulate("office", extensions=20, seed=1, speed=100) as pbx:
        handle_of(pbx).watch(changes.append)
        pbx.on("*", events.append)
        number = next(iter(pbx.extensions))
        outcome = pbx.dnd(True, account=number).result(10)
        pbx.until(lambda p: p.closed_calls() and p.calls and p.conversations and len(events) > 50).result(60)
        kinds = {event.kind: event for event in events}
        messages = {type(event.message): event for event in events if event.kind == "message"}
        values = [pbx.snapshot(), *pbx.calls.values(), *pbx.conversations.values(), *pbx.accounts.values()]
        values += [*pbx.queues.values(), *pbx.orbits.values(), *pbx.closed_calls(), *pbx.presence(), *pbx.frames()]
        values += [pbx.status, pbx.coverage(), pbx.preview("dial", "41"), outcome, *pbx.explain(number)]
        values += [*kinds.values(), *messages.values(), *changes[:50], pbxnb.Pin("sha256:" + "ab" * 32)]
        yield pbx, values


def test_every_public_value_is_copied_and_pickled_as_it_is(lived):
    _, values = lived
    assert len({type(value) for value in values}) >= 14
    for value in values:
        for way in WAYS:
            assert way(value) == value, type(value)


def test_a_copy_is_as_read_only_as_what_it_was_made_of(lived):
    _, values = lived
    for way in WAYS:
        for mapping in (way(values[0]).calls, way(NOTHING)):
            with pytest.raises(TypeError):
                mapping["new"] = 1


def test_every_error_keeps_its_sentence_its_hint_and_its_data():
    for name in errors.__all__:
        error = getattr(errors, name)("It failed.", hint="Try again.", lost=7)
        for way in WAYS:
            again = way(error)
            assert (type(again), str(again), again.hint, again.data) == (
                type(error),
                str(error),
                error.hint,
                error.data,
            )


def test_what_is_alive_says_in_one_sentence_that_it_cannot_be_copied(lived):
    pbx, _ = lived
    waiting = pbx.until(lambda p: True)
    for alive in (pbx, pbx.calls, pbx.clock, pbx.simulator, pbx.events(), waiting, pbx._line.feed):
        for way in WAYS:
            with pytest.raises(CannotCopy, match=rf"A {type(alive).__name__} is alive.*snapshot\(\)"):
                way(alive)


def test_where_no_asyncio_loop_runs_an_await_names_what_to_use_instead(lived):
    pbx, _ = lived
    never = pbx.until(lambda p: False)
    for waiting in (never.__await__(), pbx.events().__anext__(), pbx._line.gone()):
        with pytest.raises(NoEventLoop, match=r"`\.result\(\)` instead of `await`.*`close\(\)`.*`on\(\)`"):
            waiting.send(None)
