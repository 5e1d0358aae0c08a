"""An embedded PBX over real loopback HTTP and WebSocket: the other end of the wire. Imports nothing of the client."""

from __future__ import annotations

from .run import Simulator, serve, start

__all__ = ["Simulator", "serve", "start"]
