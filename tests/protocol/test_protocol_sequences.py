"""The annotated sequences of protocol.md 8, with values of our own: every frame is understood to the last field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pbxnb.protocol.decode import decode
from pbxnb.protocol.messages import CallState, DomainState, Malformed, Unknown, UserState
from pbxnb.protocol.requests import REQUESTS, decode_request

FILES = sorted((Path(__file__).parents[1] / "data" / "frames").glob("*.jsonl"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_frame_is_understood(path: Path) -> None:
    before = 0.0
    for line in path.read_text(encoding="utf-8").splitlines():
        frame = json.loads(line)
        assert frame["at"] >= before
        before = frame["at"]
        if frame["dir"] == "out":
            request = decode_request(frame["text"])
            assert request.action in REQUESTS
            assert request.frame() == json.loads(frame["text"])
            continue
        message = decode(frame["text"])
        assert not isinstance(message, Unknown | Malformed)
        entries = [message]
        if isinstance(message, CallState | DomainState):
            entries += [*(message.calls or ()), *getattr(message, "accounts", ())]
        if isinstance(message, UserState):
            entries += [message.entry]
        for entry in entries:
            assert entry.extra.keys() <= {"from-user"}  # the national form of a number (protocol.md 9, no. 30)


def test_all_eight_sequences_are_here() -> None:
    assert {path.stem[:3] for path in FILES} == {f"8_{number}" for number in range(1, 9)}
