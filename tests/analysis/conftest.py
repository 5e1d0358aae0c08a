"""Every analysis test runs on every engine: the table goes in as that engine's kind and comes out as rows."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("duckdb", reason="the analysis extra is not installed")
import duckdb

from tests.analysis import bank
from tests.analysis.engines import Engine
from tests.analysis.spark_server import spark_server, why_not

KINDS = ["pandas", "polars", "polars-lazy", "pyarrow", "duckdb", "ibis"]


@pytest.fixture(params=[*KINDS, pytest.param("spark", marks=pytest.mark.long)])  # seconds a question
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "ibis":
        pytest.importorskip("ibis", reason="the warehouse extra is not installed")
    spark = request.getfixturevalue("spark") if request.param == "spark" else None
    with duckdb.connect() as connection:
        yield Engine(request.param, connection, spark)


@pytest.fixture(scope="session")
def spark_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of two workers."""
    pytest.importorskip("grpc", reason="the spark extra is not installed")
    if reason := why_not():
        pytest.skip(reason)
    with spark_server(tmp_path_factory.mktemp("spark")) as url:
        yield url


@pytest.fixture(scope="session")
def spark(spark_url: str) -> Iterator[Any]:
    """A session on it, set as `open_calls` sets one."""
    from pbxnb.analysis.engines.spark import session_at

    session = session_at(spark_url)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def january() -> list[dict[str, Any]]:
    return bank.bank_calls(1)


@pytest.fixture(scope="session")
def october() -> list[dict[str, Any]]:
    return bank.bank_calls(10)
