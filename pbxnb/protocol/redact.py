"""Strikes secrets out of text that is about to be logged or shown: known ones by value, others by where they stand.

The last line of defence: nothing should reach it that has to be struck out. Keeps no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

__all__ = ["STRUCK", "redact", "strike"]

STRUCK = "[secret]"
_SHORT = 6  # characters; a shorter secret is struck only where it stands alone, or it would shred the text around it

_HEADER = re.compile(r"((?:set-)?cookie|(?:proxy-)?authorization)(['\"]?\s*[:=,]\s*)[^\r\n]+", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"""(?<![\w-])(session|sessid|token|password|passwd|secret|auth)(=)[^&;\s"'<>]+""",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"""(["'](?:session|token|password|secret)["']\s*:\s*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.I
)
# The login body of protocol.md 2.3: {"name": "auth", "value": "login hash"}.
_LOGIN = re.compile(
    r"""(["']name["']\s*:\s*["'](?:auth|session|2nd)["']\s*,\s*["']value["']\s*:\s*)(["'])(?:[^"'\\]|\\.)*\2""", re.I
)
# The credentials of one call's media, in SDP, also where that is a string of JSON, and in candidates.
_MEDIA = re.compile(r"(a=(?:ice-ufrag|ice-pwd|fingerprint|crypto):|\bufrag )[^\r\n\\\"']+")
_FRAGMENT = re.compile(r"""(["']usernameFragment["']\s*:\s*)(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Strikes out secrets.

    Args:
        text: any text: a log line, an error, a traceback, a body.
        secrets: values that must not appear, in no usual encoding either; empty ones are ignored.

    Returns:
        The text with ``[secret]`` for each of them, for the value of every cookie and authorization header, for
        ``session=``, ``token=`` and the like in URLs, for the values of login bodies, and for the names, passwords
        and fingerprints of a call's media.

    Example:
        >>> redact("GET /websocket?user=204&session=Zq1x HTTP/1.1")
        'GET /websocket?user=204&session=[secret] HTTP/1.1'
    """
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        if len(form) < _SHORT:
            text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", STRUCK, text)
        else:
            text = text.replace(form, STRUCK)
    text = _HEADER.sub(rf"\1\2{STRUCK}", text)
    text = _ASSIGNED.sub(rf"\1\2{STRUCK}", text)
    text = _FIELD.sub(rf'\1"{STRUCK}"', text)
    text = _MEDIA.sub(rf"\1{STRUCK}", text)
    text = _FRAGMENT.sub(rf'\1"{STRUCK}"', text)
    return _LOGIN.sub(rf'\1"{STRUCK}"', text)


_SIGNS = (b"ice-", b"ufrag", b"Fragment", b"ingerprint", b"crypto", b"assword", b"ecret", b"oken", b"ession", b"auth")
_CREDENTIAL = re.compile(rb"""((?:a(?:=|\\u003[dD]))(?:ice-ufrag|ice-pwd|fingerprint|crypto):|\bufrag )[^\r\n\\"']+""")
_NAMED = re.compile(
    rb"""("(?:session|token|password|passwd|secret|sip_password|usernameFragment)"\s*:\s*)"(?:[^"\\]|\\.)*\"""", re.I
)
_LOGGED_IN = re.compile(rb"""("name"\s*:\s*"(?:auth|session|2nd)"\s*,\s*"value"\s*:\s*)"(?:[^"\\]|\\.)*\"""", re.I)


def strike(raw: bytes) -> bytes:
    r"""Strikes the credentials of media and logins out of JSON that is kept; the very same bytes where there are none.

    Example:
        >>> strike(b'{"sdp": "a=ice-pwd:s3cr3t\\r\\na=mid:0"}')
        b'{"sdp": "a=ice-pwd:[secret]\\r\\na=mid:0"}'
    """
    for sign in _SIGNS:
        if sign in raw:
            break
    else:
        return raw
    struck = STRUCK.encode()
    raw = _CREDENTIAL.sub(rb"\g<1>" + struck, raw)
    raw = _NAMED.sub(rb'\g<1>"' + struck + b'"', raw)
    return _LOGGED_IN.sub(rb'\g<1>"' + struck + b'"', raw)


def _forms(secret: str) -> Iterable[str]:
    """A secret as it stands, in a URL, and inside a quoted string."""
    if secret:
        yield secret
        yield quote(secret, safe="")
        yield repr(secret)[1:-1]
        yield secret.replace("\\", "\\\\").replace('"', '\\"')
