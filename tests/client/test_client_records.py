"""Call records page by page: every shape of a list, and each record once however the PBX pages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxnb.client import RestError, records
from pbxnb.client.records import record_pages

NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
EXTENSIONS = [{"id": "1001", "name": "41"}, {"id": "1002", "name": "42"}]


def record(n: int, **more: Any) -> dict[str, Any]:
    """The n-th call of the day, a second each."""
    return {"id": str(n), "start": (NOW - timedelta(hours=6, seconds=-n)).timestamp(), **more}


class Pbx:
    """Answers of a PBX; ``ask`` gives those to pages."""

    def __init__(self, ask: Any) -> None:
        self.ask = ask
        self.asked: list[str] = []

    async def rest(self) -> Any:
        return self

    async def get(self, path: str, *, within: float | None = None) -> Any:
        if "/cdrs" not in path:
            return EXTENSIONS
        self.asked.append(path)
        query = parse_qs(urlsplit(path).query)
        return self.ask(int(query["page"][0]), int(query["size"][0]))


def read(ask: Any, since: datetime = NOW - timedelta(hours=12)) -> tuple[list[Any], list[str]]:
    """What came, and what was asked for."""
    pbx = Pbx(ask)

    async def all_of_them() -> list[Any]:
        pages = [page async for page in record_pages(pbx.rest, "acme.example", since, NOW)]  # type: ignore[arg-type]
        found = [json.loads(line) for page in pages for line in page.lines.splitlines()]
        assert len(found) == sum(page.records for page in pages)
        return found

    # Not asyncio.run, which takes the thread's loop away from the tests that follow.
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(all_of_them()), pbx.asked


ROWS = [record(2), record(1)]


@pytest.mark.parametrize(
    "shape",
    [
        ROWS,
        {"total": 2, "page": 1, "size": 30, "data": ROWS},
        {"cdrs": ROWS},
        {row["id"]: row for row in ROWS},
        {"data": {row["id"]: {"start": row["start"]} for row in ROWS}},
    ],
)
def test_every_shape_of_a_list_is_read(shape: Any) -> None:
    found, _ = read(lambda page, size: shape if page == 1 else [])
    assert found == ROWS


@pytest.mark.parametrize("nothing", [[], {}, None, {"total": 0, "data": []}])
def test_no_records_are_none(nothing: Any) -> None:
    found, asked = read(lambda page, size: nothing)
    assert (found, len(asked)) == ([], 1)


@pytest.mark.parametrize("answer", [7, True, "no", {"data": "no"}])
def test_what_is_no_list_is_refused(answer: Any) -> None:
    with pytest.raises(RestError, match="no list of call records"):
        read(lambda page, size: answer)


def test_the_days_around_the_window_are_asked_for_in_whatever_zone_the_pbx_is() -> None:
    _, [asked] = read(lambda page, size: [], since=NOW - timedelta(days=1))
    assert asked == "/rest/domain/acme.example/cdrs?page=1&size=100&start=20260919&end=20260922"


def test_a_pbx_that_knows_no_pages_is_asked_three_times() -> None:
    found, asked = read(lambda page, size: ROWS)
    assert (found, len(asked)) == (ROWS, 3)


def test_one_that_knows_no_days_is_not_read_back_to_its_beginning() -> None:
    def ask(page: int, size: int) -> Any:
        return [record(-86_400 * page - n) for n in range(size)]

    found, asked = read(ask, since=NOW - timedelta(days=3))
    assert len(asked) < 8
    assert {row["id"] for row in found} >= {record(-86_400)["id"], record(-3 * 86_400)["id"]}


def test_one_that_begins_with_the_oldest_is_read_to_the_newest() -> None:
    def ask(page: int, size: int) -> Any:
        return [record(86_400 * (page - 30))] if page <= 30 else []

    found, _ = read(ask)
    assert len(found) == 30


def test_one_that_has_no_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_PAGES", 20)
    with pytest.raises(RestError, match="shorter windows"):
        read(lambda page, size: [record(page)])
    monkeypatch.setattr(records, "MOST_BYTES", 10_000)
    with pytest.raises(RestError, match="shorter windows"):
        read(lambda page, size: [record(page, comment="x" * 1_000)])


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        (["1001", "1002"], ["41", "42"]),
        ([1001], ["41"]),
        (["41", "42"], ["41", "42"]),
        (["1001", "9999"], ["41", "9999"]),
        ([], []),
        ("41", "41"),
    ],
)
def test_extensions_are_numbers_where_the_pbx_names_its_ids(said: Any, read_as: Any) -> None:
    [found], _ = read(lambda page, size: [record(1, extensions=said)] if page == 1 else [])
    assert found["extensions"] == read_as


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 40),
    st.integers(5, 9),
    st.lists(st.integers(0, 4), max_size=12),
    st.booleans(),
)
def test_each_record_comes_once_whatever_ends_while_pages_are_read(
    there: int, most: int, ended: list[int], newest_first: bool
) -> None:
    """``ended[n]`` calls end before page n+1 is asked for; ``most`` rows fit into a page, whatever was asked for."""
    rows = [record(n) for n in range(there)]

    def ask(page: int, size: int) -> Any:
        for _ in range(ended[page - 1] if page <= len(ended) else 0):
            rows.append(record(len(rows)))
        shown = rows[::-1] if newest_first else rows
        return [{**row, "rating": page} for row in shown[(page - 1) * most : page * most]]

    found, _ = read(ask)
    ids = [row["id"] for row in found]
    assert len(ids) == len(set(ids))
    assert set(ids) >= {row["id"] for row in rows[:there]}
