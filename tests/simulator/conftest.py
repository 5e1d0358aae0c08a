"""What holds for every test of the embedded PBX: no listener of it fails, which would otherwise only be logged."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_listener_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    failed = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not failed
