"""The softphone: an extension's calls, talked on with the page's microphone and speaker."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Final

import traitlets

from pbxnb.errors import MicrophoneError, NoOwner
from pbxnb.model.entities import Status
from pbxnb.text import clean
from pbxnb.ui.handle import Handle
from pbxnb.ui.live_panel import LivePanel
from pbxnb.ui.text import title_of

from .allowed import COMMANDS, places, reasons
from .page_call import PageCall
from .page_calls import PageCalls
from .words import TEXTS, elsewhere, idle, orbit_menu, shown, state_word, status_text, takeover_text

__all__ = ["Softphone"]

_FACTS = ""
_SILENCE = -100.0


class Softphone(LivePanel):
    """One extension as a phone in the page.

    Several panels may show one phone; its calls go on while a cell runs again. Made by `Pbx.softphone`.

    Args:
        handle: the PBX.
        calls: the phone's calls; they outlive the panel.
        traits: any attribute below that can be set, and those of every panel.

    Attributes:
        account: the extension.
        state: where the call on the screen stands, a word of `pbxnb.phone.leg.LegState`; ``idle`` without one.
        party: the other side of it.
        phone: names it to its pages.
        muted: whether the microphone is off here.
        held: whether the call is held here.
        owner: whether a page has the phone.
        microphone: how the page finds it: ok, asking, refused, missing, busy, insecure, blocked by host, listen only.
        level: how loud the newest second of the microphone was, dB below the loudest; -100 is silence.
        quality: the newest second of the call, a `pbxnb.phone.samples.Sample`; None without one.
        to: the number that is typed.
        on_page_close: what becomes of calls whose page is gone: ``hangup``, or ``park:700`` for an orbit.

    Example:
        >>> phone = pbx.softphone()
        >>> phone.observe(lambda change: print(change.new), "state")
    """

    scripts: ClassVar[tuple[str, ...]] = (
        "ui/notes.js",
        "widgets/softphone/microphone.js",
        "widgets/softphone/sound.js",
        "widgets/softphone/attention.js",
        "widgets/softphone/connection.js",
        "widgets/softphone/page_phone.js",
        "widgets/softphone/softphone.js",
    )
    sheets: ClassVar[tuple[str, ...]] = ("widgets/softphone/softphone.css",)

    phone: Final = traitlets.Unicode("", read_only=True).tag(sync=True)
    account: Final = traitlets.Unicode("", read_only=True)
    state: Final = traitlets.Unicode("idle", read_only=True)
    party: Final = traitlets.Unicode("", read_only=True)
    muted: Final = traitlets.Bool(False, read_only=True)
    held: Final = traitlets.Bool(False, read_only=True)
    owner: Final = traitlets.Bool(False, read_only=True)
    microphone: Final = traitlets.Unicode("asking", read_only=True)
    level: Final = traitlets.Float(_SILENCE, read_only=True)
    quality: Final = traitlets.Any(None, read_only=True)
    to: Final = traitlets.Unicode("").tag(sync=True)
    on_page_close: Final = traitlets.Unicode("hangup")

    def __init__(self, handle: Handle, calls: PageCalls, **traits: Any) -> None:
        self._page_calls = calls
        self._sent: dict[str, Any] = {}
        super().__init__(handle, **traits)

    def _follow(self, handle: Handle) -> None:
        super()._follow(handle)
        self.set_trait("phone", self._page_calls.id)
        self.set_trait("account", self._page_calls.phone.account)

    def _begin(self) -> None:
        super()._begin()
        self._page_calls.join(self)
        self._leave.callback(self._page_calls.leave, self)
        self._leave.callback(self._handle.keep_read(queues=False, orbits=True))

    @traitlets.validate("on_page_close")
    def _check_on_page_close(self, proposal: Any) -> str:
        word, _, orbit = str(proposal["value"]).partition(":")
        if (word, bool(orbit)) not in (("hangup", False), ("park", True)):
            raise traitlets.TraitError("on_page_close is 'hangup', or 'park:' and an orbit, such as 'park:700'.")
        return str(proposal["value"])

    @traitlets.observe("on_page_close")
    def _set_on_page_close(self, change: Any) -> None:
        self._page_calls.on_page_close = change["new"]

    @traitlets.observe("to")
    def _typed(self, _change: object) -> None:
        self.refresh((_FACTS,))

    @property
    def reasons(self) -> dict[str, str]:
        """Why each button cannot be pressed now, one sentence; empty where it can. The keys are the buttons."""
        calls = self._page_calls
        return reasons(self._handle, calls, calls.current, self.to)

    def request(self, action: str, call: str = "", to: str = "") -> None:
        """Do as if a button were pressed, for a given call and target; from any thread.

        A call that the PBX has not offered here yet is answered once it has.

        Args:
            action: a key of `reasons`.
            call: id of a call; empty for the one on the screen.
            to: a number, an orbit or digits; empty for what is typed.

        Raises:
            NoOwner: no page has the phone, so nobody would hear the call.
            MicrophoneError: to be unmuted, and the page has no microphone: nobody would hear this side.
        """
        if not self._page_calls.owner.page:
            raise NoOwner(
                f"No page has the phone of {self.account}, so nobody would hear the call.",
                hint="Show the panel in a notebook that is open in a browser.",
            )
        if action == "unmute" and self.microphone not in ("ok", "asking"):
            raise MicrophoneError(
                f"The page of {self.account} has no microphone ({self.microphone}), so nobody would hear you.",
                hint="The panel says how to allow one; you can still listen.",
                kind=self.microphone,
            )
        self._ticket.call(partial(self._do, action, call, to))

    def takes(self, action: str, call: str = "") -> bool:
        """As `pbxnb.ui.handle.PagePhone.takes`."""
        one = self._by_id(call)
        if action == "dial":
            return not reasons(self._handle, self._page_calls, None, "-")[action]
        if one is None:
            return action == "answer" and self._page_calls.may_be_offered
        leg = one.leg.leg
        return not leg.over and {"answer": one.rings, "hold": not leg.held, "resume": leg.held}[action]

    def _do(self, action: str, call: str, to: str) -> None:
        one = self._by_id(call)
        if one is None and call and action == "answer":
            self._page_calls.answer_once_offered(call)
        else:
            self._press(action, one.leg.number if one is not None else 0, to)

    def _by_id(self, call: str) -> PageCall | None:
        its = self._page_calls.calls.copy().values()
        return next((one for one in its if call and one.leg.call is not None and one.leg.call.id == call), None)

    def calls_changed(self) -> None:
        """Show the calls anew; on the UI lane."""
        calls, one = self._page_calls, self._page_calls.current
        newest = one.quality.newest if one is not None else None
        level = newest.level_out if newest is not None else None
        for name, value in {
            "state": str(one.state) if one is not None else "idle",
            "party": calls.text(one.leg.party) if one is not None else "",
            "muted": one is not None and one.leg.leg.muted,
            "held": one is not None and one.leg.leg.held,
            "owner": bool(calls.owner.page),
            "microphone": calls.microphone,
            "level": _SILENCE if level is None else level,
            "quality": newest,
        }.items():
            self.set_trait(name, value)
        self.refresh((_FACTS,))

    # What the base asks.

    def _status_changed(self, status: Status) -> None:
        super()._status_changed(status)
        self.refresh((_FACTS,))

    def _state(self) -> dict[str, Any]:
        self._sent = self._facts()
        return {"texts": TEXTS, **self._sent}

    def _batch(self, keys: set[str], whole: bool) -> dict[str, Any] | None:
        facts, known = self._facts(), {} if whole else self._sent
        self._sent = facts
        return {name: value for name, value in facts.items() if value != known.get(name)} or None

    def _unsure(self) -> None:
        self._sent = {}

    def _facts(self) -> dict[str, Any]:
        calls, why = self._page_calls, self.reasons
        second = shown(calls, calls.second)
        if second is not None and calls.second is not None:
            second["why"] = {"complete": why["complete"]}
            second["shown"] = ["answer", "reject"] if calls.second.rings else ["resume", "complete"]
        return {
            "account": clean(calls.phone.account, 40),
            "line": status_text(
                calls, protected=calls.phone.protected or self._handle.simulated
            ),  # that leaves no machine
            "owner": calls.owner.page,
            "why": why,
            "shown": places(why),
            "elsewhere": elsewhere(calls),
            "takeover": takeover_text(calls),
            "idle": idle(calls),
            "current": shown(calls, calls.current),
            "second": second,
            "note": calls.note,
            "orbits": orbit_menu(self._handle.orbits),
        }

    def _receive(self, message: dict[str, Any]) -> None:
        match message:
            case {"phone": self._page_calls.id}:
                self._page_calls.heard(message)
            case {"press": str(name), "page": str(page)} if page != self._page_calls.owner.page and (
                why := elsewhere(self._page_calls).get(name)
            ):
                self._refuse(why)
            case {"press": str(name), "leg": int(number), "to": str(to)}:
                self._press(name, number, to[:100])
            case {"takeover": str(page)}:
                self._page_calls.take_over(page[:64])

    def _press(self, name: str, number: int, to: str) -> None:
        calls = self._page_calls
        call = calls.calls.get(number) or calls.current
        typed = to or self.to
        why = reasons(self._handle, calls, call, typed).get(name, "There is no such command.")
        if why:
            self._refuse(why)
            return
        COMMANDS[name].do(calls, call, typed)
        if name in ("dial", "transfer"):
            self.set_trait("to", "")

    def _refuse(self, why: str) -> None:
        self._page_calls.note = why
        self.refresh((_FACTS,))

    def _plain(self) -> str:
        calls = self._page_calls
        said = f"{state_word(calls.current)} {self.party}".strip() if calls.current is not None else "no call"
        return f"Softphone of {self.account}, {title_of(self._handle)}: {calls.phone.line.registrar.state}, {said}"
