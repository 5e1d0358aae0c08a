"""The base of every panel that draws itself in the page: its views and its numbered batches. Knows no kind of panel.

How a panel is made. A subclass sets ``scripts`` and ``sheets`` (paths of files, below the package or absolute) and
implements

* ``_mark(changes) -> Iterable[str]``: on the I/O lane; which keys of this panel a change makes dirty. Nothing else. A
  panel without it follows no change of the model.
* ``_state() -> dict``: everything the page needs, for a page that knows nothing.
* ``_batch(keys, whole) -> dict | None``: what to say about the dirty keys now. With ``whole`` the page may have missed
  earlier batches about these keys: give complete values, not differences. None: nothing worth saying.

and, where it needs them, ``_receive(message)`` (a message of the page, on the UI lane), ``_tick(now)`` (timed work
while somebody looks; returns the next time it wants to run), ``_unsure()`` (forget what was sent, if differences to it
are sent), ``_plain()`` (one readable line for hosts without a front end) and ``_static()`` (escaped HTML). All but
``_mark`` run on the UI lane under ``self._lock``; ``_state`` also runs in the thread that creates the panel. Set the
subclass' own fields *before* ``super().__init__(handle, **traits)``: the state is read during it.

On the wire. The state travels as the trait ``_full`` when the front end asks for it (creation, reload). After that
one custom message per flush: ``{n, since}`` with one buffer, the JSON of ``{"full": …}`` or ``{"part": …}`` plus ``c``
(PBX time, s), ``r`` (its rate, when changed), ``t`` (how often it has jumped, once it has), ``e`` (error sentences),
``note`` (how the line ended) and ``failed`` (whether by a failure). ``since`` is the number a page must have reached to
use the batch. The page answers ``{ack: n}`` after painting, ``{hello: page, n}`` when a view appears or a number is
missing, ``{bye: page}`` when its last view goes; anything else reaches ``_receive``.
"""

from __future__ import annotations

import math
import time
import uuid
from collections import deque
from collections.abc import Iterable
from typing import Any, ClassVar, Final

import anywidget
import msgspec
import traitlets

from pbxnb.errors import PbxError
from pbxnb.model.changes import Changes
from pbxnb.model.entities import LineState, Status
from pbxnb.text import clean, clean_logger
from pbxnb.zones import clock_text

from .assets import bundle, loader, styles
from .handle import Handle
from .kernel import release_route
from .pacing import DirtySet, Pacer
from .panel import Panel
from .static import Static, document
from .text import title_of

__all__ = ["LivePanel"]

_log = clean_logger("pbxnb.ui")
_BASE_SCRIPT, _BASE_SHEET = "ui/base.js", "ui/base.css"  # of every panel, before its own
_EXPECTED = ""  # a page that was given the panel but has not said hello yet
_JUMP = 0.5  # seconds by which the pages' clocks are off where ours has jumped
_MOST_PAGES = 16
_MOST_MESSAGES = 1000  # waiting for the lane; a page that floods loses the rest


def _full_state(_value: object, panel: LivePanel) -> bytes:
    return panel._snapshot_bytes()  # noqa: SLF001 - the serialiser belongs to the class below


class LivePanel(Panel, anywidget.AnyWidget):
    """A live picture of a part of the PBX.

    Args:
        handle: what the panel shows; see `pbxnb.ui.handle.Handle`.
        traits: any attribute below, and those of the subclass.

    Attributes:
        uid: tells its views from those of other panels.
        theme: ``auto`` (follow the host), ``light`` or ``dark``.
        density: ``comfortable`` or ``compact``.
        wallboard: read-only, without tools, for a screen on the wall.
    """

    scripts: ClassVar[tuple[str, ...]] = ()
    sheets: ClassVar[tuple[str, ...]] = ()
    says_tenant: ClassVar[bool] = True
    """Whether the base names the tenant above it, where lines to several are open."""

    _esm = traitlets.Unicode().tag(sync=True)
    _code = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    _full = traitlets.Any().tag(sync=True, to_json=_full_state, echo_update=False)
    uid: Final = traitlets.Unicode(read_only=True).tag(sync=True)
    theme: Final = traitlets.Enum(("auto", "light", "dark"), "auto").tag(sync=True)
    density: Final = traitlets.Enum(("comfortable", "compact"), "comfortable").tag(sync=True)
    wallboard: Final = traitlets.Bool(False).tag(sync=True)

    def __init__(self, handle: Handle, **traits: Any) -> None:
        self._dirty = DirtySet()
        self._pacer = Pacer(self.timing)
        self._inbox: deque[dict[str, Any]] = deque()
        self._pages: dict[str, None] = {}  # in order of arrival
        self._errors: deque[str] = deque(maxlen=3)
        self._news = False  # errors or the ending changed
        self._ending_told = ""  # as the pages know it
        self._named = ""  # likewise: the tenant
        self._clock_told = (0.0, 0.0, float("nan"))  # likewise: PBX time, the monotonic one then, and the rate
        self._jumps = 0  # of the PBX's time
        super().__init__(handle, **{"_dom_classes": ("pbxnb-host",), **traits})

    def _follow(self, handle: Handle) -> None:
        self._leave.callback(self._pages.clear)
        self._leave.callback(handle.watch_status(self._status_changed))
        if type(self)._mark is not LivePanel._mark:  # noqa: SLF001 - else no change of the model matters
            self._leave.callback(handle.watch(self._changed))

    def _begin(self) -> None:
        self.on_msg(self._from_page)

    @traitlets.default("_esm")
    def _default_esm(self) -> str:
        return loader(_BASE_SCRIPT, *self.scripts)

    @traitlets.default("_code")
    def _default_code(self) -> str:
        return bundle(_BASE_SCRIPT, *self.scripts)

    @traitlets.default("_css")
    def _default_css(self) -> str:
        return styles(_BASE_SHEET, *self.sheets)

    @traitlets.default("uid")
    def _default_uid(self) -> str:
        return uuid.uuid4().hex

    # What a subclass says.

    def _mark(self, changes: Changes) -> Iterable[str]:
        return ()

    def _state(self) -> dict[str, Any]:
        raise NotImplementedError

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        raise NotImplementedError

    def _unsure(self) -> None:
        """A page may now hold newer values than the others: differences to what was sent mean nothing any more."""

    def _receive(self, message: dict[str, Any]) -> None:
        """A message of the page that the base does not know."""

    def _tick(self, now: float) -> float | None:
        """Timed work while somebody looks; returns the next time it wants to run."""
        return None

    def _ending(self) -> str:
        """A sentence above the panel that stays: how the line ended, and up to when the panel is right."""
        status, zone = self._handle.status, self._handle.tz
        if status.state not in (LineState.CLOSED, LineState.REFUSED):
            return ""
        until = clock_text(self._handle.clock.at(status.known_until), zone, date=True)
        return f"{clean(status.why, 400)} What you see was true until {until} {zone.key}."

    def _static(self) -> str:
        """The body of `snapshot`, escaped HTML."""
        return ""

    # What a subclass and its friends use.

    def report(self, error: BaseException | str) -> None:
        """Show an error in the panel's own strip; from any thread."""
        text = str(error) if isinstance(error, (str, PbxError)) else f"{type(error).__name__}: {error}"
        text = clean(text, 400)
        if text not in self._errors:  # a fault that repeats at 20 Hz is shown once
            self._errors.append(text)
            self._news = True
            self._ticket.nudge()

    def refresh(self, keys: Iterable[str] | None = None) -> None:
        """Send these keys again, or everything; from any thread."""
        if keys is None:
            self._dirty.mark_all()
        else:
            self._dirty.mark(keys)
        self._ticket.nudge()

    def snapshot(self) -> Static:
        """Return the panel as it is now as static, safe HTML, for a saved notebook."""
        with self._lock:
            handle = self._handle
            return document(type(self).__name__, title_of(handle), self._static(), self._now(), handle.tz)

    def _saved(self) -> str:
        return self.snapshot()

    def expect_view(self) -> None:
        """A page is about to show this panel: send before its hello arrives, which a blocking cell may hold back."""
        if not self._pages:
            self._pages[_EXPECTED] = None
            self._ticket.nudge()

    @property
    def viewed(self) -> bool:
        """Whether a page shows the panel, as far as is known."""
        return bool(self._pages)

    def _drift(self) -> float:
        """How far the pages' clocks, which tick by themselves, are off, kernel seconds; infinite at another rate."""
        then, at, rate = self._clock_told
        if rate != self._handle.clock.rate:
            return math.inf
        return abs(then + (time.monotonic() - at) * rate - self._now()) / max(1.0, rate)

    def _now(self) -> float:
        """PBX time, seconds since 1970."""
        return self._handle.clock.now().timestamp()

    # From the other lanes: mark and wake, nothing else.

    def _changed(self, changes: Changes) -> None:
        if self._dirty.mark(self._mark(changes)) and self._pages:
            self._ticket.wake()

    def _status_changed(self, status: Status) -> None:
        # It has ended, or starts again after a refusal; or a replay has jumped, has stopped or goes on.
        if self._ending() != self._ending_told or (self._pages and self._drift() > _JUMP):
            self._news = True
            self._ticket.nudge()

    def _from_page(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict) or self._closed or len(self._inbox) >= _MOST_MESSAGES:
            return
        self._inbox.append(content)
        if "ack" in content:
            self._ticket.wake()
        else:
            self._ticket.nudge()

    def open(self) -> None:
        """Tell the front end of this panel; ipywidgets calls it."""
        super().open()
        release_route(self)

    def _send(self, msg: Any, buffers: Any = None) -> None:
        super()._send(msg, buffers)
        release_route(self)  # whoever sent last must not bind our clicks to a blocked shell

    # On the UI lane.

    def _paint(self, now: float) -> float | None:
        with self._lock:
            try:
                if self._closed:
                    return None
                lost = self._read_inbox(now)
                if not self._pages:
                    return None
                again = self._tick(now)
                if lost:
                    # A page that asks is awake: what it had not acknowledged no longer matters.
                    self._pacer.acknowledge(self._pacer.number)
                    self._dirty.take()
                    self._send_full(now)
                elif self._dirty or self._news:
                    due = self._pacer.due()
                    if now < due:
                        return due if again is None else min(due, again)
                    self._send_batch(now)
                return again
            except BaseException as error:  # noqa: BLE001 - shown in the panel's strip; the next beat tries again
                _log.exception("%s could not be painted.", type(self).__name__)
                self.report(error)
                return None

    def _read_inbox(self, now: float) -> bool:
        """Handle what the pages said; True when one of them needs the whole state."""
        lost = False
        while self._inbox:
            message = self._inbox.popleft()
            match message:
                case {"ack": int(number)}:
                    self._pacer.acknowledge(number, now=now)
                case {"hello": str(page), "n": int(number)}:
                    self._pages.pop(_EXPECTED, None)
                    known = page[:64] in self._pages
                    self._pages[page[:64]] = None
                    while len(self._pages) > _MOST_PAGES:  # reloaded pages never say bye
                        del self._pages[next(iter(self._pages))]
                    self._pacer.acknowledge(number)
                    self._news = self._news or self._drift() > _JUMP
                    if number != self._pacer.number:
                        # Some hosts drop what is sent before the page is there: say it again, and it notices the gap.
                        lost = lost or known or not self._pacer.base <= number < self._pacer.number
                        self._dirty.mark(self._pacer.unpainted)
                case {"bye": str(page)}:
                    self._pages.pop(page[:64], None)
                    self._pages.pop(_EXPECTED, None)
                case {"dismiss": _}:
                    self._errors.clear()
                    self._news = True
                case _:
                    self._guarded(message)
        return lost

    def _guarded(self, message: dict[str, Any]) -> None:
        try:
            self._receive(message)
        except BaseException as error:  # noqa: BLE001 - shown in the panel; a page's message must not stop the painting
            _log.debug("A message of the page failed.", exc_info=True)
            self.report(error)

    def _send_batch(self, now: float) -> None:
        keys = self._dirty.take()
        if keys is None:
            self._send_full(now)
            return
        whole = self._pacer.merging
        keys = self._pacer.merged(keys)
        part = self._batch(keys, whole) if keys else None
        if part is None and not self._news:
            return
        number, since = self._pacer.sent(keys, now=now)
        self._post(number, since, {"part": part} if part is not None else {})

    def _send_full(self, now: float) -> None:
        number, since = self._pacer.sent_full(now=now)
        self._post(number, since, {"full": self._state()})

    def _post(self, number: int, since: int, payload: dict[str, Any]) -> None:
        # One buffer instead of JSON in the message: ipykernel would walk every value of it once more.
        self.send({"n": number, "since": since}, [self._encode(payload)])

    def _encode(self, payload: dict[str, Any]) -> bytes:
        rate = self._handle.clock.rate
        if rate != self._clock_told[2] or "full" in payload:
            payload["r"] = rate
        elif self._drift() > _JUMP:
            self._jumps += 1
        self._clock_told = (self._now(), time.monotonic(), rate)
        payload["c"] = round(self._clock_told[0], 2)
        if self._jumps:
            payload["t"] = self._jumps
        tenant = clean(self._handle.tenant) if self.says_tenant else ""
        if tenant != self._named or (tenant and "full" in payload):
            payload["w"] = self._named = tenant
        if self._news or "full" in payload:
            self._news = False  # first: what comes meanwhile is news again
            payload["e"] = list(self._errors)
            payload["note"] = self._ending_told = self._ending()
            payload["failed"] = self._handle.status.failed
        return msgspec.json.encode(payload)

    def _snapshot_bytes(self) -> bytes:
        with self._lock:
            if self._pages:
                state = self._state()
                self._unsure()
            else:
                # Nobody looks: the asking page starts from here, and one that was given an older state asks again.
                self._dirty.take()
                self._pacer.acknowledge(self._pacer.number)
                self._pacer.sent_full(now=float("-inf"))
                state = self._state()
            news, told = self._news, self._clock_told if self._pages else None
            payload = {"n": self._pacer.number, "full": state}
            encoded = self._encode(payload)
            self._news = news  # this answer goes to one page; the others still wait for theirs
            self._clock_told = told or self._clock_told
            return encoded
