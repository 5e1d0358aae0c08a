"""Spark, by its Spark Connect server: the plan goes there, only results come here."""

from __future__ import annotations

import warnings
from queue import Empty, SimpleQueue
from typing import Any

from pbxnb.errors import AnalysisError

from .parquet import base, shown

__all__ = ["SESSION", "open_spark", "session_at"]

SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
"""Settings without which Spark reads times by its machine's zone, and a domain of digits as a number."""
_PATIENCE = 10.0  # seconds until a server must have answered


def open_spark(path: str, remote: Any) -> Any:
    """A frame of the server's; the path is one that its workers know."""
    from pyspark.errors import AnalysisException

    if remote is None:
        raise AnalysisError("Spark needs to know its server.", hint='Say remote="sc://host:15002", or give a session.')
    session = session_at(remote) if isinstance(remote, str) else _set(remote)
    reader = session.read
    if above := base(path):
        reader = reader.option("basePath", above)
    frame = reader.parquet(path)
    try:
        _ = frame.columns  # now, what is not there is refused
    except AnalysisException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            raise AnalysisError(
                f"The Spark server finds nothing at {shown(path)}.", hint="The path must be one that its workers know."
            ) from None
        if error.getCondition() == "UNABLE_TO_INFER_SCHEMA":
            raise AnalysisError(f"There is no Parquet file below {shown(path)}.") from None
        raise
    return frame


def session_at(url: str) -> Any:
    """A new session on the Spark Connect server at a URL.

    Raises:
        AnalysisError: it is no such URL, or nobody answers there.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")  # no measure uses it there
        from pyspark.errors import PySparkException
        from pyspark.sql.connect.client import DefaultChannelBuilder
        from pyspark.sql.connect.session import SparkSession

    try:
        channels = DefaultChannelBuilder(url)
    except PySparkException:
        raise AnalysisError(
            f"{shown(url)} is not the URL of a Spark Connect server.", hint="It is like sc://host:15002."
        ) from None
    channel = channels.toChannel()
    try:
        if not _answers(channel):
            raise AnalysisError(
                f"No Spark Connect server answers at {channels.endpoint}.", hint="Is it running, and is the port open?"
            )
    finally:
        channel.close()
    return _set(SparkSession.builder.channelBuilder(channels).create())


def _set(session: Any) -> Any:
    for name, value in SESSION.items():
        session.conf.set(name, value)
    return session


def _answers(channel: Any) -> bool:
    """Whether somebody speaks gRPC there: Spark's own client would ask again for minutes."""
    import grpc

    states: SimpleQueue[Any] = SimpleQueue()
    channel.subscribe(states.put, try_to_connect=True)
    try:
        while (state := states.get(timeout=_PATIENCE)) is not grpc.ChannelConnectivity.TRANSIENT_FAILURE:
            if state is grpc.ChannelConnectivity.READY:
                return True
    except Empty:
        pass
    return False
