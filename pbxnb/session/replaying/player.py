"""`Player`: plays a recording. A person's hand on a `Playback`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pbxnb.arguments import check_number
from pbxnb.errors import ConfigError
from pbxnb.signals import Signal

from ..line import Line
from ..past.history import Downtime
from ..pending import Pending
from .judged import Judged
from .playback import Playback
from .recall import Recall

if TYPE_CHECKING:
    from pbxnb.ui import player as panels
    from pbxnb.widgets.alerts.rules import Rule

__all__ = ["Player", "check_moment", "check_speed"]

_SLOWEST, _FASTEST = 0.1, 1000.0


class Player:
    """Plays a recording; `Pbx.player` of a replayed handle. Times are on the PBX's clock, UTC.

    What plays, and a step forward, fires its events as they were fired live. A jump, and a step back, puts the whole
    model of that moment in place: one event ``connection`` that is ``inferred``, and no other. At the end it pauses.

    Args:
        playback: what is played.
        line: of the handle.
        recall: reads all of the recording.

    Attributes:
        path: of the recording.
        on_change: gets the player, on the I/O lane, when it plays, pauses, jumps, steps, or has another speed. The
            position runs with ``pbx.clock`` in between.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> news = await pbx.wait_for("account.changed", timeout=60)
        >>> await pbx.stop_recording()
        >>> async with pbxnb.replay("monday.pbx") as again:
        ...     await again.player.pause()
        ...     await again.player.seek(again.player.end)
        ...     again.player.position == again.player.end
        True
    """

    def __init__(self, playback: Playback, line: Line, recall: Recall) -> None:
        self._playback = playback
        self._line = line
        self._recall = recall
        self.path: Final = playback.path
        self.on_change: Signal[Player] = Signal()
        playback.on_move.add(lambda _: self.on_change(self))

    @property
    def gaps(self) -> tuple[Downtime, ...]:
        """When nothing was known of the PBX, in the whole recording; a long one is read for some seconds first."""
        return tuple(self._recall.gaps())

    def judge(self, rules: Iterable[Rule]) -> Judged:
        """What rules of alerts would have raised in the whole recording, had they been judged once a second of it.

        Returns:
            at once; its ``events`` grow while the recording is read. Close it when it is no longer looked at.

        Raises:
            ConfigError: something is no `pbxnb.widgets.Rule`.

        Example:
            >>> from pbxnb.widgets import Rule
            >>> await pbx.record_to("monday.pbx")
            >>> _ = await pbx.wait_for("call.new", timeout=60)
            >>> await pbx.stop_recording()
            >>> async with pbxnb.replay("monday.pbx") as again:
            ...     judged = again.player.judge([Rule.peak(orange=1)])
            ...     judged.errors
            {}
        """
        from pbxnb.widgets.alerts.rules import rules_of

        return self._recall.judge(rules_of(rules))

    def play(self) -> Pending[None]:
        """Go on from here, up to the end; done when it plays."""
        return self._order(self._playback.play, "the start of the player")

    def pause(self) -> Pending[None]:
        """Stand still; done when it does."""
        return self._order(self._playback.pause, "the pause of the player")

    def seek(self, t: datetime) -> Pending[None]:
        """Jump to a moment; done when the model is that of the moment, or a later jump has overtaken this one.

        Args:
            t: a time with a zone; outside of the recording, its nearest end.

        Raises:
            ConfigError: it has no zone.
            RecordingError: by the result: the recording cannot be read there.
        """
        moment = check_moment("t", t)
        return self._order(lambda: self._playback.seek(moment), "the jump of the player")

    def step(self, n: int = 1) -> Pending[None]:
        """Go on by messages, and pause there; done when it is there.

        Args:
            n: how many; a negative number goes back.

        Raises:
            ConfigError: it is no whole number.
            RecordingError: by the result: the recording cannot be read there.
        """
        check_number("n", n, -1_000_000_000, 1_000_000_000, whole=True)
        return self._order(lambda: self._playback.step(n), "the step of the player")

    @property
    def speed(self) -> float:
        """Seconds of the recording per second, 0.1 to 1000; may be set while it plays."""
        return self._playback.pace.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        check_speed(speed)
        self._line.on_loop(lambda: self._playback.set_speed(speed))

    @property
    def position(self) -> datetime:
        """Where it is."""
        return self._playback.position

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._playback.playing

    @property
    def start(self) -> datetime:
        """The beginning of the recording."""
        return self._playback.start

    @property
    def end(self) -> datetime:
        """The end of what has been recorded up to now."""
        return self._playback.end

    def _order(self, make: Callable[[], Coroutine[Any, Any, None]], what: str) -> Pending[None]:
        self._line.check_open()
        return self._line.submit(make, what)


def check_speed(speed: float) -> None:
    """Refuse what is no speed of a player."""
    check_number("speed", speed, _SLOWEST, _FASTEST)


def check_moment(name: str, t: object) -> datetime:
    """A time with a zone, as UTC.

    Raises:
        ConfigError: it is none.
    """
    if not isinstance(t, datetime) or t.tzinfo is None:
        raise ConfigError(
            f"{name} must be a datetime with a zone, not {t!r}.",
            hint="Give datetime(…, tzinfo=pbx.tz), or pbx.player.start and a timedelta.",
            argument=name,
        )
    return t.astimezone(UTC)


if TYPE_CHECKING:

    def _is_steered_by_panels(player: Player) -> panels.Player:
        return player
