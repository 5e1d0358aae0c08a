"""What makes the phones of a handle; `Pbx` takes `phone` as a method."""

from __future__ import annotations

import asyncio
import functools
import inspect
import ipaddress
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from zoneinfo import ZoneInfo

from pbxnb.arguments import check_number, check_text, helpful_keywords
from pbxnb.client.client import Client
from pbxnb.errors import ConfigError
from pbxnb.session.line import Line
from pbxnb.session.pending import Pending
from pbxnb.text import clean_logger

from ..commands import only_looks
from .socket import PhoneSocket

if TYPE_CHECKING:
    from pbxnb.media.engine import Engine
    from pbxnb.phone.call import PhoneCall
    from pbxnb.phone.phone import Phone

__all__ = ["Answer", "Phones", "phone"]

logger: Final = clean_logger("pbxnb.phone")

CODECS = ("opus", "G722", "PCMU", "PCMA")
MOST_LINES = 32
Answer = Literal["auto"] | Callable[["PhoneCall"], Any] | None


class Calling(Protocol):
    """What `phone` needs of the handle."""

    control: bool
    replayed: bool
    simulated: bool
    _phones: Phones


class Phones:
    """What the phones of one handle have in common.

    Args:
        line: the handle's.
        another: makes a client of the same PBX with the same login, for a user.
        tz: the zone that the handle's times are shown in.
    """

    def __init__(self, line: Line, another: Callable[..., Client], tz: ZoneInfo) -> None:
        self._line = line
        self._tz = tz
        self._another = another
        self._engine: Engine | None = None
        self._open: dict[tuple[str, str | None], PhoneSocket] = {}

    def socket(self, account: str, *, lines: int = 1, media_hosts: Collection[str] | None = None) -> PhoneSocket:
        """A socket for one phone; arguments as for `PhoneSocket`."""
        self._line.check_open()
        return PhoneSocket(self._line, self._another(user=account), self._tz, lines=lines, media_hosts=media_hosts)

    def phone(
        self,
        socket: PhoneSocket,
        *,
        answer: Answer,
        codecs: tuple[str, ...],
        ice_servers: tuple[str, ...],
        record: Path | None,
        name: str | None,
    ) -> Pending[Phone]:
        """The kernel's phone on a socket, once it is registered; one of the same account and name ends then."""
        answering = _answering(answer)
        key = socket.account, name

        async def make() -> Phone:
            from pbxnb.media.leg import EngineLeg
            from pbxnb.phone.phone import Phone

            def media(**told: Any) -> EngineLeg:
                loopback = any(ipaddress.ip_address(host).is_loopback for host in socket.hosts)
                return EngineLeg(
                    self._media_engine(), codecs=codecs, loopback=loopback, ice_servers=ice_servers, **told
                )

            made = Phone(
                socket.line, socket, media, answer=answer, answering=answering, record=record, close=socket.close
            )
            await self._media_engine().start()
            await socket.opened()
            before, self._open[key] = self._open.get(key), socket
            if before is not None:
                await before.aclose()
            return made

        return self._line.submit(make, f"the phone of {socket.account}")

    def _media_engine(self) -> Engine:
        """One child process for all of them, started with the first call."""
        from pbxnb.media.engine import Engine

        if self._engine is None:
            self._engine = Engine()
            self._line.end_with(self._engine.aclose)
        return self._engine


@helpful_keywords
def phone(
    self: Calling,
    account: str,
    *,
    lines: int = 1,
    answer: Answer = None,
    codecs: Sequence[str] = ("opus", "PCMU"),
    ice_servers: Sequence[str] = (),
    media_hosts: Collection[str] | None = None,
    record: str | os.PathLike[str] | None = None,
    name: str | None = None,
) -> Pending[Phone]:
    """Register an extension as a phone of this kernel: it dials, answers, says and hears; needs the ``phone`` extra.

    It has a socket of its own with the handle's login, and ends with the handle. Made again, by a cell that runs again,
    it replaces the first.

    Args:
        account: the extension.
        lines: calls at the same time; one more hears that it is busy.
        answer: what to do with a call that rings here: None leaves it to `Phone.incoming`, ``"auto"`` answers it, a
            coroutine function is called with it on the loop of this call.
        codecs: of opus, G722, PCMU and PCMA, best first.
        ice_servers: URLs of STUN and TURN servers.
        media_hosts: IP addresses that sound may go to beside the PBX's own; None for any, with a warning.
        record: a folder that every call is recorded to; None for none.
        name: keeps deliberate siblings of the same account apart.

    Raises:
        ControlDisabled: the handle only looks; a phone makes the PBX ring here.
        MissingExtra: aiortc or numpy are not installed.
        ConfigError: an argument cannot be used.
        NotRegistered: when waited for: the PBX did not register it.

    Example:
        >>> async with pbxnb.simulate("empty", extensions=6, media=True) as pbx:
        ...     phone = await pbx.phone("42")
        ...     call = await phone.dial("*echo")
        ...     str(phone.status), call.party.number
        ('registered', '*echo')
    """
    from pbxnb.media.engine import require_phone_extra

    if not self.control:
        raise only_looks(self, "phone", "no phone was registered, which would make the PBX ring here")
    check_text("account", account)
    check_number("lines", lines, 1, MOST_LINES, whole=True)
    if not codecs or isinstance(codecs, str) or set(codecs) - set(CODECS):
        raise ConfigError(f"codecs= are of {', '.join(CODECS)}, not {codecs!r}.", argument="codecs")
    folder = None if record is None else Path(record).absolute()
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"record= is a folder, and {folder} is none.", hint="Make it first.", argument="record")
    require_phone_extra()
    if answer == "auto" and not self.simulated:
        logger.warning("The phone of %s answers every call by itself.", account)
    return self._phones.phone(
        self._phones.socket(account, lines=lines, media_hosts=media_hosts),
        answer=answer,
        codecs=tuple(codecs),
        ice_servers=tuple(ice_servers),
        record=folder,
        name=name,
    )


def _answering(answer: Answer) -> Callable[[PhoneCall], object]:
    """What happens to a call that begins to ring, on the I/O lane.

    Raises:
        ConfigError: it is none of what `phone` takes, or no loop runs that it could be called on.
    """
    if answer is None:
        return lambda call: None
    if answer == "auto":
        return lambda call: call.answer()
    if not inspect.iscoroutinefunction(answer):
        raise ConfigError(f'answer= is None, "auto" or a coroutine function, not {answer!r}.', argument="answer")
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigError(
            "answer= is a coroutine function, and no event loop runs here.",
            hint="Make the phone in a cell or a coroutine.",
            argument="answer",
        ) from None
    return functools.partial(_handled, answer, loop)


def _handled(answer: Callable[[PhoneCall], Any], loop: asyncio.AbstractEventLoop, call: PhoneCall) -> None:
    async def guarded() -> None:
        try:
            await answer(call)
        except Exception:  # the user's: it is logged, and the phone goes on
            logger.exception("What answers calls failed with a call from %s.", call.party.number)

    work = guarded()
    try:
        asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:  # that loop has ended
        work.close()
