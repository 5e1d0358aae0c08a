"""Every analysis test runs on every engine: the table goes in as that engine's kind and comes out as rows."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="the analysis extra is not installed")
import duckdb

from tests.analysis import bank
from tests.analysis.engines import Engine


@pytest.fixture(params=["pandas", "polars", "polars-lazy", "pyarrow", "duckdb"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with duckdb.connect() as connection:
        yield Engine(request.param, connection)


@pytest.fixture(scope="session")
def january() -> list[dict[str, Any]]:
    return bank.bank_calls(1)


@pytest.fixture(scope="session")
def october() -> list[dict[str, Any]]:
    return bank.bank_calls(10)
