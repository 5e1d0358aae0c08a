"""Small aggregates out of an engine into Python, and the rows made of them back into a table of that engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..columns import check_keys
from ..engines.placing import placed

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["Key", "grouped", "made", "ordered"]

Key = tuple[Any, ...]


def grouped(frame: nw.LazyFrame[Any], keys: Sequence[str], columns: Sequence[str]) -> dict[Key, list[tuple[Any, ...]]]:
    """The rows of each group, in order of the keys, null first.

    Args:
        keys: the columns that make the groups; none of them: one group.
        columns: what to read; null comes as None, a time as microseconds since 1970.
    """
    table = frame.collect().to_arrow()

    def plain(name: str) -> list[Any]:
        column = table.column(name)
        times = str(column.type).startswith("timestamp")
        values: list[Any] = (column.cast("timestamp[us]").cast("int64") if times else column).to_pylist()
        return values

    groups: dict[Key, list[tuple[Any, ...]]] = defaultdict(list) if keys else {(): []}
    of = zip(*(table.column(key).to_pylist() for key in keys), strict=True) if keys else [()] * table.num_rows
    for key, row in zip(of, zip(*map(plain, columns), strict=True), strict=True):
        groups[key].append(row)
    return {key: groups[key] for key in ordered(groups)}


def ordered(keys: Iterable[Key]) -> list[Key]:
    """Keys of groups, null before all else."""
    return sorted(keys, key=lambda key: [(value is not None, value) for value in key])


def made(
    rows: Iterable[tuple[Key, Mapping[str, Any]]],
    keys: Sequence[str],
    schema: dict[str, Any],
    like: nw.LazyFrame[Any],
) -> nw.LazyFrame[Any]:
    """A frame of the same engine, on the same connection or session.

    Args:
        rows: of each row its group and the other values, None for what is left out.
        keys: the columns of the groups, which come first.
        schema: the columns that follow, in order, and the narwhals type of each.
        like: a frame of that engine with the ``keys``.
    """
    import narwhals as nw

    check_keys(keys, *schema)
    there = like.collect_schema()
    plain = [{**dict(zip(keys, key, strict=True)), **row} for key, row in rows]
    schema = {key: there[key] for key in keys} | schema
    values = {name: [row.get(name) for row in plain] for name in schema}
    return placed(nw.from_dict(values, schema, backend="pyarrow").to_native(), like)
