"""Every widget test records what would be sent, and must leave no panel, widget or lane behind."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import comm
import pytest
from ipywidgets.widgets import widget as ipywidget

sys.path.insert(0, str(Path(__file__).parent))

from fakes import RecordingComm, until  # found beside this file


@pytest.fixture(autouse=True)
def recording_comm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No kernel: comms are recorded; what a test opened is closed by it."""
    RecordingComm.sent = []
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    before = set(ipywidget._instances)
    yield
    opened = [made for key, made in ipywidget._instances.items() if key not in before]
    for made in opened:
        made.close()
    until(lambda: all(thread.name != "pbxnb-ui" for thread in threading.enumerate()))
