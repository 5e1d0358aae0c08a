"""Every fault by its name, over a real socket: what a client sees of it, that it ends, that the PBX is well after."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest
from yarl import URL

from pbxnb.errors import ScenarioError, SimulatorError
from pbxnb.simulator import Simulator, serve, start
from pbxnb.simulator.faults import FAULTS, GARBAGE, ActiveFault
from pbxnb.simulator.scenarios import scenario
from tests.helpers.sim_client import Http, Line, client


@pytest.fixture(name="sim")
async def make_sim() -> AsyncIterator[Simulator]:
    async with serve("empty", extensions=12) as sim:
        yield sim


@pytest.fixture(name="http")
async def make_http(sim: Simulator) -> AsyncIterator[Http]:
    async with client(sim) as http:
        yield http


async def over(active: ActiveFault) -> None:
    """Until a fault has ended, at most five seconds."""
    ended = asyncio.Event()
    active.then(ended.set)
    async with asyncio.timeout(5):
        await ended.wait()


async def closed(line: Line) -> int | None:
    """Read to the end; the close code, 1006 when there was none."""
    async with asyncio.timeout(5):
        while (message := await line.ws.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
    return int(message.data) if message.type is aiohttp.WSMsgType.CLOSE else 1006


async def well(http: Http) -> None:
    """A new client gets in and sees the PBX as it is."""
    async with http.line() as line:
        await line.send("get-users")
        frame = await line.next("domain-state")
        assert [a["account"] for a in frame["accounts"]] == list(http.sim.pbx.accounts)


# -- the line ----------------------------------------------------------------------------------------------------------


async def test_drop_breaks_the_connection_without_a_word(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        assert sim.faults.drop().over
        assert await closed(line) == 1006
    await well(http)


async def test_drop_with_a_code_and_of_one_user_only(sim: Simulator, http: Http) -> None:
    async with http.line() as mine, http.line("41") as other:
        sim.faults.drop(user="41", code=4000)
        assert await closed(other) == 4000
        assert await mine.answered()


async def test_the_user_may_be_a_number(sim: Simulator, http: Http) -> None:
    async with http.line("41") as line:
        sim.faults.drop(user=41, code=4000)  # type: ignore[arg-type]
        assert await closed(line) == 4000


async def test_half_open_is_silent_even_to_pings_and_then_gone(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        await line.answered()
        active = sim.faults.half_open(seconds=0.3)
        await line.send("get-users")
        await line.ws.ping()
        sim.pbx.dnd("41", True)
        with pytest.raises(TimeoutError):
            await line.text(timeout=0.1)
        assert await closed(line) == 1006
        assert active.over
    await well(http)


async def test_stall_says_nothing_for_a_while_and_then_everything(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        await line.answered()
        active = sim.faults.stall(seconds=60)
        sim.set_dnd("41", True)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reading := asyncio.ensure_future(line.text())), 0.1)
        active.stop()
        assert json.loads(await reading)["account"] == "41"
        await line.answered()


async def test_refuse_answers_everything_with_a_status_and_lets_open_sockets_be(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        active = sim.faults.refuse(seconds=60, status=503)
        assert await http.mine("GET", "calls") == 503
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with http.line():
                pass
        assert refused.value.status == 503
        await line.answered()
        active.stop()
    await well(http)


async def test_refuse_with_status_0_closes_the_port_itself(sim: Simulator, http: Http) -> None:
    port = sim.port
    active = sim.faults.refuse(seconds=60, status=0)
    await asyncio.sleep(0)
    with pytest.raises(aiohttp.ClientConnectorError):
        async with aiohttp.ClientSession() as fresh, fresh.get(f"http://127.0.0.1:{port}/"):
            pass
    active.stop()
    await until_open(port)
    assert sim.port == port
    await well(http)


async def until_open(port: int) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            await writer.wait_closed()
            return


async def test_slow_delays_every_frame(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        await line.answered()
        active = sim.faults.slow(seconds=60, lag=0.1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await line.answered()
        assert loop.time() - began >= 0.1
        active.stop()
        assert all(socket.lag == 0 for socket in sim.server.sockets)


# -- what is sent ------------------------------------------------------------------------------------------------------


async def test_a_partial_snapshot_lacks_the_last_accounts_once_and_keeps_the_order(sim: Simulator, http: Http) -> None:
    everything = list(sim.pbx.accounts)
    async with http.line() as line:
        active = sim.faults.partial_snapshot(share=0.5)
        await line.send("get-users")
        part = [a["account"] for a in (await line.next("domain-state"))["accounts"]]
        assert part == everything[: len(everything) // 2]
        assert active.over
        await line.send("get-users")
        assert [a["account"] for a in (await line.next("domain-state"))["accounts"]] == everything
    assert not sim.server.filters


async def test_a_partial_snapshot_also_meets_those_who_come_later(sim: Simulator, http: Http) -> None:
    sim.faults.partial_snapshot(count=2, share=0)
    for expected in (0, 0, len(sim.pbx.accounts)):
        async with http.line() as line:
            await line.send("get-users")
            assert len((await line.next("domain-state"))["accounts"]) == expected


async def test_garbage_is_sent_as_many_times_as_asked(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        await line.answered()
        sim.faults.garbage(count=len(GARBAGE) + 1)
        assert [await line.text() for _ in range(len(GARBAGE) + 1)] == [*GARBAGE, GARBAGE[0]]
        await line.answered()


async def test_a_giant_frame_has_the_size_asked_for(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        await line.answered()
        sim.faults.giant(size=3_000_000)
        assert len(await line.text()) == 3_000_000
        await line.answered()


async def test_a_ghost_call_stays_in_the_lists_after_its_end(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        ghost, real = sim.place_call("41", "42"), sim.place_call("43", "44")
        sim.answer(ghost)
        active = sim.faults.ghost(count=1, seconds=60)
        sim.hangup(ghost)
        sim.hangup(real)
        assert [c["id"] for c in await line.calls()] == [ghost]
        assert not sim.pbx.calls
        async with http.line() as late:
            assert [c["id"] for c in await late.calls()] == [ghost]
        assert await http.ask("GET", f"/rest/user/41@{sim.domain}/calls", name="admin") == []
        active.stop()
        assert await line.calls() == []


# -- the PBX -----------------------------------------------------------------------------------------------------------


async def test_expired_token_ends_sessions_and_spoils_new_tokens(sim: Simulator, http: Http) -> None:
    session = sim.login.session(next(iter([sim.login.identity(f"{sim.user}@{sim.domain}")])))  # type: ignore[arg-type]
    active = sim.faults.expired_token(seconds=60)
    assert sim.login.whose(session) is None
    body = {"name": "3rd", "username": sim.user, "domain": sim.domain}
    token = await http.ask("POST", "/rest/system/session", name="admin", json=body)
    assert await http.ask("POST", "/rest/system/session", name="", json={"name": "session", "value": token}) is False
    active.stop()
    token = await http.ask("POST", "/rest/system/session", name="admin", json=body)
    assert await http.ask("POST", "/rest/system/session", name="", json={"name": "session", "value": token}) is True


async def test_restart_loses_calls_and_sessions_and_comes_back_changed(sim: Simulator, http: Http) -> None:
    before = [e.number for e in sim.pbx.extensions]
    sim.place_call("41", "48")  # which is one of the accounts that go
    async with http.line() as line:
        active = sim.faults.restart(seconds=60)
        assert await closed(line) == 1001
    assert not sim.pbx.calls
    after = [e.number for e in sim.pbx.extensions]
    assert (set(before) - set(after), set(after) - set(before)) == ({"48"}, {"52"})
    assert not sim.pbx.extension("41").registered  # type: ignore[union-attr]
    active.stop()
    await until_open(sim.port)
    await well(http)


async def test_who_is_accepted_in_the_moment_of_a_restart_is_cut_off_and_not_left_waiting(sim: Simulator) -> None:
    loop, caller = asyncio.get_running_loop(), socket.socket()
    with caller:
        # Connected, and accepted in the very turn of the loop in which the port is told to close.
        caller.connect(("127.0.0.1", sim.port))
        loop.call_soon(lambda: sim.faults.restart(seconds=60))
        caller.setblocking(False)
        await loop.sock_sendall(caller, b"GET / HTTP/1.1\r\nHost: pbx\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(20):
                assert await loop.sock_recv(caller, 1) == b""


async def test_a_restart_during_a_restart_leaves_one_open_port(sim: Simulator, http: Http) -> None:
    first, second = sim.faults.restart(seconds=60), sim.faults.restart(seconds=60)
    first.stop()
    second.stop()
    await until_open(sim.port)
    await well(http)


async def test_clock_skew_moves_the_date_and_every_time_printed(sim: Simulator, http: Http) -> None:
    call = sim.place_call("41", "42")
    began = sim.pbx.calls[call].started

    async def read() -> tuple[float, float]:
        async with http.session.get(http.base + "/") as response:
            date = parsedate_to_datetime(response.headers["Date"]).timestamp()
        async with http.line() as line:
            return date - sim.clock.now().timestamp(), float((await line.calls())[0]["start"]) - began

    date, start_ = await read()
    assert (abs(date) < 2, abs(start_) < 1) == (True, True)
    active = sim.faults.clock_skew(offset=-500, seconds=60)
    date, start_ = await read()
    assert (date, start_) == (pytest.approx(-500, abs=2), pytest.approx(-500, abs=1))
    active.stop()
    date, start_ = await read()
    assert (abs(date) < 2, abs(start_) < 1) == (True, True)


async def test_new_certificate_drops_everybody_and_shows_another_one() -> None:
    async with serve("empty", extensions=3, tls=True) as sim:

        def shown() -> str:
            return ssl.get_server_certificate(("127.0.0.1", sim.port))

        first, pin = await asyncio.to_thread(shown), sim.fingerprint
        active = sim.faults.new_certificate()
        await over(active)
        await until_open(sim.port)
        assert await asyncio.to_thread(shown) != first
        assert sim.fingerprint != pin


async def test_new_certificate_needs_tls(sim: Simulator) -> None:
    with pytest.raises(SimulatorError, match="no certificate to change"):
        sim.faults.new_certificate()


async def test_flap_registers_and_unregisters_and_ends_registered(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        await line.answered()
        active = sim.faults.flap(extension="42", count=3, every=1.0)
        sim.advance(20)
        seen = [f["registered"] for f in await line.answered() if f.get("action") == "user-state"]
        assert seen == [False, True, False, True, False, True]
        assert active.over


# -- naming, bounds, other ways in -------------------------------------------------------------------------------------


async def test_every_fault_has_a_sentence_and_can_be_started_by_name(sim: Simulator) -> None:
    assert set(FAULTS) == {
        "drop", "half-open", "stall", "refuse", "slow", "partial-snapshot", "garbage", "giant", "ghost",
        "expired-token", "restart", "clock-skew", "new-certificate", "flap", "media", "records",
    }  # fmt: skip
    for name, fault in FAULTS.items():
        assert fault.__doc__
        if name not in ("new-certificate", "restart", "media"):
            sim.faults.start(name)
    assert {each.name for each in sim.faults.active} == {
        "half-open", "stall", "refuse", "slow", "partial-snapshot", "ghost", "expired-token", "clock-skew", "flap",
        "records",
    }  # fmt: skip
    sim.faults.stop("slow")
    assert "slow" not in repr(sim.faults)
    sim.faults.stop()
    assert repr(sim.faults) == "<faults: none going on>"
    assert not sim.server.gates
    assert not sim.server.filters


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("dorp", {}, r"no fault 'dorp'; did you mean 'drop'"),
        ("drop", {"colour": 1}, r"'drop' has no option 'colour'.*It has user, code"),
        ("stall", {"seconds": -1}, r"seconds -1 is not possible.*from 0 to 3600"),
        ("stall", {"seconds": "long"}, r"seconds 'long' is not possible"),
        ("giant", {"size": 2**40}, r"size 1099511627776 is not possible"),
        ("ghost", {"count": 0}, r"count 0 is not possible"),
        ("refuse", {"status": 200}, r"200 refuses nothing"),
        ("clock-skew", {"offset": "nan"}, r"offset 'nan' is not possible"),
        ("media", {}, r"This PBX has no media. Start it with media=True"),
        ("media", {"loss": 2}, r"loss 2 is not possible"),
        ("flap", {"extension": "99"}, r"no extension '99' to flap"),
    ],
)
async def test_what_cannot_be_is_refused(sim: Simulator, name: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SimulatorError, match=sentence):
        sim.faults.start(name, **options)
    assert not sim.faults.active


async def test_time_ends_a_fault(sim: Simulator, http: Http) -> None:
    await over(sim.faults.refuse(seconds=0.05))
    await well(http)


async def test_options_may_come_as_text(sim: Simulator) -> None:
    assert sim.faults.start("half_open", seconds="60").name == "half-open"


def test_from_another_thread_and_closing_ends_them() -> None:
    with start("empty", extensions=3) as sim:
        active = sim.faults.refuse(seconds=60)
        sim.faults.refuse(seconds=60, status=0)
        assert sim.faults.active[0] is active
    assert active.over
    assert not any(thread.name.startswith("pbxnb-simulator") for thread in threading.enumerate())


async def test_over_http_for_the_administrator_only(sim: Simulator, http: Http) -> None:
    assert await http.ask("POST", "/simulator/faults/stall", json={}) == 401
    assert await http.ask("GET", "/simulator") == 401
    overview = await http.ask("GET", "/simulator", name="admin")
    assert set(overview["faults"]) == set(FAULTS)
    assert "hold" in overview["scenarios"]
    answer = await http.ask("POST", "/simulator/faults/refuse", name="admin", json={"seconds": 60})
    assert answer == {"fault": "refuse", "over": False}
    assert (await http.ask("GET", "/simulator", name="admin"))["active"] == ["refuse"]
    assert await http.ask("DELETE", "/simulator/faults/refuse", name="admin") == {"ended": ["refuse"]}
    assert await http.ask("DELETE", "/simulator/faults", name="admin") == {"ended": []}
    assert await http.ask("POST", "/simulator/faults/dorp", name="admin") == 400
    for body in (b"{", b"[1]", b"\xff", b'{"self": 1}', b'{"name": 1}'):
        assert await http.ask("POST", "/simulator/faults/stall", name="admin", data=body) == 400
    assert await http.ask("POST", "/simulator/scenarios", name="admin", data=b"\xff") == 400
    assert sim.faults.active == ()
    await well(http)


async def test_scenarios_over_http(sim: Simulator, http: Http) -> None:
    answer = await http.ask("POST", "/simulator/scenarios/hold", name="admin")
    assert (answer["scenario"], answer["steps"], answer["done"]) == ("hold", 12, False)
    yaml = "name: mine\nsteps:\n  - {call: a, from: ext5, to: ext6}\n  - {after: 1, answer: a}\n"
    assert (await http.ask("POST", "/simulator/scenarios", name="admin", data=yaml))["scenario"] == "mine"
    steps = [{"call": "b", "from": "ext3", "to": "ext4"}]
    assert (await http.ask("POST", "/simulator/scenarios", name="admin", json=steps))["seconds"] == 0
    assert await http.ask("POST", "/simulator/scenarios", name="admin", json=[{"hold": "x"}]) == 400
    sim.advance(61)
    playing = (await http.ask("GET", "/simulator", name="admin"))["playing"]
    assert [(p["scenario"], p["done"], p["error"]) for p in playing] == [
        ("hold", True, ""),
        ("mine", True, ""),
        ("scenario", True, ""),
    ]


async def test_no_scenario_over_http_reads_a_file(http: Http, tmp_path: Path) -> None:
    """Neither by a path in the URL, nor as text, JSON text, or text inside of text; here in the kernel it may."""
    file = tmp_path / "secrets.json"
    file.write_text('[{"hunter2": "hold"}]')
    bodies = [str(file), json.dumps(str(file)), "\n" + json.dumps(str(file)), "\n" + str(file), f"- {file}\n"]
    asked = [("", body) for body in bodies] + [("/" + quote(str(file), safe=""), ""), ("/secrets.json", "")]
    for path, body in asked:
        url, headers = f"{http.base}/simulator/scenarios{path}", http.basic("admin")
        async with http.session.post(URL(url, encoded=True), data=body, headers=headers) as answer:
            assert answer.status == 400
            assert "hunter2" not in await answer.text()
    for text in ("\n" + json.dumps(str(file)), json.dumps(json.dumps([]))):
        with pytest.raises(ScenarioError):
            scenario(text)
    with pytest.raises(ScenarioError, match="hunter2"):
        scenario(str(file))


async def test_the_administrator_has_a_secret_of_its_own(sim: Simulator, http: Http) -> None:
    assert sim.admin == ("admin", sim.admin_password)
    assert sim.admin_password != sim.password
    assert sim.admin_password not in sim.connect_line
    for name in ("admin", f"admin@{sim.domain}"):
        known = base64.b64encode(f"{name}:{sim.password}".encode()).decode()
        headers = {"Authorization": f"Basic {known}"}
        for path in ("/simulator", f"/rest/domain/{sim.domain}/users"):
            async with http.session.get(http.base + path, headers=headers) as answer:
                assert answer.status == 401
        for secret, well in ((sim.password, False), (sim.admin_password, True)):
            value = f"{name} {hashlib.md5(secret.encode(), usedforsecurity=False).hexdigest()}"
            assert bool(sim.login.by_hash(value)) == well
    assert "faults" in await http.ask("GET", "/simulator", name="admin")


async def test_a_scenario_can_break_the_line(sim: Simulator, http: Http) -> None:
    async with http.line() as line:
        performance = sim.scenario("reconnect")
        sim.advance(10)
        assert await closed(line) == 1006
        assert await http.mine("GET", "calls") == 503
        sim.faults.stop()
        sim.advance(30)
        assert performance.error is None
        assert performance.done
    await well(http)


async def test_presets_with_faults_let_them_happen_by_themselves() -> None:
    async with serve("flap", extensions=4, seed=2) as sim:
        sim.advance(400)
        assert any(each.name == "flap" for each in sim.faults._control._going)


async def test_the_ghosts_of_a_busy_office_are_bounded_and_leave(sim: Simulator, http: Http) -> None:
    """Two ghosts although four calls end; and every list is still valid JSON of the usual shape."""
    async with http.line() as line:
        sim.faults.ghost(count=2, seconds=60)
        calls = [sim.place_call(f"+1202555010{n}", "41" if n < 2 else "42") for n in range(4)]
        for call in calls:
            sim.hangup(call)
        listed = await line.calls()
        assert [c["id"] for c in listed] == calls[:2]
        assert all(msgspec.json.decode(msgspec.json.encode(c))["extension"] == ["41"] for c in listed)
