"""The kernel's cost of the extension grid, against one ipywidget per extension, in the same run. Not a test.

Run: ``python -m tests.bench.bench_grid [--seconds 4]``. A pump thread changes accounts at the asked rate; a page that
acknowledges every batch at once stands behind the comm. CPU is that of the whole process less that of the pump alone;
bytes are those of the messages, with 430 for the envelope of each (measured in JupyterLab).
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import comm
import ipywidgets
from comm.base_comm import BaseComm

from pbxnb.model.changes import Changes
from pbxnb.model.entities import AccountState
from pbxnb.widgets.grid import ExtensionGrid
from tests.widgets.fakes import FakeHandle, account

ENVELOPE = 430
STATES = (AccountState.RINGING, AccountState.BUSY, AccountState.IDLE)


class CountingComm(BaseComm):
    """Serialises like a kernel, counts, and acknowledges batches."""

    bytes = 0
    messages = 0
    acknowledge = False

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        CountingComm.bytes += ENVELOPE + len(json.dumps(data)) + sum(len(part) for part in buffers or [])
        CountingComm.messages += 1
        number = (data or {}).get("content", {}).get("n") if isinstance(data, dict) else None
        if number is not None:
            answer = {"content": {"data": {"method": "custom", "content": {"ack": number}}}, "buffers": []}
            threading.Thread(target=self.handle_msg, args=(answer,)).start()


def pump(rate: int, seconds: float, change: Callable[[], None]) -> int:
    """Make ``rate`` changes a second in slices of 10 ms; return how many."""
    made, begin = 0, time.monotonic()
    while (gone := time.monotonic() - begin) < seconds:
        while made < gone * rate:
            change()
            made += 1
        time.sleep(0.01)
    return made


def measure(rate: int, seconds: float, change: Callable[[], None], settle: float) -> tuple[int, float, int]:
    """Changes made, CPU seconds, bytes."""
    CountingComm.bytes = 0
    begin = time.process_time()
    made = pump(rate, seconds, change)
    time.sleep(settle)
    return made, time.process_time() - begin, CountingComm.bytes


def model(size: int) -> tuple[FakeHandle, Callable[[], None]]:
    """A handle and a function that changes one account of it, as the store would."""
    handle = FakeHandle(account(str(10_000 + number)) for number in range(size))
    numbers, chance, states = list(handle.accounts), random.Random(1), itertools.cycle(STATES)

    def change() -> None:
        number = chance.choice(numbers)
        handle.accounts[number] = account(number, next(states), name=handle.accounts[number].name)
        handle.tell(Changes(accounts=frozenset((number,))))

    return handle, change


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=4.0)
    seconds = parser.parse_args().seconds
    comm.create_comm = CountingComm
    print(
        f"{'way':>12} {'N':>5} {'asked/s':>8} {'made/s':>8}"
        f" {'CPU ms per 1,000':>17} {'bytes each':>11} {'messages/s':>11}"
    )

    def row(way: str, size: int, rate: int, result: tuple[int, float, int], base: float) -> None:
        made, cpu, sent = result
        print(
            f"{way:>12} {size:>5} {rate:>8} {made / seconds:>8.0f} {1e6 * (cpu / made - base):>17.1f}"
            f" {sent / made:>11.1f} {CountingComm.messages / seconds:>11.1f}"
        )

    for size, rate in itertools.product((500, 5000), (100, 1000, 10_000)):
        _handle, change = model(size)
        made, cpu, _ = measure(rate, seconds, change, 0.0)
        base = cpu / made  # the pump and the fake model alone
        handle, change = model(size)
        begin = time.perf_counter()
        grid = ExtensionGrid(handle)
        build = time.perf_counter() - begin
        grid._from_page(None, {"hello": "bench", "n": 1}, [])
        CountingComm.messages = 0
        row("grid", size, rate, measure(rate, seconds, change, 0.2), base)
        grid.close()
        if rate == 1000:
            print(f"{'':>12} {size:>5} built and serialised in {1000 * build:.1f} ms")
    for rate in (100, 1000):
        size = 500
        labels = [ipywidgets.HTML(f"<b>{10_000 + number}</b> idle") for number in range(size)]
        chance, states = random.Random(1), itertools.cycle(STATES)
        CountingComm.messages = 0

        def change_label(labels: list[Any] = labels, chance: random.Random = chance, states: Any = states) -> None:
            number = chance.randrange(len(labels))
            labels[number].value = f"<b>{10_000 + number}</b> {next(states)} {datetime.now(UTC):%H:%M:%S}"

        row("ipywidgets", size, rate, measure(rate, seconds, change_label, 0.2), 0.0)
        for label in labels:
            label.close()


if __name__ == "__main__":
    main()
