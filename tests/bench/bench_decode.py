"""Frames per second of `decode` alone, per kind, against `json.loads` into dicts in the same run. One core.

    python -m tests.bench.bench_decode [--seconds 0.5] [--runs 5]

Each kind has its own frames, all different, as they come from a line: calls that are new are new bytes, calls that
did not change are the bytes of the list before. Collected garbage is part of the time. The figure is the median.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

from pbxnb.protocol.decode import decode

START = 1_790_000_000
STATES = ("alerting", "connected", "holding")


def call(number: int, state: str = "connected", **more: Any) -> dict[str, Any]:
    caller, called = 200 + number % 500, 200 + (number * 7) % 500
    return {
        "id": str(70_000 + number),
        "from": f'"Person {caller}" <sip:{caller}@acme.example>',
        "to": f"<sip:{called}@acme.example>",
        "state": state,
        "from-number": str(caller),
        "to-number": str(called),
        "extension": [f"*{caller}", str(called)],
        "start": f"{START + number}.{number % 1000}",
        "connect": "",
        **more,
    }


def user_state(number: int, **more: Any) -> dict[str, Any]:
    account = str(200 + number % 5000)
    calls = {"code": "c1", "calls": [{"from": f"<sip:{200 + number % 499}@acme.example>"}]} if number % 2 else {}
    return {
        "action": "user-state",
        "type": "extensions",
        "account": account,
        "domain": "acme.example",
        "registered": True,
        "chatstatus": "online",
        "dnd": bool(number % 17 == 0),
        **calls,
        **more,
    }


def lists(size: int, count: int, **more: Any) -> Iterable[dict[str, Any]]:
    """Lists of ``size`` calls of which one changes each time."""
    calls = [call(number, **more) for number in range(size)]
    for step in range(count):
        place = step % size
        calls[place] = {**calls[place], "id": str(90_000 + step), "state": STATES[step % 3]}
        yield {"action": "call-state", "calls": list(calls)}


def snapshot(size: int) -> dict[str, Any]:
    accounts = [
        {
            "account": str(200 + number),
            "name": f"Person {number}",
            "type": "extensions",
            "registered": True,
            "dnd": False,
            "chatstatus": "online",
            "tag": "",
        }
        for number in range(size)
    ]
    return {"action": "domain-state", "accounts": accounts, "calls": []}


def kinds() -> dict[str, list[bytes]]:
    many = 20_000
    objects: dict[str, Iterable[dict[str, Any]]] = {
        "user-state": (user_state(number) for number in range(many)),
        "user-state, an unknown field": (user_state(number, new=number) for number in range(many)),
        "call-state, 1 new call": ({"action": "call-state", "calls": [call(number)]} for number in range(many)),
        "call-state, 1 new call, unknown field": (
            {"action": "call-state", "calls": [call(number, new=1)]} for number in range(many)
        ),
        "call-state, 20 calls, 1 changed": lists(20, 2000),
        "call-state, 200 calls, 1 changed": lists(200, 400),
        "call-state, 2,000 calls, 1 changed": lists(2000, 30),
        "domain-state, 26 accounts": itertools.repeat(snapshot(26), 200),
        "domain-state, 5,000 accounts": itertools.repeat(snapshot(5000), 3),
        "bye": ({"bye": "true", "callid": f"d{number}@pbx", "code": 415} for number in range(many)),
        "unknown action": ({"action": "fax", "page": number, "of": [1, 2]} for number in range(many)),
    }
    return {
        name: [json.dumps(frame, separators=(",", ":")).encode() for frame in frames]
        for name, frames in objects.items()
    }


def rate(read: Callable[[bytes], Any], frames: list[bytes], seconds: float, runs: int) -> float:
    """Median frames per second over some runs of at least ``seconds`` each."""
    rates = []
    for _ in range(runs):
        done, began = 0, time.process_time()
        while (spent := time.process_time() - began) < seconds:
            for frame in frames:
                read(frame)
            done += len(frames)
        rates.append(done / spent)
    return statistics.median(rates)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=0.5)
    options.add_argument("--runs", type=int, default=5)
    chosen = options.parse_args()
    print(f"{'kind':<40}{'bytes':>9}{'decode/s':>12}{'json.loads/s':>14}{'ratio':>8}")
    for name, frames in kinds().items():
        ours = rate(decode, frames, chosen.seconds, chosen.runs)
        plain = rate(json.loads, frames, chosen.seconds, chosen.runs)
        size = statistics.mean(map(len, frames))
        print(f"{name:<40}{size:>9,.0f}{ours:>12,.0f}{plain:>14,.0f}{ours / plain:>8.2f}")


if __name__ == "__main__":
    main()
