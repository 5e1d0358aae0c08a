"""A million hostile inputs of every surface: only sentences of ours come out, and 64 kB take no more than 100 ms.

A phone takes no more than 20 ms, and whatever comes, its media are told of no address that they must not send to.

    python -m pytest -m long tests/test_fuzz.py -s

prints the figures. A few of the same inputs run with every suite. An input that fails is told with the way to it:

    python -m tests.test_fuzz frames 4711
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa
import pytest
from multidict import CIMultiDict

from pbxnb.analysis import call_rows
from pbxnb.client.endpoint import Endpoint
from pbxnb.client.logins import AdminToken, Password
from pbxnb.client.rest import LOGIN_BODY, Reply, Rest, _reply
from pbxnb.client.tls import Trust
from pbxnb.errors import PbxError
from pbxnb.history import History
from pbxnb.model.answers import accounts_in, orbits_in, queue_in
from pbxnb.model.changes import Frame
from pbxnb.model.store import Store
from pbxnb.protocol.coverage import Coverage
from pbxnb.protocol.decode import decode
from pbxnb.simulator import read_recording
from pbxnb.simulator.scenarios import scenario
from pbxnb.text import clean
from pbxnb.widgets.console.frames import explained, line
from tests.analysis.test_analysis_values import MEASURES
from tests.helpers.hostile import LARGE, Hostile, rows_of, seeds, smallest
from tests.helpers.hostile_phone import PHONE_FRAMES, Phones

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
MOST = {"phones": 0.02}  # seconds of CPU for an input of at most 64 kB; of all others:
MOST_OF_OTHERS = 0.1
FRAMES = seeds("frames", "situations")
ENDPOINT = Endpoint.parse("ws://127.0.0.1", "acme.example", "40")

Run = Callable[[bytes], object]


class Model:
    """A PBX that goes mad: whatever is not read leaves everything that reads the model alive."""

    def __init__(self) -> None:
        self.count = 0
        self._anew()

    def _anew(self) -> None:
        self.store = Store(domain="acme.example", user="45")
        self.history = History(self.store)
        self.coverage = Coverage()

    def __call__(self, raw: bytes) -> None:
        self.count += 1
        message = decode(raw)
        received = NOW + timedelta(seconds=self.count)
        changes = self.store.apply(message, received, seq=self.count)
        self.history.feed(changes)
        self.coverage.add(message)
        frame = Frame(self.count, "in", received, float(self.count), 1, raw.decode("utf-8", "replace"), message)
        line(frame, UTC_ZONE)
        if self.count % 8 == 0:
            explained(frame, UTC_ZONE)
            for event in changes.events:
                repr(event)
        if self.count % 500 == 0:
            self._look()
            self._anew()

    def _look(self) -> None:
        self.coverage.report()
        self.store.snapshot(NOW)
        self.history.counts(NOW)
        self.history.samples(NOW + timedelta(seconds=self.count), 10.0, 10)
        call_rows(self.store.closed_calls(), self.store.calls.values(), legs=True)
        for story in list(self.store.conversations)[:50]:
            if (told := self.history.story(story)) is not None:
                told.text(UTC_ZONE)


def rest_client() -> Rest:
    return Rest(ENDPOINT, Trust(None, ENDPOINT), proxy=False)


def rest(raw: bytes) -> None:
    value = _reply(200, CIMultiDict(), raw).value
    accounts_in(value)
    orbits_in(value, NOW)
    queue_in("600", "Support", value, NOW)


class Told(Rest):
    """REST that answers every request with the same bytes."""

    def __init__(self) -> None:
        super().__init__(ENDPOINT, Trust(None, ENDPOINT), proxy=False)
        self.status, self.headers, self.body = 200, CIMultiDict[str](), b""

    async def request(self, *_: Any, most: int = LOGIN_BODY, **__: Any) -> Reply:
        return _reply(self.status, self.headers, self.body, most)


TOLD = Told()
LOGINS = (Password("secret"), AdminToken("admin", "secret"))
STATUSES = (200, 200, 200, 201, 204, 301, 302, 400, 401, 403, 404, 407, 429, 500, 503, 599)
KINDS = ("application/json", "text/html", "text/plain; charset=x", "", "\x00")
DATES = (
    "Mon, 02 Mar 2026 09:30:00 GMT",
    "Mon, 02 Mar 99999999999999999999 09:30:00 GMT",
    "x",
    "0",
    "1 Jan 1 1:1 +9999",
)


def at_once(coroutine: Coroutine[Any, Any, Any]) -> object:
    """What a coroutine that waits for nothing returns."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


def logins(raw: bytes) -> None:
    TOLD.status = STATUSES[len(raw) % len(STATUSES)]
    TOLD.headers = CIMultiDict({"Content-Type": KINDS[len(raw) % len(KINDS)]})
    TOLD.body = raw
    for login in LOGINS:
        try:
            at_once(login.cookie(TOLD))
        except PbxError as error:
            sentence(error)


def headers(raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    reader = rest_client()
    given = CIMultiDict(
        [("Set-Cookie", text), ("Location", text), ("Content-Type", text), ("Server", "PBX/" + text), ("Date", text)]
    )
    given.add("Set-Cookie", f"session={text}; Path=/")
    reader._note(given, NOW)
    reader._note(CIMultiDict({"Date": DATES[len(raw) % len(DATES)] + text[:9], "Server": text}), NOW)
    reply = _reply(STATUSES[len(raw) % len(STATUSES)], given, b"{}")
    if reply.session is not None:
        assert reply.session.reveal().isascii()
    try:
        reader._data("GET", "/rest/user/40", reply)
    except PbxError as error:
        sentence(error)


def recordings(raw: bytes) -> None:
    lines = raw.decode("utf-8", "surrogateescape").split("\n")
    wrapped = msgspec.json.encode({"at": len(raw) * 1e3, "text": raw.decode("utf-8", "replace")}).decode()
    try:
        assert read_recording((lines, [*lines, wrapped], [wrapped, *lines])[len(raw) % 3]).seconds >= 0
    except PbxError as error:
        sentence(error)


def scenarios(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    value: Any = text + "\n"
    if len(raw) % 2:
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = text + "\n"
    try:
        assert scenario(value, files=False).seconds < 1e7
    except PbxError as error:
        sentence(error)


COLUMNS = (
    "started_at", "answered_at", "ended_at", "ext", "queue", "outcome", "disposition", "from_num", "to_num", "from",
    "to", "wait_ms", "talk_ms", "hold_ms", "direction", "conversation", "call_id", "dow", "hour", "day", "domain",
)  # fmt: skip
CELLS: dict[str, tuple[Any, ...]] = {
    "whole": (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 1_790_000_000, 5),
    "real": (0.0, -0.0, 1.5, 1e308, -1e308, float("nan"), float("inf"), 3.0, 1e-320),
    "text": ("", "45", "answered", "ANSWERED", "NO ANSWER", "what", "x" * 5000, "\x00", "\u202e", "0000-00-00", "in"),
    "words": ("answered", "abandoned", "busy", "missed", "unknown", "no_answer"),
    "time": (datetime(2026, 3, 2, 9), datetime(1, 1, 1), datetime(9999, 12, 31, 23), datetime(2026, 3, 2, 9, 5)),  # noqa: DTZ001 - as tables have them
    "truth": (True, False),
    "bytes": (b"", b"\xff"),
}


def tables(raw: bytes) -> None:
    chance = Hostile("cells", []).begin(int.from_bytes(raw, "big"))
    try:
        table = pa.table(rows_of(chance, COLUMNS, CELLS))
    except (pa.ArrowException, OverflowError):
        return
    try:
        chance.choice(MEASURES)(table)
    except PbxError as error:
        sentence(error)


def sentence(error: PbxError) -> None:
    told = str(error)
    assert told
    assert len(told) < 10_000
    assert told == clean(told, len(told))


def numbers(count: int) -> list[bytes]:
    return [number.to_bytes(4, "big") for number in range(count)]


SURFACES: dict[str, tuple[Callable[[], Run], list[bytes], int]] = {
    "frames": (Model, FRAMES, 200_000),
    "rest": (lambda: rest, FRAMES, 350_000),
    "logins": (lambda: logins, [b'"session-id"', b"true", b"false", b'{"session":"abc"}', b'{"2fa":true}'], 200_000),
    "headers": (lambda: headers, [b"session=abc; Path=/; HttpOnly; Partitioned", *map(str.encode, DATES)], 150_000),
    "recordings": (lambda: recordings, [b'{"at":1,"text":"{}"}\n{"at":2,"text":"{}"}', *FRAMES[:50]], 100_000),
    "scenarios": (
        lambda: scenarios,
        [b'[{"call":"a","from":"ext1","to":"ext2","at":1},{"answer":"a","after":2},{"hangup":"a"}]',
         b"name: x\nsteps:\n- call: a\n  from: ext1\n  to: ext2\n- answer: a\n  after: 3\n- repeat: 2\n"],
        30_000,
    ),
    "tables": (lambda: tables, [], 4_000),
    "phones": (Phones, PHONE_FRAMES, 1_000_000),
}  # fmt: skip


def failure(run: Run, raw: bytes) -> BaseException | None:
    try:
        run(raw)
    except Exception as error:  # noqa: BLE001 - whatever it is, that is what we look for
        return error
    return None


def inputs(surface: str, count: int) -> Any:
    return enumerate(numbers(count)) if surface == "tables" else Hostile(surface, SURFACES[surface][1]).texts(count)


def tried(surface: str, count: int) -> tuple[float, float]:
    """Every input of a surface; seconds it took, and the most CPU one of at most 64 kB took."""
    run = SURFACES[surface][0]()
    logging.disable()
    gc.collect()
    gc.freeze()  # what was there before is not gone through again and again at the inputs' cost
    began, worst = time.perf_counter(), 0.0
    for number, raw in inputs(surface, count):
        before = time.process_time()
        error = failure(run, raw)
        spent = time.process_time() - before
        if spent > worst and len(raw) <= LARGE and surface != "tables":
            # The least of three: what a neighbour takes is not the input's.
            spent = min(spent, *(_seconds(SURFACES[surface][0](), raw) for _ in range(2)))
            worst = max(worst, spent)
        if error is not None or worst > MOST.get(surface, MOST_OF_OTHERS):
            pytest.fail(told(surface, number, raw, error, worst))
    logging.disable(logging.NOTSET)
    gc.unfreeze()
    return time.perf_counter() - began, worst


def told(surface: str, number: int, raw: bytes, error: BaseException | None, spent: float) -> str:
    way = f"python -m tests.test_fuzz {surface} {number}"
    if error is None:
        return f"{surface} {number}: {len(raw)} bytes took {spent * 1000:.0f} ms of CPU: {raw[:100]!r}\n{way}"
    make = SURFACES[surface][0]
    small = smallest(raw, lambda text: type(failure(make(), text)) is type(error))
    return f"{surface} {number}: {type(error).__name__}: {str(error)[:300]}\nof {small[:2000]!r}\n{way}"


def _seconds(run: Run, raw: bytes) -> float:
    before = time.process_time()
    failure(run, raw)
    return time.process_time() - before


@pytest.mark.parametrize("surface", SURFACES)
def test_a_few_hostile_inputs(surface: str) -> None:
    tried(surface, 100 if surface == "tables" else 1000)


@pytest.mark.long
@pytest.mark.parametrize("surface", SURFACES)
def test_hostile_inputs_without_end(surface: str) -> None:
    count = SURFACES[surface][2]
    seconds, worst = tried(surface, count)
    print(f"\n{surface:12}{count:>9,} inputs{seconds:8.1f} s   worst of 64 kB {worst * 1000:6.1f} ms of CPU")


def test_it_is_a_million() -> None:
    assert sum(count for _, _, count in SURFACES.values()) >= 1_000_000


if __name__ == "__main__":
    name, wanted = sys.argv[1], int(sys.argv[2])
    given = numbers(wanted + 1)[wanted] if name == "tables" else Hostile(name, SURFACES[name][1]).text(wanted)
    print(given[:2000])
    print(f"{_seconds(SURFACES[name][0](), given) * 1000:.1f} ms")
    SURFACES[name][0]()(given)
