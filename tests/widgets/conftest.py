"""Every widget test records what would be sent."""

from __future__ import annotations

import comm
import pytest

from tests.widgets.fakes import RecordingComm


@pytest.fixture(autouse=True)
def recording_comm(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel: comms are recorded."""
    RecordingComm.sent = []
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
