"""A stand-in for a handle, entities made by hand, and a comm that records what would go to the page."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from comm.base_comm import BaseComm

from pbxnb.history import History
from pbxnb.model.changes import Changes, Event, Frame
from pbxnb.model.entities import (
    Account,
    AccountState,
    Call,
    CallRecord,
    CallState,
    Conversation,
    Evidence,
    LineState,
    Orbit,
    Party,
    Phase,
    Presence,
    Queue,
    Snapshot,
    Status,
)
from pbxnb.model.past.memory import Dropped, Taken

START = datetime(2024, 5, 6, 9, 0, tzinfo=UTC)
HOSTILE = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg/onload=window.hit=1>",
    "javascript:window.hit=1",
    '"><b onmouseover=window.hit=1>',
    "a\u202ebad\u202c",
    "\u2067rtl",
    "line\r\nbreak\x00\x1b[31m",
    "Z" + "\u0301" * 500,
    "x" * 100_000,
    "\ud800",
)


class FakeClock:
    """A clock that stands on the kernel's."""

    offset = 0.0
    rate = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def at(self, moment: datetime) -> datetime:
        return moment + timedelta(seconds=self.offset)


class FakePending:
    """A command that is already done."""

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome

    def result(self, timeout: float | None = None) -> Any:
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def add_done_callback(self, fn: Callable[[Any], None]) -> None:
        fn(self)

    def done(self) -> bool:
        return True


class FakeHandle:
    """A model held in plain dicts; ``put`` and ``drop`` change it and tell the watchers, as the I/O lane would."""

    def __init__(self, accounts: Iterable[Account] = (), *, name: str = "fake", control: bool = True) -> None:
        self.name = name
        self.domain = "acme.example"
        self.tenant = ""
        self.user = "204"
        self.control = control
        self.simulated = True
        self.replayed = False
        self.replays: Callable[[], Any] | None = None  # what the test makes of `replay`
        self.status = Status(state=LineState.LIVE, since=START, pbx_version="70.1", latency=0.011)
        self.accounts: dict[str, Account] = {account.number: account for account in accounts}
        self.calls: dict[str, Call] = {}
        self.conversations: dict[str, Conversation] = {}
        self.queues: dict[str, Queue] = {}
        self.orbits: dict[str, Orbit] = {}
        self.clock = FakeClock()
        self.tz = ZoneInfo("UTC")
        self.commands: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.outcome: Any = None
        self.softphones: dict[str, Any] = {}
        self.watchers: list[Callable[[Changes], None]] = []
        self.frame_watchers: list[Callable[[Frame], None]] = []
        self.status_watchers: list[Callable[[Status], None]] = []
        self.handlers: list[tuple[str, Callable[[Event], Any]]] = []
        self.made: list[Callable[[], object]] = []
        self.kept = 0
        self.recent_frames: list[Frame] = []
        self.records: list[CallRecord] = []
        self.dropped = Dropped()
        self.evidence: dict[str, tuple[Evidence, ...]] = {}
        self.history = History(self, lambda: self.status.gaps)
        self.history.feed(Changes(accounts=frozenset(self.accounts)))

    # Changing it.

    def put(self, *entities: Account | Call | Conversation | Queue | Orbit) -> None:
        """Add or replace entities and tell the watchers once."""
        names: dict[str, set[str]] = {"accounts": set(), "calls": set(), "conversations": set(), "queues": set()}
        names["orbits"] = set()
        for entity in entities:
            kind = type(entity).__name__.lower() + "s"
            key = entity.id if isinstance(entity, Call | Conversation) else entity.number
            getattr(self, kind)[key] = entity
            names[kind].add(key)
        self.accounts = dict(sorted(self.accounts.items(), key=lambda item: (len(item[0]), item[0])))
        self.tell(Changes(**{kind: frozenset(keys) for kind, keys in names.items()}))

    def drop(self, kind: str, *keys: str) -> None:
        """Take entities away and tell the watchers."""
        for key in keys:
            del getattr(self, kind)[key]
        self.tell(Changes(**{kind: frozenset(keys)}))

    def tell(self, changes: Changes) -> None:
        self.history.feed(changes)
        for watcher in tuple(self.watchers):
            watcher(changes)

    def become(self, state: LineState, **fields: Any) -> None:
        """Change the line's state and tell the watchers."""
        self.status = msgspec.structs.replace(self.status, state=state, **fields)
        for watcher in tuple(self.status_watchers):
            watcher(self.status)

    def frame(self, frame: Frame) -> None:
        self.recent_frames.append(frame)
        for watcher in tuple(self.frame_watchers):
            watcher(frame)

    # What a panel asks.

    def snapshot(self) -> Snapshot:
        return Snapshot(
            accounts=dict(self.accounts),
            calls=dict(self.calls),
            conversations=dict(self.conversations),
            orbits=dict(self.orbits),
            queues=dict(self.queues),
            seq=0,
            taken_at=datetime.now(UTC),
        )

    def watch(self, fn: Callable[[Changes], None]) -> Callable[[], None]:
        return _listen(self.watchers, fn)

    def watch_frames(self, fn: Callable[[Frame], None]) -> Callable[[], None]:
        return _listen(self.frame_watchers, fn)

    def watch_status(self, fn: Callable[[Status], None]) -> Callable[[], None]:
        return _listen(self.status_watchers, fn)

    def on(self, kind: str, fn: Callable[[Event], Any]) -> Callable[[], None]:
        return _listen(self.handlers, (kind, fn))

    def until_rerun(self, undo: Callable[[], object]) -> Callable[[], None]:
        return _listen(self.made, undo)

    def frames(self) -> tuple[Frame, ...]:
        return tuple(self.recent_frames)

    def closed_calls(self) -> Any:
        return Taken([], (0, list(self.records), {}), list, lambda record, _note: record, ())

    def presence(self, number: str | None = None) -> tuple[Presence, ...]:
        return ()

    def explain(self, number: str) -> tuple[Evidence, ...]:
        return self.evidence.get(number, ())

    def keep_read(self, queues: bool, orbits: bool) -> Callable[[], None]:
        self.kept += 1

        def stop() -> None:
            self.kept -= 1

        return stop

    def replay(self) -> Any:
        assert self.replays is not None
        return self.replays()

    def timeline(self, **_options: Any) -> Any:
        return None

    def preview(self, name: str, /, *args: Any, **kw: Any) -> Any:
        raise NotImplementedError(name)

    def command(self, name: str, /, *args: Any, **kw: Any) -> FakePending:
        self.commands.append((name, args, kw))
        return FakePending(self.outcome)

    def page_phone(self, account: str) -> Any:
        return self.softphones.get(account)

    def listeners(self) -> int:
        """How many watchers are left: 0 after every panel was closed."""
        return len(self.watchers) + len(self.frame_watchers) + len(self.status_watchers) + len(self.handlers)


def _listen(listeners: list[Any], fn: Any) -> Callable[[], None]:
    listeners.append(fn)

    def stop() -> None:
        if fn in listeners:
            listeners.remove(fn)

    return stop


class RecordingComm(BaseComm):
    """A comm that keeps its messages instead of sending them; ``sent`` is shared by all comms of a test."""

    sent: list[tuple[str, str, dict[str, Any], list[bytes]]] = []  # noqa: RUF012 - replaced by the fixture
    arrived = threading.Condition()

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        with RecordingComm.arrived:
            RecordingComm.sent.append((self.comm_id, msg_type, data or {}, [bytes(part) for part in buffers or []]))
            RecordingComm.arrived.notify_all()


class Wire:
    """What one panel sent, and the page's end of it."""

    def __init__(self, panel: Any) -> None:
        self.panel = panel
        self.comm = panel.comm
        self.id = panel.comm.comm_id

    def batches(self) -> list[dict[str, Any]]:
        """The custom messages so far, each with its buffer decoded into it."""
        with RecordingComm.arrived:
            mine = [entry for entry in RecordingComm.sent if entry[0] == self.id and entry[1] == "comm_msg"]
        return [
            {**data["content"], **json.loads(buffers[0])} for _, _, data, buffers in mine if data["method"] == "custom"
        ]

    def opened(self) -> dict[str, Any]:
        """The state that travelled with the comm_open."""
        _, _, data, buffers = next(e for e in RecordingComm.sent if e[0] == self.id and e[1] == "comm_open")
        index = [path[-1] for path in data["buffer_paths"]].index("_full")
        state: dict[str, Any] = json.loads(buffers[index])
        return state

    def wait(self, count: int, timeout: float = 30.0) -> list[dict[str, Any]]:
        """Wait until at least ``count`` batches came."""
        with RecordingComm.arrived:
            if not RecordingComm.arrived.wait_for(lambda: len(self.batches()) >= count, timeout):
                raise AssertionError(f"{count} batches expected, {len(self.batches())} came")
        return self.batches()

    def say(self, **message: Any) -> None:
        """A custom message of the page."""
        self.comm.handle_msg(
            {"content": {"data": {"method": "custom", "content": message}}, "buffers": []},
        )

    def hello(self, number: int = 1, page: str = "page") -> None:
        self.say(hello=page, n=number)

    def settle(self) -> None:
        """Wait until the UI lane has done what it was asked for."""
        done = threading.Event()
        self.panel._ticket.call(done.set)
        assert done.wait(5)
        done.clear()
        self.panel._ticket.call(done.set)
        assert done.wait(5)

    def bytes(self) -> int:
        """All bytes of the custom messages, with 430 for the envelope of each."""
        total = 0
        for comm_id, kind, data, buffers in RecordingComm.sent:
            if comm_id == self.id and kind == "comm_msg" and data["method"] == "custom":
                total += 430 + len(json.dumps(data["content"])) + sum(map(len, buffers))
        return total


PHASES = {
    None: Phase.ENDED,
    CallState.RINGING: Phase.RINGING,
    CallState.CONNECTED: Phase.TALKING,
    CallState.HELD: Phase.HELD,
    CallState.PARKED: Phase.PARKED,
    CallState.OTHER: Phase.OTHER,
}
"""The phase of a conversation in each state, with neither queue nor menu."""


def conversation(id_: str, state: CallState | None = CallState.CONNECTED, **fields: Any) -> Conversation:
    """A conversation in the phase of its state, unless one is given."""
    fields.setdefault("calls", (id_,))
    fields.setdefault("since", datetime.now(UTC))
    fields.setdefault("phase", PHASES[state])
    return Conversation(id=id_, state=state, **fields)


def account(number: str, state: AccountState = AccountState.IDLE, **fields: Any) -> Account:
    fields.setdefault("name", f"Person {number}")
    fields.setdefault("since", datetime.now(UTC))
    return Account(number=number, state=state, **fields)


def call(id_: str, from_: str, to: str, state: CallState = CallState.CONNECTED, **fields: Any) -> Call:
    fields.setdefault("extensions", (from_, to))
    fields.setdefault("since", datetime.now(UTC))
    fields.setdefault("phase", PHASES[state])
    return Call(id=id_, from_=Party(number=from_), to=Party(number=to), state=state, **fields)


def until(condition: Callable[[], bool], timeout: float = 30.0) -> None:
    """Wait for something another thread does and gives no event for."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)
