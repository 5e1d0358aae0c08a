"""Surprises beside the frames: a date, a login, a job, no descriptor left. Whoever waits gets a PbxError."""

from __future__ import annotations

import os
import resource
import threading
import time
from pathlib import Path

import pytest
from aiohttp import web

import pbxnb
from pbxnb.errors import LoginRefused, OutOfResources, PbxError
from tests.helpers.fault_server import call

DATES = [
    "Mon, 21 Sep 99999999999999999999 12:00:00 GMT",
    "Mon, 21 Sep 2026 12:00:00 +99999999999999999999",
    "Mon, 99999999999999999999 Sep 2026 12:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "nonsense",
]


@pytest.mark.parametrize("date", DATES)
def test_a_date_nobody_can_compute_with_costs_only_itself_and_is_said_once(server, caplog, date):
    server.answers["/"] = lambda _: web.Response(headers={"Date": date})
    with pbxnb.connect(**server.arguments) as pbx:
        server.drop()
        pbx.until(lambda p: p.status.reconnects == 1, timeout=10).result()
        pbx.snapshot()
    assert caplog.text.count("cannot be computed with") == 1


@pytest.mark.parametrize("job", ["_list_queues", "_read_orbits"])
def test_a_job_beside_the_frames_may_fail_and_the_line_goes_on(server, caplog, monkeypatch, job):
    failed = threading.Event()

    async def fail(*_: object) -> None:
        failed.set()
        raise ZeroDivisionError

    monkeypatch.setattr(f"pbxnb.client.rest_state.RestReader.{job}", fail)
    with pbxnb.connect(**server.arguments) as pbx:
        assert failed.wait(10)
        server.say_calls(call("7711"))
        pbx.until(lambda p: "7711" in p.calls, timeout=10).result()
        assert pbx.status.reconnects == 0
    assert "A job beside the frames failed" in caplog.text


def test_accounts_by_rest_may_fail_and_the_line_goes_on(server, monkeypatch):
    def fail(*_: object) -> None:
        raise OverflowError

    monkeypatch.setattr("pbxnb.client.connection.read_accounts", fail)
    server.scripts = (subscribing,)
    with pbxnb.connect(**server.arguments) as pbx:
        assert pbx.status.missing == ("accounts",)


async def subscribing(peer):
    while (frame := await peer.read()) is not None:
        if frame["action"] == "domain-calls":
            await peer.send({"action": "call-state", "calls": []})


def test_a_login_of_ones_own_that_fails_is_a_refusal(server):
    class Mine:
        renews = True

        async def cookie(self, http):
            raise KeyError("vault")

    pbx = pbxnb.connect(**server.arguments, login=Mine())
    with pytest.raises(LoginRefused, match="KeyError"):
        pbx.result(10)


def test_a_fault_of_ours_reaches_waiters_as_a_pbx_error(server, monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pbxnb.client.writing.writer.ModelWriter.take", fail)
    pbx = pbxnb.connect(**server.arguments)
    with pytest.raises(PbxError, match="fault in pbxnb"):
        pbx.result(10)


def open_now() -> list[int]:
    return [int(link.name) for link in Path("/proc/self/fd").iterdir()]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
@pytest.mark.parametrize("free", [0, 1, 2, 3])
def test_without_a_file_descriptor_connect_says_so_and_leaves_nothing(server, free):
    connect = pbxnb.connect  # its modules are loaded now, while there are descriptors
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(open_now())
    highest = max(open_now()) + 1
    filling = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, highest + 20), hard))
        while True:
            try:
                filling.append(os.dup(0))
            except OSError:
                break
        for _ in range(free):
            os.close(filling.pop())
        if free < 3:
            with pytest.raises(OutOfResources, match="file descriptor"):
                connect(**server.arguments)
        else:
            pbx = connect(**server.arguments, open_timeout=0.2)
            with pytest.raises(PbxError):
                pbx.result(10)
            pbx.close()
    finally:
        for one in filling:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    end = time.monotonic() + 5  # the server lets go of its side of an attempt
    while len(open_now()) > used and time.monotonic() < end:
        time.sleep(0.01)
    assert len(open_now()) <= used
    assert not [t for t in threading.enumerate() if t.name == "pbxnb-io" and free < 3]
