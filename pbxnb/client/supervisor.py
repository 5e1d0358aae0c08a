"""When to try again: a pure policy from "how it failed" to "wait so long" or "stop, for this reason".

Full jitter, capped; a hard limit on attempts beside it, because jitter alone may draw many short waits in a row; reset
only after a stable period (telephony.md 4.4). Before the first live moment a refusal is final; after it almost any
answer may be passing: a restart, a maintenance page. No clock, no loop, no socket in here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pbxnb.errors import (
    ConnectionFailed,
    FrameTooBig,
    LoginRefused,
    PbxError,
    Refused,
    SecondFactorRequired,
    SessionExpired,
    TlsError,
    UpgradeRefused,
)

from .timing import Timing
from .transport import LineLost, Loss

__all__ = ["Supervisor"]

_RESTART = (1000, 1001)
_LOG_IN_AGAIN = (1008, 4401)
_STOP = 4403
_LOGINS_IN_A_ROW = 3


class Supervisor:
    """Remembers the failures since the line was last stable.

    Args:
        jitter: gives numbers from 0 to 1.
        max_size: named when frames are too big.
        login: ``none``, ``once`` (a session id that cannot be renewed) or ``renews``.
    """

    def __init__(
        self, timing: Timing, jitter: Callable[[], float], *, max_size: int = 2**26, login: str = "renews"
    ) -> None:
        self._timing = timing
        self._jitter = jitter
        self._max_size = max_size
        self._login = login
        self._attempts: deque[float] = deque(maxlen=timing.attempts)
        self._ever_live = False
        self.stable()

    def attempt(self, now: float) -> None:
        """A connection attempt begins, at monotonic ``now``."""
        self._attempts.append(now)

    def stable(self) -> None:
        """The line has been live long enough: what was before no longer counts."""
        self._failures = 0
        self._too_big = 0
        self._logins = 0  # refused in a row ...
        self._refused_at = 0.0  # ... since this moment

    def wait(self, failure: ConnectionFailed, *, was_live: bool, now: float) -> float:
        """Seconds until the next attempt.

        Args:
            failure: why the last one ended.
            was_live: whether the line had been live.
            now: monotonic seconds.

        Raises:
            Refused: trying again cannot help.
        """
        self._ever_live |= was_live
        final = self._final(failure, now)
        if final is not None:
            raise final
        first, self._failures = self._failures == 0, self._failures + 1
        if first and was_live and isinstance(failure, LineLost) and failure.code in _RESTART:
            draw = self._timing.restart_within
        else:
            draw = min(self._timing.backoff_cap, self._timing.backoff_base * 2 ** min(self._failures - 1, 30))
        return max(draw * self._jitter(), self._room(now))

    def _room(self, now: float) -> float:
        """Seconds until one more attempt stays within the limit."""
        if len(self._attempts) < self._timing.attempts:
            return 0.0
        return max(0.0, self._attempts[0] + self._timing.attempts_within - now)

    def _final(self, failure: ConnectionFailed, now: float) -> PbxError | None:
        """What ends it for good, if this does."""
        if isinstance(failure, LoginRefused) or _code(failure) in _LOG_IN_AGAIN:
            return self._login_refused(failure, now)
        if self._ever_live:
            self._logins = 0
        changed = isinstance(failure, TlsError) and "verify_code" in failure.data
        if changed or (isinstance(failure, Refused) and not self._ever_live):
            return failure
        if _code(failure) == _STOP:
            return UpgradeRefused(
                "The PBX closed the line for good (code 4403).", hint="This account may not watch this tenant."
            )
        if isinstance(failure, LineLost) and failure.how is Loss.TOO_BIG:
            self._too_big += 1
            if self._too_big > 1:
                return FrameTooBig(
                    f"The PBX twice sent a frame larger than max_size={self._max_size} bytes.",
                    hint=f"Connect with a larger one, such as max_size={self._max_size * 4}.",
                    max_size=self._max_size,
                )
        return None

    def _login_refused(self, failure: ConnectionFailed, now: float) -> PbxError | None:
        """The PBX said no to the login, to the socket with it, or closed the socket to have another."""
        self._logins += 1
        if self._logins == 1:
            self._refused_at = now
        often = self._logins >= _LOGINS_IN_A_ROW
        if self._ever_live:
            believed = isinstance(failure, SecondFactorRequired) or (
                often and now - self._refused_at >= self._timing.refused_for
            )
        else:
            believed = isinstance(failure, LoginRefused) or self._login != "renews" or often
        if not believed:
            return None
        wanted = not isinstance(failure, LoginRefused) or failure.data.get("status") in (401, 403)
        if self._login == "once" and wanted:
            return SessionExpired(
                "The session id is no longer valid.", hint="Log in again and give the new one, or use another login=."
            )
        if self._login == "none" and wanted:
            return LoginRefused("The PBX wants a login.", hint='Give login=pbxnb.Password("…") or another one.')
        if isinstance(failure, LoginRefused):
            return failure
        return LoginRefused(
            f"The PBX accepted the login and then closed the line, {self._logins} times in a row "
            f"(code {_code(failure)}).",
            hint="May this account open the socket for this extension?",
        )


def _code(failure: ConnectionFailed) -> int | None:
    return failure.code if isinstance(failure, LineLost) else None
