"""``kill -9`` of a recording process at random moments: nothing that was acknowledged is lost, readers go on."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pbxnb.journal import Journal


def killed(path: Path, lines: int) -> tuple[int, int]:
    """Record until so many acknowledgements were said, kill, and give the last one that was."""
    command = [sys.executable, "-m", "tests.journal.killed", str(path), "2000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    whole = [line for line in said if line.endswith("\n")]
    acknowledged, written = map(int, whole[-1].split())
    return acknowledged, written


def check(path: Path, acknowledged: int) -> int:
    """All that was acknowledged is there, whole and in order; how much there is."""
    with Journal(path) as journal:
        numbers = [one.seq for _, one in journal.inputs()]  # type: ignore[attr-defined]
        assert numbers == [*range(1, len(numbers) + 1)]
        assert len(numbers) >= acknowledged
        assert journal.store(journal.last + 1).seq == numbers[-1]
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
    return len(numbers)


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.long)])
def test_a_killed_recorder_loses_nothing_that_it_acknowledged(times: int, tmp_path: Path):
    path, chance, lost = tmp_path / "one.pbx", random.Random(14), []
    reader: Journal | None = None
    for _ in range(times):
        acknowledged, written = killed(path, chance.randrange(1, 12))
        if reader is None:
            reader = Journal(path)  # open through everything that follows
        there = reader.last + 1
        assert there >= acknowledged
        lost.append(max(0, written - there) / 2000)
        assert check(path, acknowledged) == there
    assert reader is not None
    assert len(reader.breaks()) == times
    reader.close()
    print(f"not acknowledged and lost, seconds of frames: mean {sum(lost) / times:.3f}, most {max(lost):.3f}")
