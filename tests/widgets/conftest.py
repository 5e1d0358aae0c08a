"""Every widget test records what would be sent."""

from __future__ import annotations

import sys
from pathlib import Path

import comm
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fakes import RecordingComm  # found beside this file


@pytest.fixture(autouse=True)
def recording_comm(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel: comms are recorded."""
    RecordingComm.sent = []
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
