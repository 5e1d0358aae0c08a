"""What a call of the kernel hears: blocks for whoever iterates, and waits for speech, silence, a tone, a digit.

Sound is asked for from the child only while somebody listens.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pbxnb.loops import fail, fulfil
from pbxnb.media import wire

from .lane import Lane, Pending, Stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .audio import Resampler

__all__ = ["HeardBlock", "Hearing"]

MOST_DIGITS = 1_000

T = TypeVar("T")


class HeardBlock(NamedTuple):
    """20 ms of what the other side says.

    Attributes:
        at: seconds since the first sound, by its sender's clock.
        wave: float32, shape (320,): 16,000 samples a second.
        lost: nothing came for it: it is silence in its place.
    """

    at: float
    wave: NDArray[np.float32]
    lost: bool


class Hearing:
    """The ears of one call.

    Args:
        lane: where blocks and digits come in.
        listen: begins and ends that blocks come.
    """

    def __init__(self, lane: Lane, listen: Callable[[bool], object]) -> None:
        self._lane = lane
        self._listen = listen
        self._listening = False
        self._ears: list[tuple[Callable[[HeardBlock], Any], Future[Any]]] = []
        self._streams: weakref.WeakSet[Stream[HeardBlock]] = weakref.WeakSet()
        self._slower: Resampler | None = None
        self._digits: deque[str] = deque(maxlen=MOST_DIGITS)
        self._asked: deque[Future[str]] = deque()
        self._by_event = False  # digits come as events: then their tones are no second ones
        self._over: BaseException | None = None

    # -- from any thread -----------------------------------------------------------------------------------------------

    def blocks(self) -> Stream[HeardBlock]:
        """Every block from now on."""
        stream: Stream[HeardBlock] = Stream(self._lane, "a block of sound")
        self._lane.call(lambda: self._add_stream(stream))
        return stream

    def until(
        self, make: Callable[[Any], Callable[[HeardBlock], T | None]], what: str, timeout: float | None
    ) -> Pending[T]:
        """Wait until one of `audio.waiting`, which is fed every block, gives something."""
        from .audio import waiting

        future: Future[T] = Future()
        feed = make(waiting)
        self._lane.call(lambda: self._add(feed, future))
        return self._lane.wait(future, what, timeout)

    def digit(self, timeout: float | None) -> Pending[str]:
        """The next digit that nobody has asked for yet, by event or by tone."""
        from .audio import Digits

        future: Future[str] = Future()
        tones = Digits()

        def feed(block: HeardBlock) -> None:
            found = tones.feed(block.wave)
            if not self._by_event:
                for each in found:
                    self._digit(each.digit)

        def ask() -> None:
            self._asked.append(future)
            self._give()
            if not future.done():
                self._add(feed, future)

        self._lane.call(ask)
        return self._lane.wait(future, "a digit", timeout)

    # -- on the lane ---------------------------------------------------------------------------------------------------

    def block(self, event: wire.Block) -> None:
        """20 ms came."""
        from pbxnb.media.tones import as_wave

        from .audio import Resampler

        self._ears = [(feed, future) for feed, future in self._ears if not future.done()]
        if not self._ears and not self._streams:
            self._listening, self._slower = False, None
            self._listen(False)
            return
        self._slower = self._slower or Resampler(wire.RATE)
        block = HeardBlock(event.at, self._slower.feed(as_wave(event.samples)), event.lost)
        for feed, future in self._ears:
            try:
                found = feed(block)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                fail(future, error)
                continue
            if found is not None:
                fulfil(future, found)
        for stream in tuple(self._streams):
            stream.put(block)

    def pressed(self, digit: str) -> None:
        """A digit came as an event."""
        self._by_event = True
        self._digit(digit)

    def end(self, why: BaseException) -> None:
        """The call is over."""
        self._over = why
        for future in (*(future for _, future in self._ears), *self._asked):
            fail(future, why)
        for stream in tuple(self._streams):
            stream.end()
        self._ears = []
        self._asked.clear()

    def _add(self, feed: Callable[[HeardBlock], Any], future: Future[Any]) -> None:
        if self._over is not None:
            fail(future, self._over)
            return
        self._ears.append((feed, future))
        self._begin()

    def _add_stream(self, stream: Stream[HeardBlock]) -> None:
        if self._over is not None:
            stream.end()
            return
        self._streams.add(stream)
        self._begin()

    def _begin(self) -> None:
        if not self._listening:
            self._listening = True
            self._listen(True)

    def _digit(self, digit: str) -> None:
        self._digits.append(digit)
        self._give()

    def _give(self) -> None:
        while self._digits and self._asked:
            asked = self._asked.popleft()
            if not asked.done():
                fulfil(asked, self._digits.popleft())
