"""The sound of one leg in the child process: ordered without waiting, told by functions.

What is to be said and heard waits for the first sound: until then a connection may still give way to another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from pbxnb.errors import PbxError

from . import wire
from .engine import Engine, failure

__all__ = ["EngineLeg"]


class EngineLeg:
    """One leg's connection, one after the other where it is replaced; all on the engine's loop.

    Args:
        engine: runs the child.
        described: gets our description, each time one was asked for.
        tell: gets every event, `wire.Ended` last; no `wire.Failed`.
        lost: gets the error when the media fail; nothing follows it.
        codecs, loopback, ice_servers: as for `Engine.open`.

    Attributes:
        here: where the sound is, in words.
        open: whether a connection is there, or is still being closed.
    """

    here = "this kernel"

    def __init__(
        self,
        engine: Engine,
        *,
        described: Callable[[str], None],
        tell: Callable[[wire.Event], None],
        lost: Callable[[PbxError], None],
        codecs: tuple[str, ...] = ("opus", "PCMU"),
        loopback: bool = True,
        ice_servers: tuple[str, ...] = (),
    ) -> None:
        self.open: bool = False
        self._engine = engine
        self._described = described
        self._tell = tell
        self._lost = lost
        self._codecs = codecs
        self._loopback = loopback
        self._ice_servers = ice_servers
        self._call = 0  # the number of the connection, also while it is being closed
        self._sounding = False
        self._waiting: list[wire.Order] = []
        self._work: asyncio.Task[None] | None = None

    def make_offer(self) -> None:
        """Open a connection and describe it."""
        self._begin(wire.MakeOffer(call=0))

    def answer_offer(self, sdp: str) -> None:
        """Open a connection, in place of one that is open, for this offer, and describe it."""
        self._begin(wire.AnswerOffer(call=0, sdp=sdp))

    def take_answer(self, sdp: str) -> None:
        """Complete the connection."""
        self._send(wire.TakeAnswer(call=0, sdp=sdp))

    def take_candidates(self, lines: tuple[str, ...]) -> None:
        """Addresses of the other side that may be used."""
        self._send(wire.AddCandidates(call=0, lines=lines))

    def flow(self, send: bool, hear: bool) -> None:
        """Whether sound is sent, and whether what comes is heard."""
        self.order(wire.Flow(call=0, send=send, hear=hear))

    def order(self, order: wire.Order) -> None:
        """An order about the sound, whatever its ``call``; carried out from the first sound on."""
        if self._sounding:
            self._send(order)
        else:
            self._waiting.append(order)

    def close(self) -> None:
        """End the connection."""
        if self._work is not None:
            self._work.cancel()
        self._work = None
        self._send(wire.Shut(call=0))

    def _begin(self, order: wire.MakeOffer | wire.AnswerOffer) -> None:
        self.close()
        self._call, self.open = 0, False
        self._work = asyncio.ensure_future(self._describe(order))

    async def _describe(self, order: wire.MakeOffer | wire.AnswerOffer) -> None:
        call = 0
        try:
            call = self._call = await self._engine.open(
                self._on_event, codecs=self._codecs, loopback=self._loopback, ice_servers=self._ice_servers
            )
            self.open = True
            self._described(await self._engine.describe(msgspec.structs.replace(order, call=call)))
        except PbxError as error:
            if self._call == call:  # else it was told as an event
                self._fail(error)

    def _send(self, order: wire.Order) -> None:
        if self._call:
            self._engine.send(msgspec.structs.replace(order, call=self._call))

    def _fail(self, error: PbxError) -> None:
        self._call, self.open = 0, False
        self._lost(error)

    def _on_event(self, event: wire.Event) -> None:
        if event.call != self._call:
            return  # of one that was replaced
        if isinstance(event, wire.Failed):
            self._fail(failure(event))
            return
        if isinstance(event, wire.Ended):
            self._call, self.open = 0, False
        elif isinstance(event, wire.SoundState) and event.state == "flowing" and not self._sounding:
            self._sounding = True
            waiting, self._waiting = self._waiting, []
            for order in waiting:
                self._send(order)
        self._tell(event)
