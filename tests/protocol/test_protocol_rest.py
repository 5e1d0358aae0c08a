"""Paths of REST are in one place, and nothing that a caller gives changes where one leads."""

import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pbxnb
from pbxnb.protocol import rest

PATTERNS = sorted(v for v in vars(rest).values() if isinstance(v, str) and v.startswith("/rest/"))


@given(pattern=st.sampled_from(PATTERNS), value=st.text(min_size=1), asked=st.text(min_size=1))
def test_a_value_stays_one_segment_and_a_query_one_value(pattern: str, value: str, asked: str) -> None:
    names = re.findall(r"\{(\w+)\}", pattern)
    parts = urlsplit("http://pbx" + rest.url(pattern, **dict.fromkeys(names, value), asked=asked))
    expected = [value if "{" in segment else segment for segment in pattern.split("/")]
    assert [unquote(segment) for segment in parts.path.split("/")] == expected
    assert parse_qs(parts.query) == {"asked": [asked]}


def test_a_path_is_readable_where_it_may_be() -> None:
    assert rest.url(rest.CALLS, account="45@acme.example") == "/rest/user/45@acme.example/calls"
    assert rest.url(rest.USERS, domain="a b/c") == "/rest/domain/a%20b%2Fc/users"
    with pytest.raises(KeyError):
        rest.url(rest.CALLS)


def test_no_other_module_writes_a_path_of_rest() -> None:
    package = Path(pbxnb.__file__).parent
    writers = [path for path in package.rglob("*.py") if re.search(r'f?"/rest/', path.read_text("utf-8"))]
    assert writers == [package / "protocol" / "rest.py"]
