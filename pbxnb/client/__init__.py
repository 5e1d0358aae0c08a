"""Ring 3, asyncio: login, transport, reconnect, resync, commands confirmed by effect. Knows no thread and no notebook.

async with Client("wss://pbx.example.com", domain="acme.example", user="45", login=Password("…")) as client:
    print(client.status.state, len(client.store.calls))
"""

from .client import Client
from .commands import Outcome, OutcomeStatus
from .endpoint import Endpoint
from .logins import AdminToken, Login, Password, Session
from .rest import RestError
from .timing import Timing
from .tls import Pin

__all__ = [
    "AdminToken",
    "Client",
    "Endpoint",
    "Login",
    "Outcome",
    "OutcomeStatus",
    "Password",
    "Pin",
    "RestError",
    "Session",
    "Timing",
]
