"""What a bench asks of processes of its own, so that one measurement leaves nothing to the next."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["ask", "fastest", "most_memory"]


def ask(module: str, *arguments: object) -> Any:
    """What ``python -m module --child arguments`` prints, as JSON.

    Raises:
        RuntimeError: it failed; the last line that it said.
    """
    command = [sys.executable, "-m", module, "--child", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def fastest(computing: Mapping[str, Callable[[], object]], runs: int) -> dict[str, tuple[float, float]]:
    """Each done so many times, in turns: the fewest seconds of the CPU, all threads, and by the clock."""
    best = dict.fromkeys(computing, (math.inf, math.inf))
    for _ in range(runs):
        for name, compute in computing.items():
            cpu, clock = time.process_time(), time.perf_counter()
            compute()
            cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
            best[name] = min(best[name][0], cpu), min(best[name][1], clock)
    return best


def most_memory() -> float:
    """Megabytes this process had at most; what `getrusage` says may be those of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
