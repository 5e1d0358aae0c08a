"""A replay as a scrubber steers it: the handle, its player, and what of the recording the player does not tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from pbxnb.errors import ConfigError, PbxError

from ..waiting import in_own_thread
from .events import nearest_event

if TYPE_CHECKING:
    from pathlib import Path

    from pbxnb.ui.player import Scrubbed, Silence

__all__ = ["ShownReplay", "replay_of"]

_PATIENCE = 60.0  # seconds until a recording is open at a moment


class ShownReplay:
    """See `pbxnb.ui.player.Scrubbed`.

    Args:
        pbx: the replayed handle.
        ours: whether it is closed with the scrubber.
    """

    def __init__(self, pbx: Any, *, ours: bool) -> None:
        from pbxnb.journal import Journals

        self.pbx = pbx
        self.player: Final = pbx.player
        self._journals = Journals(self.player.path)
        self._ours = ours

    def gaps(self) -> list[Silence]:
        """The gaps of the whole recording, as far as they have been read."""
        from pbxnb.ui.player import Silence

        return [Silence(gap.start, gap.end, gap.why) for gap in self.player.gaps]

    def search(self, kind: str, t: datetime, *, forward: bool) -> Iterator[datetime | None]:
        """Look for the nearest event."""
        return nearest_event(self._journals, kind, t, forward=forward)

    def close(self) -> None:
        """Nobody looks any more."""
        self._journals.close()
        if self._ours:
            self.pbx.close()


def replay_of(source: Any) -> ShownReplay:
    """What a scrubber of ``source`` steers: itself where it is a replayed handle, else a replay of its own, paused.

    Args:
        source: a `Pbx`, or a `Recording`, which begins at its start. What a line records is shown at its newest moment.

    Raises:
        ConfigError: the line records nothing.
        RecordingError: the recording cannot be read.
    """
    if getattr(source, "player", None) is not None:
        return ShownReplay(source, ours=False)
    if hasattr(source, "journal"):
        return _replay(source.path, None)
    recording = source.status.recording
    if recording is None:
        raise ConfigError(
            f"{source.name} records nothing that could be shown again.",
            hint='Begin a recording with pbx.record_to("monday.pbx"), or open one with pbxnb.open.',
        )
    return _replay(recording.path, source.clock.now())


def _replay(path: Path | str, start: datetime | None) -> ShownReplay:
    from pbxnb import replay  # what a person would call

    pbx = replay(path, start=start, name=f"replay-{uuid4().hex[:8]}")
    try:
        paused = pbx.player.pause()
        if not in_own_thread():
            paused.result(_PATIENCE)
        return ShownReplay(pbx, ours=True)
    except BaseException:
        with suppress(PbxError):
            pbx.close()
        raise


if TYPE_CHECKING:

    def _is_a_replay(shown: ShownReplay) -> Scrubbed:
        return shown
