"""Frames in a few words, and none of them a secret."""

from __future__ import annotations

import pytest

from pbxnb.model.words import words_of_body, words_of_message, words_of_sdp
from pbxnb.protocol import messages as m
from pbxnb.protocol.parties import Party
from tests.protocol.test_protocol_sdp import BROWSER, LINE

SECRETS = [line.partition(":")[2] for line in BROWSER.splitlines() if "ice-" in line or "fingerprint" in line]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (m.Sdp(sdp=BROWSER, code=183), "sdp 183 opus"),
        (m.Sdp(sdp=""), "sdp no SDP"),
        (m.InviteSdp(sdp=BROWSER, from_=Party("45", "Ann")), "invitesdp from 45: opus"),
        (m.InviteSdp(sdp=BROWSER), "invitesdp from ?: opus"),
        (m.Candidate(candidate=LINE), "candidate 192.0.2.1:40000 host"),
        (m.Candidate(candidate="x"), "candidate none that can be used"),
        (m.Bye(code=486), "bye 486"),
        (m.Bye(), "bye"),
        (m.CallState(calls=()), "call-state no calls"),
        (m.Unknown(action="news-of-2031"), "news-of-2031"),
    ],
)
def test_a_message_in_words(message, words):
    said = words_of_message(message)
    assert said.startswith(words), said
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"action": "hold-call", "id": "1"}, "hold-call id 1"),
        ({"action": "sdp-packet", "to": "207", "sdp": BROWSER}, "sdp-packet to 207, sdp opus"),
        ({"action": "sdp-packet", "sdp": {"type": "offer", "sdp": BROWSER}}, "sdp-packet sdp opus"),
        (
            {"action": "ice-candidate", "candidate": {"candidate": LINE, "sdpMid": ""}},
            "ice-candidate candidate 192.0.2.1",
        ),
        ({"action": "ice-candidate", "candidate": None}, "ice-candidate candidate no more"),
        ({"password": "a=ice-pwd:" + "x" * 30}, "password a=ice-pwd:[secret]"),
        ({str(n): n for n in range(5_000)}, "0 0, 1 1"),
    ],
)
def test_a_frame_of_ours_in_words(body, words):
    said = words_of_body(body)
    assert said.startswith(words), said
    assert len(said) <= 300
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "no SDP"), (None, "no SDP"), ("v=0", "an SDP that cannot be used"), (7, "an SDP that cannot be used")],
)
def test_what_is_no_sdp_is_said_to_be_none(text, words):
    assert words_of_sdp(text) == words
