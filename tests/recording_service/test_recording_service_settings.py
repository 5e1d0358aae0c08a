"""The file of `pbxnb record`: what is right is read, what is wrong is said in a sentence that names the entry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pbxnb.client import AdminToken, Password, Pin, Session
from pbxnb.errors import ConfigError
from pbxnb.recording_service import read_settings

GUIDE = Path(__file__).parents[2] / "docs" / "howto" / "record-headless.md"
LINE = 'url = "wss://pbx.example.com"\ndomain = "acme.example"\nuser = "45"\nlogin = "none"\n'
RECORDING = '[recording]\nfolder = "kept"\n'
SECRET = "correct-horse-7391"


def read(tmp_path: Path, text: str):
    (tmp_path / "record.toml").write_text(text, "utf-8")
    return read_settings(tmp_path / "record.toml")


def test_the_example_of_the_guide_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    [example] = re.findall(r"```toml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    for name in re.findall(r'password_env = "(\w+)"', example):
        monkeypatch.setenv(name, SECRET)
    settings = read(tmp_path, example)
    assert [entry.endpoint.domain for entry in settings.pbx] == ["acme.example", "b.example"]
    assert [type(entry.login) for entry in settings.pbx] == [Password, AdminToken]
    assert settings.pbx[0].tz.key == "Europe/Berlin"
    assert isinstance(settings.pbx[1].tls, Pin)
    assert (settings.folder, settings.keep_days, settings.keep_bytes) == (Path("/var/lib/pbxnb"), 400, 200_000_000_000)
    assert settings.tables


def test_what_is_left_out_has_a_default(tmp_path: Path):
    settings = read(tmp_path, f"[[pbx]]\n{LINE}{RECORDING}")
    assert (settings.keep_days, settings.keep_bytes, settings.tables) == (None, None, False)
    assert settings.folder == tmp_path / "kept", "paths begin at the file"
    assert settings.pbx[0].name == "45@acme.example@pbx.example.com"


@pytest.mark.parametrize(
    ("login", "kind"),
    [("password", Password), ("admin", AdminToken), ("admin:jane", AdminToken), ("session", Session), ("none", None)],
)
def test_every_login_takes_its_secret_from_the_environment(
    login: str, kind: type | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ACME_PASSWORD", SECRET)
    text = LINE.replace('"none"', f'"{login}"\npassword_env = "ACME_PASSWORD"')
    [entry] = read(tmp_path, f"[[pbx]]\n{text}{RECORDING}").pbx
    assert isinstance(entry.login, kind) if kind else entry.login is None
    assert SECRET not in repr(entry)
    assert read_settings(tmp_path / "record.toml", secrets=False).pbx[0].login is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no PBX"),
        (RECORDING, "names no PBX"),
        ("pbx = 1", "pbx must be written as [[pbx]]"),
        (f"[[pbx]]\n{LINE}", "names no folder"),
        (f"[[pbx]]\n{LINE}[recording]\nfolder = 5", "folder must be text in quotes"),
        (f"[[pbx]]\n{LINE}{RECORDING}rotate = 'hour'", 'only be "day"'),
        (f"[[pbx]]\n{LINE}{RECORDING}keep_days = -1", "keep_days must be more than 0"),
        (f"[[pbx]]\n{LINE}{RECORDING}keep_bytes = 1.5", "keep_bytes must be a whole number"),
        (f"[[pbx]]\n{LINE}{RECORDING}keep_days = true", "keep_days must be a number"),
        (f"[[pbx]]\n{LINE}{RECORDING}tables = 'yes'", "tables must be true or false"),
        (f"[[pbx]]\n{LINE}{RECORDING}keep_day = 5", "'keep_day'; did you mean 'keep_days'?"),
        (f"[[pbx]]\n{LINE}{RECORDING}[extra]", "unknown key 'extra'"),
        (f"[[pbx]]\n{LINE}port = 5\n{RECORDING}", "pbx 1 (acme.example) has an unknown key 'port'"),
        (f"[[pbx]]\n{LINE}tz = 1\n{RECORDING}", "pbx 1 (acme.example): tz must be text in quotes"),
        (f"[[pbx]]\n{LINE}tz = 'Berlin'\n{RECORDING}", "did you mean 'Europe/Berlin'?"),
        (f"[[pbx]]\n{LINE}tls = 'none.pem'\n{RECORDING}", "pbx 1 (acme.example): No certificate can be read"),
        (f"[[pbx]]\n{LINE}tls = 'sha256:12'\n{RECORDING}", "pbx 1 (acme.example): A pin is the SHA-256"),
        (f"[[pbx]]\ndomain = 'acme.example'\n{RECORDING}", "pbx 1 (acme.example) has no url"),
        (f"[[pbx]]\nurl = 'wss://a'\nuser = '4'\n{RECORDING}", "pbx 1: No domain is given. Write url = "),
        (f"[[pbx]]\nurl = 'wss://a:b@c'\ndomain = 'd'\nuser = '4'\n{RECORDING}", "carries a user name or password"),
        (f"[[pbx]]\n{LINE.replace('none', 'nome')}{RECORDING}", "login cannot be 'nome'; did you mean 'none'?"),
        (f"[[pbx]]\n{LINE}[[pbx]]\n{LINE.replace('acme', 'Acme')}{RECORDING}", "pbx 1 and pbx 2 are both 45@Acme."),
        ("[[pbx]\n", "is no TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, said: str, tmp_path: Path):
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value)


@pytest.mark.parametrize("key", ["password", "Passwd", "secret", "session", "token", "api_secret"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(key: str, tmp_path: Path):
    for where in (f'[[pbx]]\n{LINE}{key} = "{SECRET}"\n{RECORDING}', f'[[pbx]]\n{LINE}{RECORDING}{key} = "{SECRET}"\n'):
        with pytest.raises(ConfigError, match="does not belong into the file") as refused:
            read(tmp_path, where)
        assert SECRET not in str(refused.value) + repr(refused.value.data)
        assert "password_env" in refused.value.hint


def test_a_variable_that_is_not_there_is_named_unless_it_may_be_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("PBXNB_PASSWORD", raising=False)
    without = LINE.replace('login = "none"\n', "")
    for more, said in (
        ("", "pbx 1 (acme.example): The environment has no variable PBXNB_PASSWORD."),
        ('password_env = "ACME_PASSWORD"\n', "The environment has no variable ACME_PASSWORD."),
        (f'password_env = "{SECRET}"\n', "no variable of the name in password_env"),
    ):
        with pytest.raises(ConfigError) as refused:
            read(tmp_path, f"[[pbx]]\n{without}{more}{RECORDING}")
        assert said in str(refused.value)
        assert SECRET not in str(refused.value)


@pytest.mark.parametrize("name", ["none.toml", "."])
def test_a_file_that_cannot_be_read_is_said(name: str, tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings(tmp_path / name)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_settings(tmp_path / "bytes.toml")
