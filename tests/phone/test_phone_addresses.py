"""Where the sound of a call is sent to, whatever the other side names: counted, and seen, in a network of its own."""

from __future__ import annotations

import ipaddress
import json

import pytest

pytest.importorskip("aiortc", reason="needs the phone extra")

from pbxnb.protocol.sdp import CandidateGate, read_candidates
from tests.helpers.hostile_phone import ADDRESSES, PORTS, candidate_line, may_be_sent_to
from tests.helpers.namespace import ALONE, EVERYWHERE, in_a_namespace

from . import hostile_calls, lonely_call

MODES = {"strict": (), "more hosts": ("198.51.100.9",), "default": None, "a PBX on this machine": None}


@pytest.mark.parametrize("mode", MODES)
def test_which_addresses_of_the_other_side_are_allowed(mode: str) -> None:
    pbx = "127.0.0.1" if mode == "a PBX on this machine" else hostile_calls.PBX
    allowed = set()
    for address in (*ADDRESSES, pbx):
        for port in PORTS:
            for one in read_candidates(candidate_line(address, port)):
                # A gate for each: how many a call may have is another rule.
                gate = CandidateGate([pbx], MODES[mode])
                if gate.allows(one, now=0.0):
                    allowed.add((address, port))
                    assert (one.address in gate.foreign) == (not _is_home(address, pbx))
    assert {port for address, port in allowed if address == pbx} == {1024, 5060, 40_000, 65_535}
    assert {"phone.local", "localhost", "1e3"}.isdisjoint(address for address, _ in allowed)
    assert all(may_be_sent_to(address, port, (pbx,), MODES[mode]) for address, port in allowed)
    expected = {pbx} if mode == "strict" else {pbx, "198.51.100.9"}
    assert expected <= {address for address, _ in allowed}
    assert ("127.0.0.1" in {address for address, _ in allowed}) == (mode == "a PBX on this machine")


def _is_home(address: str, pbx: str) -> bool:
    one = ipaddress.ip_address(address)
    one = getattr(one, "ipv4_mapped", None) or one
    return str(one) == pbx or (one.is_loopback and pbx == "127.0.0.1")


def test_no_packet_leaves_to_an_address_that_is_not_allowed() -> None:
    told = [json.loads(line) for line in in_a_namespace(EVERYWHERE, hostile_calls.__name__).splitlines()]
    assert [each["mode"] for each in told] == ["strict", "default"]
    for each, hosts in zip(told, [(), None], strict=True):
        seen = {(address, port) for address, port in each["seen"]}
        assert (hostile_calls.PBX, 40_000) in seen  # it was tried at all
        assert all(may_be_sent_to(address, port, (hostile_calls.PBX,), hosts) for address, port in seen)
        assert set(each["counted"]) == {address for address, _ in seen}
        assert each["named"] > 500
        assert len(seen) <= 8 * 64


def test_a_machine_without_a_network_says_so() -> None:
    assert in_a_namespace(ALONE, lonely_call.__name__) == (
        "This machine has no network address but its own, so the sound of a call cannot leave it.\nv=0\n"
    )
