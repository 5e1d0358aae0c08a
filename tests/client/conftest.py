"""Fixtures of the client's tests; everything else is in `client_kit`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.client.client_kit import Certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path)
