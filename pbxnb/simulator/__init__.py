"""An embedded PBX over real loopback HTTP and WebSocket; it imports nothing of the client.

``engine`` is the PBX inside, ``server`` what is on its port, ``traffic`` the calls that happen by themselves.
"""

from __future__ import annotations

from .handle import Simulator
from .presets import PRESETS, Habits, Load, Preset, preset
from .replay import Replay, read_recording, serve_recording, start_recording
from .scenarios import Scenario, scenario, scenario_names
from .start import serve, start

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
