"""A small recording of each version of the form, kept for ever, and what the pbxnb that wrote it saw in it.

    python -m tests.journal.kept

keeps one of the present version in ``tests/data/recordings``: once, when the version has changed.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from pbxnb.journal import Journal
from pbxnb.journal.file import VERSION
from pbxnb.model.entities import Gap, Orbit, Queue
from pbxnb.model.kept.inputs import (
    Applied,
    DateRead,
    Input,
    Lost,
    Opened,
    OrbitRead,
    QueueRead,
    Received,
    Resynced,
    Scoped,
    Sent,
    Ticked,
)
from pbxnb.model.store import Scope
from tests.journal.journal_kit import recorded
from tests.model.inputs_kit import DATA, of_file
from tests.model.model_kit import T0

FOLDER = DATA / "recordings"
SITUATION = DATA / "situations" / "attended-transfer-new-id.jsonl"
MOMENTS = 7
_DND = b'{"action":"user-state","account":"204","type":"extensions","dnd":true}'


def inputs() -> list[Input]:
    """Every kind of input, around a transfer."""
    frames = of_file(SITUATION)
    last = frames[-1].utc
    stamp, later = (T0, 0.0, 1, None), (last + timedelta(seconds=60), 1000.0, 2, None)
    queue, orbit = Queue(number="600", name="Sales", waiting=2), Orbit(number="700")
    return [
        Opened(*stamp, "70.1"),
        DateRead(*stamp, T0 + timedelta(seconds=30), T0),
        Scoped(*stamp, Scope.DOMAIN),
        QueueRead(*stamp, queue),
        OrbitRead(*stamp, orbit),
        *frames,
        Sent(last, frames[-1].mono, 1, None, 99, b'{"action":"avoid-disconnect"}'),
        Lost(last, frames[-1].mono, 1, None, last, "The line broke."),
        Opened(*later, "70.1"),
        Resynced(*later, None, (), 100, None, "snapshot", True, False, Gap(last, later[0])),
        Received(*later, 101, _DND, True),
        Applied(*later, 101, _DND),
        Ticked(*later),
    ]


def seen(path: Path) -> dict[str, Any]:
    """What a recording says: about itself, how much there is, and the model at moments from its start to its end."""
    with Journal(path) as journal:
        start, end = journal.breaks()[0].at, journal.end
        assert end is not None
        end += timedelta(seconds=31)  # the PBX's clock is ahead
        moments = [start + (end - start) * n / (MOMENTS - 1) for n in range(MOMENTS)]
        return {
            "about": journal.about,
            "inputs": [type(one).__name__ for _, one in journal.inputs()],
            "moments": {moment.isoformat(): snapshot(journal, moment) for moment in moments},
        }


def snapshot(journal: Journal, moment: datetime) -> Any:
    """The model at a moment as plain JSON."""
    return json.loads(msgspec.json.encode(journal.at(moment), enc_hook=dict))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"version-{VERSION}.pbx"
    path.unlink(missing_ok=True)
    recorded(path, inputs())
    path.with_name(f".{path.name}.lock").unlink()
    path.with_suffix(".json").write_text(json.dumps(seen(path), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
