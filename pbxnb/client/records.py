"""The PBX's own call records by REST: page after page, each record once (rest.md 2.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from pbxnb.errors import ConnectionFailed
from pbxnb.model.answers import accounts_in
from pbxnb.protocol import rest as paths
from pbxnb.protocol.rest import url
from pbxnb.protocol.times import Moment, parse_moment

from .rest import Rest, RestError

__all__ = ["Page", "record_pages"]

SIZE = 100
MOST_PAGES = 10_000
MOST_BYTES = 2**30
PATIENCE = 120.0  # seconds for one page: a large scan takes long
_MARGIN = timedelta(days=1)  # a day is one of the PBX's zone, which nobody tells
_SAME = 2  # pages in a row that are as the one before, after which there is no more: some PBXs may not know `page`
_ENCODER = msgspec.json.Encoder()
_LISTS = ("data", "cdrs", "records")
_REFUSALS = {
    403: (
        "The PBX does not let this login read the domain's call records",
        "They are for administrators with API access and for extensions that may see the domain.",
    ),
    404: (
        "This PBX does not know a domain's call records",
        "Is it of another version, or the domain another one? pbx.history.calls has the session's own.",
    ),
}


class Page(NamedTuple):
    """The records of a page that no page before it had.

    Attributes:
        lines: each as a line of JSON, as it came, but with numbers of extensions where the PBX has ids of its own.
        records: how many they are.
        total: how many there are in all, where the PBX tells.
    """

    lines: bytes
    records: int
    total: int | None


async def record_pages(
    rest: Callable[[], Awaitable[Rest]], domain: str, since: datetime, until: datetime
) -> AsyncIterator[Page]:
    """The records of a domain that began from ``since`` to ``until``, and others of about that time.

    One request after the other, until a page is empty, two in a row are as the one before, or pages that go back in
    time are before the window. Calls that end meanwhile move records to a later page; what came already is left out.

    Args:
        rest: gives the REST client, logged in.
        since, until: with a zone.

    Raises:
        RestError: the PBX does not let us read them, does not know them, or has no end of them.
        ConnectionFailed: a page did not come, asked for twice.
    """
    days = {"start": f"{since - _MARGIN:%Y%m%d}", "end": f"{until + _MARGIN:%Y%m%d}"}
    ids = await _ids_of_extensions(rest, domain)
    seen: set[tuple[str, str] | bytes] = set()
    first: datetime | None = None  # the newest beginning on the first page
    before: list[tuple[str, str] | bytes] = []
    same = size = 0
    for number in range(1, MOST_PAGES + 1):
        asked = url(paths.CDRS, domain=domain, page=str(number), size=str(SIZE), **days)
        records, total = _listed(await _page(rest, asked))
        if not records:
            return
        keys = [*map(_key, records)]
        new = {key: record for key, record in zip(keys, records, strict=True) if key not in seen}
        seen.update(new)
        lines = _ENCODER.encode_lines(_numbered([*new.values()], ids))
        size += len(lines)
        if size > MOST_BYTES:
            break
        yield Page(lines, len(new), total)
        same, before = same + 1 if keys == before else 0, keys
        newest = max((moment.at for one in records if (moment := _begin(one)) is not None), default=None)
        first = first or newest
        past = first is not None and newest is not None and newest < min(first, since - _MARGIN)
        if same == _SAME or past:
            return
    raise RestError(
        f"The PBX sends more call records of these days than {MOST_PAGES:,} pages, or {MOST_BYTES // 2**20:,} MB.",
        status=200,
        hint="Fetch shorter windows, one after the other.",
    )


async def _page(rest: Callable[[], Awaitable[Rest]], path: str) -> Any:
    """One page; asked for once more where no answer came: reading changes nothing."""
    try:
        try:
            return await (await rest()).get(path, within=PATIENCE)
        except ConnectionFailed:
            return await (await rest()).get(path, within=PATIENCE)
    except RestError as refused:
        hint = _REFUSALS.get(refused.status)
        if hint is None:
            raise
        where, _, _ = path.partition("?")
        raise RestError(f"{hint[0]} ({where}: HTTP {refused.status}).", status=refused.status, hint=hint[1]) from None


def _listed(answer: Any) -> tuple[list[Any], int | None]:
    """The records in each of the shapes of a list (rest.md 2.0), and the total where it is told."""
    total = answer.get("total") if isinstance(answer, Mapping) else None
    while isinstance(answer, Mapping) and (name := next((name for name in _LISTS if name in answer), "")):
        answer = answer[name]
    if isinstance(answer, Mapping) and "start" in answer:
        answer = [answer]
    if isinstance(answer, Mapping):
        answer = [{"id": key, **one} if isinstance(one, Mapping) else one for key, one in answer.items()]
    if answer is not None and not isinstance(answer, list):
        raise RestError("The PBX answers with something that is no list of call records.", status=200)
    return answer or [], total if isinstance(total, int) and not isinstance(total, bool) else None


def _key(record: Any) -> tuple[str, str] | bytes:
    """What tells a record from all others: an id that is used again has another beginning."""
    if isinstance(record, Mapping) and (name := record.get("id") or record.get("call_id")):
        return str(name), str(record.get("start"))
    return msgspec.json.encode(record)


def _begin(record: Any) -> Moment | None:
    value = record.get("start") if isinstance(record, Mapping) else None
    return parse_moment(value) if isinstance(value, str | int | float) else None


async def _ids_of_extensions(rest: Callable[[], Awaitable[Rest]], domain: str) -> dict[str, str]:
    """The extensions' numbers by the PBX's own ids; nothing where it does not tell."""
    for path in (url(paths.EXTENSIONS, domain=domain), url(paths.USERLIST, domain=domain, type="extensions")):
        try:
            found = accounts_in(await (await rest()).get(path))
        except RestError:
            continue
        if ids := {str(entry.extra["id"]): entry.account for entry in found if "id" in entry.extra}:
            return ids
    return {}


def _numbered(records: list[Any], ids: Mapping[str, str]) -> list[Any]:
    """The records with numbers of extensions, where more of what they name are ids than numbers (rest.md 6)."""

    def names(record: Any) -> Iterable[str]:
        value = record.get("extensions") if isinstance(record, Mapping) else None
        return map(str, value) if isinstance(value, list) else ()

    said = {name for record in records for name in names(record)}
    if len(said & ids.keys()) <= len(said.intersection(ids.values())):
        return records
    return [
        {**record, "extensions": [ids.get(name, name) for name in found]} if (found := [*names(record)]) else record
        for record in records
    ]
