"""What a resource of the embedded PBX is: a row that says who may ask, what it answers, and where that is known from.

From the rows come the routes (`routes`), the catalogue (`catalogue`), its page in the documentation, and the table of
contracts that the tests run. To serve a resource, write a function that takes a `RestRequest`, and its row.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from aiohttp import web

from ..engine.accounts import SimExtension, SimQueue
from ..engine.pbx import SimPbx
from ..server.answers import page, refusal
from ..server.frames import Dialect
from ..server.http import SimServer, SimTenant
from ..server.security import Identity

__all__ = ["Answer", "Resource", "RestRequest", "Who"]


class Who(StrEnum):
    """Who may ask. The tenant's administrator may ask all but the last, the system's everything."""

    ANYBODY = "anybody"
    ITSELF = "the extension itself"
    SUPERVISORS = "the extension itself, supervisors"
    MANAGERS = "the extension itself, managers of the queue, supervisors"
    COLLEAGUES = "extensions that see the tenant"
    TENANT = "the tenant's administrator"
    SYSTEM = "the system's administrator"


class RestRequest(NamedTuple):
    """A request that is allowed.

    Attributes:
        sender: who sends it; None for one not logged in, whom only `Who.ANYBODY` lets in.
        domain: the tenant it is about; empty where the resource has none.
        number: the account it is about; empty where the resource has none.
        body: what was sent; empty for anything but an object.
    """

    server: SimServer
    http: web.Request
    sender: Identity | None
    domain: str
    number: str
    body: dict[str, Any]

    @property
    def whose(self) -> Identity:
        """Who sends it; anybody else is answered with 401."""
        if self.sender is None:
            raise refusal(401)
        return self.sender

    @property
    def tenant(self) -> SimTenant:
        """The tenant."""
        return self.server.tenants[self.domain]

    @property
    def pbx(self) -> SimPbx:
        """The tenant's PBX."""
        return self.tenant.pbx

    @property
    def old(self) -> bool:
        """Whether the vocabulary is that of 2016."""
        return self.server.dialect is Dialect.OLD

    def query(self, name: str) -> str:
        """A value of the query; empty when it is not there."""
        return self.http.query.get(name, "")

    def page(self, items: Any, size: int = 50) -> Any:
        """The page of the items that was asked for."""
        return page(self.http, items, size)

    @property
    def extension(self) -> SimExtension:
        """The account as an extension; anything else is answered with 404."""
        extension = self.pbx.extension(self.number)
        if extension is None:
            raise refusal(404)
        return extension

    def queue(self, number: str) -> SimQueue:
        """The queue of that number; anything else is answered with 404."""
        queue = self.pbx.accounts.get(number)
        if not isinstance(queue, SimQueue):
            raise refusal(404)
        return queue


Answer = Callable[[RestRequest], object]
"""Gives what is sent as JSON, or a response; runs when all that is due has happened, and what it changes is sent."""


class Resource(NamedTuple):
    """A resource that is served.

    Attributes:
        method: of HTTP.
        path: a pattern; ``{account}`` is ``45@acme.example``, ``{domain}`` a tenant, ``{number}`` and ``{queue}``
            accounts of it. ``self`` stands for the sender's own. One of `pbxnb.protocol.rest` where the client asks it.
        answer: gives the answer.
        who: may ask.
        grade: how certain the answer's shape is: A documented or captured, B seen with a client at work, C inferred,
            D ours.
        source: where that is known from, such as ``rest.md 2.1``.
        note: a line that says what it answers.
        dialects: that have it.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    answer: Answer
    who: Who
    grade: Literal["A", "B", "C", "D"]
    source: str
    note: str
    dialects: frozenset[Dialect] = frozenset(Dialect)

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"
