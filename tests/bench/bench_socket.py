"""Frames per second through a real loopback socket, decoded and applied to the model by a `Client`.

    python -m tests.bench.bench_socket [--runs 5] [--frames 40000]

The budget is 50,000 frames a second, the reach 120,000 (architecture.md 8), for a frame that is a ``user-state`` or a
``call-state`` with one call. "All heard" is the same with every callback set, as a notebook's handle has them: each
frame kept as text, each event and each change handed over.

A server in another process sends frames encoded beforehand, so that it is never the bottleneck. The same frames go
through the same library with ``json.loads`` instead of decode and apply, in the same run, as the measure to compare
with. Medians of the runs; "CPU" is this process's own time per frame, which a noisy machine disturbs least.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import collections
import hashlib
import json
import multiprocessing
import statistics
import struct
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any

from websockets.asyncio.client import connect

from pbxnb.client import Client
from pbxnb.model.changes import Event

BUDGET, REACH = 50_000, 120_000  # frames per second
ACCOUNTS = 500
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
DONE = '{"action":"rec-stop"}'


def user_states(count: int) -> list[str]:
    """One account after another, busy and idle again."""
    made = []
    for index in range(count):
        number = str(100 + index % ACCOUNTS)
        frame: dict[str, Any] = {
            "action": "user-state",
            "type": "extensions",
            "account": number,
            "domain": "acme.example",
            "registered": True,
            "chatstatus": "online",
            "dnd": (index // ACCOUNTS) % 2 == 1,
        }
        made.append(json.dumps(frame, separators=(",", ":")))
    return made


def call_lists(count: int, calls: int) -> list[str]:
    """The whole list each time; from one to the next a single call changes its state."""
    states = ["alerting"] * calls
    made = []
    for index in range(count):
        at = index % calls
        states[at] = {"alerting": "connected", "connected": "holding", "holding": "connected"}[states[at]]
        listed = [entry(one, states[one]) for one in range(calls)]
        made.append(json.dumps({"action": "call-state", "calls": listed}, separators=(",", ":")))
    return made


def entry(index: int, state: str) -> dict[str, Any]:
    caller, called = str(100 + 2 * index), str(101 + 2 * index)
    return {
        "id": str(7000 + index),
        "from": f'"Jo Field" <sip:{caller}@acme.example>',
        "to": f"<sip:{called}@acme.example>",
        "state": state,
        "extension": [caller, called],
        "start": f"{1790000000 + index}.120",
        "connect": "" if state == "alerting" else f"{1790000009 + index}.500",
    }


LOADS: dict[str, Callable[[int], list[str]]] = {
    "user-state": user_states,
    "call-state, 1 call": lambda count: call_lists(count, 1),
    "call-state, 20 calls": lambda count: call_lists(count // 10, 20),
}


def snapshot() -> str:
    accounts = [{"account": str(100 + n), "name": f"Ext {n}", "type": "extensions"} for n in range(ACCOUNTS)]
    return json.dumps({"action": "domain-state", "accounts": accounts, "calls": []})


def framed(text: str) -> bytes:
    data = text.encode()
    size = len(data)
    head = bytes((0x81, size)) if size < 126 else struct.pack(">BBH", 0x81, 126, size) if size < 65536 else None
    return (head or struct.pack(">BBQ", 0x81, 127, size)) + data


def serve(pipe: Connection, count: int) -> None:
    """The other process: one HTTP or WebSocket peer at a time; ``pipe`` names the load and says when to send it."""
    streams = {name: b"".join(map(framed, make(count))) + framed(DONE) for name, make in LOADS.items()}

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        if headers.get("upgrade") != "websocket":
            writer.write(b"HTTP/1.1 200 OK\r\nServer: PBX/70.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
            await writer.drain()
            writer.close()
            return
        key = next(line.split(": ", 1)[1] for line in head.splitlines() if line.lower().startswith("sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode(), usedforsecurity=False).digest()).decode()
        writer.write(
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        writer.write(framed(snapshot()))
        name = await asyncio.to_thread(pipe.recv)
        writer.write(streams[name])
        await writer.drain()
        await reader.read()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    asyncio.run(main())


async def all_heard(port: int, start: Callable[[], None]) -> tuple[float, float]:
    return await by_client(port, start, collections.deque(maxlen=100_000).append)


async def by_client(
    port: int, start: Callable[[], None], heard: Callable[[object], None] | None = None
) -> tuple[float, float]:
    done = asyncio.Event()

    def watch(event: Event) -> None:
        if event.message is not None and event.message.kind == "rec-stop":
            done.set()

    client = Client(f"ws://127.0.0.1:{port}", domain="acme.example", user="100")
    client.on_event = watch
    if heard is not None:
        client.on_frame = client.on_changes = heard
    async with client:
        wall, cpu = time.perf_counter(), time.process_time()
        start()
        await done.wait()
        return time.perf_counter() - wall, time.process_time() - cpu


async def by_json_loads(port: int, start: Callable[[], None]) -> tuple[float, float]:
    async with connect(f"ws://127.0.0.1:{port}/websocket", max_size=None, compression=None, max_queue=256) as socket:
        await socket.recv()
        wall, cpu = time.perf_counter(), time.process_time()
        start()
        while json.loads(await socket.recv())["action"] != "rec-stop":
            pass
        return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--frames", type=int, default=40_000)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, options.frames), daemon=True)
    process.start()
    port: int = ours.recv()
    ways: dict[str, Callable[[int, Callable[[], None]], Awaitable[tuple[float, float]]]] = {
        "json.loads": by_json_loads,
        "Client": by_client,
        "all heard": all_heard,
    }
    print(f"frames per second through the socket; budget {BUDGET:,}, reach {REACH:,}")
    print(f"{'load':22} {'way':11} {'frames/s':>10} {'CPU us/frame':>13} {'budget':>7}")
    for name, make in LOADS.items():
        frames = len(make(options.frames)) + 1
        rows: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(options.runs):
            for way, run in ways.items():  # taking turns, so that a noisy neighbour hits both

                def start(name: str = name) -> None:
                    ours.send(name)

                rows[way].append(asyncio.run(run(port, start)))  # type: ignore[arg-type]
        for way, measured in rows.items():
            wall, cpu = (statistics.median(column) for column in zip(*measured, strict=True))
            rate = frames / wall
            met = "" if way == "json.loads" else "met" if rate >= BUDGET else f"{rate / BUDGET:.0%}"
            print(f"{name:22} {way:11} {rate:10,.0f} {cpu / frames * 1e6:13.2f} {met:>7}")
    process.terminate()
    process.join()


if __name__ == "__main__":
    main()
