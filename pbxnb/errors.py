"""One tree of errors: each carries its data, says what happened in a full sentence and what to try next.

Nothing here may hold a secret: the callers pass reasons, numbers and names, never credentials. What the other side
wrote into a sentence is cleaned here.
"""

from __future__ import annotations

from typing import Final, NoReturn

from pbxnb.text import LONGEST, clean

__all__ = [
    "AnalysisError",
    "ApiAccessOff",
    "BadCommand",
    "CallRefused",
    "CannotCopy",
    "ConfigError",
    "ConnectionFailed",
    "ControlDisabled",
    "EngineLost",
    "ForkedHandle",
    "FrameTooBig",
    "HandleClosed",
    "LoginRefused",
    "MediaFailed",
    "MicrophoneError",
    "MissingColumn",
    "MissingExtra",
    "NoEventLoop",
    "NoOwner",
    "NotAPbx",
    "NotARecording",
    "NotRegistered",
    "OpenTimeout",
    "OriginalsLeft",
    "OutOfResources",
    "PbxError",
    "PhoneError",
    "RecordingError",
    "RecordingInUse",
    "RecordingTooNew",
    "Refused",
    "ScenarioError",
    "SdpRefused",
    "SecondFactorRequired",
    "SessionExpired",
    "SimulatorError",
    "SoundRefused",
    "StreamOverrun",
    "TlsError",
    "UnknownAccount",
    "Unreachable",
    "UpgradeRefused",
    "WaitTimeout",
    "WrongThread",
]


class PbxError(Exception):
    """The root of everything pbxnb raises on purpose.

    Args:
        message: what happened, one full sentence.
        hint: what to try next, one full sentence; empty when there is nothing to try.
        data: facts for programs (numbers, names, states); shown by ``.data``, never secrets.
    """

    def __init__(self, message: str, *, hint: str = "", **data: object) -> None:
        self.message: Final = clean(message, LONGEST)
        self.hint: Final = clean(hint, LONGEST)
        super().__init__(self.message)
        self.data = data

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


def install_hint(what: str) -> str:
    """The hint that names the line which installs a package or an extra, with pip and with uv.

    Example:
        >>> install_hint("pbxnb[analysis]")
        'Install it: pip install "pbxnb[analysis]", or uv pip install "pbxnb[analysis]"'
    """
    return f'Install it: pip install "{what}", or uv pip install "{what}"'


class ConfigError(PbxError, ValueError):
    """An argument cannot be used as it is: a URL, an option, a rule."""


class MissingExtra(PbxError, AttributeError):
    """A feature needs an optional dependency; the hint is the line that installs it (`install_hint`)."""


class RecordingError(PbxError):
    """A recording cannot be written or read."""


class NotARecording(RecordingError, ValueError):
    """What was given as a recording is something else, or there is none; the data may say which line."""


class RecordingTooNew(RecordingError):
    """A newer pbxnb wrote it; ``data["version"]`` is the version of its form."""


class RecordingInUse(RecordingError):
    """Somebody else writes to this path."""


class OriginalsLeft(RecordingError):
    """A recording was not anonymised: originals would have been left in it."""


class ControlDisabled(PbxError):
    """A command was given on a handle that only looks (``control=False``)."""


class BadCommand(PbxError, ValueError):
    """A command's arguments cannot be sent: an empty number, an unknown call, a wrong type."""


class HandleClosed(PbxError):
    """The handle was closed, replaced or refused; a new ``connect`` is needed."""


class ForkedHandle(HandleClosed):
    """The handle belongs to another process, from which this one was forked; it goes on there."""


class OutOfResources(PbxError, OSError):
    """The system gives this process no more file descriptors or threads."""


class WrongThread(PbxError, RuntimeError):
    """A blocking call was made from one of pbxnb's own threads, where it could never return."""


class NoEventLoop(PbxError, RuntimeError):
    """Something was awaited where no asyncio loop runs, as in a cell under ``%autoawait trio``."""


class WaitTimeout(PbxError, TimeoutError):
    """What was waited for did not come within the time given."""


class CannotCopy(PbxError, TypeError):
    """Something alive (a handle, a wait, a stream) was copied or pickled, or a live mapping taken for an array."""


class StreamOverrun(PbxError):
    """A stream of events ended because nobody read it for too long; ``lost`` events are missing at its end."""

    @property
    def lost(self) -> int:
        """How many events came after the last one that could be kept."""
        lost = self.data["lost"]
        return lost if isinstance(lost, int) else 0


class ConnectionFailed(PbxError):
    """The line could not be set up; subclasses say where it stopped. May be tried again."""


class Unreachable(ConnectionFailed):
    """No TCP connection: name not found, port closed, no route, or no answer."""


class OpenTimeout(ConnectionFailed, TimeoutError):
    """The line was not live within ``open_timeout``."""


class Refused(ConnectionFailed):
    """A final no: trying again unchanged cannot help. The supervisor stops on it."""


class TlsError(Refused):
    """The certificate or the TLS handshake is not acceptable."""


class NotAPbx(Refused):
    """Something answered, but not a PBX: a redirect, an HTML page, another server."""


class UpgradeRefused(Refused):
    """The WebSocket upgrade was answered with an HTTP status instead of 101."""


class FrameTooBig(Refused):
    """A frame was larger than ``max_size`` twice in a row."""


class LoginRefused(Refused):
    """The PBX said no to the credentials."""


class UnknownAccount(LoginRefused):
    """The domain or the extension does not exist on this PBX (404)."""


class ApiAccessOff(LoginRefused):
    """The administrator exists but may not use the API (403)."""


class SecondFactorRequired(LoginRefused):
    """The account wants a second factor, which a script cannot give."""


class SessionExpired(LoginRefused):
    """The session cookie given is no longer valid."""


class PhoneError(PbxError):
    """A call over WebRTC failed."""


class NoOwner(PhoneError):
    """No page has the phone, so nobody would hear the call."""


class NotRegistered(PhoneError):
    """The phone cannot place a call: the PBX does not know it now, or all its lines are taken."""


class CallRefused(PhoneError):
    """The other side, or the PBX, did not take the call; ``code`` is the SIP status: 486 busy, 603 declined, 404."""

    @property
    def code(self) -> int:
        """The SIP status."""
        return int(str(self.data.get("code", 0)))


class MediaFailed(PhoneError):
    """The sound of one call found no way, or broke."""

    @property
    def stage(self) -> str:
        """How far it had come, a word of `pbxnb.phone.leg.MediaState`: ``gathering``, ``checking``, ``flowing``."""
        return str(self.data.get("stage", ""))

    @property
    def candidates(self) -> tuple[str, ...]:
        """The addresses of the other side that were tried, as ``address:port``."""
        found = self.data.get("candidates", ())
        return tuple(map(str, found)) if isinstance(found, tuple) else ()


class MicrophoneError(PhoneError):
    """The page that has the phone has no microphone for it: the other side would hear nothing."""

    @property
    def kind(self) -> str:
        """Which it is: refused, missing, busy, insecure, blocked by host, listen only."""
        return str(self.data.get("kind", ""))


class EngineLost(PhoneError):
    """The process that carries the sound of calls is gone."""


class SdpRefused(PhoneError, ValueError):
    """The other side's description of its media is not used."""

    @property
    def why(self) -> str:
        """The rule that it breaks, in words."""
        return str(self.data.get("why", ""))

    @property
    def line(self) -> str:
        """The line that it is about, without secrets; empty where it is about none."""
        return str(self.data.get("line", ""))


class SoundRefused(PhoneError, ValueError):
    """A sound cannot be read, played or written: no WAV file, too long, no such name."""


class SimulatorError(PbxError):
    """The embedded PBX cannot do what was asked."""


class ScenarioError(SimulatorError, ValueError):
    """A scenario cannot be read or played; the data say which step."""


class AnalysisError(PbxError, ValueError):
    """A table cannot be analysed as asked."""


class BadRows(AnalysisError):
    """Call records hold rows that are not right; the data have the report that says which."""


class MissingColumn(AnalysisError):
    """A table lacks a column; the data name it, its accepted aliases and what is there."""


def without_frames(exc: BaseException) -> None:
    """Take from an error where it was raised and why: a verbose traceback shows every local variable there."""
    exc.__cause__ = exc.__context__ = exc.__traceback__ = None


def no_copy(self: object) -> NoReturn:
    """The ``__reduce__`` of what is alive.

    Raises:
        CannotCopy: always.
    """
    raise CannotCopy(
        f"A {type(self).__name__} is alive: it can be neither copied nor pickled.",
        hint="Take what it holds: `snapshot()`, `records()`, a table or a result.",
    )
