"""The flat table: one that goes to Parquet, SQL, CSV and Excel as it is, whatever strangers wrote into it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pbxnb.errors import MissingExtra, install_hint

try:
    import pandas as pd
except ImportError:
    raise MissingExtra("Tables need pandas, which is not installed.", hint=install_hint("pbxnb[analysis]")) from None

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FlatTable", "arrow_table", "flat_table"]

_CELL = 32_767  # characters in one of Excel


class FlatTable(pd.DataFrame):
    """A pandas table, and tables made of it, whose ``to_excel`` takes what Excel cannot hold.

    Times are written as UTC without a zone, control characters as U+FFFD, long texts cut, and a text that begins like
    a formula is not one.
    """

    @property
    def _constructor(self) -> Callable[..., FlatTable]:
        return FlatTable

    def to_excel(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[misc] # final for type checkers only
        """As that of pandas."""
        plain = pd.DataFrame(self)
        for name in plain.columns:
            if isinstance(plain[name].dtype, pd.DatetimeTZDtype):
                plain[name] = plain[name].dt.tz_convert("UTC").dt.tz_localize(None)
            else:
                plain[name] = plain[name].map(lambda value: _cell(value) if isinstance(value, str) else value)
        plain.to_excel(*args, **kwargs)

    functools.update_wrapper(to_excel, pd.DataFrame.to_excel)


def flat_table(records: Iterable[Mapping[str, Any]], columns: Iterable[str], times: Iterable[str]) -> FlatTable:
    """A table of plain cells: lists and mappings become JSON text, times UTC with their zone.

    Args:
        records: a mapping a row, of plain values (`pbxnb.session.mappings.plain`).
        columns: all there are, also where there is no row.
        times: those of them that hold times.
    """
    table = FlatTable([{name: _flat(value) for name, value in row.items()} for row in records], columns=[*columns])
    for name in times:
        table[name] = pd.to_datetime(table[name], utc=True).astype("datetime64[us, UTC]")
    return table


def arrow_table(table: pd.DataFrame, columns: Mapping[str, type]) -> pa.Table:
    """A table of `flat_table` as Arrow, whose types do not depend on what stands in it.

    Args:
        columns: all of them, each with its type: `str`, `bool`, `int`, `float` or `datetime`.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError:
        raise MissingExtra(
            "A table as Arrow needs pyarrow, which is not installed.", hint=install_hint("pbxnb[analysis]")
        ) from None
    types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), datetime: pa.timestamp("us", "UTC")}
    schema = pa.schema([(name, types.get(type_, pa.string())) for name, type_ in columns.items()])
    return pa.Table.from_pandas(table, schema, preserve_index=False)


def _flat(value: Any) -> Any:
    if isinstance(value, Mapping | list):
        value = json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()  # half a surrogate pair is in no file format
    return value


def _cell(text: str) -> str:
    kept = "".join(one if one >= " " or one in "\t\n" else "\ufffd" for one in text[: _CELL - 1])
    return f"'{kept}" if kept.startswith("=") else kept
