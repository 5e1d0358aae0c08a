"""`Phone`: an extension that the kernel itself speaks through."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pbxnb.arguments import check_text
from pbxnb.errors import BadCommand, HandleClosed, PbxError, no_copy
from pbxnb.loops import fail

from .call import PhoneCall
from .lane import Lane, Pending, Stream
from .leg import LegState
from .line import LineLeg, PhoneLine
from .outside import LegMedia, MakeMedia
from .registrar import Registration
from .samples import Sample

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Phone", "PhoneQuality"]

MOST_CALLS = 100
"""Ended calls whose quality is kept."""


class PhoneQuality:
    """The quality of a phone's calls, of the newest 100."""

    def __init__(self) -> None:
        self.calls: deque[PhoneCall] = deque(maxlen=MOST_CALLS)

    def records(self) -> list[dict[str, Any]]:
        """One dictionary a second of a call, with its ``callid`` and ``party``."""
        return [
            {"callid": call.callid, "party": call.party.number, **record}
            for call in tuple(self.calls)
            for record in call.quality.records()
        ]

    @property
    def df(self) -> pd.DataFrame:
        """A pandas table, a row a second of a call; needs the ``analysis`` extra.

        Raises:
            MissingExtra: pandas is not installed.
        """
        from pbxnb.analysis.tables import flat_table

        return flat_table(self.records(), ("callid", "party", *Sample.__struct_fields__), ["at"])

    def __repr__(self) -> str:
        return f"<PhoneQuality of {len(self.calls)} calls>"


class Phone:
    """An extension as a phone of the kernel. Made by `Pbx.phone`, registered.

    Attributes:
        account: the extension.
        answer: what is done with a call that rings here: None, ``"auto"``, or the function that was given.
        record: the folder that calls are recorded to; None for none.
        quality: of its calls; ``quality.df`` is a table.

    Example:
        >>> async with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
        ...     one = await pbx.phone("41")
        ...     two = await pbx.phone("42", answer="auto")
        ...     call = await (await one.dial("42")).connected(timeout=30)
        ...     call.state
        <LegState.TALKING: 'talking'>
    """

    __reduce__: Any = no_copy

    def __init__(
        self,
        line: PhoneLine,
        lane: Lane,
        media: MakeMedia,
        *,
        answer: Any,
        answering: Callable[[PhoneCall], object],
        record: Path | None,
        close: Callable[[], Pending[None]],
    ) -> None:
        self.account: Final = line.account
        self.answer = answer
        self.record = record
        self.quality: Final = PhoneQuality()
        self._line = line
        self._lane = lane
        self._media = media
        self._answering = answering
        self._close = close
        self._known: dict[int, PhoneCall] = {}  # by the number of the leg
        self._incoming: weakref.WeakSet[Stream[PhoneCall]] = weakref.WeakSet()
        line.incoming.add(self._rings)
        line.changed.add(self._moved)
        line.registrar.changed.add(self._turned)

    @property
    def status(self) -> Registration:
        """Whether the PBX rings here: unregistered, registering, registered, lost, closed."""
        return self._line.registrar.state

    @property
    def calls(self) -> tuple[PhoneCall, ...]:
        """The calls that are not over, oldest first."""
        return tuple(self._known.copy().values())

    def dial(self, to: str, timeout: float | None = None) -> Pending[PhoneCall]:
        """Call a number; known when it rings there.

        Args:
            to: the number.
            timeout: seconds to wait for that; the call goes on.

        Raises:
            BadCommand: it is no number.
            NotRegistered: the PBX does not know this phone now, or all its lines are taken.
            CallRefused: the other side is busy, unknown, or does not want to; ``code`` says it.
            PhoneError: it ended otherwise.
        """
        check_text("to", to)
        if not to.strip() or len(to) > 256 or not to.isprintable():
            raise BadCommand(f"{to!r} is no number to dial.", hint='Write dial("207").')
        future: Future[PhoneCall] = Future()

        def begin() -> None:
            def media(one: LineLeg) -> LegMedia:
                call = self._made(one)
                call.give_when_ringing(future)
                return call.leg_media

            try:
                self._line.dial(to, media)
            except PbxError as error:
                fail(future, error)

        if not self._lane.call(begin):
            fail(future, HandleClosed(f"The phone of {self.account} is closed.", hint="Make a new one."))
        return self._lane.wait(future, f"a call from {self.account} to {to}", timeout)

    def incoming(self) -> Stream[PhoneCall]:
        """Calls that ring here, those that ring now first, as an async iterator that ends with the phone.

        Example:
            >>> async with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
            ...     one, two = await pbx.phone("41"), await pbx.phone("42")
            ...     ringing = one.dial("42")
            ...     async for call in two.incoming():
            ...         _ = await call.answer()
            ...         break
            ...     (await ringing).party.number
            '42'
        """
        stream: Stream[PhoneCall] = Stream(self._lane, f"a call for {self.account}")

        def begin() -> None:
            stream.put(*(call for call in self.calls if call.state is LegState.RINGING))
            if self.status is Registration.CLOSED:
                stream.end()
            else:
                self._incoming.add(stream)

        self._lane.call(begin)
        return stream

    def close(self) -> Pending[None]:
        """Hang up, and register no more."""
        return self._close()

    def __repr__(self) -> str:
        recorded = f", recording to {self.record}" if self.record is not None else ""
        return f"<Phone {self.account}: {self.status}, {len(self.calls)} calls{recorded}>"

    # -- on the lane ---------------------------------------------------------------------------------------------------

    def _made(self, one: LineLeg) -> PhoneCall:
        call = self._known[one.number] = PhoneCall(one, self._lane, self._media)
        self.quality.calls.append(call)
        if self.record is not None:
            stamp = f"{self._lane.at():%Y%m%d-%H%M%S}"
            call.record(self.record / f"{self.account}-{stamp}-{one.number}.wav")
        return call

    def _rings(self, one: LineLeg) -> None:
        call = self._made(one)
        for stream in tuple(self._incoming):
            stream.put(call)
        self._answering(call)

    def _moved(self, one: LineLeg) -> None:
        over = one.leg.state is LegState.ENDED
        call = self._known.pop(one.number, None) if over else self._known.get(one.number)
        if call is not None:
            call.moved()

    def _turned(self, state: Registration) -> None:
        if state is Registration.CLOSED:
            for stream in tuple(self._incoming):
                stream.end()
