"""Decode and apply on one core: frames per second against ``json.loads`` into dicts; stalls; memory. Not a test.

    python -m tests.bench.bench_store [--runs 7]

A frame is one WebSocket frame of the two kinds that come by the thousand: a ``user-state``, and a ``call-state`` with
one call, through that call's life (it begins, changes, ends). Texts are compact JSON, all different, parties known;
their accounts are 5,000. The figures are medians of the runs; the base line, in the same run, does the least one can
do with the same text: ``json.loads`` and one assignment into a dict per entity.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import threading
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pbxnb.model.store import Store
from pbxnb.protocol.decode import decode
from pbxnb.protocol.messages import DomainState

BUDGET, REACH = 100_000, 300_000  # frames per second (architecture.md 8)
STALL = 20.0  # ms a cell may wait while a snapshot of 5,000 accounts is applied
ACCOUNTS = 5_000
CALLS = 2_000
NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
LIFE = ("alerting", "connected", "onhold", "connected")
OTHERS = [
    {"ringtones": "x"},
    {"action": "missed-calls"},
    {"action": "avoid-this", "n": 1},
    {"bye": "true", "callid": "x"},
]


def text(frame: dict[str, Any]) -> bytes:
    return json.dumps(frame, separators=(",", ":")).encode()


def account(index: int, **more: Any) -> dict[str, Any]:
    return {
        "account": str(1000 + index),
        "name": f"User {index}",
        "type": "extensions",
        "registered": True,
        "dnd": False,
        "chatstatus": "online",
        **more,
    }


def call(index: int, state: str) -> dict[str, Any]:
    one, two = 1000 + 2 * index % ACCOUNTS, 1001 + 2 * index % ACCOUNTS
    return {
        "id": str(7000 + index),
        "from": f'"Jo {one}" <sip:{one}@acme.example>',
        "to": f"<sip:{two}@acme.example>",
        "state": state,
        "extension": [f"*{one}", str(two)],
        "start": f"{1790000000 + index}.120",
        "connect": "" if state == "alerting" else f"{1790000009 + index}.5",
    }


def call_state(*calls: dict[str, Any]) -> bytes:
    return text({"action": "call-state", "calls": list(calls)})


def user_states(**by_turn: tuple[Any, Any]) -> list[bytes]:
    """Every account once with the first value and once with the second."""
    frames = []
    for turn in (0, 1):
        for index in range(ACCOUNTS):
            more = {key: values[turn] for key, values in by_turn.items()}
            frames.append(text({"action": "user-state", "domain": "acme.example", **account(index), **more}))
    return frames


def lives() -> list[bytes]:
    """Calls one after the other from their beginning to their end, the list of one call each time."""
    return [
        frame for i in range(CALLS // 2) for frame in (*[call_state(call(i, state)) for state in LIFE], call_state())
    ]


def single_calls() -> list[bytes]:
    """A thousand calls at once, one object a frame: each begins, then each changes, and so on."""
    return [text({"action": "call-state", "calls": call(i, state)}) for state in LIFE for i in range(CALLS // 2)]


def lists(size: int, count: int) -> list[bytes]:
    """All the calls in each frame, one of them changed."""
    states = ["connected"] * size
    frames = []
    for step in range(count):
        states[step % size] = ("onhold", "connected")[step // size % 2]
        frames.append(call_state(*[call(i, state) for i, state in enumerate(states)]))
    return frames


def kinds() -> dict[str, list[bytes]]:
    dnd, code, same = user_states(dnd=(True, False)), user_states(code=("c1", None)), user_states()
    one = lives()
    # a day's mix: most frames are user-states, and some of those repeat
    mix = [
        frame
        for i in range(2_000)
        for frame in (*code[4 * i : 4 * i + 4], *dnd[2 * i : 2 * i + 2], *same[2 * i : 2 * i + 2], one[i])
    ]
    return {
        "user-state, dnd changes": dnd,
        "user-state, code changes": code,
        "user-state, nothing changes": same,
        "call-state, list of one call, its life": one,
        "call-state, one call of 1,000 as an object": single_calls(),
        "call-state, list of 20 calls, 1 changed": lists(20, 2_000),
        f"call-state, list of {CALLS:,} calls, 1 changed": lists(CALLS, 60),
        "without state": [text(OTHERS[i % len(OTHERS)]) for i in range(4 * ACCOUNTS)],
        "mix: 4 code, 2 dnd, 2 repeated, 1 call": mix,
    }


def plain(frames: list[bytes]) -> None:
    """The least one can do."""
    accounts: dict[str, Any] = {}
    calls: dict[str, Any] = {}
    for frame in frames:
        message = json.loads(frame)
        if message.get("action") == "user-state":
            accounts[message["account"]] = message
        elif message.get("action") == "call-state":
            listed = message["calls"]
            calls.update({item["id"]: item for item in (listed if isinstance(listed, list) else [listed])})


def ours(store: Store) -> Callable[[list[bytes]], None]:
    def run(frames: list[bytes]) -> None:
        for seq, frame in enumerate(frames, 1):
            store.apply(decode(frame), NOW, seq=seq)

    return run


def only_apply(store: Store) -> Callable[[list[Any]], None]:
    def run(messages: list[Any]) -> None:
        for seq, message in enumerate(messages, 1):
            store.apply(message, NOW, seq=seq)

    return run


def seconds(fn: Callable[[Any], None], argument: Any) -> float:
    gc.collect()
    began = time.process_time()
    fn(argument)
    return time.process_time() - began


SNAPSHOT = text({"action": "domain-state", "accounts": [account(i) for i in range(ACCOUNTS)]})


def filled() -> Store:
    store = Store(domain="acme.example", user="1000")
    store.apply(decode(SNAPSHOT), NOW, seq=1)
    return store


def rates(runs: int) -> None:
    print(f"decode + apply, frames per second; budget {BUDGET:,}, reach {REACH:,}")
    print(f"{'kind':46}{'bytes':>9}{'apply':>12}{'decode+apply':>14}{'json.loads':>12}{'of that':>9}{'budget':>8}")
    for name, frames in kinds().items():
        messages = [decode(frame) for frame in frames]
        n, rows = len(frames), []
        for _ in range(runs):  # taking turns, so that a noisy neighbour hits all three
            spent = (
                seconds(only_apply(filled()), messages),
                seconds(ours(filled()), frames),
                seconds(plain, frames),
            )
            rows.append([n / each for each in spent])
        apply, both, least = (statistics.median(column) for column in zip(*rows, strict=True))
        size = statistics.mean(map(len, frames))
        met = "met" if both >= BUDGET else f"{both / BUDGET:.0%}"
        print(f"{name:46}{size:9,.0f}{apply:12,.0f}{both:14,.0f}{least:12,.0f}{both / least:9.0%}{met:>8}")


def snapshot(runs: int) -> None:
    message = decode(SNAPSHOT)
    rows = []
    for _ in range(runs):
        store = Store()
        rows.append(
            (
                seconds(decode, SNAPSHOT),
                seconds(only_apply(store), [message]),
                seconds(only_apply(store), [message]),
                seconds(json.loads, SNAPSHOT),
            )
        )
    names = ("decode", "apply, first", "apply, again, nothing changed", "json.loads")
    print(f"\n{'snapshot of ' + format(ACCOUNTS, ',') + ' accounts':46}{'ms':>9}")
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        print(f"{name:46}{statistics.median(column) * 1e3:9.1f}")


def stalls(runs: int) -> None:
    """How long a cell waits: one that only computes, and one that asks for the lock of the model all the time.

    The interpreter hands over every 5 ms, so a cell beside any busy thread waits about that long; the rows before
    ours show what this machine adds. What was made is kept until the watch is over: to free it all is one long step
    that no running program takes.
    """
    message, made = decode(SNAPSHOT), list[object]()
    assert isinstance(message, DomainState)

    def nothing(lock: threading.Lock) -> None:
        time.sleep(0.025)

    def count(lock: threading.Lock) -> None:
        end = time.thread_time() + 0.025
        while time.thread_time() < end:
            pass

    def plain_json(lock: threading.Lock) -> None:
        made.append([json.loads(SNAPSHOT) for _ in range(6)])

    def apply_it(lock: threading.Lock) -> None:
        store = Store()
        made.append(store)
        with lock:
            store.resync(message.accounts, (), NOW, seq=1, first=True)

    def decode_and_apply(lock: threading.Lock) -> None:
        made.append(decode(SNAPSHOT))
        apply_it(lock)

    print(f"\n{'longest wait of a cell meanwhile; budget ' + format(STALL, '.0f') + ' ms':46}{'median':>9}{'worst':>9}")
    works = (
        ("beside nothing", nothing, False),
        ("beside a thread that counts for 25 ms", count, False),
        ("beside json.loads of the same text, six times", plain_json, False),
        ("beside decode + apply", decode_and_apply, False),
        ("beside apply, and it reads the model", apply_it, True),
    )
    waits: dict[str, list[float]] = {name: [] for name, *_ in works}
    for _ in range(6 * runs):  # taking turns, so that a noisy neighbour hits all
        for name, work, wants_lock in works:
            made.clear()
            waits[name].append(longest_wait(work, wants_lock))
    for name, found in waits.items():
        print(f"{name:46}{statistics.median(found) * 1e3:9.1f}{max(found) * 1e3:9.1f}  ms")


def longest_wait(work: Callable[[threading.Lock], None], wants_lock: bool) -> float:
    lock = threading.Lock()
    thread = threading.Thread(target=work, args=(lock,))
    longest, before = 0.0, time.perf_counter()
    thread.start()
    while thread.is_alive():
        if wants_lock:
            with lock:
                pass
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    return longest


def memory() -> None:
    def grown(fn: Callable[[], Any]) -> int:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        fn()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    store = Store()
    accounts = grown(lambda: store.apply(decode(SNAPSHOT), NOW, seq=1))
    listed = call_state(*[call(i, "connected") for i in range(CALLS)])
    calls = grown(lambda: store.apply(decode(listed), NOW, seq=2))
    ended = grown(lambda: store.apply(decode(call_state()), NOW, seq=3))
    forgotten = grown(lambda: store.tick(NOW + timedelta(seconds=61)))
    tracemalloc.stop()
    print(f"\n{'memory, bytes':46}{'each':>9}")
    print(f"{'account':46}{accounts / ACCOUNTS:9,.0f}")
    print(f"{'open call with its conversation':46}{calls / CALLS:9,.0f}")
    print(f"{'more when it has ended':46}{ended / CALLS:9,.0f}")
    print(f"{'more when its conversation is forgotten':46}{forgotten / CALLS:9,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    rates(runs)
    snapshot(runs)
    stalls(runs)
    memory()


if __name__ == "__main__":
    main()
