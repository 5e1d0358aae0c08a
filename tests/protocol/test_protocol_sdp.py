"""SDP of a PBX: what is mended, what is refused, and that no media stack sees anything that was not understood."""

from __future__ import annotations

import itertools
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.errors import PbxError, SdpRefused
from pbxnb.protocol.sdp import CandidateGate, IceCandidate, Sdp, read, read_candidates

PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt"
DIGEST = ":".join(["4A"] * 32)
BROWSER = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:F7gI
a=ice-pwd:{PASSWORD}
a=ice-options:trickle
a=fingerprint:sha-256 {DIGEST}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:- 3f1c
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:1 cname:x
a=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host generation 0
a=candidate:2 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active
a=candidate:3 1 udp 2130706431 3b1c2e.local 50000 typ host
"""


def without(*beginnings: str) -> str:
    return "".join(line for line in BROWSER.splitlines(keepends=True) if not line.startswith(beginnings))


def test_what_a_browser_writes_is_read_whole() -> None:
    sdp = read(BROWSER, "offer")
    assert (sdp.ufrag, sdp.password, sdp.setup, sdp.mid, sdp.direction) == (
        "F7gI",
        PASSWORD,
        "actpass",
        "0",
        "sendrecv",
    )
    assert [(codec.payload, codec.name, codec.clock, codec.channels) for codec in sdp.codecs] == [
        (111, "opus", 48000, 2), (63, "red", 48000, 2), (9, "G722", 8000, 1), (0, "PCMU", 8000, 1),
        (110, "telephone-event", 48000, 1), (126, "telephone-event", 8000, 1),
    ]  # fmt: skip
    assert sdp.codecs[0].parameters == "minptime=10;useinbandfec=1"
    assert [candidate.address for candidate in sdp.candidates] == ["192.0.2.7"]
    assert sdp.repaired == ()


def test_what_is_written_again_reads_as_the_same_and_holds_nothing_else() -> None:
    sdp = read(BROWSER, "offer")
    again = sdp.text(sdp.candidates)
    assert read(again, "offer") == sdp
    assert not any(word in again for word in ("extmap", "rtcp-fb", "ssrc", "msid", ".local", " tcp "))


MENDED = {
    "no mid": (without("a=mid"), "offer", "mid", lambda sdp: sdp.mid == "0"),
    "no direction": (without("a=sendrecv"), "offer", "direction", lambda sdp: sdp.direction == "sendrecv"),
    "no rtcp-mux": (without("a=rtcp-mux"), "offer", "rtcp-mux", lambda sdp: "a=rtcp-mux" in sdp.text()),
    "no setup": (without("a=setup"), "offer", "setup", lambda sdp: sdp.setup == "actpass"),
    "no rtpmap of a static payload type": (
        without("a=rtpmap:0 "), "offer", "rtpmap", lambda sdp: any(codec.name == "PCMU" for codec in sdp.codecs),
    ),
    "an answer that claims actpass": (BROWSER, "answer", "setup", lambda sdp: sdp.setup == "passive"),
}  # fmt: skip


@pytest.mark.parametrize("case", MENDED.values(), ids=MENDED)
def test_what_pbxs_leave_out_is_filled_in_and_said(case) -> None:
    text, kind, what, holds = case
    sdp = read(text, kind)
    assert what in sdp.repaired
    assert holds(sdp)


def test_an_answer_takes_the_name_of_the_offers_line() -> None:
    assert read(BROWSER, "answer", mid="audio7").mid == "audio7"


def test_an_active_answer_stays_so() -> None:
    assert read(BROWSER.replace("actpass", "active"), "answer").setup == "active"


def test_a_description_of_the_session_counts_for_its_audio() -> None:
    moved = without("a=ice-", "a=fingerprint").replace(
        "t=0 0\n", f"t=0 0\na=ice-ufrag:abcd\na=ice-pwd:{PASSWORD}\na=fingerprint:sha-256 {DIGEST}\n"
    )
    assert read(moved, "offer").ufrag == "abcd"


def test_other_media_are_switched_off_in_their_place() -> None:
    video = "m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:v\na=rtpmap:96 VP8/90000\n"
    text = read(BROWSER.replace("m=audio", video + "m=audio"), "offer").text()
    assert next(line for line in text.splitlines() if line.startswith("m=")) == "m=video 0 UDP/TLS/RTP/SAVPF 0"
    assert "VP8" not in text
    assert "a=group:BUNDLE 0\r\n" in text


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(ends: str) -> None:
    assert read(BROWSER.replace("\n", ends), "offer") == read(BROWSER, "offer")


REFUSED = {
    "no text": None,
    "empty": "",
    "another text": "<html>",
    "too long": BROWSER + "a=x\n" * 5_000,
    "too many lines": BROWSER + "a=x\n" * 300,
    "control characters": BROWSER.replace("s=-", "s=\x00"),
    "foreign characters": BROWSER.replace("s=-", "s=Café"),
    "a line that is none": BROWSER + "hello\n",
    "no audio": without("m=audio"),
    "audio twice": BROWSER + "m=audio 9 UDP/TLS/RTP/SAVPF 0\n",
    "audio switched off": BROWSER.replace("m=audio 9", "m=audio 0"),
    "not encrypted": BROWSER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    "no ICE": without("a=ice-"),
    "a short password of ICE": BROWSER.replace(PASSWORD, "short"),
    "no fingerprint": without("a=fingerprint"),
    "a weak fingerprint": BROWSER.replace("sha-256", "sha-1"),
    "a fingerprint too short": BROWSER.replace(DIGEST, "4A:4A"),
    "no codec": BROWSER.replace("SAVPF 111 63 9 0 110 126", "SAVPF"),
    "more media than any call": BROWSER + "m=video 9 RTP/SAVPF 96\n" * 4,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_no_call_needs_is_refused_with_a_sentence(text: object) -> None:
    with pytest.raises(SdpRefused, match=r"^The SDP of the PBX is not used: .+\.$") as caught:
        read(text, "offer")
    assert caught.value.data["why"]


def test_a_refusal_quotes_no_secret() -> None:
    with pytest.raises(SdpRefused) as caught:
        read(BROWSER.replace("a=ice-pwd", "xa=ice-pwd"), "offer")
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(read(BROWSER, "offer"))


def test_numbers_that_are_none_do_not_reach_a_parser() -> None:
    text = read(BROWSER.replace("minptime=10", "minptime=ten;stereo=1e9;x=y"), "offer").text()
    assert "a=fmtp:111 x=y;useinbandfec=1" in text


# -- candidates --------------------------------------------------------------------------------------------------------

LINE = "candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host"


@pytest.mark.parametrize(
    "text", [LINE, LINE.removeprefix("candidate:"), f"a={LINE}", f"{LINE} generation 0 ufrag abcd"]
)
def test_a_candidate_is_read_with_and_without_its_prefix(text: str) -> None:
    assert [candidate.line for candidate in read_candidates(text)] == [LINE]


def test_further_addresses_make_a_candidate_each() -> None:
    found = read_candidates(LINE, [("198.51.100.1", 40002), ("pbx.example", 40002), ("198.51.100.2", 0)])
    assert [(candidate.address, candidate.port) for candidate in found] == [
        ("192.0.2.1", 40000),
        ("198.51.100.1", 40002),
    ]


@pytest.mark.parametrize(
    "text", ["", None, "candidate:", LINE.replace("udp", "tcp"), LINE.replace("192.0.2.1", "a.local")]
)
def test_what_cannot_be_reached_by_udp_is_no_candidate(text: object) -> None:
    assert read_candidates(text) == ()


def at(address: str, port: int = 40_000) -> IceCandidate:
    return IceCandidate(foundation="1", component=1, priority=1, address=address, port=port)


NOWHERE = {
    "a port of a service": at("192.0.2.9", 53),
    "loopback": at("127.0.0.1"),
    "loopback in IPv6": at("::1"),
    "loopback of IPv4 in IPv6": at("::ffff:127.0.0.1"),
    "multicast": at("224.0.0.251"),
    "multicast in IPv6": at("ff02::1"),
    "broadcast": at("255.255.255.255"),
    "link-local": at("169.254.1.1"),
    "unspecified": at("::"),
    "this network": at("0.1.2.3"),
}


@pytest.mark.parametrize("candidate", NOWHERE.values(), ids=NOWHERE)
def test_nothing_is_sent_where_no_pbx_is(candidate: IceCandidate) -> None:
    assert not CandidateGate(["192.0.2.1"]).allows(candidate, now=0.0)


def test_loopback_is_for_a_pbx_on_loopback() -> None:
    assert CandidateGate(["127.0.0.1"]).allows(at("127.0.0.1"), now=0.0)


def test_another_host_is_let_through_and_named_unless_hosts_are_given() -> None:
    gate = CandidateGate(["192.0.2.1"])
    assert gate.allows(at("192.0.2.1"), now=0.0)
    assert gate.allows(at("198.51.100.1"), now=0.0)
    assert gate.foreign == {"198.51.100.1"}
    strict = CandidateGate(["192.0.2.1"], media_hosts=["198.51.100.1"])
    assert [strict.allows(at(address), now=0.0) for address in ("192.0.2.1", "198.51.100.1", "198.51.100.2")] == [
        True,
        True,
        False,
    ]


def test_a_flood_of_candidates_addresses_few_hosts() -> None:
    gate = CandidateGate(["192.0.2.1"])
    hosts = (f"198.51.{n // 200}.{n % 200 + 1}" for n in itertools.count())
    assert sum(gate.allows(at(next(hosts)), now=0.0) for _ in range(2_000)) == 16
    assert sum(gate.allows(at(next(hosts)), now=1.0) for _ in range(2_000)) == 4
    assert sum(gate.allows(at(next(hosts)), now=2.0 + n) for n in range(3_600)) == 64 - 20
    assert gate.allows(at("198.51.0.1"), now=0.0)  # what was let in once stays so


# -- whatever comes ----------------------------------------------------------------------------------------------------

LINES = st.sampled_from(BROWSER.splitlines())
PIECES = st.sampled_from(
    ["0", "-1", "9" * 12, "\x00", "é", " ", "a=", "m=audio 9 RTP/SAVPF 0", ":", "/", "*", "=", ";"]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A browser's text with lines dropped, doubled and moved, and pieces put in anywhere."""
    lines = draw(st.one_of(st.just(BROWSER.splitlines()), st.lists(LINES, max_size=60)))
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, max(len(lines) - 1, 0)))
        line = lines[place] if lines else ""
        cut = draw(st.integers(0, len(line)))
        lines = [*lines[:place], line[:cut] + draw(PIECES) + line[cut:], *lines[place + draw(st.integers(0, 1)) :]]
    return "\n".join(lines)


@given(texts(), st.sampled_from(["offer", "answer"]))
def test_whatever_comes_is_refused_or_written_plainly(text: str, kind) -> None:
    try:
        sdp = read(text, kind)
    except SdpRefused:
        return
    again = sdp.text(sdp.candidates)
    assert msgspec.structs.replace(read(again, kind, mid=sdp.mid), repaired=()) == msgspec.structs.replace(
        sdp, repaired=()
    )
    assert len(again) < 2 * 16_384


@pytest.mark.long
def test_a_million_hostile_texts_cost_little_each() -> None:
    """Crashes 0; the dearest costs less than 20 ms of CPU, the least of three tries (phone budgets)."""
    import random

    rng = random.Random(7)
    lines = BROWSER.splitlines()
    pieces = ["0", "-1", "9" * 40, "\x00", "é", " " * 50, "a=rtcp-fb:*", "a=rtpmap:1 x/8000", ":", "/", "=", ";", LINE]
    worst = 0.0
    for number in range(1_000_000):
        some = lines[:]
        for _ in range(rng.randrange(1, 5)):
            place = rng.randrange(len(some))
            line = some[place]
            cut = rng.randrange(len(line) + 1)
            some[place] = line[:cut] + rng.choice(pieces) * rng.choice((1, 1, 1, 200)) + line[cut:]
            if rng.random() < 0.3:
                some[place:place] = [rng.choice(lines)] * rng.choice((1, 3, 200))
        text = "\n".join(some)
        spent = cost(text, "answer" if number % 2 else "offer")
        if spent > 0.02:
            spent = min(spent, cost(text, "offer"), cost(text, "answer"))
        worst = max(worst, spent)
    print(f"worst: {1_000 * worst:.2f} ms")
    assert worst < 0.02


def cost(text: str, kind) -> float:
    began = time.process_time()
    try:
        sdp: Sdp = read(text, kind)
        sdp.text(sdp.candidates)
    except PbxError:
        pass
    return time.process_time() - began
