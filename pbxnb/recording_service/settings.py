"""The file that says what is recorded: read, checked entry by entry, and every mistake said in a sentence.

No secret is in it, and none is repeated that somebody put there all the same.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pbxnb.arguments import nearest
from pbxnb.client import AdminToken, Endpoint, Login, Password, Pin, Session
from pbxnb.client.tls import Trust
from pbxnb.errors import ConfigError
from pbxnb.text import clean
from pbxnb.zones import kernel_zone, zone_of

__all__ = ["PbxEntry", "Settings", "in_the_file", "read_settings"]

_PBX: dict[str, type | tuple[type, ...]] = {
    "url": str, "domain": str, "user": str, "login": str, "password_env": str, "tls": str, "tz": str,
}  # fmt: skip
_RECORDING: dict[str, type | tuple[type, ...]] = {
    "folder": str, "rotate": str, "keep_days": (int, float), "keep_bytes": int, "tables": bool,
}  # fmt: skip
_WORDS = {str: "text in quotes", int: "a whole number", (int, float): "a number", bool: "true or false"}
_SECRET = re.compile(r"(?i)pass|secret|token|cookie|session|credential")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_LOGINS = ("password", "admin", "session", "none")
_NAMES = (
    (r'Write it as ("\S+?"), with domain=(".+?") and user=(".+?")\.', r"Write url = \1, domain = \2, user = \3."),
    (r"Give it as login=pbxnb\.(?:Password|Session)\(…\)", "Give it in the environment, by password_env"),
    (r'login=pbxnb\.Password\("…"\) or another one', "the password in the environment, by password_env"),
    (r"\ban AdminToken\b", 'login = "admin"'),
    (r"\ba Session from a browser\b", 'login = "session" with a browser\'s cookie'),
    (r"pbxnb\.Pin\((.*?)\)", r"\1"),
    (r"\b(domain|user|login|tls)=(?=[\s,;])", r"\1"),
    (r"\b(domain|user|login|tls)=", r"\1 = "),
)
"""What a sentence calls an argument of `connect`, and what the file calls it."""


class PbxEntry(NamedTuple):
    """One line to record.

    Attributes:
        endpoint: where and as whom.
        login: None sends nothing.
        password_env: the variable of the environment that has the secret.
        tls: as `Client` takes it.
        tz: of its days and tables.
    """

    endpoint: Endpoint
    login: Login | None
    password_env: str
    tls: object
    tz: ZoneInfo

    @property
    def name(self) -> str:
        """``45@acme.example@pbx.example.com``: what its folder and files are called after."""
        return f"{self.endpoint.account}@{self.endpoint.authority}"


class Settings(NamedTuple):
    """What is recorded, where to, and how long it stays.

    Attributes:
        file: where it is written.
        folder: everything is in it.
        keep_days, keep_bytes: None for ever, or for as much as comes.
        tables: whether each day is written as Parquet, too.
    """

    file: Path
    pbx: tuple[PbxEntry, ...]
    folder: Path
    keep_days: float | None
    keep_bytes: int | None
    tables: bool


def read_settings(path: str | Path, *, secrets: bool = True) -> Settings:
    """Read the file.

    Args:
        path: TOML with ``[[pbx]]``, one for each line, and ``[recording]``. Paths in it begin at its folder.
        secrets: take passwords from the environment; without them the logins are None.

    Raises:
        ConfigError: it cannot be used; the sentence names the entry.

    Example:
        >>> made = Path("record.toml").write_text('''
        ... [[pbx]]
        ... url = "wss://pbx.acme.example"
        ... domain = "acme.example"
        ... user = "45"
        ... login = "none"
        ... [recording]
        ... folder = "kept"
        ... ''')
        >>> read_settings("record.toml").pbx[0].name
        '45@acme.example@pbx.acme.example'
    """
    file = Path(path).expanduser().absolute()
    try:
        given = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is no text in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file.name} is no TOML: {error}.") from None
    _check_keys(file.name, given, {"pbx": list, "recording": dict})
    listed, recording = given.get("pbx", []), given.get("recording", {})
    if not listed or not all(isinstance(one, dict) for one in listed):
        raise ConfigError(f"{file.name} names no PBX.", hint="Begin each with a line [[pbx]].")
    entries = tuple(_entry(number, one, file.parent, secrets) for number, one in enumerate(listed, 1))
    _check_names(entries)
    return _settings(file, entries, recording)


def in_the_file(sentence: str) -> str:
    """A sentence in the words of the file."""
    for pattern, words in _NAMES:
        sentence = re.sub(pattern, words, sentence)
    return sentence


def _settings(file: Path, entries: tuple[PbxEntry, ...], given: Mapping[str, Any]) -> Settings:
    _check_keys("[recording]", given, _RECORDING)
    if not given.get("folder"):
        raise ConfigError("[recording] names no folder.", hint='Write folder = "/var/lib/pbxnb".')
    if given.get("rotate", "day") != "day":
        raise ConfigError('[recording]: rotate can only be "day".', hint="Each day has its file.")
    for key in ("keep_days", "keep_bytes"):
        if not given.get(key, 1) > 0:
            raise ConfigError(f"[recording]: {key} must be more than 0.", hint="Without it nothing is deleted.")
    return Settings(
        file,
        entries,
        file.parent / Path(given["folder"]).expanduser(),
        given.get("keep_days"),
        given.get("keep_bytes"),
        given.get("tables", False),
    )


def _entry(number: int, given: Mapping[str, Any], base: Path, secrets: bool) -> PbxEntry:
    domain = given.get("domain")
    where = f"pbx {number}" + (f" ({clean(domain, 60)})" if isinstance(domain, str) else "")
    _check_keys(where, given, _PBX)
    if "url" not in given:
        raise ConfigError(f"{where} has no url.", hint='Write url = "wss://pbx.example.com".')
    tls: object = given.get("tls")
    try:
        endpoint = Endpoint.parse(given["url"], domain, given.get("user"))
        zone = zone_of(given["tz"]) if "tz" in given else kernel_zone()
        if isinstance(tls, str) and tls != "insecure":
            tls = Pin(tls) if tls.startswith("sha256:") else base / Path(tls).expanduser()
            Trust(tls, endpoint)
        variable = given.get("password_env", "PBXNB_PASSWORD")
        login = _login(given.get("login", "password"), variable) if secrets else None
    except ConfigError as error:
        raise ConfigError(f"{where}: {in_the_file(error.message)}", hint=in_the_file(error.hint)) from None
    return PbxEntry(endpoint, login, variable, tls, zone)


def _login(asked: str, variable: str) -> Login | None:
    """What logs in; ``admin:NAME`` is an administrator of that name."""
    kind, _, name = asked.partition(":")
    if kind not in _LOGINS or (name and kind != "admin"):
        raise ConfigError(
            f"login cannot be {clean(asked, 40)!r}{nearest(kind, _LOGINS)}", hint='An administrator: "admin:NAME".'
        )
    if kind == "none":
        return None
    secret = os.environ.get(variable)
    if secret is None:
        # What is no usual name of a variable may be the secret itself.
        named = f"variable {variable}" if _VARIABLE.fullmatch(variable) else "variable of the name in password_env"
        raise ConfigError(
            f"The environment has no {named}.", hint='password_env = "ACME_PASSWORD" names the one that has the secret.'
        )
    if kind == "admin":
        return AdminToken(name or "admin", secret)
    return Session(secret) if kind == "session" else Password(secret)


def _check_keys(where: str, given: Mapping[str, Any], known: Mapping[str, type | tuple[type, ...]]) -> None:
    for key, value in given.items():
        if key not in known and _SECRET.search(key):
            raise ConfigError(
                f"{where}: a secret does not belong into the file ({clean(key, 40)}).",
                hint='Put it into the environment and name the variable: password_env = "ACME_PASSWORD".',
            )
        if key not in known:
            raise ConfigError(f"{where} has an unknown key {clean(key, 40)!r}{nearest(key, known)}")
        kind = known[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            wanted = _WORDS.get(kind, f"written as {'[[pbx]]' if kind is list else '[recording]'}")
            raise ConfigError(f"{where}: {key} must be {wanted}.")


def _check_names(entries: tuple[PbxEntry, ...]) -> None:
    first: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        # Names of hosts and domains do not differ by large letters, whatever a disk makes of them.
        if (earlier := first.setdefault(entry.name.lower(), number)) != number:
            raise ConfigError(
                f"pbx {earlier} and pbx {number} are both {entry.name}: they would write the same files.",
                hint="Keep one of them.",
            )
