"""`pbxnb record` as a process: health for programs, lines for people, a clean end, and what is left after none."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pbxnb.journal import Journal
from tests.cli.mistakes import PASSWORD, WHO, pbx, run
from tests.cli.test_cli_commands import end_of, process

_, DOMAIN, _, USER = WHO
SECRETS = {"ACME_PASSWORD": PASSWORD}


def settings(folder: Path, url: str, more: str = "") -> str:
    file = folder / "record.toml"
    file.write_text(
        f'[[pbx]]\nurl = "{url}"\ndomain = "{DOMAIN}"\nuser = "{USER}"\npassword_env = "ACME_PASSWORD"\n'
        f'tz = "Europe/Berlin"\n[recording]\nfolder = "kept"\n{more}'
    )
    return str(file)


@contextmanager
def recording(folder: Path, *options: str, more: str = "") -> Iterator[tuple[Any, Any]]:
    """A PBX, and the process that records it."""
    with pbx() as sim:
        argv = ("record", settings(folder, sim.url, more), *options)
        with process(*argv, environment=SECRETS) as running:
            yield sim, running


def until(running: Any, state: str) -> dict[str, Any]:
    """The first health with this state."""
    for line in running.stdout:
        health: dict[str, Any] = json.loads(line)
        if health["pbx"][0]["state"] == state:
            return health
    pytest.fail(f"it ended: {running.stderr.read()}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_with_everything_written_however_often_it_is_told(number: signal.Signals, tmp_path: Path):
    with recording(tmp_path, "--json", "--every", "0.05") as (sim, running):
        health = until(running, "live")
        assert [*health] == ["at", "pbx", "why"]
        sim.place_call("41", "42")
        for _ in range(3):
            running.send_signal(number)
        code, out, remarks = end_of(running)
    [last] = json.loads(out.splitlines()[-1])["pbx"]
    assert (code, remarks) == (0, "")
    assert (last["state"], last["why"]) == ("closed", "")
    with Journal(last["file"]) as journal:
        assert journal.last + 1 == last["recorded"] == last["acknowledged"]
    assert not [*tmp_path.rglob("*-wal")], "a finished recording is one file"


def test_people_get_a_line_when_something_changes(tmp_path: Path):
    with recording(tmp_path) as (_, running):
        while "live, records to" not in (line := running.stdout.readline()):
            assert line
        running.send_signal(signal.SIGTERM)
        code, out, remarks = end_of(running)
    assert (code, remarks) == (0, "")
    assert [line.split(", ")[0].partition(": ")[2] for line in out.splitlines()] == ["closed"]


def test_it_goes_on_when_nobody_reads_it_any_more(tmp_path: Path):
    with recording(tmp_path, "--json", "--every", "0.05") as (sim, running):
        health = until(running, "live")
        running.stdout.close()
        file = health["pbx"][0]["file"]
        with Journal(file) as journal:
            for _ in range(5):
                before = journal.last
                sim.hangup(sim.place_call("41", "42"))
                while journal.last == before:
                    assert running.poll() is None
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


def test_what_is_wrong_with_the_file_is_wrong_usage_in_the_files_own_words(tmp_path: Path):
    file = settings(tmp_path, "pbx.example.com")
    for argv in (("record", file), ("record", file, "--json"), ("record", file, "--tables")):
        code, out, remarks = run(*argv, environment=SECRETS)
        said = out + remarks
        assert code == 2
        assert "pbx 1 (acme.example): The URL must begin with ws:// or wss://." in said
        assert "--domain" not in said
    code, _, remarks = run("record", settings(tmp_path, "ws://pbx.example.com"), environment={})
    assert code == 2
    assert "no variable ACME_PASSWORD" in remarks


def test_tables_need_their_extra_and_say_so_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = settings(tmp_path, "ws://pbx.example.com", "tables = true\n")
    code, _, remarks = run("record", file, environment=SECRETS)
    assert code == 1
    assert 'pip install "pbxnb[analysis]"' in remarks
