"""What follows from the rows: the catalogue, and what becomes of a path that nobody serves."""

import logging
from collections.abc import AsyncIterator

import pytest

from pbxnb.protocol import rest as paths
from pbxnb.simulator import serve
from pbxnb.simulator.rest.catalogue import catalogue, page
from pbxnb.simulator.rest.routes import SLASH
from pbxnb.simulator.rest.table import RESOURCES
from pbxnb.simulator.server.frames import Dialect
from tests.docs.test_docs_citations import HEADINGS, citations
from tests.helpers.sim_client import Http, client


@pytest.fixture(params=["modern", "2016"])
async def http(request: pytest.FixtureRequest) -> AsyncIterator[Http]:
    async with serve("empty", extensions=6, dialect=request.param) as sim, client(sim) as http:
        yield http


async def test_the_catalogue_is_what_is_served(http: Http) -> None:
    listed = await http.ask("GET", "/simulator/api", name="nobody")
    assert listed == catalogue(http.sim.server.dialect)
    assert {row["path"] for row in listed} <= {route.path.removesuffix(SLASH) for route in http.sim.server.routes}
    assert len(catalogue()) == len(RESOURCES)


async def test_the_catalogue_is_a_page_for_who_reads_pages_and_nothing_for_a_stranger(http: Http) -> None:
    url = http.base + "/simulator/api"
    async with http.session.get(url, headers={"Accept": "text/html,*/*"}) as response:
        assert response.content_type == "text/html"
        assert "/rest/system/session" in await response.text()
    async with http.session.get(url, headers={"Origin": "https://stranger.example"}) as response:
        assert response.status == 403


def test_what_is_in_the_catalogue_is_escaped() -> None:
    assert "<b>" not in page([catalogue()[0] | {"note": "<b>"}])


def test_every_row_cites_a_section_that_is_there() -> None:
    for row in RESOURCES:
        found = list(citations(row.source))
        assert found, row.name
        assert all(number in HEADINGS[name] for name, number in found), row.name


def test_what_the_client_asks_is_served() -> None:
    named = [getattr(paths, name) for name in paths.__all__ if name.isupper()]
    asked = {path for path in named if isinstance(path, str) and path.startswith("/rest/")}
    assert asked <= {row.path for row in RESOURCES if row.dialects == frozenset(Dialect)}


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("GET", "/rest/domain/acme.example/acd", "GET /rest/domain/{domain}/acds"),
        ("GET", "/rest/user/40@acme.example/wallbord/600", "GET /rest/user/{account}/wallboard/{queue}"),
        ("PATCH", "/rest/user/40@acme.example/dnd", "GET /rest/user/{account}/dnd"),
        ("GET", "/rest/user/40@acme.example/no/such/thing", ""),
        ("GET", "/rest/", ""),
    ],
)
async def test_an_unknown_resource_is_404_and_named_with_the_nearest(
    http: Http, caplog: pytest.LogCaptureFixture, method: str, path: str, meant: str
) -> None:
    with caplog.at_level(logging.WARNING, "pbxnb.simulator"):
        for _ in range(2):
            async with http.session.request(method, http.base + path) as response:
                assert (response.status, await response.text()) == (404, "false")
    (said,) = [record.getMessage() for record in caplog.records if record.name == "pbxnb.simulator"]
    assert said == f"{method} {path} is not served" + (f"; did you mean {meant}?" if meant else ".")
    assert (await http.ask("GET", "/simulator", name="admin"))["unknown"] == {f"{method} {path}": meant}


async def test_the_list_of_unknown_resources_is_bounded_and_clean(http: Http) -> None:
    for n in range(300):
        assert await http.ask("GET", f"/rest/none{n}") == 404
    assert len(http.sim.server.unknown) == 200
    http.sim.server.unknown.clear()
    await http.ask("GET", "/rest/%0a%1b[31m" + "x" * 500)
    (asked,) = http.sim.server.unknown
    assert asked.isprintable()
    assert len(asked) < 100
