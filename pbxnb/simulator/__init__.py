"""An embedded PBX over real loopback HTTP and WebSocket: the other end of the wire. Imports nothing of the client."""

from __future__ import annotations

from .presets import PRESETS, Habits, Load, Preset, preset
from .recording import read_recording
from .replay import Replay, serve_recording, start_recording
from .run import Simulator, serve, start
from .scenarios import Scenario, scenario, scenario_names

__all__ = [
    "PRESETS",
    "Habits",
    "Load",
    "Preset",
    "Replay",
    "Scenario",
    "Simulator",
    "preset",
    "read_recording",
    "scenario",
    "scenario_names",
    "serve",
    "serve_recording",
    "start",
    "start_recording",
]
