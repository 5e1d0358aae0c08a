"""The names that people's code stands on: those of phones, their calls and their errors, as they are promised."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import pbxnb
from pbxnb import errors
from pbxnb.phone.call import PhoneCall
from pbxnb.phone.hearing import HeardBlock
from pbxnb.phone.leg import LegState, MediaState
from pbxnb.phone.phone import Phone
from pbxnb.phone.quality import Quality
from pbxnb.phone.registrar import Registration
from pbxnb.session.pbx import Pbx
from pbxnb.widgets.softphone import Softphone

SIGNATURES = {
    Pbx.softphone: "(account=None, *, name=None)",
    Pbx.phone: "(account, *, lines=1, answer=None, codecs=('opus', 'PCMU'), ice_servers=(), media_hosts=None, "
    "record=None, name=None)",
    Phone.dial: "(to, timeout=None)",
    Phone.incoming: "()",
    Phone.close: "()",
    PhoneCall.connected: "(timeout=None)",
    PhoneCall.answer: "()",
    PhoneCall.reject: "(code=603)",
    PhoneCall.hangup: "()",
    PhoneCall.hold: "()",
    PhoneCall.resume: "()",
    PhoneCall.mute: "(on=True)",
    PhoneCall.dtmf: "(digits, ms=100, gap=70)",
    PhoneCall.transfer: "(to)",
    PhoneCall.events: "()",
    PhoneCall.play: "(sound, loop=False)",
    PhoneCall.stop: "()",
    PhoneCall.record: "(path, side='both', *, announce=None, beep=None)",
    PhoneCall.heard: "(seconds, timeout=None)",
    PhoneCall.audio: "()",
    PhoneCall.silence: "(seconds=1.0, timeout=None)",
    PhoneCall.speech: "(seconds=0.1, timeout=None)",
    PhoneCall.digit: "(timeout=None)",
    PhoneCall.tone: "(frequency, timeout=None)",
}
READ = {
    Phone: "account answer calls quality record status",
    PhoneCall: "call callid cause certain domain early_media media moments party quality recording state tz",
    Quality: "delay df jitter late level_in level_out loss lost mos newest notices received round_trip samples sent "
    "warnings",
    HeardBlock: "at lost wave",
    Softphone: "account held level microphone muted on_page_close owner party quality reasons state to",
}


def parameters(function: Callable[..., Any]) -> str:
    given = inspect.signature(function)
    plain = [one.replace(annotation=inspect.Parameter.empty) for one in given.parameters.values()]
    return str(inspect.Signature(plain[1:]))


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_what_can_be_called_takes_these_arguments(function: Callable[..., Any]) -> None:
    assert parameters(function) == SIGNATURES[function]
    assert inspect.getdoc(function)


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.__name__)
def test_what_can_be_read_is_there_and_described(kind: type) -> None:
    said = f"{kind.__doc__} {' '.join(vars(kind))}"
    assert [name for name in READ[kind].split() if name not in said] == []


def test_where_a_call_stands_is_said_in_these_words() -> None:
    assert [*LegState] == (
        [
            "dialling",
            "early",
            "ringing",
            "connecting",
            "talking",
            "held_here",
            "held_there",
            "held_both",
            "ending",
            "ended",
        ]
    )
    assert [*MediaState] == ["none", "gathering", "checking", "flowing", "one_way", "stalled", "failed"]
    assert [*Registration] == ["unregistered", "registering", "registered", "lost", "closed"]


TREE = {
    "NotRegistered": {},
    "CallRefused": {"code": 486},
    "SdpRefused": {"why": "it has no audio line", "line": "m=video"},
    "MediaFailed": {"stage": "checking", "candidates": ("192.0.2.1:40000",)},
    "MicrophoneError": {"kind": "refused"},
    "NoOwner": {},
    "EngineLost": {},
}


@pytest.mark.parametrize("name", TREE)
def test_an_error_of_a_call_is_a_phone_error_and_says_what_it_knows(name: str) -> None:
    kind = getattr(errors, name)
    error = kind("It failed.", **TREE[name])
    assert isinstance(error, errors.PhoneError)
    assert {known: getattr(error, known) for known in TREE[name]} == TREE[name]
    assert {known: type(getattr(kind("It failed."), known)) for known in TREE[name]} == {
        known: type(value) for known, value in TREE[name].items()
    }


def test_simulate_takes_media_by_name() -> None:
    assert inspect.signature(pbxnb.simulate).parameters["media"].default is False
