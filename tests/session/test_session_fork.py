"""A forked child: every handle of the parent has ended there, nothing hangs, and the parent goes on undisturbed.

Each test runs a program of its own, for what forks has to be small. Its alarms only end what would hang for ever.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])

PRELUDE = """
import gc, os, signal, sys, threading, traceback, warnings
import pbxnb
from pbxnb import errors, forks
from tests.helpers.fault_server import call
from tests.helpers.scripted_pbx import ScriptedPbx

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on warns of the fork itself
signal.alarm(100)

def raised(kind, fn, *args, **kw):
    try:
        value = fn(*args, **kw)
    except kind as error:
        assert type(error) is kind, repr(error)
        return str(error)
    raise AssertionError(f"{fn} gave {value!r}")

def in_child(act):
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        signal.alarm(30)
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        gc.collect()
        sys.exit(0)  # a whole end of the interpreter, with its finalizers
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

def goes_on(server, pbx, id):
    server.say_calls(call(id))
    assert pbx.until(lambda p: id in p.calls).result(20)
    assert pbx.coverage().messages
    assert pbx.status.state == "live" and pbx.status.reconnects == 0, pbx.status
"""


@pytest.fixture
def run(tmp_path):
    def run(program: str) -> None:
        path = tmp_path / "program.py"
        path.write_text(PRELUDE + textwrap.dedent(program) + "\nprint('through')\n", "utf-8")
        done = subprocess.run(
            [sys.executable, path], capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": ROOT}
        )
        assert not done.stderr
        assert done.stdout.endswith("through\n")

    return run


def test_the_handle_has_ended_in_the_child_and_goes_on_in_the_parent(run):
    run("""
        import asyncio
        with ScriptedPbx() as server, pbxnb.connect(**server.arguments, control=True) as pbx:
            server.say_calls(call("1"))
            pbx.until(lambda p: p.calls).result(20)

            def look():
                status = pbx.status
                assert status.state == "closed" and "another process" in status.why
                assert "1" in pbx.calls and "45" in pbx.accounts and pbx.snapshot().calls
                assert pbx.frames() and pbx.coverage().messages and pbx.explain("45")
                assert pbx.conversations.records() and repr(pbx) and pbx.preview("dial", "46")

            def ask():
                for ask in (
                    lambda: pbx.dial("46"), lambda: pbx.send({"action": "x"}), lambda: pbx.dnd(deadline=0.1),
                    lambda: pbx.result(), lambda: pbx.result(5), lambda: pbx.reconnect(), lambda: pbx.__enter__(),
                    lambda: pbx.wait_for("call.new").result(), lambda: pbx.wait_for("call.new", timeout=3600).result(),
                    lambda: pbx.until(lambda p: False).result(), lambda: pbx.until(lambda p: True, 3600).result(3600),
                ):
                    assert "another process" in raised(errors.ForkedHandle, ask)
                assert isinstance(errors.ForkedHandle(""), errors.HandleClosed)
                pbx.on("*", print)()

            async def wait():
                assert [event async for event in pbx.events()] == []
                for wait in (pbx, pbx.wait_for("call.new"), pbx.until(lambda p: False, timeout=3600)):
                    try:
                        await wait
                    except errors.ForkedHandle:
                        continue
                    raise AssertionError(wait)
                await pbx.aclose()

            def end():
                pbx.close()
                pbx.close()
                assert "another process" in pbx.status.why

            for act in (look, ask, lambda: asyncio.run(wait()), end, lambda: (look(), ask(), end(), look())):
                in_child(act)
            goes_on(server, pbx, "2")
    """)


def test_what_waits_at_the_fork_fails_in_the_child_and_tells_nobody_there(run):
    run("""
        with ScriptedPbx() as server, pbxnb.connect(**server.arguments, control=True) as pbx:
            told = []
            server.say_calls(call("1"))
            pbx.until(lambda p: "1" in p.calls).result(20)
            waits = [pbx.transfer("1", "46", deadline=60)]  # its effect never comes
            waits += [pbx.wait_for("call.new", id="2"), pbx.until(lambda p: "2" in p.calls)]
            waits.append(pbx.wait_for("gap", timeout=3600))
            for wait in waits:
                wait.add_done_callback(told.append)
            done = pbx.until(lambda p: 45)
            assert done.result(20) == 45
            stream = pbx.events()

            def act():
                assert done.result() == 45
                for wait in waits:
                    assert "another process" in raised(errors.ForkedHandle, wait.result)
                    assert not wait.cancel()
                assert not told
                waits[0].add_done_callback(told.append)  # which now is known
                assert told == waits[:1]

            in_child(act)
            goes_on(server, pbx, "2")
            assert waits[1].result(20).call.id == "2" and waits[2].result(20)
    """)


def test_no_lock_that_another_thread_held_is_waited_for(run):
    run("""
        held, over = threading.Event(), threading.Event()

        def hold():
            for lock in tuple(forks._Known.locks):
                lock.acquire()
            held.set()
            over.wait()
            for lock in tuple(forks._Known.locks):
                try:
                    lock.release()
                except RuntimeError:
                    pass  # made meanwhile

        with ScriptedPbx() as server, pbxnb.connect(**server.arguments, control=True) as pbx:
            grid, badge, stop = pbx.grid(), pbx.status_badge(), pbx.on("*", print)
            wait, stream = pbx.until(lambda p: False), pbx.events()
            thread = threading.Thread(target=hold)
            thread.start()
            held.wait()

            def act():
                assert "45" in pbx.accounts.keys() and pbx.snapshot() and pbx.frames() and not pbx.closed_calls()
                raised(errors.ForkedHandle, wait.result)
                raised(errors.ForkedHandle, pbx.dial, "46")
                stop()
                stream.close()
                grid.close()
                badge.close()
                pbx.timeline().close()
                pbx.close()
                with pbxnb.connect(**server.arguments) as mine:
                    mine.grid().close()

            in_child(act)
            over.set()
            thread.join()
            goes_on(server, pbx, "2")
            grid.close()
            badge.close()
    """)


def test_a_child_makes_connections_panels_and_simulators_of_its_own(run):
    run("""
        with ScriptedPbx() as server, pbxnb.connect(**server.arguments) as pbx, pbxnb.simulate(extensions=5) as other:
            grid = pbx.grid()

            def act():
                with pbxnb.connect(**server.arguments, control=True) as mine:  # the same key: the parent's stays
                    assert mine.status.state == "live" and "45" in mine.accounts
                    painted = threading.Event()
                    assert mine.until(lambda p: p.extensions).result(20)
                    mine.grid()._ticket.call(painted.set)
                    assert painted.wait(20)
                    assert "another process" in pbx.status.why
                with pbxnb.simulate(extensions=5) as mine:
                    assert len(mine.extensions) == 5
                    mine.simulator.clock.advance(60)
                assert "another process" in raised(errors.SimulatorError, other.simulator.clock.advance, 60)
                assert "another process" in raised(errors.SimulatorError, other.simulator.place_call, "40", "41")
                other.simulator.close()
                assert other.simulator.closed and "closed" in repr(other.simulator)

            in_child(act)
            goes_on(server, pbx, "2")
            other.simulator.clock.advance(60)
            assert other.status.state == "live" and not other.simulator.closed
    """)


def test_multiprocessing_by_fork(run):
    run("""
        import multiprocessing

        def look(number):
            try:
                pbx.dial(number)
            except errors.ForkedHandle:
                with pbxnb.connect(**server.arguments) as mine:
                    return pbx.status.state.value, number in mine.accounts, len(pbx.accounts)

        with ScriptedPbx() as server, pbxnb.connect(**server.arguments, control=True) as pbx:
            with multiprocessing.get_context("fork").Pool(2) as pool:
                assert pool.map(look, ["45", "47"]) == [("closed", True, 3), ("closed", False, 3)]
            goes_on(server, pbx, "2")
    """)


def test_a_handle_that_had_ended_stays_as_it_was_and_a_refused_one_may_try_again_in_the_child(run):
    run("""
        import asyncio
        with ScriptedPbx() as server:
            with pbxnb.connect(**server.arguments) as closed:
                pass
            server.refuse_upgrade = 404
            refused = pbxnb.connect(**server.arguments)
            message = raised(errors.UpgradeRefused, refused.result)
            server.refuse_upgrade = None

            def act():
                assert closed.status.why == "Closed." and refused.status.state == "refused"
                assert raised(errors.UpgradeRefused, refused.result) == message
                raised(errors.HandleClosed, closed.reconnect)
                asyncio.run(closed.aclose())
                asyncio.run(refused.aclose())

            def again():
                assert refused.reconnect().result(20).status.state == "live"
                refused.close()

            in_child(act)
            in_child(again)
    """)


def test_a_simulator_is_served_by_the_parent_alone(run):
    run("""
        import ssl, urllib.request
        from pbxnb import simulator
        from pathlib import Path

        with simulator.start("office", extensions=5, tls=True) as sim:

            def act():
                assert "another process" in raised(errors.SimulatorError, sim.place_call, "40", "41")
                assert "another process" in raised(errors.SimulatorError, sim.clock.pause)
                assert "another process" in raised(errors.SimulatorError, sim.faults.start, "drop")
                assert sim.closed
                sim.close()

            in_child(act)
            in_child(lambda: None)
            assert Path(sim.tls_certificate).exists()
            trust = ssl.create_default_context(cafile=sim.tls_certificate)
            urllib.request.urlopen(f"https://127.0.0.1:{sim.port}/", context=trust, timeout=20).close()
            sim.clock.advance(5)
        assert not Path(sim.tls_certificate).parent.exists()

        with simulator.start_recording(['{"at": 0, "frame": {"action": "x"}}']) as replay:
            in_child(lambda: raised(errors.SimulatorError, replay.pause))
            in_child(replay.close)
            replay.pause()
            urllib.request.urlopen(f"http://127.0.0.1:{replay.port}/", timeout=20).close()
    """)


def test_a_loop_that_did_not_run_yet_is_not_closed_by_the_child(run):
    run("""
        import asyncio
        from pbxnb.loops import LoopThread

        lane = LoopThread(lambda: asyncio.sleep(3600), "pbxnb-test")

        def act():
            global lane
            assert lane.call(print) is False
            raised(RuntimeError, lane.submit(lambda: asyncio.sleep(0)).result)
            del lane

        in_child(act)
        lane.start()
        for _ in range(2):  # the loop sleeps and is woken by its self-pipe
            lane.submit(lambda: asyncio.sleep(0)).result(20)
    """)


LOCKS = {"Lock", "RLock", "Condition"}


def test_every_lock_of_the_package_is_free_in_a_child():
    bare = []
    for path in (Path(ROOT) / "pbxnb").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        free = {id(call.args[0]) for call in ast.walk(tree) if is_call(call, {"free_in_child"}) and call.args}
        bare += [(path.name, c.lineno) for c in ast.walk(tree) if is_call(c, LOCKS) and id(c) not in free]
    assert not bare


def is_call(node: ast.AST, names: set[str]) -> bool:
    """Those of asyncio are of a loop, and no loop goes on in a child."""
    module, _, name = ast.unparse(node.func).rpartition(".") if isinstance(node, ast.Call) else ("", "", "")
    return name in names and module != "asyncio"
