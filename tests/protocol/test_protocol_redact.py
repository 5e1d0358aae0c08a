"""No secret in any text that is shown, whatever it stands in."""

from __future__ import annotations

import pytest

from pbxnb.protocol.redact import STRUCK, redact

SECRET = 'Tr0ub"4dor&3 \\x'

PLACES = {
    "alone": SECRET,
    "in a sentence": f"The PBX refused {SECRET}.",
    "in a URL": "wss://h/websocket?pw=Tr0ub%224dor%263%20%5Cx&user=1",
    "in a repr": f"Password({SECRET!r})",
    "in JSON": 'body {"x": "Tr0ub\\"4dor&3 \\\\x"}',
}


@pytest.mark.parametrize("text", PLACES.values(), ids=PLACES)
def test_known_secrets_are_struck_in_every_encoding(text: str) -> None:
    assert "Tr0ub" not in redact(text, [SECRET])


STANDING = {
    "cookie header": "> Cookie: session=Zq1secret; other=2",
    "set-cookie header": "< Set-Cookie: session=Zq1secret; Path=/; HttpOnly",
    "header in a repr": "{'Cookie': 'session=Zq1secret'}",
    "header as a pair": "('Cookie', 'session=Zq1secret')",
    "authorization": "> Authorization: Basic Zq1secret",
    "websocket URL": "wss://h/websocket?domain=d&user=1&session=Zq1secret",
    "old token link": "welcome.htm?sessId=Zq1secret&lang=en",
    "login body": '{"name":"auth","value":"204@acme.example Zq1secret"}',
    "exchange body": "{'name': 'session', 'value': 'Zq1secret'}",
    "token field": '{"token": "Zq1secret"}',
    "password of ICE in an SDP": "a=ice-pwd:Zq1secret\r\na=sendrecv",
    "password of ICE in a frame": '{"sdp":"v=0\\r\\na=ice-pwd:Zq1secret\\r\\na=mid:0"}',
    "fingerprint of a call": "a=fingerprint:sha-256 Zq1secret",
    "key of SRTP": "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:Zq1secret",
    "name in a candidate": "candidate:1 1 udp 1 192.0.2.1 4000 typ host ufrag Zq1secret",
    "name beside a candidate": '{"candidate": "...", "usernameFragment": "Zq1secret"}',
}


@pytest.mark.parametrize("text", STANDING.values(), ids=STANDING)
def test_secrets_nobody_named_are_struck_where_they_stand(text: str) -> None:
    struck = redact(text)
    assert "Zq1secret" not in struck
    assert STRUCK in struck


def test_the_rest_stays_readable() -> None:
    assert (
        redact("wss://h/websocket?domain=d&user=1&session=abc") == f"wss://h/websocket?domain=d&user=1&session={STRUCK}"
    )
    assert redact("Nothing to hide: 204 called 207.", ["", "hunter2"]) == "Nothing to hide: 204 called 207."


def test_a_short_secret_is_struck_only_where_it_stands_alone() -> None:
    assert redact("port 8080, password 80", ["80"]) == f"port 8080, password {STRUCK}"


def test_a_secret_inside_another_leaves_no_rest() -> None:
    assert redact("hunter2hunter2x", ["hunter2", "hunter2hunter2x"]) == STRUCK
