"""What clients send: the exact wire form, and the reader for it that the embedded PBX uses (protocol.md 4)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.protocol import requests as r

WIRE: dict[str, tuple[r.Request, dict[str, Any]]] = {
    "own-calls": (r.OwnCalls(), {"action": "own-calls", "subscribe": True}),
    "orbit-calls": (r.OrbitCalls(), {"action": "orbit-calls", "subscribe": True}),
    "domain-calls off": (r.DomainCalls(subscribe=False), {"action": "domain-calls", "subscribe": False}),
    "ringtones": (r.RingtonesRequest(), {"action": "ringtones"}),
    "blf": (r.BlfRequest(add=("204", "207")), {"action": "blf", "add": ["204", "207"]}),
    "sip-register": (r.SipRegisterRequest(useragent="kit"), {"action": "sip-register", "useragent": "kit"}),
    "sip-register 2016": (r.SipRegisterRequest(), {"action": "sip-register"}),
    "get-users": (r.GetUsers(), {"action": "get-users"}),
    "get-calls": (r.GetCalls(), {"action": "get-calls"}),
    "avoid-disconnect": (r.AvoidDisconnect(), {"action": "avoid-disconnect"}),
    "sdp-packet": (
        r.SdpPacket(to="207", callid="3f@kit", sdp={"type": "offer", "sdp": "v=0"}),
        {"action": "sdp-packet", "to": "207", "callid": "3f@kit", "sdp": {"type": "offer", "sdp": "v=0"}},
    ),
    "sdp-200ok": (
        r.Sdp200Ok(callid="a", cseq=101, sdp={"type": "answer", "sdp": "v=0"}),
        {"action": "sdp-200ok", "callid": "a", "cseq": 101, "sdp": {"type": "answer", "sdp": "v=0"}},
    ),
    "ice-candidate": (
        r.IceCandidate(callid="a", candidate={"candidate": "c"}),
        {"action": "ice-candidate", "callid": "a", "candidate": {"candidate": "c"}},
    ),
    "ice-candidate end": (r.IceCandidate(candidate=None), {"action": "ice-candidate", "candidate": None}),
    "sip-ringing": (r.SipRinging(callid="a", cseq="7"), {"action": "sip-ringing", "callid": "a", "cseq": "7"}),
    "sip-busy": (
        r.SipBusy(callid="a", cseq=7, code=603),
        {"action": "sip-busy", "callid": "a", "cseq": 7, "code": 603},
    ),
    "sip-busy 2016": (r.SipBusy(), {"action": "sip-busy"}),
    "sip-ack": (r.SipAck(callid="a"), {"action": "sip-ack", "callid": "a"}),
    "sip-bye": (r.SipBye(callid="a", caller="true"), {"action": "sip-bye", "callid": "a", "caller": "true"}),
    "bye-response": (r.ByeReply(callid="a", cseq=7), {"action": "bye-response", "callid": "a", "cseq": 7}),
    "cancel-response": (r.CancelReply(), {"action": "cancel-response"}),
    "wrtc-hold": (
        r.WrtcHold(callid="a", holdcmd="sendonly"),
        {"action": "wrtc-hold", "callid": "a", "holdcmd": "sendonly"},
    ),
    "mute": (r.Mute(callid="a", muted=True), {"action": "mute", "callid": "a", "muted": True}),
    "rec-call": (r.RecCall(id="7711", startstop="on"), {"action": "rec-call", "id": "7711", "startstop": "on"}),
    "blind-transfer2": (
        r.BlindTransfer2(id="a", from_="204", to="208"),
        {"action": "blind-transfer2", "id": "a", "from": "204", "to": "208"},
    ),
    "blind-transfer": (
        r.BlindTransfer(id="7711", from_="+15550100", to="208"),
        {"action": "blind-transfer", "id": "7711", "from": "+15550100", "to": "208"},
    ),
    "att-transfer": (
        r.AttTransfer(id="7711", from_="+15550100", id2="7712", to="208"),
        {"action": "att-transfer", "id": "7711", "from": "+15550100", "id2": "7712", "to": "208"},
    ),
    "make-call": (r.MakeCall(to="207"), {"action": "make-call", "to": "207"}),
    "accept-call": (r.AcceptCall(id="7711"), {"action": "accept-call", "id": "7711"}),
    "hold-call": (r.HoldCall(id="7711"), {"action": "hold-call", "id": "7711"}),
    "clear-call": (
        r.ClearCall(id="7711", connected="false"),
        {"action": "clear-call", "id": "7711", "connected": "false"},
    ),
    "chat": (
        r.ChatRequest(src="204", dest="207", message="hi"),
        {"action": "chat", "src": "204", "dest": "207", "message": "hi"},
    ),
    "add-to-crm": (
        r.AddToCrm(id="7711", sub="Subject", des="Text"),
        {"action": "add-to-crm", "id": "7711", "sub": "Subject", "des": "Text"},
    ),
}


@pytest.mark.parametrize(("request_", "frame"), WIRE.values(), ids=WIRE)
def test_wire_form_and_back(request_: r.Request, frame: dict[str, Any]) -> None:
    assert request_.frame() == frame
    assert r.decode_request(json.dumps(request_.frame())) == request_


def test_every_request_is_in_the_table_above() -> None:
    assert {request.action for request, _ in WIRE.values()} == set(r.REQUESTS)


TOLERATED: dict[str, tuple[dict[str, Any], r.Request]] = {
    "id as a number": ({"action": "hold-call", "id": 7711}, r.HoldCall(id="7711")),
    "boolean for a text": (
        {"action": "clear-call", "id": "1", "connected": True},
        r.ClearCall(id="1", connected="true"),
    ),
    "text for a boolean": ({"action": "own-calls", "subscribe": "false"}, r.OwnCalls(subscribe=False)),
    "sdp as text": ({"action": "sdp-packet", "to": "207", "sdp": "v=0"}, r.SdpPacket(to="207", sdp="v=0")),
    "code as text": ({"action": "sip-busy", "code": "486"}, r.SipBusy(code=486)),
    "unknown field": ({"action": "get-users", "new": 1}, r.GetUsers()),
}


@pytest.mark.parametrize(("frame", "request_"), TOLERATED.values(), ids=TOLERATED)
def test_reading_is_tolerant(frame: dict[str, Any], request_: r.Request) -> None:
    assert r.decode_request(json.dumps(frame)) == request_


REFUSED = {
    "broken": ('{"action":', "broken"),
    "no object": ("[]", "an array"),
    "no action": ("{}", "names no action"),
    "action a number": ('{"action":5}', "names no action"),
    "field missing": ('{"action":"rec-call","id":"1"}', "rec-call is misshapen"),
    "field misshapen": ('{"action":"blf","add":5}', "blf is misshapen"),
    "too deep": ("[" * 10_000, "nested"),
    "repeated key": ('{"action":"hold-call","id":"1","id":"2"}', "stands twice"),
    "half a surrogate": ('{"action":"\ud800"}', "no Unicode"),
}


@pytest.mark.parametrize(("raw", "reason"), REFUSED.values(), ids=REFUSED)
def test_malformed_requests(raw: str, reason: str) -> None:
    request = r.decode_request(raw)
    assert isinstance(request, r.MalformedRequest)
    assert reason in request.reason


def test_unknown_actions_are_kept_whole() -> None:
    request = r.decode_request('{"action":"fax","n":1.5}')
    assert request == r.UnknownRequest(name="fax", body={"n": 1.5})


def test_a_big_frame_is_not_looked_into() -> None:
    assert isinstance(r.decode_request(b" " * 101, max_size=100), r.MalformedRequest)


@given(
    st.dictionaries(
        st.sampled_from(["action", "id", "to", "from", "sdp", "subscribe", "code", "add", "connected"]),
        st.one_of(st.sampled_from(sorted(r.REQUESTS)), st.none(), st.booleans(), st.integers(), st.lists(st.text())),
    )
)
def test_never_raises(frame: dict[str, Any]) -> None:
    assert isinstance(r.decode_request(json.dumps(frame)), r.Request)
