"""A cell blocks, the line does not: no message lost, no reconnect, although the server pings all the while."""

from __future__ import annotations

import threading

import pytest

from tests.helpers.scripted_pbx import ScriptedPbx
from tests.kernel.kernel_driver import Kernel

pytestmark = pytest.mark.kernel

SLEEP = "import time; begin = time.monotonic(); time.sleep({seconds})"
BUSY = "import time; begin = time.monotonic(); n = 0\nwhile time.monotonic() - begin < {seconds}: n += 1"
KINDS = {"sleeping": SLEEP, "busy": BUSY}


WATCH = """
seen, heard = [], []
from pbxnb.ui.handle import handle_of
handle_of(pbx).watch_frames(lambda f: seen.append(f.text) if 'numbered' in f.text else None)
pbx.on('message', lambda e: heard.append(1));
"""
COUNT = """
import json
end = time.monotonic() + 20
while (len(seen) < {sent} or len(heard) < {sent}) and time.monotonic() < end: time.sleep(0.05)
numbers = [json.loads(text)['n'] for text in seen]
numbers == list(range({sent})), len(heard) >= {sent}
"""


def blocked(kind: str, seconds: int, rate: int, pings: float) -> None:
    """Count the numbered frames twice: where every frame passes, and in a handler."""
    with ScriptedPbx(heartbeat=pings) as server, Kernel() as kernel:
        connect = f"import pbxnb; pbx = await pbxnb.connect(**{server.arguments!r}, ping_interval={pings})"
        assert kernel.run(connect + WATCH).status == "ok"
        stop = threading.Event()
        flood = server.flood(rate, stop)
        cell = KINDS[kind].format(seconds=seconds) + "\nround(time.monotonic() - begin)"
        assert kernel.value(cell, timeout=seconds + 60) == str(seconds)
        stop.set()
        sent = flood.result(30)
        assert sent >= rate * seconds * 0.8  # there was something to lose
        assert kernel.value(COUNT.format(sent=sent)) == "(True, True)"
        assert kernel.value("pbx.status.reconnects, pbx.status.dropped_events, len(pbx.status.gaps)") == "(0, 0, 0)"
        assert len(server.peers) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_of_15_s_with_pings_every_2_s(kind):
    blocked(kind, seconds=15, rate=200, pings=2.0)


@pytest.mark.long
@pytest.mark.parametrize("rate", [200, 2000])
@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_of_60_s_with_pings_every_20_s(kind, rate):
    blocked(kind, seconds=60, rate=rate, pings=20.0)
