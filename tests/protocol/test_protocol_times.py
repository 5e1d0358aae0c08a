"""Times: text or number, both readings of the fraction (protocol.md 7.5)."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxnb.protocol.raw import load_answer
from pbxnb.protocol.times import parse_millis, parse_moment

SECOND = datetime.fromtimestamp(1_790_000_000, UTC)

FRACTIONS = {
    "three digits": ("1790000000.449", 449, 449),
    "three digits, ending with zero": ("1790000000.120", 120, 120),
    "two digits": ("1790000000.88", 88, 880),
    "one digit": ("1790000000.5", 5, 500),
    "zero": ("1790000000.0", 0, 0),
    "none": ("1790000000", 0, 0),
    "a dot alone": ("1790000000.", 0, 0),
    "padded, so not by the unpadded printer": ("1790000000.05", 50, 50),
    "a number": (1790000000, 0, 0),
    "a float": (1790000000.88, 88, 880),
    "an exact literal": (Decimal("1790000000.880"), 880, 880),
    "white space": (" 1790000000.449\n", 449, 449),
    "an exponent": ("1.79e9", 0, 0),
}


@pytest.mark.parametrize(("value", "likely", "decimal"), FRACTIONS.values(), ids=FRACTIONS)
def test_both_readings_of_the_fraction(value: Any, likely: int, decimal: int) -> None:
    moment = parse_moment(value)
    assert moment is not None
    assert moment.at == SECOND + timedelta(milliseconds=likely)
    assert moment.decimal == SECOND + timedelta(milliseconds=decimal)


def test_more_than_three_digits_are_a_decimal() -> None:
    moment = parse_moment("1790000000.123456")
    assert moment is not None
    assert moment.at == moment.decimal == SECOND + timedelta(microseconds=123456)
    assert moment.raw == "1790000000.123456"


NO_TIMES = {
    "none": None,
    "empty": "",
    "blank": "  ",
    "zero": 0,
    "zero text": "0",
    "zero with fraction": "0.0",
    "negative": "-5",
    "negative number": -5,
    "a word": "soon",
    "a boolean": True,
    "huge": 10**400,
    "huge text": "9" * 500,
    "huge exponent": "1e999999",
    "infinity": math.inf,
    "not a number": math.nan,
    "infinity text": "Infinity",
    "signalling": "sNaN",
}


@pytest.mark.parametrize("value", NO_TIMES.values(), ids=NO_TIMES)
def test_no_time(value: Any) -> None:
    assert parse_moment(value) is None
    assert parse_millis(value) is None


@pytest.mark.parametrize("value", [1790000000000, "1790000000000", "253402300800"])
def test_seconds_beyond_the_calendar_are_no_time(value: Any) -> None:
    assert parse_moment(value) is None


@pytest.mark.parametrize("value", [1790000000088, "1790000000088", 1790000000088.0])
def test_the_chat_counts_milliseconds(value: Any) -> None:
    assert parse_millis(value) == SECOND + timedelta(milliseconds=88)


@given(st.one_of(st.text(max_size=60), st.floats(), st.integers(), st.decimals()))
def test_never_raises(value: Any) -> None:
    for reading in (parse_moment(value), parse_millis(value)):
        assert reading is None or reading is not None


@given(st.integers(1, 253402300798), st.integers(0, 999))
def test_unpadded_milliseconds_come_back(seconds: int, millis: int) -> None:
    moment = parse_moment(f"{seconds}.{millis}")
    assert moment is not None
    assert moment.at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, milliseconds=millis)


@pytest.mark.parametrize(
    ("literal", "millis"), [("0", 0), ("88", 88), ("500", 500), ("870", 870), ("10", 10), ("100", 100), ("5", 5)]
)
def test_a_number_of_an_http_answer_keeps_the_zeros_that_tell_its_fraction(literal: str, millis: int) -> None:
    moment = parse_moment(load_answer(f'{{"start":1790000000.{literal}}}'.encode())["start"])
    assert moment is not None
    assert moment.at.microsecond == millis * 1000


@pytest.mark.parametrize("number", ["0.50", "12.0", "1.5e3", "1790000000.0", "1790000000.125"])
def test_other_numbers_of_an_http_answer_are_plain_floats(number: str) -> None:
    assert load_answer(number.encode()) == float(number)
