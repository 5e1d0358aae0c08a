"""`pbxnb check`: every common mistake is found at its step, with what to try; and a PBX in order is said to be so."""

from pathlib import Path

import pytest

from tests.cli.mistakes import MISTAKES, PASSWORD, WHO, Mistake, check, env, pbx, run, table

STEPS = ["address", "reachable", "web server", "version", "login", "socket", "first messages", "rights"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.name)
def test_a_mistake_is_found_at_its_step(mistake: Mistake) -> None:
    code, found = check(mistake)
    *before, last = found["steps"]
    assert (code, found["ok"]) == (1, False)
    assert all(step["ok"] for step in before)
    assert (last["ok"], last["step"]) == (False, mistake.step)
    assert last["said"].endswith(".")
    assert last["try"]
    assert "pbxnb." not in last["try"]
    assert "=" not in last["try"], "a hint speaks of --options, not of arguments"
    assert PASSWORD not in str(found)


def test_the_readme_shows_what_is_said_about_each() -> None:
    readme = Path(__file__).parents[2] / "README.md"
    assert table() in readme.read_text(encoding="utf-8"), "print it anew: python tests/cli/mistakes.py"


@pytest.mark.parametrize(("dialect", "login"), [("modern", "password"), ("2016", "admin")])
def test_a_pbx_in_order(dialect: str, login: str) -> None:
    with pbx(dialect=dialect) as sim:
        sim.place_call("41", "42")
        secret = env(sim.admin_password if login == "admin" else PASSWORD)
        code, said, remarks = run("check", sim.url, *WHO, "--login", login, environment=secret)
    lines = said.splitlines()
    assert (code, remarks) == (0, "")
    assert all(line.startswith("ok   ") for line in lines)
    assert [line[5:20].strip() for line in lines] == STEPS
    assert lines[-1].endswith("the calls of the whole domain are shown")


def test_on_an_idle_pbx_the_rights_are_not_known() -> None:
    with pbx() as sim:
        code, said, _ = run("check", sim.url, *WHO, environment=env())
    assert code == 0
    assert "not known" in said.splitlines()[-1]


@pytest.mark.parametrize("trust", ["certificate", "fingerprint"])
def test_the_certificate_of_a_pbx_may_be_named_or_pinned(trust: str) -> None:
    with pbx(tls=True) as sim:
        tls = sim.tls_certificate if trust == "certificate" else sim.fingerprint
        code, said, remarks = run("check", sim.url, *WHO, "--tls", tls, environment=env())
    assert (code, remarks) == (0, "")
    assert "ok   tls            the certificate is accepted" in said


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("ftp://pbx.example.com", "wss://"),
        ("pbx.example.com", "wss://pbx.example.com --domain acme.example --user 45"),
        ("ws://40:secret@pbx.example.com", "PBXNB_PASSWORD"),
    ],
)
def test_a_mistyped_address(url: str, hint: str) -> None:
    code, said, _ = run("check", url, *WHO, environment={})
    assert code == 1
    assert said.startswith("FAIL address")
    assert hint in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--login", "none"), "Give the password in PBXNB_PASSWORD, or another --login."),
        (("--tls", "insecure"), "--tls is given for a ws:// URL, which has no TLS."),
    ],
)
def test_what_is_said_is_in_the_words_of_the_shell(options: tuple[str, ...], sentence: str) -> None:
    with pbx() as sim:
        code, said, _ = run("check", sim.url, *WHO, *options, environment={})
    assert code == 1
    assert sentence in said


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [("check", "--timeout", "-1"), ("watch", "--timeout", "0"), ("watch", "--count", "-1")],
)
def test_a_number_that_is_none_is_wrong_usage(command: str, option: str, value: str) -> None:
    code, said, remarks = run(command, "ws://127.0.0.1:1", *WHO, option, value, environment={})
    assert (code, said) == (2, "")
    assert f"{option} must be a" in remarks


@pytest.mark.parametrize(("login", "variable"), [("admin", "PBXNB_PASSWORD"), ("session", "PBXNB_SESSION")])
def test_a_secret_comes_from_the_environment(login: str, variable: str) -> None:
    code, said, remarks = run("check", "ws://127.0.0.1:1", *WHO, "--login", login, environment={})
    assert (code, said) == (2, "")
    assert variable in remarks
