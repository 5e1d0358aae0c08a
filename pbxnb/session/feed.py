"""`Feed`: what a line asks of the source of its model. A `Client` is one, and so is the playback of a recording."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pbxnb.client.commands import Outcome
from pbxnb.client.endpoint import Endpoint
from pbxnb.model.changes import Changes, Event, Frame
from pbxnb.model.entities import Status
from pbxnb.model.kept.inputs import Input
from pbxnb.model.store import Store
from pbxnb.protocol.commands import Context, Plan
from pbxnb.protocol.coverage import Coverage
from pbxnb.signals import Signal

if TYPE_CHECKING:
    from pbxnb.client.client import Client

__all__ = ["Feed"]


class Feed(Protocol):
    """The only writer of one model. It runs on the I/O lane, and its signals fire there."""

    @property
    def endpoint(self) -> Endpoint:
        """Where, and as whom."""

    @property
    def store(self) -> Store:
        """The model, to be asked for anew each time: a recording that jumps has another one."""

    @property
    def coverage(self) -> Coverage:
        """Which actions, fields and values came."""

    @property
    def status(self) -> Status:
        """The line, now."""

    @property
    def on_event(self) -> Signal[Event]:
        """Gets every event, messages and connection included."""

    @property
    def on_changes(self) -> Signal[Changes]:
        """Gets every `Changes` that is not empty, before its events."""

    @property
    def on_frame(self) -> Signal[Frame]:
        """Gets every frame, both directions."""

    @property
    def on_input(self) -> Signal[Input]:
        """Gets every input of the model, before it is applied."""

    @property
    def on_status(self) -> Signal[Status]:
        """Gets the status at every change of the line's state."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock that stamps what the model learns."""

    async def run(self) -> None:
        """Feed the model until closed; may be called again after a failure ended it."""

    async def aclose(self) -> None:
        """Stop."""

    def reconnect(self) -> None:
        """Try again at once, where the next attempt waits for its time."""

    def keep_read(self, queues: bool, orbits: bool) -> Callable[[], None]:
        """Read queues or orbits regularly until the function returned is called."""

    def context(self, account: str = "") -> Context:
        """What the planner of commands needs to know."""

    async def execute(self, plan: Plan, deadline: float | None = None) -> Outcome:
        """Send a command and wait for what becomes of it."""


if TYPE_CHECKING:

    def _is_a_feed(client: Client) -> Feed:
        return client
