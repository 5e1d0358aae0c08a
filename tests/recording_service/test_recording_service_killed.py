"""``kill -9`` of the service, and of what makes its tables, at random moments: every file opens, no table is half."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the analysis extra is not installed")
import pyarrow.parquet as pq

from pbxnb.journal import Journal
from pbxnb.model.kept.inputs import Received
from pbxnb.recording_service import TABLES, make_tables
from tests.cli.test_cli_commands import process
from tests.helpers.fault_server import DOMAIN, USER
from tests.helpers.scripted_pbx import ScriptedPbx
from tests.recording_service.test_recording_service_tables import days, record

pytestmark = pytest.mark.long


def settings(folder: Path, url: str) -> str:
    file = folder / "record.toml"
    file.write_text(
        f'[[pbx]]\nurl = "{url}"\ndomain = "{DOMAIN}"\nuser = "{USER}"\nlogin = "none"\n'
        '[recording]\nfolder = "kept"\ntables = true\n'
    )
    return str(file)


def test_a_killed_service_loses_nothing_that_it_acknowledged(tmp_path: Path):
    chance, there, file = random.Random(14), 0, ""
    with ScriptedPbx() as pbx:
        argv = ("record", settings(tmp_path, pbx.url), "--json", "--every", "0.02")
        for turn in range(1, 11):
            stop = threading.Event()
            with process(*argv) as running:
                assert running.stdout is not None
                healths = (json.loads(line)["pbx"][0] for line in running.stdout)
                file = next(one["file"] for one in healths if one["state"] == "live")
                sent, end = pbx.flood(2000, stop), time.monotonic() + chance.uniform(0.1, 2.0)
                last = next(one for one in healths if time.monotonic() > end)
                running.kill()
                stop.set()
                assert sent.result(20) > 0
            with Journal(file) as journal:
                inputs = [one for _, one in journal.inputs()]
                assert len(journal.breaks()) == turn
            assert len(inputs) >= there + last["acknowledged"] > there
            there = len(inputs)
            numbers = [json.loads(one.raw).get("n") for one in inputs if isinstance(one, Received)]
            follow = [(a, b) for a, b in itertools.pairwise(n for n in numbers if n is not None) if b]
            assert all(b == a + 1 for a, b in follow), "each in its turn, none missing"
            database = sqlite3.connect(file)
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            database.close()
    for table in (tmp_path / "kept").rglob("*.parquet"):
        pq.read_table(table)


def test_a_killed_making_of_tables_leaves_none_that_is_half(tmp_path: Path):
    kept, chance = tmp_path / "kept", random.Random(14)
    whole = len(record(kept, days(10))) * len(TABLES)
    argv, found = ("record", settings(tmp_path, "ws://127.0.0.1:1"), "--tables"), []
    for _ in range(12):
        with process(*argv) as running:
            while not [*kept.rglob("*.parquet")]:
                assert running.poll() is None
            time.sleep(chance.uniform(0.0, 0.5))
            running.kill()
            running.wait()
        tables, halves = [*kept.rglob("*.parquet")], len([*kept.rglob("*.part")])
        for table in tables:
            pq.read_table(table)
        found.append((len(tables), halves))
        if chance.random() < 0.5:  # else the next one goes on from here
            shutil.rmtree(kept / "tables")
    assert any(0 < tables < whole for tables, _ in found), "killed in the middle of it"
    make_tables(kept)
    assert not [*kept.rglob("*.part")]
    assert len([*kept.rglob("*.parquet")]) == whole
    print(f"of {whole} tables there when it was killed, and halves that no reader takes: {found}")
