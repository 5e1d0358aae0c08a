"""Inputs and states as bytes: MessagePack for frames, JSON for values of the PBX, both in zstd.

Credentials of a call's media and of logins are struck out on the way, and only there (`pbxnb.protocol.redact`): what a
recording gives back is otherwise what came, byte by byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import zstandard

from pbxnb.errors import RecordingError
from pbxnb.model.kept.inputs import (
    Applied,
    DateRead,
    Input,
    Lost,
    Opened,
    OrbitRead,
    QueueRead,
    Received,
    Resynced,
    Scoped,
    Sent,
    Ticked,
)
from pbxnb.model.kept.state import State
from pbxnb.protocol.redact import strike

__all__ = ["Codec"]

_MOST = 512 * 2**20  # bytes that a block may have: less than the largest frame and a block's share are no recording
_LEVEL, _STATE_LEVEL = 3, 6
_FRAMES = ("in", "out")  # the kinds that came or went; one that was held comes once more when it is applied


class Values(msgspec.Struct, frozen=True, array_like=True, tag="values", gc=False):
    """An input with values of the PBX, as JSON: their whole numbers may be longer than MessagePack's."""

    json: bytes


class Kind(msgspec.Struct, array_like=True, gc=False):
    """What an input is, and nothing else of it."""

    kind: str


_Frame = Received | Applied | Sent
_Valued = Resynced | QueueRead | OrbitRead
_Stored = Received | Applied | Sent | Opened | Lost | Ticked | Scoped | DateRead | Values


class Codec:
    """Makes blocks and states of bytes, and back. One thread at a time.

    Example:
        >>> codec = Codec()
        >>> codec.inputs(codec.block([]))
        []
    """

    def __init__(self) -> None:
        self._pack = zstandard.ZstdCompressor(level=_LEVEL).compress
        self._pack_state = zstandard.ZstdCompressor(level=_STATE_LEVEL).compress
        self._unpack = zstandard.ZstdDecompressor().decompress
        self._encode = msgspec.msgpack.Encoder().encode
        self._json = msgspec.json.Encoder(enc_hook=_plain).encode
        self._stored = msgspec.msgpack.Decoder(list[_Stored])
        self._kinds = msgspec.msgpack.Decoder(list[Kind])
        self._valued: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Valued)
        self._state = msgspec.json.Decoder(State)

    def block(self, inputs: Sequence[Input]) -> bytes:
        """Some inputs in a row."""
        return self._pack(self._encode([self._storable(one) for one in inputs]))

    def inputs(self, block: bytes) -> list[Input]:
        """The inputs of a block.

        Raises:
            RecordingError: it is damaged.
        """
        try:
            stored = self._stored.decode(self.opened(block))
            return [self._valued.decode(one.json) if isinstance(one, Values) else one for one in stored]
        except (msgspec.MsgspecError, zstandard.ZstdError, UnicodeError, RecursionError) as error:
            raise _damaged(error) from None

    def frames(self, block: bytes) -> int:
        """How many frames a block holds, without reading them.

        Raises:
            RecordingError: it is damaged.
        """
        try:
            return sum(one.kind in _FRAMES for one in self._kinds.decode(self.opened(block)))
        except (msgspec.MsgspecError, zstandard.ZstdError) as error:
            raise _damaged(error) from None

    def state(self, state: State) -> bytes:
        """A state."""
        return self._pack_state(strike(self._json(state)))

    def state_of(self, body: bytes) -> State:
        """The state that was kept.

        Raises:
            RecordingError: it is damaged.
        """
        try:
            return self._state.decode(self.opened(body))
        except (msgspec.MsgspecError, zstandard.ZstdError, UnicodeError, RecursionError) as error:
            raise _damaged(error) from None

    def _storable(self, one: Input) -> Input | Values:
        if isinstance(one, _Frame):
            raw = strike(one.raw)
            return one if raw is one.raw else msgspec.structs.replace(one, raw=raw)
        return Values(strike(self._json(one))) if isinstance(one, _Valued) else one

    def opened(self, body: bytes) -> bytes:
        """What is in a block or a state, as bytes."""
        if zstandard.frame_content_size(body) > _MOST:
            raise zstandard.ZstdError("too large")
        return self._unpack(body)


def _plain(value: Any) -> Any:
    return dict(value)  # the read-only mappings of ``extra``


def _damaged(error: Exception) -> RecordingError:
    return RecordingError(f"A part of the recording is damaged: {error}.", hint="Other moments may be whole.")
