"""A kernel and a scripted PBX for each test. The kernel is a process, the PBX a thread of the tests' own."""

from __future__ import annotations

import pytest

from tests.helpers.scripted_pbx import ScriptedPbx
from tests.kernel.kernel_driver import Kernel


@pytest.fixture
def pbx():
    with ScriptedPbx() as server:
        yield server


@pytest.fixture
def kernel():
    with Kernel() as running:
        yield running
