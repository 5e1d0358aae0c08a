"""Decode and apply, frames per second on one core, against ``json.loads`` into dicts; memory; a snapshot. Not a test.

Run: ``python tests/bench/bench_store.py [--rounds 5]``. Each figure is the best of the rounds, with the line that does
the least one can do with the same text in the same run: ``json.loads`` and one assignment into a dict per entity.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pbxnb.model.store import Store
from pbxnb.protocol.decode import decode

ACCOUNTS = 5_000
CALLS = 2_000
NOW = datetime(2026, 9, 21, 12, tzinfo=UTC)
OTHERS = [
    {"ringtones": "x"},
    {"action": "missed-calls"},
    {"action": "avoid-this", "n": 1},
    {"bye": "true", "callid": "x"},
]


def text(frame: dict[str, Any]) -> bytes:
    return json.dumps(frame).encode()


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
    one, two = 1000 + 2 * index, 1001 + 2 * index
    return {
        "id": str(7000 + index),
        "from": f'"Jo {index}" <sip:{one}@acme.example>',
        "to": f"<sip:{two}@acme.example>",
        "state": state,
        "extension": [f"*{one}", str(two)],
        "start": f"{1790000000 + index}.120",
        "connect": "" if state == "alerting" else f"{1790000009 + index}.5",
    }


def user_states(**by_turn: tuple[Any, Any]) -> list[bytes]:
    """Every account once with the first value and once with the second."""
    frames = []
    for turn in (0, 1):
        for index in range(ACCOUNTS):
            more = {key: values[turn] for key, values in by_turn.items()}
            frames.append(text({"action": "user-state", "domain": "acme.example", **account(index), **more}))
    return frames


def single_calls() -> list[bytes]:
    """Half the calls through their life, one object a frame."""
    states = ("alerting", "connected", "onhold", "connected")
    return [text({"action": "call-state", "calls": call(i, state)}) for i in range(CALLS // 2) for state in states]


def whole_lists() -> list[bytes]:
    """All the calls in each frame, one of them changed."""
    states = ["connected"] * CALLS
    frames = []
    for index in range(60):
        states[index] = "onhold"
        frames.append(text({"action": "call-state", "calls": [call(i, state) for i, state in enumerate(states)]}))
    return frames


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


def rates(rounds: int) -> None:
    kinds = {
        "user-state, dnd changes": user_states(dnd=(True, False)),
        "user-state, code changes": user_states(code=("c1", None)),
        "user-state, nothing changes": user_states(),
        "call-state, one call": single_calls(),
        f"call-state, list of {CALLS:,}": whole_lists(),
        "without state": [text(OTHERS[i % len(OTHERS)]) for i in range(4 * ACCOUNTS)],
    }
    # a day's mix: most frames are user-states, and some of those repeat
    dnd, code, same, one = list(kinds.values())[:4]
    kinds["mix: 4 code, 2 dnd, 2 repeated, 1 call"] = [
        frame
        for i in range(2_000)
        for frame in (*code[4 * i : 4 * i + 4], *dnd[2 * i : 2 * i + 2], *same[2 * i : 2 * i + 2], one[i])
    ]
    print(f"{'frames per second':42}{'apply':>12}{'decode+apply':>14}{'json.loads':>14}{'of that':>10}")
    for name, frames in kinds.items():
        messages = [decode(frame) for frame in frames]
        apply = min(seconds(only_apply(filled()), messages) for _ in range(rounds))
        both = min(seconds(ours(filled()), frames) for _ in range(rounds))
        least = min(seconds(plain, frames) for _ in range(rounds))
        n = len(frames)
        print(f"{name:42}{n / apply:12,.0f}{n / both:14,.0f}{n / least:14,.0f}{least / both:10.0%}")


def snapshot(rounds: int) -> None:
    message, again = decode(SNAPSHOT), decode(SNAPSHOT)
    first, second, decoding = [], [], []
    for _ in range(rounds):
        store = Store()
        first.append(seconds(only_apply(store), [message]))
        second.append(seconds(only_apply(store), [again]))
        decoding.append(seconds(decode, SNAPSHOT))
    print(f"\n{'snapshot of ' + format(ACCOUNTS, ',') + ' accounts':42}{'ms':>12}")
    for name, values in (("decode", decoding), ("apply, first", first), ("apply, again, nothing changed", second)):
        print(f"{name:42}{min(values) * 1e3:12.1f}")


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
    listed = text({"action": "call-state", "calls": [call(i, "connected") for i in range(CALLS)]})
    calls = grown(lambda: store.apply(decode(listed), NOW, seq=2))
    ended = grown(lambda: store.apply(decode(b'{"action":"call-state","calls":[]}'), NOW, seq=3))
    forgotten = grown(lambda: store.tick(NOW + timedelta(seconds=61)))
    tracemalloc.stop()
    print(f"\n{'memory, bytes':42}{'each':>12}")
    print(f"{'account':42}{accounts / ACCOUNTS:12,.0f}")
    print(f"{'open call with its conversation':42}{calls / CALLS:12,.0f}")
    print(f"{'more when it has ended':42}{ended / CALLS:12,.0f}")
    print(f"{'more when its conversation is forgotten':42}{forgotten / CALLS:12,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    rates(rounds)
    snapshot(rounds)
    memory()


if __name__ == "__main__":
    main()
