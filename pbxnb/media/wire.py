"""What passes between a process and its child for media: orders down, events up, one MessagePack message after another.

Every message but the first and the last is about one connection, named by a number that the parent chose.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import msgspec

from pbxnb.protocol.redact import redact

__all__ = [
    "BLOCK",
    "RATE",
    "AddCandidates",
    "AnswerOffer",
    "Ask",
    "Block",
    "Bridge",
    "Described",
    "Digit",
    "Disturb",
    "Ended",
    "Event",
    "Failed",
    "Flow",
    "Listen",
    "MakeOffer",
    "Message",
    "Open",
    "Order",
    "Packets",
    "Played",
    "PressDigits",
    "Quality",
    "Ready",
    "Record",
    "Shut",
    "Sound",
    "SoundState",
    "Stop",
    "TakeAnswer", "Tone",
    "pack",
    "unpack_events",
    "unpack_orders",
]  # fmt: skip

RATE = 48_000
"""Samples a second of every sound that passes, mono, 16 bits."""
BLOCK = 960
"""Samples of a block: 20 ms."""
MOST_MESSAGE = 64 * 2**20
_LENGTH = struct.Struct(">I")


class Message(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Anything that passes; what is secret of a call is not shown."""

    def __repr__(self) -> str:
        return redact(super().__repr__())


class Order(Message, frozen=True, kw_only=True):
    """Something the child shall do; ``call`` names the connection."""

    call: int


class Open(Order, frozen=True, kw_only=True):
    """Make a connection.

    Attributes:
        codecs: names, best first.
        loopback: use 127.0.0.1 and no other address of this machine.
        ice_servers: URLs of STUN and TURN servers.
    """

    codecs: tuple[str, ...] = ("opus", "PCMU")
    loopback: bool = True
    ice_servers: tuple[str, ...] = ()


class MakeOffer(Order, frozen=True, kw_only=True):
    """Describe what we would take; answered with `Described`."""


class AnswerOffer(Order, frozen=True, kw_only=True):
    """Take this offer; answered with `Described`."""

    sdp: str


class TakeAnswer(Order, frozen=True, kw_only=True):
    """The answer to our offer."""

    sdp: str


class AddCandidates(Order, frozen=True, kw_only=True):
    """Addresses of the other side that may be used, as lines of SDP."""

    lines: tuple[str, ...]


class Flow(Order, frozen=True, kw_only=True):
    """Whether sound is sent, and whether what comes is heard."""

    send: bool
    hear: bool


class Sound(Order, frozen=True, kw_only=True):
    """Play this after what is playing; answered with `Played`.

    Attributes:
        number: names it.
        samples: `RATE` a second, 16 bits, little end first.
        loop: again and again until `Stop`.
    """

    number: int
    samples: bytes
    loop: bool = False


class Tone(Order, frozen=True, kw_only=True):
    """Play a sound that has a name (`tones.named`), as `Sound` does one that has none."""

    number: int
    name: str
    loop: bool = False


class Stop(Order, frozen=True, kw_only=True):
    """Play no more; what was left counts as played."""


class PressDigits(Order, frozen=True, kw_only=True):
    """Send digits (RFC 4733), or their tones where the other side takes none; answered with `Played`."""

    number: int
    digits: str
    seconds: float = 0.1
    gap: float = 0.07


class Listen(Order, frozen=True, kw_only=True):
    """Send every block that is heard up, or no more."""

    on: bool


class Record(Order, frozen=True, kw_only=True):
    """Write the call to a WAV file; no path ends it.

    Attributes:
        side: ``heard``, ``said``, or ``both``: left what is heard, right what is said.
    """

    path: str = ""
    side: str = "both"


class Bridge(Order, frozen=True, kw_only=True):
    """Send what is heard on another connection; 0 ends it."""

    other: int


class Disturb(Order, frozen=True, kw_only=True):
    """Spoil what is sent, as a bad net does.

    Attributes:
        loss: share of the packets that are dropped.
        jitter: mean of an exponential delay, seconds.
        nothing: no packet of sound leaves at all.
    """

    loss: float = 0.0
    jitter: float = 0.0
    nothing: bool = False


class Ask(Order, frozen=True, kw_only=True):
    """Tell what the connection counts; answered with `Packets`."""


class Shut(Order, frozen=True, kw_only=True):
    """End the connection; answered with `Ended`."""


class Event(Message, frozen=True, kw_only=True):
    """Something the child tells; ``call`` names the connection, 0 for the child itself."""

    call: int = 0


class Ready(Event, frozen=True, kw_only=True):
    """The child runs."""

    versions: dict[str, str]


class Described(Event, frozen=True, kw_only=True):
    """Our description, with every address of ours in it."""

    sdp: str


class SoundState(Event, frozen=True, kw_only=True):
    """How the sound is now: a word of `phone.leg.MediaState`."""

    state: str


class Block(Event, frozen=True, kw_only=True):
    """20 ms that were heard.

    Attributes:
        at: seconds since the first packet, by its sender's clock.
        lost: nothing came for it: it is silence.
    """

    at: float
    samples: bytes
    lost: bool = False


class Digit(Event, frozen=True, kw_only=True):
    """The other side pressed a digit."""

    digit: str
    seconds: float


class Played(Event, frozen=True, kw_only=True):
    """A sound, or digits, are through."""

    number: int


class Quality(Event, frozen=True, kw_only=True):
    """One second of a connection.

    Attributes:
        sent, received: packets since the beginning.
        lost: of those that should have come, since the beginning.
        late: that came too late to be heard.
        jitter, delay: seconds; the second is how long a packet waits here to be heard.
        round_trip: seconds; None while not known.
        level_in, level_out: dB below the loudest, -100 for silence.
        far_lost: share that the other side says it lost of what we sent lately; None while it says nothing.
        codec: what is sent, as SDP names it.
    """

    sent: int
    received: int
    lost: int
    late: int
    jitter: float
    delay: float
    round_trip: float | None
    level_in: float
    level_out: float
    far_lost: float | None = None
    codec: str = ""


class Packets(Event, frozen=True, kw_only=True):
    """Where this child sent datagrams to, by address, over all connections."""

    addresses: dict[str, int]


class Ended(Event, frozen=True, kw_only=True):
    """The connection is closed, and its recording complete."""


class Failed(Event, frozen=True, kw_only=True):
    """The connection cannot go on; ``why`` is a sentence, ``gone`` says that the whole process is."""

    why: str
    gone: bool = False


_ORDERS = msgspec.msgpack.Decoder(
    Open | MakeOffer | AnswerOffer | TakeAnswer | AddCandidates | Flow | Sound | Tone | Stop | PressDigits | Listen
    | Record | Bridge | Disturb | Ask | Shut
)  # fmt: skip
_EVENTS = msgspec.msgpack.Decoder(
    Ready | Described | SoundState | Block | Digit | Played | Quality | Packets | Ended | Failed
)  # fmt: skip
_ENCODER = msgspec.msgpack.Encoder()


def pack(message: Message) -> bytes:
    """A message with its length in front."""
    body = _ENCODER.encode(message)
    return _LENGTH.pack(len(body)) + body


def unpack_orders(buffer: bytearray) -> Iterable[Order]:
    """The whole messages at the beginning of a buffer, which loses them."""
    return [_ORDERS.decode(body) for body in _bodies(buffer)]


def unpack_events(buffer: bytearray) -> Iterable[Event]:
    """As `unpack_orders`."""
    return [_EVENTS.decode(body) for body in _bodies(buffer)]


def _bodies(buffer: bytearray) -> Iterable[bytes]:
    start, bodies = 0, []
    while len(buffer) - start >= _LENGTH.size:
        (size,) = _LENGTH.unpack_from(buffer, start)
        if size > MOST_MESSAGE:
            raise ValueError(f"A message between a process and its child for media claims {size} bytes.")
        if len(buffer) - start - _LENGTH.size < size:
            break
        start += _LENGTH.size
        bodies.append(bytes(buffer[start : start + size]))
        start += size
    del buffer[:start]
    return bodies
