"""How many calls of our functions only hand a frame on, from the socket to the painted tile.

    python -m tests.bench.count_relays [--all]

A handle is connected to a PBX of twenty lines over a real socket, with one grid whose page has said hello. The PBX says
one ``user-state``; from the socket's first byte of it until the grid has sent its batch, every call of a function of
pbxnb on the two lanes is recorded with `sys.setprofile`. Which of them are *relays* is decided by their source alone:

    A relay does nothing of its own. Beside guards (the tests of ``if`` and ``while``, which only decide whether to go
    on) its body has no arithmetic, no comparison, no literal collection, no comprehension, no f-string, no change of a
    collection, no assignment to an attribute or an item, no ``raise`` and no ``yield``: it can only call, return, loop
    and bind local names.

Of these calls those count that pass the frame or its changes on: an argument is bytes or a value of pbxnb (a message, an
arrival, changes, an event ...) or nothing comes back (a wake-up), and it calls at least one more function of ours. What
``protocol`` and ``model`` do among themselves (decoding, the model's rules) is counted apart. The script works in older
trees, too: it uses nothing of the tests' own.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import json
import sys
import textwrap
import threading
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import comm
import msgspec
from aiohttp import web
from comm.base_comm import BaseComm

WORK = (
    ast.BinOp, ast.AugAssign, ast.Compare, ast.Dict, ast.List, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp, ast.JoinedStr, ast.Raise, ast.Yield, ast.YieldFrom, ast.Delete,
)  # fmt: skip
CHANGES = {"append", "appendleft", "clear", "discard", "extend", "pop", "popleft", "remove", "setdefault", "update"}


def is_relay(code: CodeType) -> bool:
    """Whether the function of this code does nothing of its own."""
    try:
        lines, first = inspect.getsourcelines(code)
    except (OSError, TypeError):
        return False
    del first
    try:
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except SyntaxError:  # a lambda in the middle of a line
        return True
    (function, *_) = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    body = function.body if isinstance(function.body, list) else [function.body]
    return not any(works(part) for part in body)


def works(node: ast.AST) -> bool:
    """Whether anything in here is more than calling, returning, looping and naming."""
    if isinstance(node, WORK):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
        return True
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(part, ast.Attribute | ast.Subscript) for target in targets for part in ast.walk(target)):
            return True
    for name, child in ast.iter_fields(node):
        if name == "test" and isinstance(node, ast.If | ast.While | ast.IfExp):
            continue  # a guard
        for part in child if isinstance(child, list) else [child]:
            if isinstance(part, ast.AST) and works(part):
                return True
    return False


class Page(BaseComm):
    """A comm that tells when a batch was sent."""

    sent = threading.Event()

    def publish_msg(self, msg_type: str, data: Any = None, **keys: Any) -> None:
        if isinstance(data, dict) and data.get("method") == "custom":
            Page.sent.set()


class Pbx:
    """Says one thing at the start and one when asked."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self.ready = threading.Event()
        self.sockets: list[web.WebSocketResponse] = []
        threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),), daemon=True).start()
        self.ready.wait()

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_get("/", lambda _: web.Response(headers={"Server": "PBX/70.1"}))
        app.router.add_get("/websocket", self._socket)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self.ready.set()
        await asyncio.Event().wait()

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        accounts = [{"account": number, "type": "extensions", "registered": True} for number in ("45", "204")]
        await socket.send_str(json.dumps({"action": "domain-state", "accounts": accounts, "calls": []}))
        async for _ in socket:
            pass
        return socket

    def say(self, frame: dict[str, Any]) -> None:
        asyncio.run_coroutine_threadsafe(self.sockets[-1].send_str(json.dumps(frame)), self.loop).result(5)


class Recorder:
    """The calls of ours on the lanes, from the moment the armed recorder sees a frame leave the socket."""

    def __init__(self) -> None:
        import pbxnb

        self.root = str(Path(pbxnb.__file__).parent)
        self.armed = self.on = False
        self.calls: list[list[Any]] = []  # lane, code, whether it carries the frame, and hands on to ours
        self.open: dict[FrameType, list[Any]] = {}

    def __call__(self, frame: FrameType, event: str, returned: Any) -> None:
        if not self.armed or event not in ("call", "return"):
            return
        code = frame.f_code
        if not code.co_filename.startswith(self.root):
            return
        if event == "call" and self.on:
            caller = frame.f_back
            while caller is not None and caller not in self.open:
                caller = caller.f_back
            if caller is not None:
                self.open[caller][3] = True
            entry = [threading.current_thread().name, code, self.carries(frame), False]
            self.calls.append(entry)
            self.open[frame] = entry
        elif event == "return" and frame in self.open:
            self.open.pop(frame)[2] |= returned is None
        elif event == "return" and code.co_name == "receive" and isinstance(returned, bytes):
            self.on = True  # the frame has left the socket

    @staticmethod
    def carries(frame: FrameType) -> bool:
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        values = [frame.f_locals.get(name) for name in names if name != "self"]
        return any(
            isinstance(one, bytes) or (type(one).__module__.startswith("pbxnb") and isinstance(one, msgspec.Struct))
            for one in values
        )


def main() -> None:
    comm.create_comm = Page
    recorder = Recorder()
    threading.setprofile(recorder)
    import pbxnb

    pbx_server = Pbx()
    with pbxnb.connect(f"ws://127.0.0.1:{pbx_server.port}", domain="acme.example", user="45", keepalive=0) as pbx:
        grid = pbx.grid()
        grid.comm.handle_msg(
            {"content": {"data": {"method": "custom", "content": {"hello": "page", "n": 1}}}, "buffers": []}
        )
        Page.sent.wait(5)
        quiet = threading.Event()
        while Page.sent.is_set():  # until nothing more of the beginning is sent
            Page.sent.clear()
            quiet.wait(1.3)
        recorder.armed = True
        pbx_server.say({"action": "user-state", "account": "204", "type": "extensions", "dnd": True})
        assert Page.sent.wait(5), "the tile was not painted"
        recorder.armed = False
        grid.close()
    threading.setprofile(None)
    report(recorder)


def report(recorder: Recorder) -> None:
    counts: Counter[str] = Counter()
    for lane, code, carries, hands_on in recorder.calls:
        part = code.co_filename.removeprefix(recorder.root).lstrip("/").partition("/")[0]
        inner = part in ("protocol", "model")
        relay = carries and hands_on and is_relay(code)
        counts["calls of ours"] += 1
        counts["relays"] += relay and not inner
        counts["relays inside protocol and model"] += relay and inner
        if "--all" in sys.argv or (relay and not inner):
            where = code.co_filename.removeprefix(recorder.root + "/")
            print(f"{'relay' if relay else '     '}  {lane:16} {where}:{code.co_firstlineno} {code.co_qualname}")
    for name, count in counts.items():
        print(f"{count:4} {name}")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
