"""A recording of inputs without a line: a store that is fed as a client feeds it, and its recorder."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from pbxnb.journal import Recorder
from pbxnb.model.clock import Clock
from pbxnb.model.kept.inputs import Input, Received
from pbxnb.model.store import Store
from tests.model.model_kit import T0


def frame(seq: int, value: dict[str, Any], *, after: float | None = None, connection: int = 1) -> Received:
    """A frame that came so many seconds after T0, by default its number."""
    seconds = float(seq) if after is None else after
    return Received(T0 + timedelta(seconds=seconds), seconds, connection, None, seq, json.dumps(value).encode(), False)


def busy(seq: int, number: str = "45", **more: Any) -> Received:
    """An account that is on do not disturb at every other frame."""
    dnd = {"account": number, "type": "extensions", "dnd": seq % 2 == 1}
    return frame(seq, {"action": "user-state", **dnd}, **more)


class Recorded:
    """A store and its recorder."""

    def __init__(self, path: Any, *, start: bool = True, key: object = None, clock: Clock | None = None) -> None:
        self.store = Store(domain="acme.example", user="45", clock=clock)
        about = {"domain": "acme.example"}
        self.recorder = Recorder(path, self.store, about=about, key=key, now=lambda: T0)
        if start:
            self.recorder.start().result(20)

    def take(self, inputs: Iterable[Input]) -> Recorded:
        """Feed as a client does: recorded, then applied."""
        for one in inputs:
            self.recorder.take(one)
            if changes := one.apply_to(self.store):
                self.recorder.noticed(changes)
        return self

    def on_disk(self, inputs: int) -> Recorded:
        """Wait until so many are; the recorder has no event for it."""
        end = time.monotonic() + 20
        while self.recorder.state.acknowledged < inputs:
            assert time.monotonic() < end
            time.sleep(0.005)
        return self

    def stop(self) -> Recorded:
        self.recorder.stop().result(20)
        return self


def recorded(path: Path, inputs: Iterable[Input], **options: Any) -> Recorded:
    """A finished recording."""
    return Recorded(path, **options).take(inputs).stop()
