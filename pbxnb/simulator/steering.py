"""Steering over HTTP, for another process: ``/simulator/...`` on the PBX's own port, for its administrator only.

``curl -u admin:SECRET -X POST http://127.0.0.1:PORT/simulator/faults/stall -d '{"seconds": 30}'``. A real PBX has
nothing like it; it does no more than the methods of `Simulator` do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from pbxnb.errors import PbxError, SimulatorError

from .faults import FAULTS, Faults
from .presets import PRESETS, Preset
from .scenario_run import ScenarioRun
from .scenarios import scenario_names
from .server.answers import answer
from .server.http import Handler, SimServer

__all__ = ["steering_routes"]

MOST_RUNS = 50


def steering_routes(
    server: SimServer, preset: Preset, faults: Faults, play: Callable[[Any], ScenarioRun]
) -> list[web.RouteDef]:
    """The routes; every one answers 401 to anybody but the administrator.

    Args:
        server: what is steered.
        preset: its preset.
        faults: its faults.
        play: runs a scenario given as for `Simulator.scenario`.
    """
    runs: list[ScenarioRun] = []

    def guarded(handler: Handler) -> Handler:
        async def guard(request: web.Request) -> web.StreamResponse:
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
        except msgspec.DecodeError:
            return text

    async def overview(request: web.Request) -> web.Response:
        """What there is and what is going on."""
        return answer(
            {
                "preset": preset.name,
                "presets": {each.name: each.text for each in PRESETS.values()},
                "now": server.pace.moment.timestamp(),
                "rate": server.pace.rate,
                "clients": len(server.sockets),
                "calls": sum(len(tenant.pbx.calls) for tenant in server.tenants.values()),
                "faults": {name: (fault.__doc__ or "").partition("\n")[0] for name, fault in FAULTS.items()},
                "active": [each.name for each in faults.active],
                "scenarios": scenario_names(),
                "playing": [_run(each) for each in runs],
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
        """Play a scenario: by the name in the path, or the JSON or YAML in the body."""
        name = request.match_info.get("name", "")
        run = play(name or await body(request))
        del runs[: len(runs) - MOST_RUNS + 1]
        runs.append(run)
        return answer(_run(run))

    return [
        web.get("/simulator", guarded(overview)),
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
