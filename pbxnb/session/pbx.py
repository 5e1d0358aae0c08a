"""`Pbx`: the one object a person holds. It reads the model, waits, sends, and makes panels; the work is in `Line`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Final, Self

from pbxnb.client.client import Client
from pbxnb.errors import RecordingError, no_copy
from pbxnb.model.changes import Frame
from pbxnb.model.entities import (
    CallRecord,
    Evidence,
    Presence,
    Snapshot,
    Status,
)

from . import commands, listening
from .clock import PbxClock
from .fetching.calls import fetch_calls
from .line import Line
from .mappings import mapped
from .past.history import History, Source
from .past.live import LivePast
from .pending import Pending
from .phones.maker import Phones, phone
from .recordings.live import facts_of, path_of
from .scrubbing.panel import scrubber
from .showing import panels
from .showing.handle import FrameBuffer, PanelHandle
from .showing.show import in_kernel, one_line, small_html
from .waiting import in_own_thread

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from pbxnb.figures.timeline import Timeline
    from pbxnb.protocol.coverage import CoverageReport
    from pbxnb.simulator import Simulator
    from pbxnb.ui.handle import Handle
    from pbxnb.widgets.softphone.page_calls import PageCalls

    from .replaying.player import Player

__all__ = ["Pbx"]


class Pbx:
    """A live PBX. Made by `connect`, `simulate` and `replay` of `pbxnb`; it has already begun when you get it.

    Wait until it is live with ``await``, ``async with``, ``with`` or ``.result(timeout)``.

    Attributes:
        name: what tells deliberate siblings apart; by default ``user@domain``.
        domain: the tenant.
        user: our extension.
        control: whether commands may be sent.
        simulated: whether the PBX is an embedded one.
        replayed: whether it is a recording that plays.
        accounts: every account by number, live.
        extensions: the accounts that are extensions, live.
        calls: every call by id, live.
        conversations: what people would call one call, by id, live.
        queues: queues by number, as last read.
        orbits: park orbits by number, as last read.

    Example:
        >>> pbx = await pbxnb.connect("wss://pbx.example.com", domain="acme.example", user="45", login="ask")
        >>> str(pbx.accounts["41"].state)
        '...'
        >>> await pbx.aclose()
    """

    __reduce__: Any = no_copy

    def __init__(
        self,
        line: Line,
        *,
        name: str,
        control: bool,
        clock: PbxClock,
        another: Callable[..., Client],
        simulator: Simulator | None = None,
        player: Player | None = None,
        past: Source | None = None,
    ) -> None:
        feed = line.feed
        self._line = line
        self._clock = clock
        self._simulator = simulator
        self._player = player
        self.name = name
        self.domain: str = feed.endpoint.domain
        self.user: str = feed.endpoint.user
        self.control = control
        self.simulated: bool = simulator is not None
        self.replayed: bool = player is not None
        collections = mapped(lambda: feed.store, line.lock, self.domain)
        self.accounts: Final = collections.accounts
        self.extensions: Final = collections.extensions
        self.calls: Final = collections.calls
        self.conversations: Final = collections.conversations
        self.queues: Final = collections.queues
        self.orbits: Final = collections.orbits
        self._frames = FrameBuffer()
        feed.on_frame.add(self._frames.add)
        self._past: Source = past or LivePast(line, clock)
        self._timeline: Timeline | None = None
        self._phones = Phones(line, another, clock.zone)
        self._page_calls: dict[tuple[str, str], PageCalls] = {}
        self._handle = PanelHandle(self, line, functools.partial(commands.command, self))

    # ---- life ----

    def __await__(self) -> Generator[Any, None, Self]:
        yield from self._line.live().__await__()
        return self

    def result(self, timeout: float | None = None) -> Self:
        """Block until live.

        Args:
            timeout: seconds; None leaves it to ``open_timeout``.

        Raises:
            PbxError: what went wrong; `WaitTimeout` when only this wait was too short.
            WrongThread: called on one of pbxnb's own threads.

        Example:
            >>> pbx.result(10) is pbx
            True
        """
        self._line.wait_live(timeout)
        return self

    async def __aenter__(self) -> Self:
        try:
            return await self
        except BaseException:
            await self.aclose()
            raise

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        try:
            return self.result()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *error: object) -> None:
        self.close()

    def reconnect(self) -> Self:
        """Try at once, instead of waiting for the next attempt; also when a refusal has ended the line.

        Handlers and panels go on; streams and waits that the end has ended stay so. A line that is open is left alone.

        Returns:
            This handle, to be awaited, or asked for ``.result(timeout)``.

        Raises:
            HandleClosed: it was closed or replaced.
            WrongThread: a refusal has ended it, and this is one of pbxnb's own threads.

        Example:
            >>> (await pbx.reconnect()) is pbx
            True
        """
        self._line.reconnect()
        return self

    def close(self) -> None:
        """Close the line and wait for its threads to be gone; on one of them, only start to. May be called again.

        Example:
            >>> quiet = pbxnb.simulate("quiet", extensions=2)
            >>> quiet.close()
        """
        self._line.begin_close("Closed.")
        if not in_own_thread():
            self._line.join(self._line.timing.join_within)

    async def aclose(self) -> None:
        """Close the line and wait for its threads to be gone. May be called again.

        Example:
            >>> quiet = await pbxnb.simulate("quiet", extensions=2)
            >>> await quiet.aclose()
        """
        self._line.begin_close("Closed.")
        await self._line.gone()

    # ---- reading ----

    @property
    def status(self) -> Status:
        """The line, now; frozen."""
        return self._line.status

    @property
    def clock(self) -> PbxClock:
        """The PBX's clock, as far as it is known."""
        return self._clock

    @property
    def tz(self) -> ZoneInfo:
        """The zone of every time that is shown of this handle; values stay in UTC."""
        return self._clock.zone

    @property
    def simulator(self) -> Simulator:
        """The embedded PBX, to steer it; on a simulated handle only."""
        if self._simulator is None:
            raise AttributeError("A real PBX has no `simulator`; make a simulated one with pbxnb.simulate().")
        return self._simulator

    @property
    def player(self) -> Player:
        """What plays the recording: play, pause, seek, step; on a replayed handle only."""
        if self._player is None:
            raise AttributeError("This handle is no recording and has no `player`; pbxnb.replay() makes one of a file.")
        return self._player

    def snapshot(self) -> Snapshot:
        """The whole model at one moment, frozen and consistent.

        Example:
            >>> len(pbx.snapshot().accounts) == len(pbx.accounts)
            True
        """
        feed = self._line.feed
        return self._line.read(lambda: feed.store.snapshot(feed.now()))

    def coverage(self) -> CoverageReport:
        """Which actions, fields and values were seen, and which of them nobody knows.

        Example:
            >>> report = pbx.coverage()
        """
        return self._line.on_loop(self._line.feed.coverage.report)

    def frames(self) -> tuple[Frame, ...]:
        """The recent frames, oldest first.

        Example:
            >>> pbx.frames()[0].seq < pbx.frames()[-1].seq
            True
        """
        return self._frames.frames()

    @property
    def history(self) -> History:
        """The session's past as tables: calls, legs, their states, presence and gaps, with what may be missing.

        Example:
            >>> pbx.history.calls.to_arrow().num_rows == len(pbx.history.calls)
            True
        """
        return History(self._past)

    def closed_calls(self) -> tuple[CallRecord, ...]:
        """The session's ended calls, oldest first.

        Example:
            >>> calls = pbx.closed_calls()
        """
        return tuple(self._past.ended())

    def presence(self, number: str | None = None) -> tuple[Presence, ...]:
        """Presence intervals of the session, of one account or of all.

        Example:
            >>> intervals = pbx.presence("45")
        """
        return tuple(interval for interval in self._past.presence() if number is None or interval.number == number)

    def explain(self, number: str) -> tuple[Evidence, ...]:
        """Why this account looks as it does: the rule and frame that set each axis.

        Example:
            >>> reasons = pbx.explain("45")
        """
        return self._line.read(lambda: self._line.feed.store.explain(number))

    fetch_calls = fetch_calls

    # ---- recording ----

    def record_to(self, path: str | Path) -> Pending[None]:
        """Keep everything the model is made of in a file, from now on; done when the file is open.

        What is needed to have any moment again. Credentials of logins and of a call's media are struck out. Only you
        may read the file. ``status.recording`` says how it stands; whatever the disk does, the line goes on.

        Args:
            path: such as ``monday.pbx``; a recording that is there is appended to.

        Raises:
            ConfigError, HandleClosed: it is no path; the handle has ended.
            RecordingError: it plays a recording; by the result: `RecordingInUse` where another handle or process
                records there, `NotARecording`, `RecordingTooNew`, or what the disk says.

        Example:
            >>> await pbx.record_to("monday.pbx")
            >>> pbx.status.recording.why
            ''
            >>> await pbx.stop_recording()
        """
        if self.replayed:
            raise RecordingError(
                "This handle plays a recording; it makes none.", hint="Copy the file, or a part of it."
            )
        return self._line.record(path_of(path), facts_of(self._line.feed, self.tz))

    def stop_recording(self) -> Pending[None]:
        """Record no more; done when all is on the disk. Where nothing is recorded, at once.

        Example:
            >>> await pbx.stop_recording()
        """
        return self._line.stop_recording()

    # ---- events ----

    on: Final = listening.on
    events: Final = listening.events
    until: Final = listening.until
    wait_for: Final = listening.wait_for

    # ---- commands ----

    dial: Final = commands.dial
    answer: Final = commands.answer
    reject: Final = commands.reject
    hangup: Final = commands.hangup
    hold: Final = commands.hold
    resume: Final = commands.resume
    transfer: Final = commands.transfer
    park: Final = commands.park
    retrieve: Final = commands.retrieve
    pickup: Final = commands.pickup
    record: Final = commands.record
    dnd: Final = commands.dnd
    forward: Final = commands.forward
    chat: Final = commands.chat
    queue_login: Final = commands.queue_login
    send: Final = commands.send
    preview: Final = commands.preview
    phone = phone

    # ---- showing ----

    grid: Final = panels.grid
    call_list: Final = panels.call_list
    queue_board: Final = panels.queue_board
    kpis: Final = panels.kpis
    command_bar: Final = panels.command_bar
    timeline: Final = panels.timeline
    console: Final = panels.console
    status_badge: Final = panels.status_badge
    scrubber = scrubber
    softphone: Final = panels.softphone
    dashboard: Final = panels.dashboard

    def _panel_handle(self) -> PanelHandle:
        """What `pbxnb.ui.handle.handle_of` gives to panels."""
        return self._handle

    def __repr__(self) -> str:
        return one_line(self, self._line.feed.endpoint.host)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        host = self._line.feed.endpoint.host
        still = {"text/plain": one_line(self, host), "text/html": small_html(self, host)}
        return panels.live_badge(self) | still if in_kernel() else still


if TYPE_CHECKING:

    def _is_a_handle(handle: PanelHandle) -> Handle:
        return handle
