"""What a call of the kernel says: sounds and digits one after the other, each known when it is through."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from pbxnb.arguments import check_number
from pbxnb.errors import ConfigError, SoundRefused
from pbxnb.loops import fail, fulfil
from pbxnb.media import wire

from .lane import Lane, Pending

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Saying"]

DIGITS = "0123456789*#ABCD"
MOST_DIGITS = 256
PART = 2 * wire.RATE * 60
"""Bytes of a sound that are sent at once: a minute."""
MOST_LOOP = 10 * PART


class Saying:
    """The voice of one call.

    Args:
        lane: where orders are given.
        order: gives one to the media.
        why: gives the error of what was not said before the call's end.
    """

    def __init__(self, lane: Lane, order: Callable[[wire.Order], object], why: Callable[[], BaseException]) -> None:
        self._lane = lane
        self._order = order
        self._why = why
        self._numbers = itertools.count(1)
        self._playing: dict[int, Future[None]] = {}
        self._call_off: Callable[[], None] | None = None  # the next beep
        self._over = False

    # -- from any thread -----------------------------------------------------------------------------------------------

    def play(self, sound: str | os.PathLike[str] | NDArray[Any], loop: bool) -> Pending[None]:
        """As `PhoneCall.play`."""
        from .audio import sound_of

        samples = sound_of(sound)
        if loop and len(samples) > MOST_LOOP:
            raise SoundRefused("A sound that is repeated lasts at most 10 minutes.", hint="Play it in parts.")
        parts = [samples] if loop else [samples[at : at + PART] for at in range(0, len(samples), PART)]
        orders = [wire.Sound(call=0, number=next(self._numbers), samples=part, loop=loop) for part in parts]
        return self._say(orders, orders[-1].number, "the end of the sound")

    def press(self, digits: str, seconds: float, gap: float) -> Pending[None]:
        """As `PhoneCall.dtmf`, in seconds."""
        if not isinstance(digits, str) or not 0 < len(digits) <= MOST_DIGITS or set(digits) - set(DIGITS):
            raise ConfigError(f"Digits are up to {MOST_DIGITS} of {DIGITS}, not {digits!r}.", argument="digits")
        check_number("ms", 1000 * seconds, 40, 10_000)
        check_number("gap", 1000 * gap, 20, 10_000)
        number = next(self._numbers)
        press = wire.PressDigits(call=0, number=number, digits=digits, seconds=seconds, gap=gap)
        return self._say([press], number, "the end of the digits")

    def _say(self, orders: Sequence[wire.Order], number: int, what: str) -> Pending[None]:
        """Give orders; known when the last of them is through."""
        future: Future[None] = Future()

        def act() -> None:
            if self._over:
                fail(future, self._why())
                return
            self._playing[number] = future
            for order in orders:
                self._order(order)

        if not self._lane.call(act):
            fail(future, self._why())
        return self._lane.wait(future, what)

    # -- on the lane ---------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Say no more."""
        self._order(wire.Stop(call=0))

    def beep(self, seconds: float | None) -> None:
        """Say a tone every so many seconds, or no more."""
        if self._call_off is not None:
            self._call_off()
            self._call_off = None

        def again() -> None:
            self._order(wire.Tone(call=0, number=next(self._numbers), name="beep"))
            self.beep(seconds)

        if seconds is not None:
            self._call_off = self._lane.later(seconds, again)

    def played(self, number: int) -> None:
        """Something is through."""
        if (future := self._playing.pop(number, None)) is not None:
            fulfil(future, None)

    def end(self) -> None:
        """The call is over."""
        self._over = True
        self.beep(None)
        for future in self._playing.values():
            fail(future, self._why())
        self._playing.clear()
