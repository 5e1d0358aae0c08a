"""Chromium with a microphone that says a file, what a page tells of its calls, and how alike two sounds are.

What the microphone says is like itself only at one shift, and a codec that is made for speech keeps its shape.
"""

from __future__ import annotations

import functools
import http.server
import threading
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from playwright.sync_api import BrowserContext, Page, Playwright

from tests.browser.jupyter_page import CHROMIUM, FLAGS

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


def likeness(heard: np.ndarray, said: np.ndarray, block: float = 0.4) -> float:
    """The median correlation of blocks of what was heard with what was said, each at its best shift.

    Block by block, because a jitter buffer may stretch what it plays by some samples. Blocks of silence do not count.

    Args:
        heard, said: mono samples at 48 kHz.
        block: seconds.
    """
    size = int(block * RATE)
    reference = np.concatenate([said, np.zeros(size)])
    length = len(reference) + size
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
        microphone: a WAV file that the microphone says once each time it is opened; None for a machine without one.
        granted: whether the person allows everything.
    """
    fake = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}%noloop")
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
