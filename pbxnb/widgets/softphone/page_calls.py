"""The calls of one phone whose sound is in a page: who owns them, what passes to and from the page, when it is gone.

They outlive the panels that show them: a cell that runs again finds its call going on. All of it happens on the UI
lane; only the phone's line has a thread of its own, where its methods are called.

What passes are custom messages, never traits: a saved notebook holds nothing of a call.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol

from pbxnb.errors import PbxError
from pbxnb.model.effects import call_ref
from pbxnb.model.entities import LineState, Status
from pbxnb.phone.leg import LegState, MediaState
from pbxnb.phone.line import LineLeg, PhoneLine
from pbxnb.phone.registrar import Registration
from pbxnb.protocol.parties import Party
from pbxnb.text import clean
from pbxnb.ui.handle import Handle, PagePhone, PendingLike
from pbxnb.ui.lane import Lane
from pbxnb.ui.text import party_text

from .owner import Owner
from .page_call import PageCall
from .page_media import PageMedia
from .shell import Shell

__all__ = ["PageCalls", "Phone", "PhonePanel"]

BEAT = 1.0  # seconds
DESERTED = 15.0  # seconds that a call waits for a panel to come back; a page waits as long for the kernel
MOST_TEXT = 20_000
"""Characters of a description that are taken from a page."""
MOST_REPORTS = 20


class Phone(Protocol):
    """The registered extension below the calls."""

    account: str
    line: PhoneLine

    @property
    def protected(self) -> bool:
        """Whether nobody on the way can read what the PBX is told."""

    def call(self, fn: Callable[[], object]) -> bool:
        """Run ``fn()`` on the thread of the line."""

    def open(self) -> PendingLike:
        """Connect and register."""

    def close(self) -> PendingLike:
        """Hang up, and register no more."""

    def command(self, name: str, /, *args: Any, **kw: Any) -> PendingLike:
        """Start a command about a call of this phone."""


class PhonePanel(PagePhone, Protocol):
    """A panel that shows the calls and reaches pages."""

    def send(self, content: Any) -> None:
        """Send a custom message."""

    def calls_changed(self) -> None:
        """Show the calls anew."""

    def report(self, error: BaseException | str) -> None:
        """Show an error."""


class PageCalls:
    """The calls of one phone in the page that owns it.

    Args:
        handle: whose phone it is; its clock is used.
        phone: the extension.
        closed: called on the UI lane when nobody came back and the phone was closed.

    Attributes:
        id: names it to pages.
        owner: which page has the sound.
        panels: that show them now.
        calls: by the line's number of them, oldest first.
        microphone: how the page finds it, a word of the page.
        note: the last thing worth saying, a sentence.
        on_page_close: what becomes of calls whose page is gone: ``hangup``, or ``park:ORBIT``.
    """

    def __init__(self, handle: Handle, phone: Phone, closed: Callable[[], object] = lambda: None) -> None:
        self.id: Final = uuid.uuid4().hex
        self.phone = phone
        self.owner: Final = Owner()
        self.panels: list[PhonePanel] = []
        self.calls: dict[int, PageCall] = {}
        self.microphone: str = "asking"
        self.note: str = ""
        self.on_page_close = "hangup"
        self.over: bool = False
        self._handle = handle
        self._closed = closed
        self._seq = 0
        self._due = 0.0
        self._deserted: float | None = None
        self._shell = Shell()
        self._ticket = Lane.get().register(self._beat)
        self._awaited = ""  # id of a call that is to be answered
        self._opened = not handle.control  # who may not act registers nothing
        self._stops = [
            handle.watch_status(self._line_changed),
            phone.line.changed.add(lambda leg: self._ticket.call(partial(self._moved, leg))),
            phone.line.registrar.changed.add(lambda state: self._ticket.call(partial(self._turned, state))),
        ]

    # Panels.

    def join(self, panel: PhonePanel) -> None:
        """A panel shows them; from any thread."""
        self.panels.append(panel)
        self._deserted = None

    def leave(self, panel: PhonePanel) -> None:
        """A panel is closed; from any thread. After the last one calls wait a while for somebody to come back."""
        self.panels.remove(panel)
        if not self.panels:
            self._deserted = time.monotonic() + DESERTED
            self._ticket.nudge()

    def close(self) -> None:
        """End every call and the phone."""
        if not self.over:
            self.over = True
            self.owner.take("")  # what sounds in a page ends
            self._post(order="beat")
            self._show()
            for stop in self._stops:
                stop()
            self._say_failure(self.phone.close())
            self._ticket.close()
            self._closed()

    # What is wanted, on the UI lane.

    @property
    def current(self) -> PageCall | None:
        """The call that buttons act on: the one that is talked on, else the newest that is not over."""
        newest = sorted(self.calls.values(), key=lambda one: (one.talks, not one.leg.leg.over, one.leg.number))
        return newest[-1] if newest else None

    @property
    def second(self) -> PageCall | None:
        """The call beside the current one."""
        return next((one for one in reversed(self.calls.values()) if one is not self.current), None)

    @property
    def may_be_offered(self) -> bool:
        """Whether the PBX can have this phone ring with one more call."""
        return self.phone.line.registrar.state is Registration.REGISTERED and self.phone.line.free

    def dial(self, to: str) -> None:
        """Call a number; a call that is talked on is put on hold."""
        self._hold_others(None)
        self._on_line(lambda: self.phone.line.dial(to, lambda leg: self._media(leg.number)))

    def answer(self, call: PageCall) -> None:
        """Take a call; another one that is talked on is put on hold."""
        self._hold_others(call)
        self._on_line(lambda: call.leg.answer(self._media(call.leg.number)))

    def answer_once_offered(self, call: str) -> None:
        """Take a call of this id that the PBX shows in its list, but has not offered to this phone yet."""
        self._awaited = call
        self.note = "It is answered as soon as the PBX offers it here."
        self._show()

    def act(self, call: PageCall, name: str, *args: Any) -> None:
        """Call a method of the line's leg: ``reject``, ``hangup``, ``hold``, ``mute``."""
        self._on_line(lambda: getattr(call.leg, name)(*args))

    def swap(self, to: PageCall) -> None:
        """Talk on another call."""
        self._hold_others(to)
        self.act(to, "hold", False)

    def press(self, call: PageCall, digits: str) -> None:
        """Send digits with the sound."""
        self.order(call.leg.number, order="digits", digits=digits)

    def command(self, name: str, *args: Any) -> None:
        """Have the PBX do something with a call; how it went is shown."""
        pending = self.phone.command(name, *args)
        pending.add_done_callback(lambda done: self._ticket.call(partial(self._done, done)))

    def take_over(self, page: str) -> None:
        """A person wants the phone in this page: calls of the page that had it end as if that were gone."""
        if page != self.owner.page:
            self._part()
            self.owner.take(page)
            self._owned()

    def _owned(self) -> None:
        """A page has the phone: only from now on the PBX is told to ring it."""
        if not self._opened:
            self._opened = True
            self._say_failure(self.phone.open())
        self._show()

    def _hold_others(self, call: PageCall | None) -> None:
        for other in self.calls.values():
            if other is not call and other.talks:
                self.act(other, "hold", True)

    def _media(self, number: int) -> PageMedia:
        return PageMedia(partial(self.order, number))

    def _on_line(self, fn: Callable[[], object]) -> None:
        def guarded() -> None:
            try:
                fn()
            except PbxError as error:
                self._report(error)

        if not self.phone.call(guarded):
            self._report("The line of this phone is closed. Connect again, then run this cell again.")

    def _done(self, pending: PendingLike) -> None:
        try:
            outcome = pending.result(0)
        except Exception as error:  # noqa: BLE001 - shown; a command that failed must not stop the lane
            self._report(error)
        else:
            self.note = clean(f"{outcome.effect} ({outcome.status})" if not outcome.why else outcome.why, 200)
            self._show()

    def _say_failure(self, pending: PendingLike) -> None:
        def done(ended: PendingLike) -> None:
            try:
                ended.result(0)
            except Exception as error:  # noqa: BLE001 - shown in the panels
                self._report(error)

        pending.add_done_callback(done)

    def _report(self, error: BaseException | str) -> None:
        for panel in tuple(self.panels):
            panel.report(error)

    # What pages say, on the UI lane.

    def heard(self, message: Mapping[str, Any]) -> None:
        """A message of a page; one that makes no sense changes nothing."""
        match message:
            case {"owner": str(page), "claim": True}:
                if self.owner.claim(page[:64]):
                    self._owned()
                self._ticket.nudge()
            case {"owner": str(page)} if self.owner.heard(page):
                self._from_owner(message)

    def _from_owner(self, message: Mapping[str, Any]) -> None:
        if message.get("leave") is True:
            self._part()
            self.owner.take("")
            self._show()
        if isinstance(kind := message.get("microphone"), str):
            self.microphone = clean(kind, 20)
            self._show()
        number = message.get("leg")
        call = self.calls.get(number) if isinstance(number, int) else None
        if call is None:
            return
        match message:
            case {"described": str(text)} if len(text) <= MOST_TEXT:
                self._on_line(lambda: call.leg.described(text))
            case {"found": dict() | None as candidate}:
                self._on_line(lambda: call.leg.found(candidate))
            case {"media": str(word), **more} if word in set(MediaState):
                why = clean(str(more.get("why") or "no way was found for the sound"), 160)
                self._on_line(lambda: call.leg.sounds(MediaState(word), why))
            case {"stats": list(reports)}:
                media = call.counted(reports[:MOST_REPORTS], self._handle.clock.now())
                if media is not call.leg.leg.media:
                    self._on_line(lambda: call.leg.sounds(media))
                self._show()

    # What pages are told.

    def order(self, number: int, **what: Any) -> None:
        """Tell the page that owns the phone what one call's sound must do; from any thread."""
        self._ticket.call(partial(self._post, leg=number, **what))

    def _post(self, **message: Any) -> None:
        self._seq += 1
        for panel in tuple(self.panels):
            panel.send({"phone": self.id, "seq": self._seq, "owner": self.owner.page, **message})

    def _show(self) -> None:
        for panel in tuple(self.panels):
            panel.calls_changed()

    # What happens to calls, on the UI lane.

    def _line_changed(self, status: Status) -> None:
        if status.state in (LineState.CLOSED, LineState.REFUSED):
            self._ticket.call(self.close)

    def _turned(self, state: Registration) -> None:
        if state is Registration.CLOSED:
            self.close()
        self._show()

    def _moved(self, leg: LineLeg) -> None:
        now, call = self._handle.clock.now().timestamp(), self.calls.get(leg.number)
        if leg.leg.state is LegState.ENDED:
            if call is not None:
                del self.calls[leg.number]
                self._post(leg=leg.number, order="close")
                self.note = f"{self.text(leg.party)}: {clean(leg.leg.cause, 160).removesuffix('.')}."
        elif call is None:
            call = self.calls[leg.number] = PageCall(leg, now)
            self.note = ""
            if call.rings:
                self._post(leg=leg.number, order="ring", text=f"{self.text(leg.party)} calls {self.phone.account}")
            self._ticket.nudge()
        if call is not None and call.rings and leg.call is not None and leg.call.id == self._awaited:
            self._awaited = ""
            self.answer(call)
        if call is not None and leg.leg.answered:
            call.answered = call.answered or now
        self._show()

    def text(self, party: Party) -> str:
        """How people call a party: an extension by the name it has here, whatever the call says."""
        known = self._handle.accounts.get(party.number)
        return party_text(Party(party.number, known.name if known is not None else party.name))

    def _part(self) -> None:
        """The page that has the sound is gone: its calls are parked, or end."""
        orbit = self.on_page_close.partition(":")[2]
        for call in tuple(self.calls.values()):
            at = call.leg.call
            if orbit and at is not None and call.leg.leg.answered:
                self.command("transfer", call_ref(at), orbit)
            elif not call.rings:
                self.act(call, "hangup")
            self._post(leg=call.leg.number, order="close")

    # Beats.

    def _beat(self, now: float) -> float | None:
        if self._deserted is not None and (now >= self._deserted or not self.calls):
            self.close()
            return None
        if not (self.calls or self.owner.contested):
            return None
        if now >= self._due:
            self._due = now + BEAT
            if self.owner.beat(audible=bool(self.panels) and self._shell.answers()):
                self.note = "The page that had this phone is gone."
                self._part()
                self.owner.take("")
                self._show()
            self._post(order="beat")
        return self._due
