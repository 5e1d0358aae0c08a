"""Name-addr strings, as people, phones and strangers write them (protocol.md 3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.protocol.parties import NOBODY, Party, format_party, parse_party, split_party

READ = {
    "quoted": ('"Jo Field" <sip:204@acme.example>', ("204", "Jo Field", "acme.example", "sip:204@acme.example")),
    "bare name": ("Jo Field <sip:204@acme.example>", ("204", "Jo Field", "acme.example", "sip:204@acme.example")),
    "no name": ("<sip:204@acme.example>", ("204", "", "acme.example", "sip:204@acme.example")),
    "user=phone": (
        "<sip:+15550100@acme.example;user=phone>",
        ("+15550100", "", "acme.example", "sip:+15550100@acme.example;user=phone"),
    ),
    "star code": ("<sip:*86700@acme.example>", ("*86700", "", "acme.example", "sip:*86700@acme.example")),
    "escapes": (r'"A \"B\" \\ C" <sip:1@d>', ("1", r'A "B" \ C', "d", "sip:1@d")),
    "backslash at the end": (r'"Sam\" <sip:1@d>', ("1", "Sam\\", "d", "sip:1@d")),
    "escaped backslash at the end": (r'"Sam\\" <sip:1@d>', ("1", "Sam\\", "d", "sip:1@d")),
    "backslash at the end, no address": (r'"Sam\"', ("", "Sam\\", "", "")),
    "backslash at the end, quotes behind": (r'"Sam\" <sip:1@d>;x="y"', ("1", "Sam\\", "d", "sip:1@d")),
    "quotes not escaped": ('"Sam "The Man" Li" <sip:1@d>', ("1", 'Sam "The Man" Li', "d", "sip:1@d")),
    "quotes not escaped, no address": ('"Sam "The Man" Li"', ("", 'Sam "The Man" Li', "", "")),
    "escapes, unclosed quote": (r'"Sam \"The Man\" Li <sip:1@d>', ("1", 'Sam "The Man" Li', "d", "sip:1@d")),
    "angle in a parameter": ('"Jo" <sip:1@d>;x="<sip:2@e>"', ("1", "Jo", "d", "sip:1@d")),
    "name behind the quotes": ('"Sam" (mobile) <sip:1@d>', ("1", "Sam (mobile)", "d", "sip:1@d")),
    "angle in quotes": ('"<b>x</b>" <sip:1@d>', ("1", "<b>x</b>", "d", "sip:1@d")),
    "tag after it": ('"Jo" <sip:1@d>;tag=77', ("1", "Jo", "d", "sip:1@d")),
    "unclosed quote": ('"Jo <sip:1@d>', ("1", "Jo", "d", "sip:1@d")),
    "unclosed bracket": ('"Jo" <sip:1@d', ("1", "Jo", "d", "sip:1@d")),
    "port": ("<sip:1@d.example:5060>", ("1", "", "d.example", "sip:1@d.example:5060")),
    "IPv6": ("<sip:1@[2001:db8::1]:5060>", ("1", "", "[2001:db8::1]", "sip:1@[2001:db8::1]:5060")),
    "secure": ("<SIPS:1@d>", ("1", "", "d", "SIPS:1@d")),
    "password": ("<sip:1:pw@d>", ("1", "", "d", "sip:1:pw@d")),
    "percent": ("<sip:%23 9@d>".replace(" ", ""), ("#9", "", "d", "sip:%239@d")),
    "trailing dot of a host": ("<sip:1@acme.example.>", ("1", "", "acme.example", "sip:1@acme.example.")),
    "trailing dots of a name": ('"Jo Field..." <sip:1@d>', ("1", "Jo Field...", "d", "sip:1@d")),
    "host only": ("<sip:acme.example>", ("", "", "acme.example", "sip:acme.example")),
    "number only, with scheme": ("<sip:204>", ("204", "", "", "sip:204")),
    "tel": ("<tel:+1-555-0100;phone-context=x>", ("+15550100", "", "", "tel:+1-555-0100;phone-context=x")),
    "tel with name": ('"Jo" tel:+15550100', ("+15550100", "Jo", "", "tel:+15550100")),
    "address": ("sip:204@acme.example", ("204", "", "acme.example", "sip:204@acme.example")),
    "address without scheme": ("204@acme.example", ("204", "", "acme.example", "204@acme.example")),
    "bare number": ("204", ("204", "", "", "")),
    "bare outside number": ("+1 555 0100", ("+1 555 0100", "", "", "")),
    "number in brackets": ('"Jo" <204>', ("204", "Jo", "", "")),
    "word": ("anonymous", ("anonymous", "", "", "")),
    "quoted name only": ('"Jo Field"', ("", "Jo Field", "", "")),
    "bare name only": ("Jo Field", ("", "Jo Field", "", "")),
    "right to left": ('"\u202eJo שלום" <sip:1@d>', ("1", "\u202eJo שלום", "d", "sip:1@d")),
    "control characters": ('"a\x1b[31m\n\x00b" <sip:1@d>', ("1", "a\x1b[31m\n\x00b", "d", "sip:1@d")),
    "empty": ("", ("", "", "", "")),
    "blank": (" \t ", ("", "", "", "")),
    "empty brackets": ("<>", ("", "", "", "")),
    "empty name": ('"" <sip:1@d>', ("1", "", "d", "sip:1@d")),
}


@pytest.mark.parametrize(("text", "parts"), READ.values(), ids=READ)
def test_reads(text: str, parts: tuple[str, str, str, str]) -> None:
    assert parse_party(text) == Party(*parts)


@given(st.text())
def test_never_raises_and_keeps_its_own_reading(text: str) -> None:
    party = parse_party(text)
    assert parse_party(format_party(party)) == party


name_addr_marks = st.text(alphabet='<>"\\@:;%?+*. sipatel:12\n\u202e\ufffd')


@given(name_addr_marks)
def test_keeps_its_own_reading_of_texts_made_of_marks(text: str) -> None:
    party = parse_party(text)
    assert parse_party(format_party(party)) == party


@given(
    number=st.text(min_size=1, max_size=30),
    name=st.text(max_size=300),
    domain=st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[a-z]{2,6})?", fullmatch=True),
)
def test_what_is_written_is_read_again(number: str, name: str, domain: str) -> None:
    party = parse_party(format_party(Party(number=number, name=name, domain=domain)))
    assert (party.number, party.name, party.domain) == (number, name, domain)


@given(number=st.text(max_size=30), name=st.text(max_size=30))
def test_a_number_without_a_domain_is_read_again(number: str, name: str) -> None:
    party = Party(number=number, name=name)
    assert parse_party(format_party(party)) == party


def test_nobody() -> None:
    assert parse_party("") == NOBODY
    assert format_party(NOBODY) == ""


def test_a_known_address_is_written_as_it_came() -> None:
    text = '"Jo" <sip:+15550100@acme.example;user=phone>'
    assert format_party(parse_party(text)) == text


@pytest.mark.parametrize(
    ("number", "name", "party"),
    [
        pytest.param("204", "Jo", Party("204", "Jo"), id="both"),
        pytest.param("204", "", Party("204"), id="number"),
        pytest.param("", "Jo", Party("", "Jo"), id="name"),
        pytest.param("", "", NOBODY, id="neither"),
        pytest.param("Jo Field", "", Party("Jo Field"), id="looks like a name, stands for a number"),
        pytest.param("<sip:204@d>", "Jo", Party("204", "Jo", "d", "sip:204@d"), id="an address"),
        pytest.param('"X" <sip:204@d>', "Jo", Party("204", "Jo", "d", "sip:204@d"), id="the name field wins"),
    ],
)
def test_split_fields(number: str, name: str, party: Party) -> None:
    assert split_party(number, name) == party


def test_a_very_long_name_is_read_and_not_remembered() -> None:
    text = f'"{"x" * 100_000}" <sip:1@d>'
    assert parse_party(text).number == "1"
    assert parse_party(text) is not parse_party(text)
    assert parse_party("<sip:1@d>") is parse_party("<sip:1@d>")
