"""Anonymised frames: whatever a search for the originals finds is too much, and the story stays the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.errors import OriginalsLeft
from pbxnb.journal.sharing.anonymiser import Anonymiser
from pbxnb.model.store import Store
from pbxnb.protocol.decode import decode

DATA = Path(__file__).parents[2] / "data"
FILES = sorted((*(DATA / "frames").glob("*.jsonl"), *(DATA / "situations").glob("*.jsonl")))
T0 = datetime(2026, 9, 21, 12, 0, tzinfo=UTC)
HOSTILE = (
    "Ada Quillon", "ÉMILIE Öström-Straße", "Анна Каренина", "山田太郎花子", "محمد الأمين", "नरेंद्र", "O'Brien-Vandermeer",
    '"; DROP TABLE calls; --', "<img src=x onerror=alert(7654321)>", "Bobby\u202etxet", "+1 (555) 010-0199", "٥٥٥٠١٠٠",
    "Orne%20Beatrix", "%42eatrix", "Beatrix\\nOrne", "Jo@acme-clinic.example", "Ward 12345678 b", "=HYPERLINK(\"x\")",
    "sip", "connected", "Alerting Room", "X" * 300, "9" * 40, "𝔄𝔡𝔞𝔩𝔦𝔫𝔡", "ﬁnnegan", "a\u0301ngela", "[2001:db8::beef]",
    "192.0.2.133", "user=phone;tag=Beatrix", "e.orne@example.org", "Room_404_Annex", "true story", "no",
)  # fmt: skip
WORDS = (
    "sip sips tel http https user phone true false yes alerting ringback ringing connected onhold holding held"
    " parked extensions attendants acds hunts conferences orbits anonymous online offline adhoc offer answer"
)
KEEP = frozenset(WORDS.split())
TIMES = frozenset(("start", "connect", "at", "since", "expires"))
FIXED = frozenset(("action", "code", "cseq", "sdp", "invitesdp", "candidate", "holdcmd", "startstop"))


def frames_of(path: Path) -> list[str]:
    entries = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found = [entry.get("text", entry.get("frame")) for entry in entries]
    return [frame if isinstance(frame, str) else json.dumps(frame) for frame in found if frame is not None]


def anonymous(frames: list[str], key: bytes | None = b"a key of tests") -> tuple[Anonymiser, list[str]]:
    made = Anonymiser(key)
    for frame in frames:
        made.learn(frame)
    made.settle()
    return made, [made.frame(frame) for frame in frames]


def values(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every value with its key, as a reader of the file finds it: no code of the anonymiser's."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from values(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from values(each, key)
    elif value is not None and not isinstance(value, bool):
        yield key, str(value)


def originals(frames: list[str]) -> tuple[set[str], set[str]]:
    """Whole runs of three letters or digits and more, and all pieces of six of them."""
    runs = {
        run.casefold()
        for frame in frames
        for key, value in values(json.loads(frame))
        if key not in TIMES | FIXED
        for run in re.findall(r"\d{3,}|[^\W\d_]{3,}", value)
    } - KEEP
    return runs, {run[at : at + 6] for run in runs for at in range(len(run) - 5)}


def assert_nothing_left(frames: list[str], out: list[str]) -> None:
    runs, pieces = originals(frames)
    for frame in out:
        for key, value in values(json.loads(frame)):
            if key in TIMES | FIXED:
                continue
            words = {run.casefold() for run in re.findall(r"\d+|[^\W\d_]+", value)} - KEEP
            assert not words & runs, (key, value)
            for word in words:
                assert not pieces & {word[at : at + 6] for at in range(len(word) - 5)}, (key, value)


def call(name: str, **more: Any) -> dict[str, Any]:
    party = f'"{name}" <sip:+15550100@acme.example;user=phone>'
    return {"id": "204-7711@pbx", "from": party, "to": "<sip:204@acme.example>", "state": "alerting", **more}


def states(frames: list[str]) -> list[list[str]]:
    """The story: after each frame, the state of every account and call, in order of first appearance."""
    store, story = Store(), []
    for number, frame in enumerate(frames, 1):
        store.apply(decode(frame), T0 + timedelta(seconds=number), seq=number)
        talks = sorted(f"{one.phase} {len(one.calls)} {one.direction}" for one in store.conversations.values())
        accounts = sorted(f"{one.state} {one.type}" for one in store.accounts.values())
        calls = [f"{one.state} {one.phase} {len(one.extensions)}" for one in store.calls.values()]
        story.append([*talks, *accounts, *calls])
    return story


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_original_of_any_recorded_frame_is_left_and_the_story_is_the_same(path: Path) -> None:
    frames = frames_of(path)
    made, out = anonymous(frames)
    assert_nothing_left(frames, out)
    for frame in out:
        made.check(frame)
    assert states(out) == states(frames)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_replaced_wherever_it_stands(name: str) -> None:
    frames = [
        json.dumps({"action": "call-state", "calls": [call(name)]}, ensure_ascii=escaped) for escaped in (True, False)
    ]
    frames.append(json.dumps({"action": "user-state", "account": "204", "name": name, "tag": {"deep": [name, name]}}))
    frames.append(json.dumps({"action": "chat", "dest": "204", "message": f"ask {name} at 15550100 about it"}))
    frames.append(json.dumps({"action": "crmcontact", "data": json.dumps({"records": [{"Name": name}]})}))
    made, out = anonymous(frames)
    assert_nothing_left(frames, out)
    for frame in out:
        made.check(frame)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_no_original_of_any_text_is_left(names: list[str]) -> None:
    frames = [json.dumps({"action": "call-state", "calls": [call(name, note=name)]}) for name in names]
    _, out = anonymous(frames)
    assert_nothing_left(frames, out)


def test_the_same_person_is_the_same_everywhere() -> None:
    frames = [
        json.dumps({"action": "call-state", "calls": [call("Beatrix Orne", **{"from-number": "5550100"})]}),
        json.dumps({"action": "callerid", "name": "BEATRIX ORNE", "number": "0015550100"}),
        json.dumps({"action": "call-state", "calls": [call("", to="<sip:*85204@acme.example>", extension=["*204"])]}),
        json.dumps({"unknown": {"204": 204, "who": "beatrix"}}),
    ]
    _, out = anonymous(frames)
    first, second, third, fourth = map(json.loads, out)
    [one], [other] = first["calls"], third["calls"]
    name, number = re.fullmatch(r'"(\w+ \w+)" <sip:\+(\d{8})@\w+\.\w+;user=phone>', one["from"]).groups()  # type: ignore[union-attr]
    assert number.endswith(one["from-number"])
    assert second == {"action": "callerid", "name": name.upper(), "number": f"00{number}"}
    extension = one["to"].partition("@")[0].removeprefix("<sip:")
    assert other["to"].startswith(f"<sip:*85{extension}@")
    assert other["extension"] == [f"*{extension}"]
    assert fourth == {"unknown": {extension: int(extension), "who": name.split()[0].lower()}}
    assert one["id"].startswith(f"{extension}-")
    assert one["state"] == "alerting"


def test_a_key_that_nobody_knows_stays_unless_it_tells_an_original() -> None:
    tree = {"Beatrix": {"wellness": "fine"}, "acme": {"204": 1}, "beatrixPhone": [2]}
    made, [out] = anonymous([json.dumps({"name": "Beatrix", "domain": "acme", "account": "204", "tree": tree})])
    made.check(out)
    read = json.loads(out)
    name, domain, account = read["name"], read["domain"], read["account"]
    assert read["tree"] == {name: {"wellness": read["tree"][name]["wellness"]}, domain: {account: 1}} | {
        key: [2] for key in read["tree"] if key not in (name, domain)
    }
    assert "eatrix" not in out
    with pytest.raises(OriginalsLeft):
        made.check('{"tree": {"Beatrix": 1}}')


def test_times_stay_to_the_last_zero() -> None:
    frame = '{"action": "call-state", "calls": [{"id": "7", "start": 1790000104.50, "connect": "1790000104.050"}]}'
    _, [out] = anonymous([frame])
    assert '"start": 1790000104.50, "connect": "1790000104.050"' in out


def test_an_address_stays_an_address() -> None:
    line = "candidate:1 1 udp 2130706431 203.0.113.9 52012 typ host"
    _, [out] = anonymous([json.dumps({"candidate": line, "adr": [["203.0.113.9", 52012]]})])
    made = json.loads(out)
    address = re.fullmatch(r"candidate:1 1 udp \d{10} ((?:\d{1,3}\.){3}\d{1,3}) \d{5} typ host", made["candidate"])
    assert address is not None
    assert made["adr"][0][0] == address[1] != "203.0.113.9"
    assert all(int(octet) < 255 for octet in address[1].split("."))


def test_letters_keep_their_script_and_case() -> None:
    _, [out] = anonymous([json.dumps({"action": "callerid", "name": "Анна ПЁТР 山田 Mc"})])
    anna, petr, yamada, mac = json.loads(out)["name"].split()
    assert (anna[0].isupper(), anna[1:].islower(), petr.isupper(), mac.istitle()) == (True, True, True, True)
    assert re.fullmatch(r"[\u0400-\u04ff]+", (anna + petr).casefold())
    assert len(yamada) == 2
    assert not yamada.isascii()


def test_a_key_gives_the_same_pseudonyms_again_and_without_one_nobody_knows() -> None:
    frames = frames_of(FILES[0])
    again = anonymous(frames[::-1])[1][::-1]
    assert anonymous(frames)[1] == again
    assert len({tuple(anonymous(frames, key=None)[1]) for _ in range(3)}) == 3


def test_three_digits_that_are_all_taken_become_longer_ones() -> None:
    frames = [json.dumps({"action": "user-state", "account": str(number)}) for number in range(100, 1000)]
    _, out = anonymous(frames)
    accounts = {json.loads(frame)["account"] for frame in out}
    assert len(accounts) == 900
    assert all(len(account) == 4 for account in accounts)


def test_an_original_that_would_be_left_is_refused() -> None:
    made, [out] = anonymous([json.dumps({"action": "callerid", "name": "Beatrix", "number": "+15550100"})])
    for frame in (
        '{"name": "Beatrix"}',
        '{"x": "0015550100"}',
        '{"x": "a555010b"}',
        '{"deep": [{"x": "atrixbeatrixe"}]}',
    ):
        with pytest.raises(OriginalsLeft, match="originals"):
            made.check(frame)
    made.check(out)


@pytest.mark.parametrize("frame", ["", "no JSON 15550100", '{"a":', "[" * 5000, '"Beatrix"', '{"a": NaN, "b": 1e999}'])
def test_what_is_no_frame_is_free_text(frame: str) -> None:
    _, [out] = anonymous([frame])
    assert "15550100" not in out
    assert "eatrix" not in out
