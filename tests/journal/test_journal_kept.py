"""Recordings of every version of the form are read for ever: what is in them is what the pbxnb of then saw in them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pbxnb.journal import Journal
from pbxnb.journal.file import VERSION
from pbxnb.model.kept import inputs as kinds
from tests.journal.journal_kit import busy, recorded
from tests.journal.kept import FOLDER, inputs, seen, snapshot

KEPT = sorted(FOLDER.glob("*.pbx"))


def says(now: Any, then: Any) -> bool:
    """Whether a value says all that another said; it may say more."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(key in now and says(now[key], value) for key, value in then.items())
    if isinstance(then, list):
        return isinstance(now, list) and len(now) == len(then) and all(map(says, now, then))
    return bool(now == then)


def test_a_recording_of_every_version_is_kept():
    assert [path.stem for path in KEPT] == [f"version-{version}" for version in range(1, VERSION + 1)], (
        "the form has another version: keep a recording of it with python -m tests.journal.kept"
    )


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_an_old_recording_is_read_as_it_was(path: Path, tmp_path: Path):
    then = json.loads(path.with_suffix(".json").read_text("utf-8"))
    shutil.copy(path, tmp_path)
    now = seen(tmp_path / path.name)
    assert says(now, then)
    assert len(set(map(json.dumps, then["moments"].values()))) > 4, "the moments differ"


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_whoever_goes_on_in_an_old_recording_migrates_it(path: Path, tmp_path: Path):
    then = json.loads(path.with_suffix(".json").read_text("utf-8"))
    went_on = tmp_path / path.name
    shutil.copy(path, went_on)
    recorded(went_on, [busy(1, after=10_000.0)])
    database = sqlite3.connect(went_on)
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
    database.close()
    now = seen(went_on)
    assert now["inputs"] == [*then["inputs"], "Received"]
    with Journal(went_on) as journal:
        for moment, model in then["moments"].items():
            assert says(snapshot(journal, datetime.fromisoformat(moment)), model)


def test_the_recording_that_is_kept_holds_every_kind_of_input():
    known = {name for name in kinds.__all__ if isinstance(getattr(kinds, name), type)}
    assert known - {type(one).__name__ for one in inputs()} == {"Input"}
