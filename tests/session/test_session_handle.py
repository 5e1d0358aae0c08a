"""The handle against a PBX that says what the test tells it: life, waiting, hearing, commands, looks."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import pytest

import pbxnb
from pbxnb.errors import (
    BadCommand,
    ConfigError,
    ConnectionFailed,
    ControlDisabled,
    HandleClosed,
    PbxError,
    Refused,
    WaitTimeout,
    WrongThread,
)
from pbxnb.session.timing import SessionTiming
from pbxnb.ui.handle import handle_of
from tests.helpers.fault_server import account, call, silent
from tests.helpers.scripted_pbx import ScriptedPbx


def own_threads() -> list[str]:
    return sorted(t.name for t in threading.enumerate() if t.name.startswith("pbxnb-"))


@pytest.fixture
def pbx(server):
    with pbxnb.connect(**server.arguments, control=True) as pbx:
        yield pbx


# ---- life ----


def test_with_blocks_until_live_and_closes(server):
    with pbxnb.connect(**server.arguments) as pbx:
        assert pbx.status.state == "live"
        assert list(pbx.accounts) == ["45", "46", "204"]
        assert own_threads() == ["pbxnb-io"]
    assert pbx.status.state == "closed"
    assert own_threads() == []
    server.wait(lambda s: s.closed)


async def test_await_async_with_and_aclose(server):
    pbx = await pbxnb.connect(**server.arguments)
    assert pbx.status.state == "live"
    async with pbx as same:
        assert same is pbx
    assert pbx.status.state == "closed"
    await pbx.aclose()
    pbx.close()


def test_connecting_starts_at_the_call(server):
    pbx = pbxnb.connect(**server.arguments)
    server.wait(lambda s: s.peers)
    assert pbx.result(5) is pbx
    pbx.close()


def test_arguments_are_checked_at_the_call(server):
    with pytest.raises(TypeError, match="did you mean 'domain'"):
        pbxnb.connect(server.url, domian="acme.example", user="45")
    with pytest.raises(ConfigError, match="No domain"):
        pbxnb.connect(server.url, user="45")
    with pytest.raises(ConfigError):
        pbxnb.connect(**server.arguments, login="hunter2")
    assert own_threads() == []


def test_a_refusal_ends_the_handle_and_every_waiter_gets_it(server):
    server.refuse_upgrade = 403
    pbx = pbxnb.connect(**server.arguments)
    waiting = pbx.until(lambda p: False)
    with pytest.raises(Refused):
        pbx.result(5)
    with pytest.raises(Refused):
        pbx.result(5)
    with pytest.raises(HandleClosed):
        waiting.result(5)
    assert pbx.status.state == "refused"
    assert pbx.status.why


def test_no_success_within_open_timeout_ends_the_handle():
    with ScriptedPbx() as gone:
        pass
    begin = time.monotonic()
    with pytest.raises(ConnectionFailed), pbxnb.connect(**gone.arguments, open_timeout=0.3):
        pytest.fail("never live")
    assert time.monotonic() - begin < 5


def test_a_wait_shorter_than_the_opening_leaves_the_handle_connecting():
    with ScriptedPbx(script=silent) as server:
        pbx = pbxnb.connect(**server.arguments)
        with pytest.raises(WaitTimeout):
            pbx.result(0.05)
        assert pbx.status.state in ("connecting", "syncing")
        pbx.close()


async def test_a_cancelled_await_leaves_the_handle_running():
    with ScriptedPbx(script=silent) as server:
        pbx = pbxnb.connect(**server.arguments)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_live(pbx), 0.05)
        assert pbx.status.state in ("connecting", "syncing")
        await pbx.aclose()


async def _live(pbx):
    return await pbx


async def test_a_cancelled_async_with_closes_the_handle():
    with ScriptedPbx(script=silent) as server:
        pbx = pbxnb.connect(**server.arguments)

        async def use():
            async with pbx:
                pytest.fail("never live")

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(use(), 0.05)
        assert pbx.status.state == "closed"


def test_a_failure_nobody_reads_is_logged_once(server, caplog):
    server.refuse_upgrade = 403
    pbx = pbxnb.connect(**server.arguments)
    while own_threads():
        time.sleep(0.01)
    assert len([r for r in caplog.records if r.name == "pbxnb" and "failed" in r.getMessage()]) == 1
    assert pbx.status.state == "refused"


def test_a_failure_that_was_raised_is_not_logged(server, caplog):
    server.refuse_upgrade = 403
    with pytest.raises(Refused):
        pbxnb.connect(**server.arguments).result(5)
    while own_threads():
        time.sleep(0.01)
    assert not [r for r in caplog.records if r.name == "pbxnb"]


def test_the_same_again_replaces_the_first_once_it_is_live(server):
    with pbxnb.connect(**server.arguments) as first, pbxnb.connect(**server.arguments) as second:
        server.wait(lambda s: len(s.open) == 1 and len(s.peers) == 2)
        first._line.join(5)
        assert first.status.state == "closed"
        assert "run this cell again" in first.status.why
        assert second.status.state == "live"
        with pytest.raises(HandleClosed, match="Replaced"):
            first.result(1)


def test_the_first_stays_when_the_second_fails(server):
    with pbxnb.connect(**server.arguments) as first:
        server.refuse_upgrade = 403
        with pytest.raises(Refused):
            pbxnb.connect(**server.arguments).result(5)
        assert first.status.state == "live"


def test_a_name_keeps_siblings_apart(server):
    with pbxnb.connect(**server.arguments) as first, pbxnb.connect(**server.arguments, name="second") as second:
        assert (first.status.state, second.status.state) == ("live", "live")
        assert (first.name, second.name) == ("45@acme.example", "second")


def test_the_line_comes_back_and_the_gap_is_told(server, pbx):
    gap = pbx.wait_for("gap", timeout=10)
    server.drop(1001)
    assert gap.result().kind == "gap"
    pbx.until(lambda p: p.status.state == "live" and p.status.reconnects == 1, timeout=10).result()
    assert len(pbx.status.gaps) == 1


def test_closing_from_a_handler_only_begins_to_close(server):
    pbx = pbxnb.connect(**server.arguments).result(5)
    pbx.on("message", lambda e: pbx.close())
    server.say({"action": "numbered"})
    server.wait(lambda s: s.closed)


def test_a_handler_that_blocks_does_not_hold_the_close_for_long(server):
    release, begun = threading.Event(), threading.Event()
    pbx = pbxnb.connect(**server.arguments).result(5)
    pbx.on("message", lambda e: (begun.set(), release.wait(30)))
    server.say({"action": "numbered"})
    assert begun.wait(5)
    begin = time.monotonic()
    pbx.close()
    assert time.monotonic() - begin < 10
    assert pbx.status.state == "closed"
    release.set()


@pytest.mark.parametrize("blocking", [True, False])
async def test_what_came_before_the_close_reaches_its_handlers_first(server, blocking):
    pbx = await pbxnb.connect(**server.arguments)
    pbx._line.timing = SessionTiming(last_words=30.0, join_within=60.0)  # a busy machine is no reason to leave one out
    kinds: list[str] = []
    for kind in ("message", "call.new"):
        pbx.on(kind, lambda event: (time.sleep(0.05), kinds.append(event.kind)))
    new = pbx.wait_for("call.new")
    await asyncio.to_thread(server.say, {"action": "numbered"})
    await asyncio.to_thread(server.say_calls, call("c1", "45", "204"))
    await new
    await (asyncio.to_thread(pbx.close) if blocking else pbx.aclose())
    assert kinds.count("call.new") == 1
    assert "message" in kinds


def test_a_script_that_forgets_to_close_says_goodbye_at_its_end(server):
    code = f"import pbxnb; pbx = pbxnb.connect(**{server.arguments!r}).result(); pbx.on('*', print)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    server.wait(lambda s: s.closed)
    assert server.closed[0][0] in (1000, 1001)


def test_a_script_that_ends_right_after_a_refusal_still_says_it_once():
    with ScriptedPbx(refuse=404) as server:
        code = f"""import pbxnb
from pbxnb.session.registry import REGISTRY
pbxnb.connect(**{server.arguments!r})
while REGISTRY.lines(): pass  # for as long as it is known, the end of the program waits for it"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.count("refuses the WebSocket") == 1


# ---- reading ----


def test_the_model_follows(server, pbx):
    new = pbx.wait_for("call.new", timeout=5, to="204")
    server.say_calls(call("c1", "45", "204", state="ringing"))
    assert new.result().call.id == "c1"
    assert pbx.calls["c1"].state == "ringing"
    assert pbx.snapshot().calls["c1"] == pbx.calls["c1"]
    ended = pbx.wait_for("call.ended", timeout=5, call=pbx.calls["c1"])
    server.say_calls()
    assert ended.result().call.id == "c1"
    assert len(pbx.calls) == 0
    assert [record.call.id for record in pbx.closed_calls()] == ["c1"]


def test_extensions_are_the_accounts_that_are_extensions():
    with ScriptedPbx() as server:
        server.accounts.append(account("700", type="acds"))
        with pbxnb.connect(**server.arguments) as pbx:
            assert "700" in pbx.accounts
            assert list(pbx.extensions) == ["45", "46", "204"]


def test_recent_has_both_directions(server, pbx):
    server.say({"action": "numbered", "n": 1})
    pbx.until(lambda p: any("numbered" in f.text for f in p.frames()), timeout=5).result()
    assert {f.direction for f in pbx.frames()} == {"in", "out"}
    assert [f.seq for f in pbx.frames()] == list(range(1, len(pbx.frames()) + 1))


def test_coverage_counts_what_came(server, pbx):
    server.say({"action": "numbered", "n": 1})
    pbx.until(lambda p: "numbered" in str(p.coverage()), timeout=5).result()


def test_a_real_pbx_has_no_simulator(pbx):
    assert not hasattr(pbx, "simulator")
    assert pbx.simulated is False


def test_status_is_frozen_and_knows_the_version(pbx):
    assert pbx.status.pbx_version == "70.1"
    with pytest.raises(AttributeError):
        pbx.status.state = "closed"


def test_the_clock_is_within_two_seconds_of_ours_when_the_pbx_is(pbx):
    assert pbx.clock.rate == 1
    assert abs(pbx.clock.offset) < 2


# ---- hearing ----


def test_handlers_run_on_the_callback_lane(server, pbx):
    heard: Future = Future()
    stop = pbx.on("message", lambda e: heard.done() or heard.set_result((e.kind, threading.current_thread().name)))
    server.say({"action": "numbered"})
    assert heard.result(5) == ("message", "pbxnb-callbacks")
    stop()


async def test_a_coroutine_handler_and_a_stream(server):
    async with pbxnb.connect(**server.arguments) as pbx:
        heard: asyncio.Queue = asyncio.Queue()

        async def handler(event):
            await heard.put(event.call.id)

        pbx.on("call.new", handler)
        stream = pbx.events("call.*")
        await asyncio.to_thread(server.say_calls, call("c1", "45", "204"))
        assert await asyncio.wait_for(heard.get(), 5) == "c1"
        assert (await asyncio.wait_for(anext(stream), 5)).kind == "call.new"
    assert [event.kind async for event in stream if event.kind == "call.new"] == []


async def test_until_is_tried_at_once_and_after_changes(server):
    async with pbxnb.connect(**server.arguments) as pbx:
        assert await pbx.until(lambda p: p.status.state == "live") is True
        waiting = pbx.until(lambda p: p.calls.get("c1"), timeout=5)
        await asyncio.to_thread(server.say_calls, call("c1", "45", "204"))
        assert (await waiting).id == "c1"


def test_the_error_of_a_predicate_goes_to_the_waiter(pbx):
    with pytest.raises(ZeroDivisionError):
        pbx.until(lambda p: 1 / 0).result(5)


def test_waits_time_out(pbx):
    with pytest.raises(WaitTimeout, match="An event 'gap' did not come"):
        pbx.wait_for("gap", timeout=0.02).result()
    with pytest.raises(TimeoutError):
        pbx.until(lambda p: False, timeout=0.02).result()


def waits_of(pbx) -> int:
    """How many conditions and subscriptions are open."""
    return len(pbx._line.lane._conditions) + len(pbx._line.subscriptions._all)


def eventually_none(pbx) -> None:
    end = time.monotonic() + 5
    while waits_of(pbx) and time.monotonic() < end:
        time.sleep(0.01)
    assert waits_of(pbx) == 0


@pytest.mark.parametrize("begin", [lambda p: p.until(lambda p: p.calls), lambda p: p.wait_for("call.new")])
async def test_a_wait_ends_with_its_only_waiter_and_begins_anew_when_asked_again(server, begin):
    async with pbxnb.connect(**server.arguments) as pbx:
        waiting = begin(pbx)
        assert waits_of(pbx) == 1  # from the start, for whoever will ask
        with pytest.raises(WaitTimeout):
            await asyncio.to_thread(waiting.result, 0.01)
        assert waits_of(pbx) == 0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting, 0.01)
        assert waits_of(pbx) == 0
        first = asyncio.ensure_future(waiting)
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting, 0.01)
        assert waits_of(pbx) == 1  # the first still waits
        await asyncio.to_thread(server.say_calls, call("c1", "45", "204"))
        assert await asyncio.wait_for(first, 5)
        eventually_none(pbx)
        assert waiting.result()


@pytest.mark.parametrize("begin", [lambda p: p.until(lambda p: p.calls), lambda p: p.wait_for("call.new")])
def test_a_wait_that_nobody_holds_or_wants_any_more_ends_but_a_callback_is_a_waiter(server, pbx, begin, caplog):
    begin(pbx)
    eventually_none(pbx)
    waiting = begin(pbx)
    waiting.cancel()
    assert waits_of(pbx) == 0
    with pytest.raises(WaitTimeout):
        begin(pbx).result(0.01)
    eventually_none(pbx)
    called: Future = Future()
    begin(pbx).add_done_callback(lambda done: called.set_result(done.result()))
    gc.collect()
    assert waits_of(pbx) == 1
    server.say_calls(call("c1", "45", "204"))
    assert called.result(5)
    eventually_none(pbx)
    assert "Unread" not in caplog.text


def test_an_interrupted_wait_ends(pbx, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pbxnb.session.pending.block", interrupt)
    waiting = pbx.until(lambda p: False)
    with pytest.raises(KeyboardInterrupt):
        waiting.result()
    assert waits_of(pbx) == 0


def test_closing_ends_every_wait(server):
    pbx = pbxnb.connect(**server.arguments).result(5)
    waits = [pbx.until(lambda p: False), pbx.wait_for("gap")]
    pbx.close()
    waits += [pbx.until(lambda p: False), pbx.wait_for("gap")]
    for waiting in waits:
        with pytest.raises(HandleClosed):
            waiting.result(5)


def test_a_blocking_wait_in_a_handler_raises_instead_of_stopping_the_lane(server, pbx):
    caught: Future = Future()

    def handler(event):
        try:
            pbx.until(lambda p: False).result()
        except PbxError as error:
            caught.set_result(error)

    pbx.on("message", handler)
    server.say({"action": "numbered"})
    assert isinstance(caught.result(5), WrongThread)


def test_a_failing_watcher_does_not_stop_the_line(server, pbx, caplog):
    handle_of(pbx).watch(lambda changes: 1 / 0)
    new = pbx.wait_for("call.new", timeout=5)
    server.say_calls(call("c1", "45", "204"))
    assert new.result().call.id == "c1"
    assert "ZeroDivisionError" in caplog.text


def test_what_panels_need_is_no_public_name_of_the_handle(pbx):
    for name in ("watch", "watch_frames", "watch_status", "keep_read", "command", "recent"):
        assert not hasattr(pbx, name), name


def test_a_panel_of_the_users_gets_changes_frames_states_and_commands(server, pbx):
    handle = handle_of(pbx)
    seen: dict[str, threading.Event] = {name: threading.Event() for name in ("changes", "frames", "status")}
    handle.watch(lambda changes: seen["changes"].set() if changes.calls else None)
    handle.watch_frames(lambda frame: seen["frames"].set() if frame.direction == "in" else None)
    handle.watch_status(lambda status: seen["status"].set() if status.state == "reconnecting" else None)
    server.say_calls(call("c1"))
    assert seen["changes"].wait(5)
    assert seen["frames"].wait(5)
    assert handle.command("send", {"action": "x"}).result(5).status == "unconfirmed"
    assert list(handle.calls) == ["c1"]
    assert len(handle.extensions) == len(pbx.extensions)
    assert handle_of(handle) is handle
    server.drop()
    assert seen["status"].wait(5)


def test_slow_handlers_lose_old_messages_never_states(server, pbx, monkeypatch):
    pbx._line.lane._jobs.limit = 50
    release, kinds, done = threading.Event(), [], threading.Event()

    def slow(event):
        release.wait(10)
        kinds.append(event.kind)
        if event.kind == "call.ended":
            done.set()

    pbx.on("*", slow)
    for n in range(200):
        server.say({"action": "numbered", "n": n})
    server.say_calls(call("c1", "45", "204"))
    server.say_calls()
    pbx.wait_for("call.ended", timeout=0.01)  # pending alone: the lane is stuck
    end = time.monotonic() + 10
    while not pbx.closed_calls() and time.monotonic() < end:
        time.sleep(0.01)
    release.set()
    assert done.wait(10)
    assert {"call.new", "call.ended"} <= set(kinds)
    assert pbx.status.dropped_events >= 140


# ---- commands ----


def test_without_control_every_command_raises_at_the_call(server):
    with pbxnb.connect(**server.arguments) as pbx:
        for name, args in [("dial", ("204",)), ("hangup", ("c1",)), ("send", ({"action": "x"},)), ("dnd", ())]:
            with pytest.raises(ControlDisabled, match="control=True"):
                getattr(pbx, name)(*args)
        assert pbx.preview("dial", "204")
    assert not [f for f in server.received if f.get("action") in ("make-call", "x")]


def test_send_is_unconfirmed_at_once(server, pbx):
    outcome = pbx.send({"action": "anything", "n": 1}).result(5)
    assert outcome.status == "unconfirmed"
    server.wait(lambda s: {"action": "anything", "n": 1} in s.received)


def test_cancelling_a_command_at_once_does_not_unsend_it(server, pbx):
    frame = {"action": "anything", "n": 1}
    held = threading.Event()
    pbx._line.call(lambda: held.wait(5))  # the lane is busy, so that the cancel is quicker than the command
    assert pbx.send(frame).cancel()
    held.set()
    server.wait(lambda s: frame in s.received)


async def test_a_command_is_confirmed_by_its_effect(server):
    server.calls = [call("c1", "45", "204")]
    async with pbxnb.connect(**server.arguments, control=True) as pbx:
        pending = pbx.transfer(pbx.calls["c1"], "46")
        await asyncio.to_thread(server.wait, lambda s: any("transfer" in str(f.get("action")) for f in s.received))
        await asyncio.to_thread(server.say_calls, call("c1", "45", "46"))
        outcome = await pending
        assert outcome.status == "confirmed", outcome
        assert outcome.latency is not None


def test_a_pending_calls_back_on_the_callback_lane(server, pbx):
    where: Future = Future()
    pending = pbx.send({"action": "anything"})
    pending.add_done_callback(lambda p: where.set_result((threading.current_thread().name, p.result().status)))
    assert where.result(5) == ("pbxnb-callbacks", "unconfirmed")


def test_an_unknown_call_is_refused_with_the_nearest(server, pbx):
    server.say_calls(call("call-17", "45", "204"))
    pbx.until(lambda p: p.calls, timeout=5).result()
    with pytest.raises(BadCommand, match="did you mean 'call-17'"):
        pbx.hangup("call-18")


def test_a_command_on_a_closed_handle_is_refused_at_the_call(server):
    pbx = pbxnb.connect(**server.arguments, control=True).result(5)
    pbx.close()
    with pytest.raises(HandleClosed):
        pbx.dial("204")
    assert pbx.preview("dial", "204")


# ---- looks ----


def test_the_repr_is_short_and_says_the_state(server, pbx):
    assert repr(pbx) == "<Pbx 45@acme.example on 127.0.0.1: live, 3 accounts, 0 calls>"
    bundle = pbx._repr_mimebundle_()
    assert bundle["text/plain"] == repr(pbx)
    assert "<b>live</b>" in bundle["text/html"]
    assert len(bundle["text/html"]) < 1500


def test_the_html_is_escaped():
    with ScriptedPbx() as server, pbxnb.connect(**server.arguments | {"domain": '"><script>'}) as pbx:
        assert "<script" not in pbx._repr_mimebundle_()["text/html"]


def test_it_fulfils_what_panels_ask_of_a_handle(pbx):
    from pbxnb.ui.handle import Handle

    asked = {name for name in dir(Handle) if not name.startswith("_")} | set(Handle.__annotations__)
    missing = {name for name in asked if not hasattr(handle_of(pbx), name)}
    assert missing == set()
