"""Pseudonyms: every run of letters or of digits gets another one of the same length and script, the same each time.

A number is the same person in a name, in an address, in free text and in an id, and it is always a run of digits there;
a name is runs of letters. So nothing needs to know where it looks: whatever holds a run holds its pseudonym.
"""

from __future__ import annotations

import hashlib
import random
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache

__all__ = ["RUN", "Pseudonyms", "windows"]

RUN = re.compile(
    r"(?P<address>(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]))|(?P<star>(?<=\*))?(?:(?P<digits>\d+)|(?P<letters>[^\W\d_]+))"
)
"""An IP address, else a whole run of digits or of letters."""

WINDOW = 6
"""So many letters or digits of an original in a row tell it."""
ALIKE = 6  # digits at the end that two printings of one number share, at least
FEATURE = 3  # digits of a star code at most; behind them a number may follow
TRIES = 2000
CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"


def windows(run: str) -> Iterator[str]:
    """Everything of `WINDOW` characters in a run."""
    return (run[start : start + WINDOW] for start in range(len(run) - WINDOW + 1))


def plain_digits(run: str) -> str:
    """Digits of any script as ASCII ones."""
    return run if run.isascii() else "".join(each if each == "." else str(unicodedata.digit(each)) for each in run)


def folded(run: str) -> str:
    """A run without what makes no difference: zeros in front, case."""
    return plain_digits(run).lstrip("0") if run.isdecimal() else run.casefold()


class Pseudonyms:
    """What stands for what.

    First every original is learned, then pseudonyms are asked for: none of them is an original, or holds six
    characters of one.

    Args:
        key: the same key gives the same pseudonyms in the next recording, as far as none of them is taken there;
            kept, it lets whoever has it find out by trying who is who. A new one that nobody knows unless given.

    Example:
        >>> names = Pseudonyms(key=b"an example")
        >>> names.learn("Beatrix Orne <204@acme.example>")
        'Beatrix Orne <204@acme.example>'
        >>> names.of_text("Beatrix, 204") == names.of_text("Beatrix, 204")
        True
        >>> "204" in names.of_text("204 and +15550204")
        False
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = secrets.token_bytes(16) if key is None else key
        self._digits: set[str] = set()  # without the zeros in front
        self._letters: set[str] = set()  # in lower case
        self._starred: set[str] = set()
        self._windows: set[str] = set()
        self._codes: dict[str, set[str]] = {}  # by number, the star codes it was dialled behind
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def originals_in(self, text: str, keep: Callable[[str], bool]) -> int:
        """How many runs of a text are originals of three characters or more, or hold six characters of one."""
        runs = [folded(found[0]) for found in RUN.finditer(text) if not keep(found[0])]
        return sum(
            (len(run) > 2 and (run in self._digits or run in self._letters)) or self._holds_piece(run) for run in runs
        )

    def telling(self, text: str) -> set[str]:
        """The runs of a text that hold six characters of an original, as `folded` gives them."""
        if len(text) < WINDOW:
            return set()
        return {run for found in RUN.finditer(text) if self._holds_piece(run := folded(found[0]))}

    def _holds_piece(self, run: str) -> bool:
        return len(run) >= WINDOW and not self._windows.isdisjoint(windows(run))

    def learn(self, text: str, keep: Callable[[str], bool] = lambda run: False) -> str:
        """Take in a text that holds originals, beside runs that stay; it comes back as it is."""
        for found in RUN.finditer(text):
            if not keep(found[0]):
                self._learn(found)
        return text

    def _learn(self, found: re.Match[str]) -> None:
        if found["address"]:
            self._digits.update(octet.lstrip("0") for octet in plain_digits(found[0]).split("."))
        elif found["digits"]:
            core = plain_digits(found["digits"]).lstrip("0")
            (self._digits if found["star"] is None else self._starred).add(core)
            self._windows.update(windows(core))
        else:
            name = found["letters"].casefold()
            self._letters.add(name)
            self._windows.update(windows(name))

    def settle(self) -> None:
        """Every original is known: give all their pseudonyms, the same whatever order they came in."""
        for core in self._starred:
            code = self._code(core)
            self._codes.setdefault(core[code:], set()).add(core[:code])
        self._digits |= self._codes.keys()  # also what stood only behind a star
        for core in sorted(self._digits, key=lambda core: (len(core), core)):
            self._number(core)
        for name in sorted(self._letters):
            self._name(name)

    def of_text(self, text: str, keep: Callable[[str], bool] = lambda run: False) -> str:
        """A text with its pseudonyms.

        Args:
            text: any.
            keep: whether a run is a word of a protocol there, and stays.
        """
        return RUN.sub(lambda found: found[0] if keep(found[0]) else self._of_run(found), text)

    def _of_run(self, found: re.Match[str]) -> str:
        run = found[0]
        if found["address"]:
            return ".".join(self._octet(octet) for octet in plain_digits(run).split("."))
        if not found["digits"]:
            return _in_case_of(run, self._name(run.casefold()))
        digits = plain_digits(run)
        core = digits.lstrip("0")
        code = self._code(core) if found["star"] is not None else 0
        mapped = digits[: len(digits) - len(core)] + core[:code] + self._number(core[code:])
        if run.isascii() or len(mapped) != len(run):
            return mapped
        return "".join(chr(ord(old) - unicodedata.digit(old) + int(new)) for old, new in zip(run, mapped, strict=True))

    def _code(self, core: str) -> int:
        """How many of the digits behind a star are a code and no part of the number behind it; a star may be a mark."""
        if core in self._digits:
            return 0
        return next((at for at in range(1, FEATURE + 1) if len(core[at:]) > 1 and core[at:] in self._digits), 0)

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _number(self, core: str) -> str:
        if len(core) < 2:
            return core
        known = self._given.get(core)
        if known is not None:
            return known
        end = next((core[at:] for at in range(1, len(core) - ALIKE + 1) if core[at:] in self._digits), "")
        tail = self._number(end) if end else ""
        length = len(core) - len(tail)
        codes = self._codes.get(core, ())

        def drawn(dice: random.Random, longer: int) -> str:
            first = dice.choice("123456789")
            return first + "".join(dice.choice("0123456789") for _ in range(length - 1 + longer)) + tail

        def free(number: str) -> bool:
            return not any(code + number in known for code in ("", *codes) for known in (self._digits, self._starred))

        return self._give(core, drawn, free)

    def _octet(self, octet: str) -> str:
        """Of an IP address: from 10 to 99, or from 100 to 254 as long as there are some."""
        low, high = (100, 254) if len(octet) > 2 else (10, 99)

        def drawn(dice: random.Random, longer: int) -> str:
            return f".{dice.randint(10, 99) if longer else dice.randint(low, high)}"

        known = self._given.get(f".{octet}")
        return (known or self._give(f".{octet}", drawn, lambda run: run[1:] not in self._digits))[1:]

    def _name(self, name: str) -> str:
        if len(name) < 2:
            return name
        known = self._given.get(name)
        if known is not None:
            return known

        def drawn(dice: random.Random, longer: int) -> str:
            begin = dice.randrange(2)
            ours = ((CONSONANTS, VOWELS)[(begin + place) % 2] for place in range(len(name)))
            letters = [dice.choice(own if old.isascii() else alike(old)) for old, own in zip(name, ours, strict=True)]
            return "".join((*letters, *dice.choices(CONSONANTS + VOWELS, k=longer)))

        return self._give(name, drawn, lambda run: run.casefold() not in self._letters)

    def _give(self, original: str, drawn: Callable[[random.Random, int], str], free: Callable[[str], bool]) -> str:
        """The first drawn one that nobody has and that tells nothing; a longer one where all of the length are had."""
        dice = random.Random(hashlib.blake2b(original.encode("utf-8", "surrogatepass"), key=self._key[:64]).digest())  # noqa: S311 - the key is the secret, not the generator
        for attempt in range(TRIES):
            run = drawn(dice, attempt // (TRIES // 4))
            lowered = run.casefold()
            if lowered not in self._taken and free(run) and self._windows.isdisjoint(windows(lowered)):
                self._taken.add(lowered)
                break
        self._given[original] = run
        return run


@lru_cache(maxsize=4096)
def alike(letter: str) -> str:
    """The letters of the same script near a letter."""
    script, kind = unicodedata.name(letter, "").partition(" ")[0], unicodedata.category(letter)
    page = ord(letter) & ~0x7F
    return (
        "".join(
            other
            for other in map(chr, range(page, page + 0x80))
            if unicodedata.category(other) == kind
            and unicodedata.name(other, "").partition(" ")[0] == script
            and len(other.casefold()) == 1
            and other.casefold() == other
        )
        or "abcdefghijklmnopqrstuvwxyz"
    )


def _in_case_of(run: str, name: str) -> str:
    """A name in capitals where the run has them."""
    if run.islower():
        return name
    if run.isupper():
        return name.upper()
    if len(run) != len(name):
        return name.title()
    return "".join(new.upper() if old.isupper() else new for old, new in zip(run, name, strict=True))
