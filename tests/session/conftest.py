"""A scripted PBX for each test, and the certainty that no test leaves a thread of ours behind."""

from __future__ import annotations

import threading
import time

import pytest

from tests.helpers.scripted_pbx import ScriptedPbx


def own_threads() -> list[str]:
    return sorted(t.name for t in threading.enumerate() if t.name.startswith("pbxnb-"))


@pytest.fixture(autouse=True)
def no_thread_left():
    yield
    end = time.monotonic() + 5
    while own_threads() and time.monotonic() < end:
        time.sleep(0.01)
    assert own_threads() == []


@pytest.fixture
def server():
    with ScriptedPbx() as running:
        yield running
