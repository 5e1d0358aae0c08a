"""Nothing that proves who we are appears anywhere it can be read: not in a repr, a log record, an error, a report.

Every secret that is put on the wire passes ``Secret.reveal``; the tests listen there, so that also the cookies and
tokens of the day are known, and then search everything a person, a log file or a notebook could see.
"""

from __future__ import annotations

import contextlib
import io
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

import pbxnb
from pbxnb.client.secrets import Secret
from pbxnb.errors import PbxError

PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def simulator():
    with contextlib.closing(pbxnb.simulator.start("quiet", extensions=5, password=PASSWORD)) as running:
        yield running


@pytest.fixture
def revealed(monkeypatch) -> set[str]:
    """Every secret put on the wire during the test."""
    seen = {PASSWORD}
    real = Secret.reveal

    def listening(self: Secret) -> str:
        seen.add(real(self))
        return real(self)

    monkeypatch.setattr(Secret, "reveal", listening)
    return seen


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything logged by anyone, at DEBUG, as a file would hold it, tracebacks included."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def reprs(thing: Any, seen: set[int]) -> Iterator[str]:
    """The repr of ``thing`` and of everything of ours that it holds, but never what is inside a `Secret`."""
    if id(thing) in seen or len(seen) > 50_000:
        return
    seen.add(id(thing))
    yield repr(thing)
    if isinstance(thing, Secret):
        return
    if isinstance(thing, dict):
        for key, value in list(thing.items()):
            yield from reprs(key, seen)
            yield from reprs(value, seen)
    elif isinstance(thing, list | tuple | set | frozenset):
        for value in list(thing):
            yield from reprs(value, seen)
    elif type(thing).__module__.startswith("pbxnb"):
        slots = [name for cls in type(thing).__mro__ for name in getattr(cls, "__slots__", ())]
        for name in {*getattr(thing, "__dict__", ()), *slots}:
            yield from reprs(getattr(thing, name, None), seen)


def assert_absent(secrets: set[str], texts: Iterator[str] | list[str]) -> None:
    wanted = {secret for secret in secrets if len(secret) > 5}
    assert wanted
    for text in texts:
        for secret in wanted:
            assert secret not in text, text[:500]


def logins(simulator) -> dict[str, Any]:
    name, secret = simulator.admin
    return {"password": pbxnb.Password(PASSWORD), "token": pbxnb.AdminToken(name, secret)}


@pytest.mark.parametrize("how", ["password", "token"])
def test_a_whole_life_shows_no_secret(simulator, revealed, log, how):
    where = {"url": simulator.url, "domain": simulator.domain, "user": simulator.user}
    with pbxnb.connect(**where, login=logins(simulator)[how], control=True) as pbx:
        pbx.send({"action": "anything"}).result(5)
        assert len(revealed) > 1  # a cookie at least
        pbx._line.client.endpoint  # noqa: B018
        shown = [
            repr(pbx),
            *pbx._repr_mimebundle_().values(),
            repr(pbx.status),
            str(pbx.coverage()),
            *(frame.text for frame in pbx.frames()),
            *(
                str(pbx.preview(name, *args))
                for name, args in (("dial", ("204",)), ("dnd", (True,)), ("chat", ("2", "x")))
            ),
        ]
        assert_absent(revealed, shown)
        assert_absent(revealed, reprs(pbx, set()))
    assert_absent(revealed, [log.getvalue()])
    assert "websockets" in log.getvalue() or "socket" in log.getvalue().lower()  # there was something to search


def errors_of(simulator, **arguments: Any) -> list[str]:
    """The texts and tracebacks of a connection that fails."""
    where = {"url": simulator.url, "domain": simulator.domain, "user": simulator.user} | arguments
    with pytest.raises(PbxError) as caught:
        pbxnb.connect(**where, open_timeout=5).result()
    error: BaseException | None = caught.value
    texts = ["".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())]
    while error is not None:
        texts += [str(error), repr(error), repr(error.args), repr(getattr(error, "data", ""))]
        error = error.__cause__ or error.__context__
    return texts


def test_a_wrong_password_is_not_repeated(simulator, revealed, log):
    revealed.add(wrong := "wrong-horse-battery")
    assert_absent(revealed, errors_of(simulator, login=pbxnb.Password(wrong)))
    assert_absent(revealed, [log.getvalue()])


def test_a_wrong_domain_does_not_repeat_the_password(simulator, revealed, log):
    assert_absent(revealed, errors_of(simulator, domain="other.example", login=pbxnb.Password(PASSWORD)))
    assert_absent(revealed, [log.getvalue()])


def test_an_expired_session_is_not_repeated(simulator, revealed, log):
    revealed.add(cookie := "0123456789abcdef0123")
    assert_absent(revealed, errors_of(simulator, login=pbxnb.Session(cookie)))
    assert_absent(revealed, [log.getvalue()])


def test_a_password_given_in_the_wrong_place_is_not_repeated(simulator):
    for arguments in ({"login": PASSWORD}, {"url": f"ws://45:{PASSWORD}@pbx.example.com"}):
        where = {"url": simulator.url, "domain": simulator.domain, "user": simulator.user} | arguments
        with pytest.raises(PbxError) as caught:
            pbxnb.connect(**where)
        assert PASSWORD not in str(caught.value)


def test_logins_show_nothing_of_themselves(simulator, revealed):
    for login in logins(simulator).values():
        assert_absent(revealed, reprs(login, set()))
