"""Each switch of protocol.md 9 changes the wire as its line says, and a tolerant reader is told the same story."""

import json
from typing import Any

import pytest

from pbxnb.errors import SimulatorError
from pbxnb.protocol.decode import decode
from pbxnb.protocol.messages import CallEntry, CallState, DomainState, Malformed, Unknown
from pbxnb.simulator import serve
from pbxnb.simulator.engine.clock import SimClock
from pbxnb.simulator.engine.pbx import SimPbx
from pbxnb.simulator.server.frames import INVENTED, VARIANTS, Dialect, FrameWriter, Variants, print_time
from tests.helpers.sim_client import client

OUTSIDE = "+12025550101"


def one_call(quirk: str = "", dialect: Dialect = Dialect.MODERN) -> tuple[FrameWriter, dict[str, Any]]:
    pbx = SimPbx(clock=SimClock(1_790_000_000.088))
    pbx.directory.add_extension("41", "Ann")
    pbx.directory.add_extension("42", "")
    pbx.dial("41", "42")
    wire = FrameWriter(pbx, dialect, Variants(quirk or ()))
    return wire, json.loads(wire.call_state())["calls"][0]


@pytest.mark.parametrize(
    ("quirk", "expected"),
    [
        (
            "",
            {
                "state": "alerting",
                "start": "1790000000.88",
                "extension": ["41", "42"],
                "from": '"Ann" <sip:41@acme.example>',
            },
        ),
        ("other-state-field", {"callstate": "alerting", "state": None}),
        ("ringing-word", {"state": "ringing"}),
        ("split-parties", {"from": None, "to": None, "from-number": "41", "from-name": "Ann", "to-number": "42"}),
        ("number-times", {"start": 1790000000.88}),
        ("padded-times", {"start": "1790000000.088"}),
        ("star-marks", {"extension": ["*41", "42"]}),
    ],
)
def test_a_call_entry(quirk: str, expected: dict[str, Any]) -> None:
    entry = one_call(quirk)[1]
    assert {name: entry.get(name) for name in expected} == expected


def test_2016_has_its_own_habits() -> None:
    wire, entry = one_call(dialect=Dialect.OLD)
    assert (entry["callstate"], "from-number" in entry) == ("alerting", False)
    assert json.loads(wire.call_state("41"))["calls"][0]["callstate"] == "ringback"
    assert json.loads(wire.call_state("42"))["calls"][0]["callstate"] == "alerting"


@pytest.mark.parametrize("quirk", [*VARIANTS, "all"])
@pytest.mark.parametrize("dialect", list(Dialect))
def test_the_reader_understands_every_variant_alike(dialect: Dialect, quirk: str) -> None:
    def story(entry: CallEntry) -> tuple[object, ...]:
        ringing = entry.raw_state in ("alerting", "ringing", "ringback")
        return entry.id, entry.from_.number, entry.to.number, entry.extensions, ringing, entry.connect

    wire, _ = one_call(quirk, dialect)
    plain = decode(one_call("", dialect)[0].call_state())
    for _ in range(20):
        message = decode(wire.call_state())
        assert isinstance(message, CallState)
        assert isinstance(plain, CallState)
        assert [story(c) for c in message.calls] == [story(c) for c in plain.calls]
        snapshot = decode(wire.domain_state("41", sees_domain=True))
        assert isinstance(snapshot, DomainState)
        assert [(a.registered, a.dnd) for a in snapshot.accounts] == [(True, False), (True, False)]
        told = decode(wire.one_call(next(iter(wire.pbx.calls.values()))))
        assert isinstance(told, CallState)
        assert not told.whole
        flat = decode(wire.flat("sdp", "v=0", code=183, callid="x", cseq=1))
        assert not isinstance(flat, Malformed | Unknown)


@pytest.mark.parametrize(
    ("quirk", "key", "fields", "expected"),
    [
        ("sdp-object", "sdp", {"code": 183}, {"sdp": {"sdp": "v", "type": "offer"}}),
        ("both-keys", "bye", {}, {"action": "sip-bye", "bye": "v"}),
        ("national-numbers", "invitesdp", {"from_user": OUTSIDE}, {"from-user": OUTSIDE[2:]}),
        ("", "invitesdp", {"from_user": OUTSIDE}, {"from-user": OUTSIDE}),
    ],
)
def test_flat_messages(quirk: str, key: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    frame = json.loads(one_call(quirk)[0].flat(key, "v", **fields))
    assert {name: frame.get(name) for name in expected} == expected


def test_a_user_state_may_leave_out_what_did_not_change() -> None:
    wire, _ = one_call("partial-user-state")
    assert "dnd" in json.loads(wire.user_state("41"))
    assert "dnd" not in json.loads(wire.user_state("41"))
    wire.pbx.extensions[0].dnd = True
    assert json.loads(wire.user_state("41"))["dnd"] is True
    wire, _ = one_call("string-booleans")
    assert json.loads(wire.user_state("41"))["dnd"] == "false"


async def test_an_object_for_a_change_and_an_array_for_the_end() -> None:
    async with serve("empty", quirks="calls-object") as sim, client(sim) as http, http.line() as line:
        await line.send("domain-calls", subscribe=True)
        assert (await line.next("call-state"))["calls"] == []
        call = sim.place_call("41", "42")
        assert (await line.next("call-state"))["calls"]["id"] == call
        sim.answer(call)
        assert (await line.next("call-state"))["calls"]["state"] == "connected"
        sim.hangup(call)
        assert (await line.next("call-state"))["calls"] == []


async def test_unasked_and_on_the_root_path() -> None:
    async with serve("empty", quirks=["unasked", "root-path"]) as sim, client(sim) as http, http.line(path="/") as line:
        assert [(await line.next())["action"], (await line.next())["action"]] == ["domain-state", "call-state"]


@pytest.mark.parametrize(("quirk", "key"), [("", "bye"), ("cancel-swapped", "cancel")])
async def test_who_gives_up_is_a_bye_or_a_cancel(quirk: str, key: str) -> None:
    async with serve("empty", quirks=quirk) as sim, client(sim) as http, http.line() as line:
        await line.send("sip-register")
        await line.next("sip-register")
        sim.hangup(sim.place_call(OUTSIDE, "40"))
        assert key in await line.next("bye", "cancel")


async def test_ids_of_a_call_of_ones_own() -> None:
    async with serve("empty", quirks=["fresh-callid", "callid-as-id", "reserved-keys"]) as sim, client(sim) as http:  # noqa: SIM117
        async with http.line() as line:
            await line.send("sip-register")
            await line.send("sdp-packet", to="41", callid="mine", sdp="v=0")
            trying = await line.next("response")
            assert (trying["response"], trying["callid"] != "mine") == (100, True)
            assert (await line.calls())[0]["id"] == trying["callid"]
            await line.send("mute", callid=trying["callid"], muted=True)
            assert (await line.next("info"))["info"] == "muted"
            await line.send("sdp-200ok", callid=trying["callid"], sdp="v=0")
            await line.answered()
            sim.answer(trying["callid"])
            await line.send("wrtc-hold", callid=trying["callid"], holdcmd="sendonly")
            assert (await line.next("change"))["change"] == "sendonly"


def test_the_mixture_is_the_seeds() -> None:
    def mixture(seed: int) -> list[frozenset[str]]:
        variants = Variants("all", seed=seed)
        return [variants.fixed, *(variants.frame() for _ in range(5))]

    assert mixture(1) == mixture(1) != mixture(2)


def test_a_misspelt_quirk_is_helped() -> None:
    with pytest.raises(SimulatorError, match="calls-object"):
        Variants(["call-object"])


def test_every_quirk_names_its_row_and_every_invention_its_unknown() -> None:
    assert all(1 <= row <= 35 and text.endswith(".") for row, text in VARIANTS.values())
    assert all(item.startswith("12.") and text.endswith(".") for item, text in INVENTED.values())


@pytest.mark.parametrize(
    ("at", "text"), [(1.0, "1.0"), (1.5, "1.500"), (1.01, "1.10"), (1.0004, "1.0"), (1.9996, "2.0")]
)
def test_times_are_printed_without_padding(at: float, text: str) -> None:
    assert print_time(at) == text
