"""An embedded PBX steered from another process, over HTTP on its own port. A real PBX has nothing like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from pbxnb.errors import PbxError, SimulatorError

from .faults import FAULTS
from .handle import Simulator
from .presets import PRESETS
from .rest.catalogue import catalogue, page
from .scenario_run import ScenarioRun
from .scenarios import scenario, scenario_names
from .server.addresses import foreign
from .server.answers import answer
from .server.port import Handler

__all__ = ["steering_routes"]

MOST_RUNS = 50


def steering_routes(simulator: Simulator) -> list[web.RouteDef]:
    """``/simulator/...`` on the PBX's own port, for another process.

    Anybody but the administrator gets 401, and a page of a browser that is not ours 403.

    It does no more than the methods of `Simulator` do.

    Example:
        ``curl -u admin:SECRET -X POST http://127.0.0.1:PORT/simulator/faults/stall -d '{"seconds": 30}'``
    """
    server, faults = simulator.server, simulator.faults
    runs: list[ScenarioRun] = []

    def guarded(handler: Handler) -> Handler:
        async def guard(request: web.Request) -> web.StreamResponse:
            if (refused := foreign(request, simulator.host)) is not None:
                return refused
            whose = server.identity(request)
            if whose is None or whose.kind != "admin":
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="pbxnb simulator"'})
            try:
                return await handler(request)
            except PbxError as error:
                return answer({"error": str(error)}, status=400)

        return guard

    async def body(request: web.Request) -> Any:
        text = (await request.read()).decode(errors="replace")
        try:
            return msgspec.json.decode(text) if text.strip() else {}
        except (msgspec.DecodeError, RecursionError):
            return text

    async def overview(request: web.Request) -> web.Response:
        """What there is and what is going on."""
        return answer(
            {
                "preset": simulator.preset.name,
                "presets": {each.name: each.text for each in PRESETS.values()},
                "now": server.pace.moment.timestamp(),
                "rate": server.pace.rate,
                "clients": len(server.sockets),
                "calls": sum(len(tenant.pbx.calls) for tenant in server.tenants.values()),
                "domains": {domain: len(tenant.pbx.calls) for domain, tenant in server.tenants.items()},
                "faults": {name: (fault.__doc__ or "").partition("\n")[0] for name, fault in FAULTS.items()},
                "active": [each.name for each in faults.active],
                "scenarios": scenario_names(),
                "playing": [_run(each) for each in runs],
                "unknown": server.unknown,
            }
        )

    async def start_fault(request: web.Request) -> web.Response:
        """Start a fault; the body holds its options."""
        options = await body(request)
        if not isinstance(options, Mapping):
            raise SimulatorError("The options of a fault are a JSON object.", hint='Such as {"seconds": 5}.')
        active = server.do(lambda: faults.start(request.match_info["name"], **options))
        return answer({"fault": active.name, "over": active.over})

    async def end_fault(request: web.Request) -> web.Response:
        """End one fault, or all."""
        name = request.match_info.get("name", "")
        going = [each.name for each in faults.active if name in ("", each.name)]
        faults.stop(name)
        return answer({"ended": going})

    async def run_scenario(request: web.Request) -> web.Response:
        """Play a scenario: by the name in the path, or the steps in the body, as JSON or YAML; never a file.

        ``?domain=`` says where; by default in the first tenant.
        """
        name = request.match_info.get("name", "")
        script = scenario(name or await body(request), files=False)
        run = simulator.scenario(script, domain=request.query.get("domain", ""))
        del runs[: len(runs) - MOST_RUNS + 1]
        runs.append(run)
        return answer(_run(run))

    async def api(request: web.Request) -> web.Response:
        """The catalogue of what is served; there is nothing secret in it, so that anybody of ours may read it."""
        if (refused := foreign(request, simulator.host)) is not None:
            return refused
        rows = catalogue(server.dialect)
        if "text/html" in request.headers.get("Accept", ""):
            return web.Response(text=page(rows), content_type="text/html")
        return answer(rows)

    return [
        web.get("/simulator", guarded(overview)),
        web.get("/simulator/api", api),
        web.post("/simulator/faults/{name}", guarded(start_fault)),
        web.delete("/simulator/faults", guarded(end_fault)),
        web.delete("/simulator/faults/{name}", guarded(end_fault)),
        web.post("/simulator/scenarios", guarded(run_scenario)),
        web.post("/simulator/scenarios/{name}", guarded(run_scenario)),
    ]


def _run(run: ScenarioRun) -> dict[str, object]:
    return {
        "scenario": run.scenario.name,
        "seconds": run.scenario.seconds,
        "steps": len(run.scenario.steps),
        "played": len(run.log),
        "done": run.done,
        "error": str(run.error or ""),
    }
