"""What may go wrong between a client and a PBX, by name: where it strikes, how often, and with which bytes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ANSWER_FAULTS", "FRAME_FAULTS", "ODD_ANSWERS", "STAGES", "Fault"]

STAGES = ("probe", "login", "socket", "rest")
HUGE = 4 * 2**20  # bytes of an answer without end

_HTML = b"<html><body>We are back soon.</body></html>"


def _page(status: str, *headers: str, body: bytes = _HTML, kind: str = "text/html") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


ODD_ANSWERS: dict[str, bytes] = {
    "200 html": _page("200 OK"),
    "200 false": _page("200 OK", body=b"false", kind="application/json"),
    "200 empty": _page("200 OK", body=b""),
    "200 null": _page("200 OK", body=b"null", kind="application/json"),
    "204": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "301": _page("301 Moved Permanently", "Location: https://elsewhere.example/"),
    "401": _page("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'),
    "403": _page("403 Forbidden"),
    "404": _page("404 Not Found"),
    "429": _page("429 Too Many Requests", "Retry-After: 1"),
    "500": _page("500 Internal Server Error"),
    "502": _page("502 Bad Gateway"),
    "503": _page("503 Service Unavailable", "Retry-After: 120"),
    "garbage": bytes(range(256)) * 8,
    "nothing": b"",
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"X-Filler: abcdefghijklmnopqrstuvwxyz\r\n" * (HUGE // 38),
    "huge header": b"HTTP/1.1 200 OK\r\nX-Filler: " + b"a" * HUGE,
    "huge body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"{" * HUGE,
    "short body": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"a":',
    "odd date": _page("200 OK", "Date: Mon, 99 Foo 99999999999999999999 99:99:99 GMT", body=b"{}"),
    "second factor": _page("200 OK", body=b'{"2fa": true}', kind="application/json"),
    "101 without a key": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
}
"""What a server, a proxy or a load balancer says where a PBX should, by name; all bytes of it."""

ANSWER_FAULTS = (
    "cut-request",  # the request arrives in part, then the connection breaks
    "cut-answer",  # the answer does
    "reset-answer",  # the same, by RST
    "hang",  # no answer
    "slow-answer",  # byte by byte
    "corrupt-answer",  # with some bytes changed
    "odd-answer",  # one of `ODD_ANSWERS` instead
)
FRAME_FAULTS = (
    "delay",  # every frame so much later
    "jitter",  # up to so much
    "stall-in",  # nothing comes from the PBX, the connection stands
    "stall-out",  # nothing goes to it
    "stall-both",
    "cut",  # FIN between two frames
    "cut-mid-frame",  # FIN after some bytes of one
    "reset",  # RST
    "half-close-in",  # FIN to the client alone
    "half-close-out",  # FIN to the PBX alone
    "corrupt-payload",
    "corrupt-header",
    "corrupt-out",  # in what the client sends
    "duplicate",  # some bytes come twice
    "truncate",  # some bytes never come
    "close-code",  # a close frame with a code
    "no-code",  # a close frame without one, which is called 1005
    "odd-frame",  # a frame that the protocol forbids
    "too-big",  # one that says that it is larger than anything
    "tls-garbage",  # bytes outside TLS, which ends as what is called 1015
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One harm.

    Args:
        name: one of `FRAME_FAULTS`, or of `ANSWER_FAULTS` with ``at``.
        at: the stage whose answer it meets; empty for a fault of frames.
        hits: so often, then it is over.
        size: how many bytes pass before a cut; of ``close-code`` the code.
        seconds: of a delay.
        odd: which of `ODD_ANSWERS`.
    """

    name: str
    at: str = ""
    hits: int = 1
    size: int = 0
    seconds: float = 0.0
    odd: str = ""

    def __str__(self) -> str:
        told = [self.at, self.odd, f"{self.size}" * bool(self.size), f"{self.seconds:g} s" * bool(self.seconds)]
        return " ".join([self.name, *filter(None, told), f"x{self.hits}" * (self.hits > 1)])
