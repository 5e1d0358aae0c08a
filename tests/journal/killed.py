"""A process that records at a rate until it is killed: after each acknowledgement it says how much is acknowledged.

    python -m tests.journal.killed PATH RATE

Each line is ``frames acknowledged, frames handed over``; the frames are numbered from 1 and go on in an existing file.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from pbxnb.journal import Journal, Recorder
from pbxnb.model.kept.inputs import Received
from pbxnb.model.store import Store


def main(path: Path, rate: float) -> None:
    first = 0
    if path.exists():
        with Journal(path) as journal:
            first = journal.last + 1
    store = Store(domain="acme.example")
    recorder = Recorder(path, store)
    recorder.start().result(20)
    began, seq, said = time.monotonic(), first, -1
    while True:
        due = first + int((time.monotonic() - began) * rate)
        while seq < due:
            seq += 1
            raw = b'{"action":"user-state","account":"%d","type":"extensions","dnd":%s}' % (
                seq % 500,
                (b"true", b"false")[seq // 500 % 2],
            )
            one = Received(datetime.now(UTC), time.monotonic(), 1, None, seq, raw, False)
            recorder.take(one)
            if changes := one.apply_to(store):
                recorder.noticed(changes)
        state = recorder.state
        if state.acknowledged != said:
            said = state.acknowledged
            sys.stdout.write(f"{first + said} {first + state.written}\n")
            sys.stdout.flush()
        time.sleep(0.001)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
