"""Recording: frames per second, CPU and bytes a frame against JSON lines with fsync; any moment of a long recording.

    python -m tests.bench.bench_journal [--seconds 10] [--growth 100000 1000000] [--kernel]

"Sustained": frames come at 10,000 a second and are decoded and applied to the model of 500 extensions, with a recorder
beside it, then with JSON lines that are flushed and fsynced every 100 ms by a thread, then with neither; lost is what
was handed over and is not in the file. "Any moment" writes a recording as fast as the recorder takes it, and asks for
random moments; "CPU" is what a machine with other work disturbs least. "--kernel" alone: a real kernel records what a
PBX in this process sends at 10,000 a second while its dashboard paints and a cell blocks it. Not a test.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pbxnb.journal import Journal, Recorder
from pbxnb.model.kept.inputs import Received
from pbxnb.model.store import Store
from pbxnb.protocol.decode import decode
from tests.helpers.scripted_pbx import ScriptedPbx
from tests.kernel.kernel_driver import Kernel

EXTENSIONS = 500
RATE = 10_000
BUDGET = 100.0  # ms, `at` in 1,000,000 frames of 500 extensions
T0 = datetime(2026, 9, 21, 8, tzinfo=UTC)
LIFE = ("alerting", "connected", "onhold", "connected")


def frames() -> Iterator[bytes]:
    """A day's mix without end: most are user-states; calls begin, change and end, 40 at a time."""
    open_calls: list[int] = []
    turn = 0
    while True:
        turn += 1
        number = 1000 + turn * 7 % EXTENSIONS
        user = {"action": "user-state", "account": str(number), "type": "extensions", "name": f"User {number}"}
        user |= {"registered": True, "dnd": turn // EXTENSIONS % 2 == 1, "chatstatus": "online"}
        yield json.dumps(user, separators=(",", ":")).encode()
        if turn % 5 == 0:
            if turn % 20 == 0:
                open_calls.append(turn)
            one = open_calls[-1] if open_calls else turn
            state = LIFE[(turn - one) // 5 % 4]
            yield json.dumps({"action": "call-state", "calls": call(one, state)}, separators=(",", ":")).encode()
        if turn % 200 == 0:
            open_calls = open_calls[-20:]
            listed = [call(one, "connected") for one in open_calls]
            yield json.dumps({"action": "call-state", "calls": listed}, separators=(",", ":")).encode()


def call(index: int, state: str) -> dict[str, object]:
    one, two = 1000 + index % EXTENSIONS, 1000 + (index + 1) % EXTENSIONS
    return {
        "id": str(7000 + index),
        "from": f'"Jo {one}" <sip:{one}@acme.example>',
        "to": f"<sip:{two}@acme.example>",
        "state": state,
        "extension": [str(one), str(two)],
        "start": f"{1790000000 + index}.120",
    }


def received(seq: int, raw: bytes, utc: datetime) -> Received:
    return Received(utc, time.monotonic(), 1, None, seq, raw, False)


class Lines:
    """JSON lines, flushed and fsynced every 100 ms by a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        self._waiting: list[tuple[float, str]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def take(self, one: Received) -> None:
        self._waiting.append((one.utc.timestamp(), one.raw.decode()))

    def _run(self) -> None:
        while not (self._stop.wait(0.1) and not self._waiting):
            count = len(self._waiting)
            group = self._waiting[:count]
            del self._waiting[:count]
            for at, text in group:
                self._file.write(json.dumps({"at": at, "dir": "in", "text": text}) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._file.close()


def paced(store: Store, take: Callable[[Received], object], seconds: float) -> tuple[int, float, float]:
    """Frames at the rate, recorded and applied: how many, CPU seconds of the process, the longest that one was late."""
    source, count, late = frames(), 0, 0.0
    prepared = [next(source) for _ in range(int(RATE * seconds))]
    cpu, began = time.process_time(), time.perf_counter()
    while count < len(prepared):
        due = min(len(prepared), int((time.perf_counter() - began) * RATE))
        while count < due:
            raw = prepared[count]
            count += 1
            one = received(count, raw, datetime.now(UTC))
            take(one)
            store.apply(decode(raw), one.utc, seq=count)
        late = max(late, time.perf_counter() - began - count / RATE)
        time.sleep(0.001)
    return count, time.process_time() - cpu, late


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def sustained(seconds: float) -> None:
    print(f"sustained {RATE:,} frames a second for {seconds:g} s, decoded and applied, {EXTENSIONS} extensions")
    print(f"{'kept as':22}{'frames':>10}{'lost':>7}{'bytes/frame':>13}{'CPU us/frame':>14}{'behind at end, s':>18}")
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there)
        count, bare, _ = paced(Store(), lambda _: None, seconds)
        print(f"{'nothing':22}{count:10,}{'':7}{'':13}{bare / count * 1e6:14.1f}")
        (folder / "lines").mkdir()
        lines = Lines(folder / "lines" / "one.jsonl")
        began = time.process_time()
        count, _, _ = paced(Store(), lines.take, seconds)
        lines.stop()
        cpu = time.process_time() - began
        with (folder / "lines" / "one.jsonl").open() as kept:
            there_are = sum(1 for _ in kept)
        size = size_of(folder / "lines") / count
        print(f"{'JSON lines, fsync':22}{count:10,}{count - there_are:7}{size:13.1f}{cpu / count * 1e6:14.1f}")
        (folder / "pbx").mkdir()
        store = Store()
        recorder = Recorder(folder / "pbx" / "one.pbx", store)
        recorder.start().result()
        began = time.process_time()
        count, _, _ = paced(store, recorder.take, seconds)
        behind = recorder.state.behind
        recorder.stop().result()
        cpu = time.process_time() - began
        with Journal(folder / "pbx" / "one.pbx") as journal:
            kept_frames = sum(1 for _ in journal.inputs())
            same = journal.store(journal.last + 1).snapshot(T0) == store.snapshot(T0)
        size = size_of(folder / "pbx") / count
        print(f"{'.pbx':22}{count:10,}{count - kept_frames:7}{size:13.1f}{cpu / count * 1e6:14.1f}{behind:18.2f}")
        print(f"the model read back is the same: {same}\n")


def write(path: Path, count: int) -> float:
    """A recording of so many frames, 20 a second on their clock, as fast as the recorder takes them; frames a second."""
    store, source = Store(), frames()
    recorder = Recorder(path, store)
    recorder.start().result()
    began = time.perf_counter()
    for seq in range(1, count + 1):
        one = received(seq, next(source), T0 + timedelta(seconds=seq / 20))
        recorder.take(one)
        if changes := store.apply(decode(one.raw), one.utc, seq=seq):
            recorder.noticed(changes)
        if seq % 1000 == 0:
            while seq - recorder.state.acknowledged > 50_000:
                time.sleep(0.01)
    recorder.stop().result()
    return count / (time.perf_counter() - began)


def moments(counts: list[int]) -> None:
    print(f"any moment of a recording of {EXTENSIONS} extensions; budget of at(): {BUDGET:g} ms")
    print(
        f"{'frames':>11}{'written/s':>11}{'bytes/frame':>13}{'open ms':>9}{'at ms, p50':>12}{'p95':>7}{'most':>7}{'CPU ms':>8}{'met':>5}"
    )
    for count in counts:
        with tempfile.TemporaryDirectory() as there:
            path = Path(there) / "one.pbx"
            speed = write(path, count)
            size = path.stat().st_size / count
            began = time.perf_counter()
            journal = Journal(path)
            last = journal.last
            opened = (time.perf_counter() - began) * 1e3
            chance, spent, cpu = random.Random(14), [], time.process_time()
            for _ in range(60):
                t = T0 + timedelta(seconds=chance.random() * last / 20)
                began = time.perf_counter()
                journal.at(t)
                spent.append((time.perf_counter() - began) * 1e3)
            cpu = (time.process_time() - cpu) / len(spent) * 1e3
            journal.close()
            spent.sort()
            p50, p95 = statistics.median(spent), spent[int(len(spent) * 0.95)]
            met = "yes" if p95 <= BUDGET else "no"
            print(
                f"{count:11,}{speed:11,.0f}{size:13.1f}{opened:9.1f}{p50:12.1f}{p95:7.1f}{spent[-1]:7.1f}{cpu:8.1f}{met:>5}",
                flush=True,
            )


SETUP = """
import threading, time, pbxnb
from pbxnb.ui.handle import handle_of
pbx = await pbxnb.connect(**{arguments!r}, record={path!r})
shown = [pbx.dashboard()]
for widget in shown:  # as when a cell shows it; no page says hello here
    getattr(widget, "expect_view", lambda: None)()
    shown += getattr(widget, "children", ())
done = threading.Event()
handle_of(pbx).watch_frames(lambda frame: done.set() if '"last"' in frame.text else None);
"""
BLOCKS = {
    "nothing blocks": "",
    "a cell sleeps": "time.sleep({seconds})",
    "a cell computes": "end = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass",
}


def change(n: int) -> dict[str, object]:
    """An account after the other is on do not disturb, or no more."""
    turn, place = divmod(n, EXTENSIONS)
    return {"action": "user-state", "account": str(1000 + place), "type": "extensions", "dnd": turn % 2 == 0}


def beside_a_dashboard(seconds: float) -> None:
    numbers = [str(1000 + place) for place in range(EXTENSIONS)]
    print(f"{RATE:,} frames a second for {seconds:g} s into a kernel with model, dashboard and recording")
    print(
        f"{'meanwhile':16}{'sent':>9}{'lost':>7}{'reconnects':>12}{'bytes/frame':>13}{'CPU us/frame':>14}{'behind, s':>11}"
    )
    for what, code in BLOCKS.items():
        with tempfile.TemporaryDirectory() as there, ScriptedPbx(numbers) as pbx, Kernel() as kernel:
            path, stop = Path(there) / "one.pbx", threading.Event()
            setup = kernel.run(SETUP.format(arguments=pbx.arguments, path=str(path)))
            assert setup.status == "ok", setup
            cpu, size = float(kernel.value("time.process_time()")), size_of(path.parent)
            sent = pbx.flood(RATE, stop, change)
            blocked = kernel.begin(code.format(seconds=seconds))
            time.sleep(seconds)
            stop.set()
            count = sent.result()
            kernel.finish(blocked, timeout=120)
            behind = float(kernel.value("pbx.status.recording.behind"))
            pbx.say({"action": "last"})
            kernel.value("done.wait(120)", timeout=150)
            kernel.value("pbx.stop_recording().result(60)")
            cpu = float(kernel.value("time.process_time()")) - cpu
            with Journal(path) as journal:
                kept = sum(isinstance(one, Received) and b"user-state" in one.raw for _, one in journal.inputs())
            size = size_of(path.parent) - size
            print(
                f"{what:16}{count:9,}{count - kept:7,}{kernel.value('pbx.status.reconnects'):>12}{size / count:13.1f}"
                f"{cpu / count * 1e6:14.1f}{behind:11.2f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--growth", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--kernel", action="store_true")
    args = parser.parse_args()
    if args.kernel:
        beside_a_dashboard(args.seconds)
        return
    sustained(args.seconds)
    moments(args.growth)


if __name__ == "__main__":
    main()
