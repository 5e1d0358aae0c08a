"""Chromium with a microphone that says a file, what a page tells of its calls, and how alike two sounds are.

What the microphone says is like itself only at one shift, and a codec that is made for speech keeps its shape.
"""

from __future__ import annotations

import base64
import functools
import http.server
import json
import math
import threading
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Playwright

from tests.browser.jupyter_page import CHROMIUM, FLAGS, JupyterPage

PATIENCE = 30_000
RATE = 48_000
PACKAGE = Path(__file__).parents[2] / "pbxnb"
WATCH = (Path(__file__).parent / "phone_watch.js").read_text(encoding="utf-8")
GRANTED = "--use-fake-ui-for-media-stream"
LOOPBACK = "--allow-loopback-in-peer-connection"  # without it a machine with no other interface has no addresses


def voice(seconds: float, seed: int = 1) -> np.ndarray:
    """A whistle whose pitch glides and whose syllables come irregularly: float samples at 48 kHz."""
    random = np.random.default_rng(seed)
    count = int(seconds * RATE)

    def wandering(low: float, high: float, a_second: int) -> np.ndarray:
        points = int(seconds * a_second) + 2
        return np.interp(np.arange(count), np.linspace(0, count, points), random.uniform(low, high, points))

    return 0.5 * wandering(0.1, 1, 6) * np.sin(2 * np.pi * np.cumsum(wandering(400, 1_200, 5)) / RATE)


def write(path: Path, samples: np.ndarray) -> Path:
    """Keep mono samples at 48 kHz as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32_767).astype("<i2").tobytes())
    return path


def likeness(heard: np.ndarray, said: np.ndarray, block: float = 0.25) -> float:
    """The median correlation of blocks of what was heard with what was said again and again, each at its best shift.

    Block by block, because a jitter buffer may stretch what it plays by some samples. Blocks of silence do not count.

    Args:
        heard, said: mono samples at 48 kHz.
        block: seconds.
    """
    size = int(block * RATE)
    reference = np.concatenate([said, said[:size]])
    length = 2 ** math.ceil(math.log2(len(reference) + size))
    spectrum = np.fft.rfft(reference, length)
    power = np.concatenate([[0.0], np.cumsum(reference**2)])
    energy = power[size:] - power[:-size]
    found = []
    for start in range(0, len(heard) - size + 1, size):
        part = heard[start : start + size].astype(float)
        if np.sqrt(np.mean(part**2)) < 0.01:
            continue
        products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(part, length)), length)[: len(energy)]
        found.append(float(np.max(products / np.sqrt(np.maximum(energy, 1e-3) * np.sum(part**2)))))
    return float(np.median(found)) if found else 0.0


def sound_flags(microphone: Path | None = None, *, granted: bool = True) -> list[str]:
    """Chromium's flags for calls.

    Args:
        microphone: a WAV file that the microphone says again and again; None for a machine without one.
        granted: whether the person allows everything.
    """
    fake = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}")
    return [LOOPBACK, *(fake if microphone else ()), *([GRANTED] if granted else ())]


class SoundBrowser:
    """Chromium for pages that are no notebooks.

    Args:
        playwright: one that runs.
        profile: folder of its profile.
        flags: those of `sound_flags`, and more.
    """

    def __init__(self, playwright: Playwright, profile: Path, flags: Sequence[str]) -> None:
        self._playwright = playwright
        self._profile = profile
        self._flags = [*FLAGS, *flags]
        self.context: BrowserContext

    def __enter__(self) -> Self:
        self.context = self._playwright.chromium.launch_persistent_context(
            str(self._profile), executable_path=CHROMIUM, headless=True, args=self._flags
        )
        self.context.add_init_script(WATCH)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()

    def open(self, url: str) -> Page:
        """A page at this address."""
        page = self.context.new_page()
        page.goto(url)
        return page


class _Modules(http.server.SimpleHTTPRequestHandler):
    """The package's JavaScript, and an empty page."""

    def do_GET(self) -> None:
        if self.path.endswith(".js"):
            super().do_GET()
            return
        body = b"<!doctype html><title>Untitled</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        pass


@contextmanager
def modules() -> Iterator[int]:
    """Serve the package's JavaScript on 127.0.0.1; yields the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Modules, directory=str(PACKAGE)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class CallPage:
    """A notebook with softphones of one embedded PBX, and a person before it.

    Args:
        opened: the notebook, not yet run; ``phones`` in it are the panels, one an extension.
    """

    def __init__(self, opened: JupyterPage) -> None:
        self.opened = opened
        self.page = opened.page
        assert opened.run_all() == []
        self.page.wait_for_selector("[data-phone]", timeout=PATIENCE)
        told = opened.execute("import json; print(json.dumps({one.account: one.phone for one in phones}))")
        self._ids = json.loads(told)
        # What takes echo and noise away would take the whistle, too.
        self.page.evaluate("() => { globalThis[Symbol.for('pbxnb.softphone')].devices.processed = false; }")

    def panel(self, account: str) -> Locator:
        """The first panel of this extension."""
        return self.page.locator(f'[data-phone][data-account="{account}"]').first

    def press(self, account: str, command: str) -> None:
        """Click a button once it can be pressed."""
        self.panel(account).locator(f'[data-command="{command}"][aria-disabled=false]:visible').first.click(
            timeout=PATIENCE
        )

    def shows(self, account: str, *states: str) -> None:
        """Wait until the panel is in one of these states; where it does not come, say what the page shows instead."""
        from playwright.sync_api import TimeoutError as PageTimeout

        wanted = ", ".join(f'[data-phone="{state}"][data-account="{account}"]' for state in states)
        try:
            self.page.locator(wanted).first.wait_for(timeout=PATIENCE)
        except PageTimeout:
            shown = self.page.locator("[data-phone][data-account], .pbx-command-bar, .pbx-strip:not(:empty)")
            pytest.fail(f"{account} is not {' or '.join(states)}: {shown.all_inner_texts()}")

    def dial(self, account: str, to: str) -> None:
        """Type a number and call it."""
        self.panel(account).locator("input[data-phone-to]").fill(to)
        self.press(account, "dial")

    def talk(self, account: str, to: str) -> None:
        """Call what answers by itself, by keyboard alone, and wait for its sound."""
        number = self.panel(account).locator("input[data-phone-to]")
        number.fill(to)
        self.panel(account).locator('[data-command="dial"][aria-disabled=false]').wait_for(timeout=PATIENCE)
        number.press("Enter")
        self.shows(account, "talking")

    def heard(self, *accounts: str, script: str = "") -> list[np.ndarray]:
        """Two seconds of what each of these extensions hears; ``script`` runs in the page when half of one is over."""
        texts = self.page.evaluate(
            f"""(ids) => {{
                const {{phones}} = globalThis[Symbol.for('pbxnb.softphone')];
                const recorded = ids.map((id) => pbxWatch.record(phones.get(id).connections.at(-1).heard, 2));
                setTimeout(() => {{ {script} }}, 500);
                return Promise.all(recorded); }}""",
            [self._ids[account] for account in accounts],
        )
        return [np.frombuffer(base64.b64decode(text), "<i2") / 32_767 for text in texts]

    def hears(self, wanted: dict[str, Callable[[np.ndarray], bool]]) -> None:
        """Wait until two seconds that each extension hears are as wanted: a busy machine loses some of the sound."""
        left, until = dict(wanted), time.monotonic() + PATIENCE / 1000
        while left:
            assert time.monotonic() < until, f"{list(left)} did not hear what they should"
            for account, heard in zip(tuple(left), self.heard(*left), strict=True):
                if left[account](heard):
                    del left[account]

    def end_all(self) -> None:
        """Hang up whatever there is."""
        self.opened.execute("for call in list(pbx.calls): pbx.simulator.hangup(call)")
        self.opened.execute("await pbx.until(lambda p: not p.calls, timeout=20)")

    def nothing_left(self) -> None:
        """Wait until no connection, microphone or player is left in the page."""
        self.page.wait_for_function(
            "() => Object.values(pbxWatch.left()).every((count) => count === 0)", timeout=PATIENCE
        )
