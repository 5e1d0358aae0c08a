"""A kernel and a scripted PBX for each test. The kernel is a process, the PBX a thread of the tests' own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from kernel_driver import Kernel
from scripted_pbx import ScriptedPbx


@pytest.fixture
def pbx():
    with ScriptedPbx() as server:
        yield server


@pytest.fixture
def kernel():
    with Kernel() as running:
        yield running
