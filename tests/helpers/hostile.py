"""What a stranger may send, a million times over: seeded, reproducible, and a failing input made small.

An input is known by its surface, its seed and its number. Most are a few hundred bytes; now and then one of 64 kB, in
which something small is repeated without end: that finds what takes more than its share of time.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["LARGE", "Hostile", "rows_of", "seeds", "smallest"]

LARGE = 64 * 2**10  # bytes of an input that may take so much time and no more
DATA = Path(__file__).parent.parent / "data"
UNITS = (
    "[", "{", '{"a":', "[{", "]", "}", ",", ":", '"', "\\", '\\"', "\\u", "\\ud800", "\\u0000", "<", ">", "<sip:",
    "@", ";", "%", "%f", "&", "=", "-", "+", "*", ".", "0", "9", "1e", "1.", "-1,", "{},", "[],", "null,", '"",',
    '{"id":"1"},', '{"account":"1"},', " ", "\t", "\n", "\r\n", "\x00", "\x1b[", "\u202e", "\u0301", "ß", "€", "😀",
    "\ufffd", "a", "é ", "- ", "x: ", "&a ", "*a ", "# ", "'", "!", "|", "/", "..", "session=", "Mon, ",
)  # fmt: skip
SCALARS: tuple[str, ...] = (
    "null", "true", "false", "0", "-0", "1", "-1", "1e308", "-1e308", "1e999", "1e-999", "NaN", "Infinity",
    "-Infinity", "1" + "0" * 30, "9" * 400, "1." + "3" * 400, "1790000000", "1790000000.88", "253402300799",
    "253402300800", '""', '"x"', '"45"', '"true"', '"yes"', '"1e30"', '"NaN"', '"\\ud800"', '"\\udc00\\ud800"',
    '"\\u0000"', '"\\u202e"', '"\\u0301\\u0301"', '"<sip:45@acme.example>"', '"\\"Jo\\\\\\" <sip:45@d>"', '"sip:"',
    '"tel:+1;ext=2"', '"9999-12-31T23:59:59Z"', '"0001-01-01T00:00"', '"connected"', '"alerting"', '"onhold"',
    '"parked"', '"extensions"', '"acds"', '"orbits"', "[]", "{}", "[[]]", "[{}]", '{"":""}', '"{n}"', '"*85700"',
    '"\u0661"', '"²"',
)  # fmt: skip
NAMES: tuple[str, ...] = (
    "action", "account", "accounts", "calls", "id", "from", "to", "state", "callstate", "status", "start",
    "connect", "extension", "rec", "cmc", "name", "type", "usertype", "domain", "registered", "regs", "dnd",
    "chatstatus", "code", "tag", "messages", "sdp", "invitesdp", "candidate", "adr", "bye", "cancel", "callid",
    "cseq", "from-user", "from-display", "from-number", "from-name", "to-number", "to-name", "ringtones", "info",
    "change", "response", "dest", "message", "data", "number", "displayname", "display_name", "first_name",
    "last_name", "alias", "users", "agents", "logged_agents", "current", "acds", "work", "since", "segments",
    "begin", "end", "login", "agent", "parked", "by", "reason", "expires", "add", "session", "2fa", "value", "at",
    "received", "recv_us", "text", "payload", "frame", "direction", "malformed", "_cut", "", "steps", "repeat",
    "every", "after", "call", "answer", "note", "fault", "park", "orbit", "queue", "digits", "\\ud800",
)  # fmt: skip
ACTIONS = (
    "call-state",
    "domain-state",
    "user-state",
    "chat",
    "callerid",
    "sip-register",
    "crmcontact",
    "what",
    "rec-start",
)


def seeds(*folders: str) -> list[bytes]:
    """The recorded frames of a session, of every situation there is."""
    found: list[bytes] = []
    for path in sorted(path for folder in folders for path in (DATA / folder).glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            frame = next((entry[key] for key in ("frame", "text", "payload", "message") if key in entry), entry)
            found.append((frame if isinstance(frame, str) else json.dumps(frame)).encode())
    return found


class Hostile:
    """Inputs of one surface.

    Args:
        surface: its name, part of the seed.
        known: inputs that are right, to be spoilt.
        seed: another one gives others.
    """

    def __init__(self, surface: str, known: list[bytes], seed: int = 1) -> None:
        self.surface = surface
        self.known = known
        self._seed = seed
        self.chance = random.Random()

    def texts(self, count: int) -> Iterator[tuple[int, bytes]]:
        """So many inputs, each with its number."""
        for number in range(count):
            yield number, self.text(number)

    def text(self, number: int) -> bytes:
        """The input of that number."""
        self.begin(number)
        chance = self.chance
        way = chance.random()
        if way < 0.004:
            return self._large()
        if way < 0.6 and self.known:
            return self._spoilt(chance.choice(self.known))
        return self.json().encode(errors="surrogatepass")

    def begin(self, number: int) -> random.Random:
        """The chances of the input of that number."""
        self.chance.seed(f"{self.surface} {self._seed} {number}")
        return self.chance

    def json(self, depth: int = 3) -> str:
        """A value, mostly an object."""
        chance = self.chance
        way = chance.random()
        if depth == 0 or way < 0.2:
            return self._scalar()
        if way < 0.35:
            return "[" + ",".join([self.json(depth - 1) for _ in range(chance.randrange(4))]) + "]"
        fields = [f'"{self._name()}":{self.json(depth - 1)}' for _ in range(chance.randrange(7))]
        if depth >= 2 and way < 0.8:
            fields.append(f'"action":"{chance.choice(ACTIONS)}"')
            fields.append(f'"{chance.choice(("calls", "accounts", "account", "id"))}":{self.json(depth - 1)}')
        return "{" + ",".join(fields) + "}"

    def _scalar(self) -> str:
        return self.chance.choice(SCALARS)

    def _name(self) -> str:
        chance = self.chance
        return (
            chance.choice(NAMES) if chance.random() < 0.95 else chance.choice(UNITS).replace('"', "").replace("\\", "")
        )

    def _spoilt(self, text: bytes) -> bytes:
        """A right one with a few bytes, values or pieces that are other."""
        chance = self.chance
        spoilt = bytearray(text)
        for _ in range(chance.randrange(1, 4)):
            way, at = chance.randrange(8), chance.randrange(len(spoilt) + 1)
            if way == 0 and at < len(spoilt):
                spoilt[at] = chance.randrange(256)
            elif way == 1:
                del spoilt[at : at + chance.randrange(1, 20)]
            elif way == 2:
                spoilt[at:at] = chance.choice(UNITS).encode() * chance.choice((1, 1, 2, 70))
            elif way == 3:
                piece = spoilt[at : at + chance.randrange(1, 60)]
                spoilt[at:at] = piece * chance.choice((1, 2, 9))
            elif way == 4:
                other = chance.choice(self.known)
                spoilt[at:at] = other[chance.randrange(len(other) + 1) :][: chance.randrange(200)]
            else:  # a value for a value: it stays JSON more often
                start = spoilt.find(b":", at) + 1
                end = min((end for end in (spoilt.find(b",", start), spoilt.find(b"}", start)) if end > 0), default=-1)
                if 0 < start < end:
                    spoilt[start:end] = self._scalar().encode(errors="surrogatepass")
        return bytes(spoilt)

    def _large(self) -> bytes:
        """64 kB: something small without end, alone, in a value of a right one, or as a list of values."""
        chance = self.chance
        unit = chance.choice(UNITS) + (chance.choice(UNITS) if chance.random() < 0.5 else "")
        way = chance.randrange(6)
        if way == 0:
            return (unit * LARGE).encode()[:LARGE]
        if way == 1:
            value = self.json(2)
            body = ",".join([value] * (LARGE // (len(value) + 1)))
            made = f'{{"action":"{chance.choice(ACTIONS)}","{self._name()}":[{body}]}}'
        elif way == 2:
            body = ",".join([f'"{self._name()}{n}":{self._scalar()}' for n in range(LARGE // 40)])
            made = f'{{"action":"{chance.choice(ACTIONS)}","account":"45",{body}}}'
        else:
            text = json.dumps(unit)[1:-1] * LARGE
            text = text[: LARGE - 200].rsplit("\\", 1)[0] if chance.random() < 0.7 else text[: LARGE - 200]
            field = f'"{self._name()}":"{text}"'
            made = chance.choice((
                f'{{"action":"call-state","calls":[{{"id":"1",{field}}}]}}',
                f'{{"action":"user-state","account":"45",{field}}}',
                f'[{{"name":"45",{field}}}]',
                f'{{"at":1,{field}}}',
                f"{{{field}}}",
            ))  # fmt: skip
        return made.encode(errors="surrogatepass")[:LARGE]


def smallest(text: bytes, fails: Callable[[bytes], bool], tries: int = 2000) -> bytes:
    """As little of a failing input as still fails."""
    size = len(text) // 2
    while size and tries > 0:
        at = 0
        while at < len(text) and tries > 0:
            tries -= 1
            shorter = text[:at] + text[at + size :]
            if fails(shorter):
                text = shorter
            else:
                at += size
        size //= 2
    return text


def rows_of(
    chance: random.Random, columns: tuple[str, ...], values: dict[str, tuple[Any, ...]]
) -> dict[str, list[Any]]:
    """A table of nonsense: some of the columns, each with values of one kind."""
    count = chance.randrange(12)
    chosen = [column for column in columns if chance.random() < 0.7]
    table: dict[str, list[Any]] = {}
    for column in chosen:
        kind = values[chance.choice(tuple(values))]
        table[column] = [chance.choice(kind) if chance.random() < 0.9 else None for _ in range(count)]
    return table
