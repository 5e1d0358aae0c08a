"""A file a day of the PBX's zone, called after anybody's text, each whole by itself; and the old ones go."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.journal import Journal, daily, file_name, prune
from tests.journal.journal_kit import Recorded, busy
from tests.model.model_kit import T0

BERLIN = ZoneInfo("Europe/Berlin")
HOSTILE = (
    "", ".", "..", "../x", "%2e.%2fx", "a/b", "a\\b", "con", "CON", "con.x", "x.", "x..", ".x", "a\0b", "a\nb", "~",
    "a~b", "ä.example", "a\u0308.example", "\u202eelpmaxe", "\U0001f4de", "\ud800", "Acme", "acme",
    "x" * 300, "x" * 301, "ä" * 300,
)  # fmt: skip


@given(st.sampled_from(HOSTILE) | st.text(), st.sampled_from(HOSTILE) | st.text())
def test_two_texts_never_give_one_name_and_every_system_takes_it(one: str, other: str):
    names = {text: file_name(text) for text in (one, other)}
    assert len({name.lower() for name in names.values()}) == len(names)
    for name in names.values():
        assert re.fullmatch(r"(?![.])[a-z0-9._@%~-]{1,180}(?<![.])", name)
        assert not re.match(r"(aux|con|nul|prn|com\d|lpt\d)(\.|$)", name)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_recording_of_any_name_lies_in_its_folder(name: str, tmp_path: Path):
    made = Recorded(daily(tmp_path / "kept", name)).take([busy(1)]).stop()
    [path] = (tmp_path / "kept").glob("*.pbx")
    assert str(path) == made.recorder.state.path
    assert {one.name for one in tmp_path.iterdir()} == {"kept"}


def test_a_file_a_day_each_begins_with_the_model_and_the_old_ones_go(tmp_path: Path):
    kept = tmp_path / "kept"
    where = daily(kept / "line", "../acme/x", BERLIN)
    inputs = [busy(seq, str(seq), after=seq * 20_000.0) for seq in range(20)]  # four days and a half
    made = Recorded(where).take(inputs).stop()
    files = sorted((kept / "line").glob("*.pbx"))
    assert len(files) == len({where(one.utc) for one in inputs}) > 4
    seen = []
    for path in files:
        with Journal(path) as journal:
            assert [one.why for one in journal.breaks()] == ["start" if path == files[0] else "file"]
            seen += [one for _, one in journal.inputs()]
            last = journal.store(journal.last + 1)
    assert seen == inputs
    assert last.snapshot(T0) == made.store.snapshot(T0)
    for day, path in enumerate(files):
        old = (path.stat().st_atime, path.stat().st_mtime - 86_400 * (len(files) - day))
        os.utime(path, old)
    assert prune(kept, keep_days=2.5) == files[:-2]
    assert prune(kept, keep_bytes=1) == files[-2:-1]
    assert [*kept.rglob("*.pbx")] == files[-1:]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "America/St_Johns"])
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25", "2026-11-28"])
def test_a_file_begins_at_the_first_input_of_its_zones_day(zone: str, day: str, tmp_path: Path):
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    seconds = (midnight - T0).total_seconds()
    inputs = [busy(seq, after=seconds + offset) for seq, offset in enumerate((-30, -0.001, 0, 0.001, 30))]
    Recorded(daily(tmp_path, "acme.example", ZoneInfo(zone))).take(inputs).stop()
    counts = {}
    for path in tmp_path.glob("*.pbx"):
        with Journal(path) as journal:
            counts[path.stem[-10:]] = journal.last + 1
    before = f"{datetime.fromisoformat(day) - timedelta(days=1):%Y-%m-%d}"
    first = f"{T0.astimezone(ZoneInfo(zone)):%Y-%m-%d}"  # opened before there was an input
    assert counts == {first: 0} | {before: 2, day: 3}
