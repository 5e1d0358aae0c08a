"""Which kinds of accounts have tiles. Pure: knows entities, no widget."""

from __future__ import annotations

from typing import Any, Literal

import traitlets

from pbxnb.errors import ConfigError
from pbxnb.model.entities import Account
from pbxnb.protocol.registry import KNOWN_VALUES

__all__ = ["Kinds", "is_of"]

_KNOWN = KNOWN_VALUES["type"]


class Kinds(traitlets.TraitType[Any, Any]):
    """A trait: the types of accounts that are shown, as the PBX names them (protocol.md 6.2), or ``"all"``."""

    default_value = ("extensions",)

    def validate(self, obj: Any, value: Any) -> tuple[str, ...] | Literal["all"]:
        """Return the kinds as a tuple without doubles.

        Raises:
            ConfigError: a word that no PBX is known to use, or a text in the place of a list.
        """
        if value == "all":
            return "all"
        words = list(value) if isinstance(value, list | tuple | set | frozenset) else []
        if not words or not all(isinstance(word, str) and word in _KNOWN for word in words):
            raise ConfigError(
                f"{value!r} are no kinds of accounts.", hint=f'Give "all" or a list of {", ".join(sorted(_KNOWN))}.'
            )
        return tuple(dict.fromkeys(words))


def is_of(account: Account, kinds: tuple[str, ...] | Literal["all"]) -> bool:
    """Return whether an account is of these kinds; one whose type the PBX does not tell counts as an extension."""
    return kinds == "all" or (account.type or "extensions") in kinds
