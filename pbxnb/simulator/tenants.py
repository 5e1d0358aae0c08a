"""The tenants of an embedded PBX as its handle knows them: their names, checked, and what lives in each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pbxnb.arguments import nearest
from pbxnb.errors import SimulatorError

from .engine.pbx import SimPbx
from .traffic import Traffic

__all__ = ["Tenant", "Tenants", "checked_domains"]

MOST_DOMAINS = 500
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.IGNORECASE | re.ASCII)
LONGEST = 253


class Tenant(NamedTuple):
    """One tenant: its PBX and its traffic, for code that runs on the simulator's loop."""

    pbx: SimPbx
    traffic: Traffic


class Tenants(dict[str, Tenant]):
    """The tenants by domain, in the order given."""

    def of(self, domain: str = "", number: str = "") -> Tenant:
        """The tenant of that name, the first by default.

        Args:
            number: an extension that it must have.

        Raises:
            SimulatorError: there is no such tenant, or no such extension in it.
        """
        found = self.get(domain) if domain else next(iter(self.values()))
        if found is None:
            raise SimulatorError(f"There is no domain {domain!r}{nearest(str(domain), self)}")
        if number and found.pbx.extension(str(number)) is None:
            known = (each.number for each in found.pbx.extensions)
            raise SimulatorError(f"There is no extension {number!r}{nearest(str(number), known)}")
        return found


def checked_domains(domain: str, domains: Iterable[str]) -> tuple[str, ...]:
    """The names of the tenants to build.

    Args:
        domain: of the only one, where there are no ``domains``.
        domains: of several.

    Raises:
        SimulatorError: an empty, doubled or impossible name, no list, or too many.
    """
    if isinstance(domains, str):
        raise SimulatorError(
            f"domains is a list of names, not the text {domains!r}.", hint=f"Write domains=({domains!r},)."
        )
    names = tuple(domains) or (domain,)
    if len(names) > MOST_DOMAINS:
        raise SimulatorError(f"{len(names)} domains are too many.", hint=f"At most {MOST_DOMAINS} are possible.")
    seen: set[str] = set()
    for name in names:
        labels = name.split(".") if isinstance(name, str) else []
        if not labels or len(name) > LONGEST or not all(map(LABEL.fullmatch, labels)):
            raise SimulatorError(
                f"{str(name)[:80]!r} is no name of a domain.",
                hint="Give a host name such as 'acme.example': letters, digits, hyphens and dots.",
            )
        if name.lower() in seen:
            raise SimulatorError(f"The domain {name!r} is there twice.", hint="Give every tenant a name of its own.")
        seen.add(name.lower())
    return names
