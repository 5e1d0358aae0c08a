"""The bank's log as one pyarrow table a month, for pictures."""

from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the analysis extra is not installed")
import pyarrow as pa

from tests.analysis.bank import bank_calls


@pytest.fixture(scope="session")
def january() -> list[dict[str, Any]]:
    return bank_calls(1)


@pytest.fixture(scope="session")
def table(january: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(january)


@pytest.fixture(scope="session")
def october() -> pa.Table:
    return pa.Table.from_pylist(bank_calls(10))
