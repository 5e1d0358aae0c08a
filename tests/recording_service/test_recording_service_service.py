"""Many lines in one process: whatever happens to one line or to the disk, the others go on, and the health says so."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from pbxnb.client import Client, Endpoint, Login, Password
from pbxnb.errors import LoginRefused, Unreachable
from pbxnb.journal import Journal, recorder
from pbxnb.journal.retention import size_of
from pbxnb.model.kept.inputs import Received
from pbxnb.recording_service import Health, LineHealth, Pace, PbxEntry, Service, Settings, changes
from pbxnb.zones import zone_of
from tests.helpers.fault_server import DOMAIN, PASSWORD, USER, FaultServer, account

QUICK = Pace(refused=(0.05, 0.1), failed=(0.05, 0.1))
LOGIN = "/rest/system/session"


def entry(url: str, *, domain: str = DOMAIN, login: Login | None = None) -> PbxEntry:
    return PbxEntry(Endpoint.parse(url, domain, USER), login, "ACME_PASSWORD", None, zone_of("Europe/Berlin"))


def settings(folder: Path, *entries: PbxEntry, **more: int) -> Settings:
    kept = {"keep_days": None, "keep_bytes": None, **more}
    return Settings(folder / "record.toml", entries, folder / "kept", tables=False, **kept)


class Running:
    """A service at work, whose health is looked at."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.told: list[Health] = []
        self.whole = False

    async def until(self, holds: Callable[[list[LineHealth]], object], seconds: float = 30.0) -> list[LineHealth]:
        """The health of each line, once it holds: nobody is told when."""
        async with asyncio.timeout(seconds):
            while not holds(now := self.service.health().pbx):  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(0.01)
        return now


@asynccontextmanager
async def running(made: Settings, *, turn: float = 300.0) -> AsyncIterator[Running]:
    ending = asyncio.Event()
    made_of = Running(Service(made, pace=QUICK, turn=turn))
    work = asyncio.ensure_future(made_of.service.run(ending, made_of.told.append, 0.05))
    try:
        yield made_of
    finally:
        ending.set()
        made_of.whole = await work


def frames(path: str) -> list[bytes]:
    with Journal(path) as journal:
        return [one.raw for _, one in journal.inputs() if isinstance(one, Received)]


async def test_every_line_has_its_files_and_the_last_health_says_that_all_is_written(tmp_path: Path):
    async with FaultServer() as one, FaultServer(login=True) as other:
        made = settings(tmp_path, entry(one.url), entry(other.url, login=Password(PASSWORD)))
        async with running(made) as service:
            await service.until(lambda lines: all(line.state == "live" for line in lines))
            for peer in (*one.peers, *other.peers):
                await peer.send({"action": "user-state", **account("45", dnd=True)})
            await service.until(lambda lines: all(len(frames(line.file)) > 1 for line in lines))
            live = service.service.health()
    assert service.whole
    for line, before, pbx in zip(service.told[-1].pbx, live.pbx, made.pbx, strict=True):
        assert line.pbx == pbx.name
        assert line.recorded == line.acknowledged > 0
        assert (line.state, line.why, line.behind, line.gaps) == ("closed", "", 0.0, 0)
        assert (before.state, before.file) == ("live", line.file)
        assert line.bytes == size_of(Path(line.file)) > 0
        assert line.file.startswith(str(tmp_path / "kept"))
        with Journal(line.file) as journal:
            assert journal.last + 1 == line.recorded
            assert journal.store(journal.last + 1).accounts["45"].dnd is True
            assert (journal.about["tz"], journal.about["domain"]) == ("Europe/Berlin", DOMAIN)
    assert one.closed[0][0] == 1000, "the PBX is told goodbye"


async def test_a_refused_login_stops_nobody_and_is_tried_again(tmp_path: Path):
    async with FaultServer() as one, FaultServer(login=True) as other:
        other.answers[LOGIN] = lambda _: web.json_response("")
        made = settings(tmp_path, entry(one.url), entry(other.url, login=Password(PASSWORD)))
        async with running(made) as service:
            good, bad = await service.until(lambda lines: lines[0].state == "live" and "Tried again" in lines[1].why)
            assert (good.why, bad.state) == ("", "refused")
            assert "password" in bad.why
            assert "Europe/Berlin" in bad.why
            del other.answers[LOGIN]
            good, bad = await service.until(lambda lines: lines[1].state == "live")
            assert (good.gaps, bad.why) == (0, "")


async def test_a_pbx_that_is_not_there_yet_is_waited_for(tmp_path: Path):
    async with FaultServer() as away:
        port = away.port
    async with running(settings(tmp_path, entry(f"ws://127.0.0.1:{port}"))) as service:
        [line] = await service.until(lambda lines: lines[0].why)
        assert line.state != "live"
        async with FaultServer(port=port):
            await service.until(lambda lines: lines[0].state == "live" and not lines[0].why)


async def test_a_line_that_was_lost_goes_on_in_its_file_with_a_gap(tmp_path: Path):
    async with FaultServer() as server, running(settings(tmp_path, entry(server.url))) as service:
        [first] = await service.until(lambda lines: lines[0].state == "live")
        server.peers[0].drop()
        [line] = await service.until(lambda lines: lines[0].gaps and lines[0].state == "live")
        assert line.file == first.file
        assert len(server.peers) == 2


async def test_a_folder_that_cannot_be_written_is_said_and_used_when_it_can(tmp_path: Path):
    (tmp_path / "kept").write_text("in the way")
    async with FaultServer() as server, running(settings(tmp_path, entry(server.url))) as service:
        [line] = await service.until(lambda lines: lines[0].why)
        assert "cannot be written" in line.why
        assert (line.file, server.peers) == ("", [])
        (tmp_path / "kept").unlink()
        [line] = await service.until(lambda lines: lines[0].state == "live")
        assert not line.why


async def test_a_folder_that_is_deleted_is_made_again_and_the_hole_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(recorder, "_AGAIN", 0.01)
    async with FaultServer() as server, running(settings(tmp_path, entry(server.url))) as service:
        [line] = await service.until(lambda lines: lines[0].state == "live" and not lines[0].behind)
        shutil.rmtree(tmp_path / "kept")
        await server.peers[0].send({"action": "user-state", **account("45", dnd=True)})
        [line] = await service.until(lambda lines: "left out" in lines[0].why)
        await server.peers[0].send({"action": "user-state", **account("45", dnd=False)})
        await service.until(lambda lines: lines[0].acknowledged and Path(line.file).exists() and frames(line.file))
    with Journal(line.file) as journal:
        assert journal.breaks()[0].why == "hole"
        assert journal.store(journal.last + 1).accounts["45"].dnd is False


async def test_the_oldest_recordings_go_and_the_newest_stays(tmp_path: Path):
    async with FaultServer() as server:
        made = settings(tmp_path, entry(server.url), keep_bytes=1)
        async with running(made) as service:
            [line] = await service.until(lambda lines: lines[0].state == "live")
        name = Path(line.file)
        old = name.with_name(f"{name.stem[:-10]}2020-01-01.pbx")
        shutil.copy(name, old)
        async with running(made, turn=0.05) as service:
            await service.until(lambda lines: lines[0].state == "live" and not old.exists())
        assert frames(line.file)


async def test_a_fault_ends_the_service_so_that_it_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with FaultServer() as server:
        made = settings(tmp_path, entry(server.url))
        monkeypatch.setattr(Client, "run", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await Service(made).run(asyncio.Event(), lambda _: None, 0.01)


async def test_what_makes_the_tables_gets_no_secret_and_its_words_are_in_the_health(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said = tmp_path / "said"
    child = tmp_path / "child"
    child.write_text(f'#!/bin/sh\nenv > {said}; echo "$@" >> {said}; echo "No room for tables." >&2; exit 1\n')
    child.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(child))
    monkeypatch.setenv("ACME_PASSWORD", PASSWORD)
    pytest.importorskip("pyarrow", reason="the analysis extra is not installed")
    async with FaultServer() as server:
        made = settings(tmp_path, entry(server.url))._replace(tables=True)
        async with running(made) as service:
            await service.until(lambda _: service.service.health().why)
    assert service.told[-1].why == "No room for tables."
    assert PASSWORD not in said.read_text()
    assert said.read_text().endswith(f"-m pbxnb record {made.file} --tables\n")


def test_the_waits_grow_and_a_refusal_is_asked_seldom():
    pace = Pace()
    refused = [pace.wait(LoginRefused("No."), times) for times in range(1, 40)]
    failed = [pace.wait(Unreachable("Nobody."), times) for times in range(1, 40)]
    assert refused[:3] == [60.0, 120.0, 240.0]
    assert refused == sorted(refused)
    assert (max(refused), max(failed)) == (3600.0, 60.0)


def test_people_get_a_line_where_something_changes():
    lines = changes()

    def health(state: str, *, why: str = "", recorded: int = 0) -> Health:
        one = LineHealth(pbx="45@acme.example", state=state, file="a.pbx", recorded=recorded)
        return Health(at=datetime.now(UTC), pbx=[one], why=why)

    said = [
        list(lines(one))
        for one in (health("live"), health("live", recorded=9), health("stale"), health("stale", why="No tables."))
    ]
    assert said == [
        ["45@acme.example: live, records to a.pbx"], [], ["45@acme.example: stale, records to a.pbx"], ["No tables."],
    ]  # fmt: skip
