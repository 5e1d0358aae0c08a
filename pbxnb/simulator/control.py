"""Steering over HTTP, for another process: ``/simulator/...`` on the PBX's own port, for its administrator only.

``curl -u admin:SECRET -X POST http://127.0.0.1:PORT/simulator/faults/stall -d '{"seconds": 30}'``. A real PBX has
nothing like it; it does no more than `Steering` does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from pbxnb.errors import PbxError, SimulatorError

from .faults import FAULTS
from .presets import PRESETS
from .scenarios import scenario_names
from .stage import Performance

if TYPE_CHECKING:
    from .run import Simulator

__all__ = ["control_routes"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST_PLAYS = 50


def _answer(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def control_routes(simulator: Simulator) -> list[web.RouteDef]:
    """The routes; every one answers 401 to anybody but the administrator."""
    server = simulator.server
    plays: list[Performance] = []

    def guarded(handler: Handler) -> Handler:
        async def guard(request: web.Request) -> web.StreamResponse:
            whose = server.identity(request)
            if whose is None or whose.kind != "admin":
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="pbxnb simulator"'})
            try:
                return await handler(request)
            except PbxError as error:
                return _answer({"error": str(error)}, 400)

        return guard

    async def body(request: web.Request) -> Any:
        text = (await request.read()).decode(errors="replace")
        try:
            return msgspec.json.decode(text) if text.strip() else {}
        except msgspec.DecodeError:
            return text

    async def overview(request: web.Request) -> web.Response:
        """What there is and what is going on."""
        return _answer(
            {
                "preset": simulator.preset.name,
                "presets": {each.name: each.text for each in PRESETS.values()},
                "now": simulator.plant.pace.clock.now,
                "rate": simulator.plant.pace.rate,
                "clients": len(server.sockets),
                "calls": len(simulator.pbx.calls),
                "faults": {name: (fault.__doc__ or "").partition("\n")[0] for name, fault in FAULTS.items()},
                "active": [each.name for each in simulator.faults.active],
                "scenarios": scenario_names(),
                "playing": [_play(each) for each in plays],
            }
        )

    async def break_(request: web.Request) -> web.Response:
        """Start a fault; the body holds its options."""
        options = await body(request)
        if not isinstance(options, Mapping):
            raise SimulatorError("The options of a fault are a JSON object.", hint='Such as {"seconds": 5}.')
        active = server.do(lambda: simulator.faults.start(request.match_info["name"], **options))
        return _answer({"fault": active.name, "over": active.over})

    async def mend(request: web.Request) -> web.Response:
        """End one fault, or all."""
        name = request.match_info.get("name", "")
        going = [each.name for each in simulator.faults.active if name in ("", each.name)]
        simulator.faults.stop(name)
        return _answer({"ended": going})

    async def play(request: web.Request) -> web.Response:
        """Play a scenario: by the name in the path, or the JSON or YAML in the body."""
        name = request.match_info.get("name", "")
        performance = simulator.scenario(name or await body(request))
        del plays[: len(plays) - MOST_PLAYS + 1]
        plays.append(performance)
        return _answer(_play(performance))

    return [
        web.get("/simulator", guarded(overview)),
        web.post("/simulator/faults/{name}", guarded(break_)),
        web.delete("/simulator/faults", guarded(mend)),
        web.delete("/simulator/faults/{name}", guarded(mend)),
        web.post("/simulator/scenarios", guarded(play)),
        web.post("/simulator/scenarios/{name}", guarded(play)),
    ]


def _play(performance: Performance) -> dict[str, object]:
    return {
        "scenario": performance.scenario.name,
        "seconds": performance.scenario.seconds,
        "steps": len(performance.scenario.steps),
        "played": len(performance.log),
        "done": performance.done,
        "error": str(performance.error or ""),
    }
