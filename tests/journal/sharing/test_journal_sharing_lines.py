"""A recording for others: every fixture anonymised as a file, played by the embedded PBX, and never half written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pbxnb import cli
from pbxnb.errors import ConfigError, NotARecording, OriginalsLeft, RecordingError
from pbxnb.journal.lines import Line, read_lines, write_lines
from pbxnb.journal.sharing import anonymise
from pbxnb.journal.sharing.anonymiser import Anonymiser
from pbxnb.simulator import read_recording
from tests.journal.sharing.test_journal_sharing_frames import FILES, assert_nothing_left, states

FRAMES = [path for path in FILES if path.parent.name == "frames"]
ORNE = '{"action": "callerid", "name": "Beatrix Orne", "number": "+15550100"}'


@pytest.fixture
def monday(tmp_path: Path) -> Path:
    """A recording of two lines, one of each direction."""
    path = tmp_path / "monday.jsonl"
    lines = Line(1790000000.25, "in", ORNE), Line(1790000001.5, "out", '{"action": "dial", "to": "204"}')
    path.write_text("".join(write_lines(lines)), "utf-8")
    return path


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_a_file_keeps_its_times_directions_and_story_and_no_original(path: Path, tmp_path: Path) -> None:
    before, after = list(read_lines(path)), list(read_lines(anonymise(path, tmp_path / "out.jsonl")))
    assert [(line.at, line.direction) for line in after] == [(line.at, line.direction) for line in before]
    old, new = [line.text for line in before], [line.text for line in after]
    assert_nothing_left(old, new)
    assert states(new) == states(old)
    assert len(read_recording(tmp_path / "out.jsonl").frames) == len(read_recording(path).frames)


def test_one_key_gives_one_pseudonym_in_every_file_and_none_is_told_without(monday: Path, tmp_path: Path) -> None:
    first, second, third = (
        anonymise(monday, tmp_path / f"{number}.jsonl", key=key).read_text("utf-8")
        for number, key in enumerate((b"ours", b"ours", None))
    )
    assert first == second != third


def test_what_is_refused_leaves_no_file(monday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "old.jsonl"
    old.write_text("kept", "utf-8")
    monkeypatch.setattr(Anonymiser, "frame", lambda self, text: text)
    with pytest.raises(OriginalsLeft, match="nothing was written"):
        anonymise(monday, old)
    assert old.read_text("utf-8") == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["monday.jsonl", "old.jsonl"]


def test_files_that_cannot_be(monday: Path, tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(monday)
    for out in (monday, tmp_path / "link.jsonl", tmp_path / "monday.pcap"):
        with pytest.raises(ConfigError):
            anonymise(monday, out)
    with pytest.raises(NotARecording):
        anonymise(tmp_path / "none.jsonl", tmp_path / "out.jsonl")
    with pytest.raises(RecordingError, match="cannot be written"):
        anonymise(monday, tmp_path / "no folder" / "out.jsonl")
    assert ORNE in [line.text for line in read_lines(monday)]
    assert {path.name for path in tmp_path.iterdir()} == {"monday.jsonl", "link.jsonl"}


def test_what_is_appended_meanwhile_is_left_for_next_time(
    monday: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = Anonymiser.settle

    def appended(self: Anonymiser) -> None:
        with monday.open("a", encoding="utf-8") as file:
            file.writelines(write_lines([Line(1790000002, "in", '{"name": "Casimir"}')]))
        settle(self)

    monkeypatch.setattr(Anonymiser, "settle", appended)
    assert len(list(read_lines(anonymise(monday, tmp_path / "out.jsonl")))) == 2


def test_the_command_line(monday: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out.jsonl")
    assert cli.main(["anonymise", str(monday), out]) == 0
    assert capsys.readouterr().out == f"{out} tells the same with pseudonyms; read it before you give it away.\n"
    assert "Orne" not in Path(out).read_text("utf-8")
    assert cli.main(["anonymise", str(monday), out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "out": out}
    assert cli.main(["anonymise", str(tmp_path / "none.jsonl"), out]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert cli.main(["anonymise", str(monday), str(monday)]) == 2
