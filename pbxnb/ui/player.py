"""What plays a recording, as far as the panels that steer it care; `pbxnb.session` has what does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from .pending import PendingLike

__all__ = ["Judged", "Player", "Scrubbed", "Silence"]


class Moves(Protocol):
    """Tells its listeners of every jump, start, stop and change of speed; not of time that merely passes."""

    def add(self, fn: Callable[[Any], object]) -> Callable[[], None]:
        """Call ``fn(player)`` from now on; returns the stop."""


class Judged(Protocol):
    """Rules of alerts over a recording: what they would have raised, as far as it has been read.

    Attributes:
        events: the changes of level, in order.
        errors: by the name of a rule what its measure raised last, where that was an error.
    """

    @property
    def events(self) -> Sequence[Any]: ...  # noqa: D102
    @property
    def errors(self) -> dict[str, str]: ...  # noqa: D102

    def close(self) -> None:
        """Nobody looks any more."""


class Player(Protocol):
    """Plays a recording to a handle. Times are PBX time, UTC."""

    speed: float

    @property
    def position(self) -> datetime:
        """Where it is."""

    @property
    def playing(self) -> bool:
        """Whether time passes."""

    @property
    def start(self) -> datetime:
        """The first moment of the recording."""

    @property
    def end(self) -> datetime:
        """The last one; later and later while the recording goes on."""

    @property
    def on_change(self) -> Moves:
        """Its listeners."""

    def play(self) -> PendingLike:
        """Go on from here."""

    def pause(self) -> PendingLike:
        """Stand still."""

    def seek(self, t: datetime) -> PendingLike:
        """Show another moment: everything up to and including it has happened."""

    def judge(self, rules: Iterable[Any]) -> Judged:
        """What rules of alerts would have raised in the whole recording."""

    def step(self, n: int = 1) -> PendingLike:
        """Go on by so many messages; back where negative."""


class Silence(NamedTuple):
    """A gap of the recording, PBX time: from when to when (None while it lasts), and a word for why."""

    start: datetime
    end: datetime | None
    why: str


class Scrubbed(Protocol):
    """A recording that is played to a handle of its own.

    Attributes:
        pbx: the handle; panels are made of it.
        player: what plays it.
    """

    pbx: Any

    @property
    def player(self) -> Player: ...  # noqa: D102

    def gaps(self) -> Iterable[Silence]:
        """The gaps of the whole recording, in order."""

    def search(self, kind: str, t: datetime, *, forward: bool) -> Iterator[datetime | None]:
        """Look for the nearest event of a kind after ``t``, or before it.

        Yields None now and then while it looks, and at last the moment; ends without one where there is none.
        """

    def close(self) -> None:
        """Nobody looks any more."""
