"""How much the embedded PBX carries on one core: ``python -m tests.bench.bench_simulator [extensions] [seconds]``.

The server runs in this process, the client in another, so that the CPU time printed is the server's alone. Prints one
line per figure: frames and bytes a second, CPU, how far virtual time lags, memory per extension, time to start.
"""

import asyncio
import json
import multiprocessing
import resource
import sys
import time
import tracemalloc
from collections import Counter
from typing import Any

import aiohttp

from pbxnb.simulator import start


async def listen(url: str, headers: dict[str, str], seconds: float) -> tuple[Counter[str], int]:
    kinds: Counter[str] = Counter()
    size = 0
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers, max_msg_size=0) as ws:
        for action in ("domain-calls", "get-users"):
            await ws.send_json({"action": action, "subscribe": True})
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                text = await asyncio.wait_for(ws.receive_str(), left)
            except TimeoutError:
                break
            size += len(text)
            kinds[text[: text.index('",')].rpartition('"')[2]] += 1
    return kinds, size


def client(url: str, headers: dict[str, str], seconds: float, out: Any) -> None:
    out.put(asyncio.run(listen(url, headers, seconds)))


def main(extensions: int = 5000, seconds: float = 20.0) -> None:
    began = time.perf_counter()
    sim = start("storm", extensions=extensions, open_cookie=True)
    took = time.perf_counter() - began
    url = f"{sim.url}/websocket?domain={sim.domain}&user={sim.user}"
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    child = context.Process(target=client, args=(url, {}, seconds, out))
    child.start()
    while not sim.server.sockets:
        time.sleep(0.01)
    cpu, wall, virtual = time.process_time(), time.monotonic(), sim.clock.now()
    kinds, size = out.get()
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    lag = wall - (sim.clock.now() - virtual).total_seconds()
    child.join()
    frames = sum(kinds.values())
    calls = len(sim.pbx.calls)
    sim.close()
    print(
        json.dumps(
            {
                "extensions": extensions,
                "calls at once": calls,
                "start s": round(took, 3),
                "frames/s": round(frames / wall),
                "MB/s": round(size / wall / 1e6, 2),
                "server CPU %": round(100 * cpu / wall, 1),
                "CPU us per frame": round(1e6 * cpu / frames, 1),
                "lag of virtual time s": round(lag, 3),
                "frames": dict(kinds),
                "peak RSS MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
                "heap kB per extension": round(heap(extensions), 2),
            },
            indent=1,
        )
    )


def heap(extensions: int) -> float:
    """What the PBX inside takes per extension once a client has had the snapshot, kB."""
    from pbxnb.simulator.start import Settings, build

    tracemalloc.start()
    sim = build(Settings(preset="empty", extensions=extensions))
    sim.server.tenants["acme.example"].frames.domain_state(sim.user, sees_domain=True)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return used / extensions / 1000


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:]))
