"""`replay`: a recording as a handle."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from pbxnb.arguments import check_text, helpful_keywords
from pbxnb.client.endpoint import Endpoint
from pbxnb.errors import ControlDisabled
from pbxnb.forks import free_in_child
from pbxnb.history import History
from pbxnb.model.entities import LineState, Status

from .clock import PbxClock
from .line import Line
from .pbx import Pbx
from .recordings.recording import place_of
from .replaying.past import PlayedPast
from .replaying.playback import Playback
from .replaying.player import Player, check_moment, check_speed
from .replaying.recall import Recall

__all__ = ["replay"]


@helpful_keywords
def replay(path: str | Path, *, start: datetime | None = None, speed: float = 1.0, name: str | None = None) -> Pbx:
    """Play a recording: the same object again, with a `Pbx.player`. Returns at once, already playing.

    Panels, events, tables and waits are those of a live handle. ``control`` is False for good. The same call again, in
    a re-run cell, replaces the first.

    Args:
        path: of the recording, such as ``monday.pbx``, or of a folder of them; it may still be written.
        start: where to begin, a time with a zone; at the beginning when None.
        speed: seconds of the recording per second, 0.1 to 1000.
        name: keeps deliberate siblings of the same recording apart.

    Raises:
        ConfigError: an argument cannot be used.
        NotARecording: there is none, or the file is something else.
        RecordingTooNew: a newer pbxnb wrote it.
        RecordingError: it cannot be read, or is empty.

    Example:
        >>> await pbx.record_to("monday.pbx")
        >>> news = await pbx.wait_for("account.changed", timeout=60)
        >>> await pbx.stop_recording()
        >>> again = await pbxnb.replay("monday.pbx", speed=10)
        >>> again.player.speed
        10
        >>> await again.aclose()
    """
    from pbxnb.journal import Journals

    file = place_of(path)
    at = None if start is None else check_moment("start", start)
    check_speed(speed)
    if name is not None:
        check_text("name", name)
    lock = free_in_child(threading.RLock())
    journals = Journals(file)
    try:
        host, domain, user = (journals.about.get(fact, "") for fact in ("pbx", "domain", "user"))
        endpoint = Endpoint(host=host, port=443, secure=True, domain=domain, user=user)
        playback = Playback(journals, endpoint, lock, at=at, speed=speed)
        history = History(playback.store, lambda: playback.status.gaps)
        recall = Recall(journals, playback, history)
        playback.on_aim.add(recall.hush)
        playback.on_jump.add(recall.jumped)
        key: Hashable = ("replay", str(file), name)
        line = Line(playback, lock, key=key, finish=recall.close, history=history, ready=_ready)
    except BaseException:
        journals.close()
        raise
    clock = PbxClock(
        lambda: playback.store.clock,
        recall.past.tz,
        now=playback.now,
        rate=lambda: playback.pace.rate,
        ended=lambda: line.ended_at,
    )
    pbx = Pbx(
        line,
        name=name or file.stem,
        control=False,
        clock=clock,
        another=_no_phone,
        player=Player(playback, line, recall),
        past=PlayedPast(recall.past, playback),
    )
    line.start()
    return pbx


def _ready(status: Status) -> bool:
    return status.state not in (LineState.CLOSED, LineState.REFUSED)


def _no_phone(**_who: object) -> NoReturn:
    raise ControlDisabled("A recording has no phones.", hint="Connect to a PBX, or simulate one.", command="phone")
