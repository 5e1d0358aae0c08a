"""The queues of the embedded PBX at work: who is rung for whom, and how a caller leaves.

* A caller enters, waits, rings at the agent idle longest, and is taken; an agent who does not answer has missed a ring,
  and the caller waits on in the same place.
* Agents who are logged out, on a break, on DND, without a phone or with any call are not rung. A ring in progress when
  the break begins or the agent logs out stops, is nobody's miss, and the caller waits on; DND lets it ring.
* A break may begin during a call; it ends nothing. Logging out ends the break.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from .accounts import SimQueue
from .calls import TALKING, Cause, SimCall, SimParty, SimPhase
from .clock import SimClock
from .directory import SimDirectory
from .queue_days import QueueReason

__all__ = ["Dispatcher", "Exchange"]

MOST_REASON = 100


class Exchange(Protocol):
    """What queues ask of the switch."""

    directory: SimDirectory
    clock: SimClock
    calls: dict[str, SimCall]
    free_since: dict[str, float]

    def calls_of(self, number: str) -> tuple[SimCall, ...]:
        """Calls that an account shows now."""

    def free_for_queue(self, number: str) -> bool:
        """An extension that a queue may ring."""

    def enter_phase(self, call: SimCall, phase: SimPhase) -> None:
        """Enter a phase and book the time of the last."""

    def ring(self, call: SimCall, numbers: tuple[str, ...], seconds: float, then: Callable[[], object]) -> None:
        """Ring extensions; ``then`` happens if nobody answers in time."""

    def give_up(self, call: SimCall, then: str, cause: Cause) -> None:
        """Send a call on, or end it."""

    def reaches(self, number: str) -> bool:
        """Whether a call can be sent to this number."""

    def account_changed(self, number: str) -> None:
        """An account has changed."""


class Dispatcher:
    """The queues of one tenant.

    Args:
        exchange: moves the calls.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._accounts: Mapping[str, object] = exchange.directory.accounts
        self._clock = exchange.clock

    # -- agents --------------------------------------------------------------------------------------------------

    def login(self, queue: str, number: str, on: bool) -> bool:
        """Log an agent into or out of a queue; False when unknown or already so."""
        account = self._accounts.get(queue)
        if not isinstance(account, SimQueue) or self._exchange.directory.extension(number) is None:
            return False
        return account.login(number, on, self._clock.now) and self._agent_changed(account, number)

    def pause(self, queue: str, number: str, on: bool, reason: str = "") -> bool:
        """Begin or end an agent's break; False when unknown, logged out or already so."""
        account = self._accounts.get(queue)
        if not isinstance(account, SimQueue):
            return False
        paused = account.pause(number, on, self._clock.now, reason[:MOST_REASON])
        return paused and self._agent_changed(account, number)

    def set_agents(self, queue: SimQueue, numbers: Iterable[str]) -> None:
        """Make these extensions the agents of a queue: who is new is logged in, who is not among them leaves it."""
        wanted = dict.fromkeys(n for n in numbers if self._exchange.directory.extension(n) is not None)
        for number in [n for n in queue.agents if n not in wanted]:
            self.login(queue.number, number, False)
            del queue.agents[number]
        for number in wanted:
            if number not in queue.agents:
                self.login(queue.number, number, True)
        self._exchange.account_changed(queue.number)

    def _agent_changed(self, queue: SimQueue, number: str) -> bool:
        agent = queue.agents[number]
        if agent.paused or not agent.logged_in:
            for call in self._exchange.calls_of(number):
                if call.group == queue.number and number in call.ringing:
                    self._wait_on(queue, call)
        self._exchange.account_changed(queue.number)
        self.freed(number)
        return True

    def missed(self, queue: SimQueue, call: SimCall, number: str) -> None:
        """An agent did not take the call."""
        queue.missed(call, number, self._clock.now)
        self._wait_on(queue, call)

    def freed(self, number: str) -> None:
        """An extension may have become available: its queues ring it now, or after its wrap-up."""
        for queue in self._exchange.directory.queues:
            if number in queue.agents:
                self.dispatch(queue)

    # -- callers -------------------------------------------------------------------------------------------------

    def enter(self, queue: SimQueue, call: SimCall) -> None:
        """A caller comes."""
        call.book(self._clock.now)
        call.group = call.through = queue.number
        call.connected = None
        queue.enter(call, self._clock.now)
        # A queue sends a caller on at once only the first time: two that are full would do it for ever.
        known = queue.number in call.forwarded_by
        if not known:
            call.forwarded_by += (queue.number,)
        if queue.anonymous and not known and not any(sign.isdigit() for sign in call.caller.number):
            self._send_on(queue, call, queue.anonymous, QueueReason.REDIRECT_ANONYMOUS)
            return
        if queue.max_calls is not None and len(queue.waiting) >= queue.max_calls:
            self._send_on(queue, call, "" if known else queue.then, QueueReason.MAX_CALLS, Cause.BUSY)
            return
        queue.waiting.append(call.id)
        self._exchange.enter_phase(call, SimPhase.QUEUED)
        if queue.max_wait is not None:
            call.max_wait = self._clock.at(queue.max_wait, lambda: self._waited_too_long(queue, call))
        self.dispatch(queue)

    def answered(self, call: SimCall, called: SimParty) -> None:
        """Somebody takes the call: an agent, or who is none and picks it up, which takes it out of the queue."""
        queue = self._queue_of(call)
        if queue is None:
            return
        if called.number in queue.agents:
            queue.answered(call)
        else:
            self.left(call, Cause.TRANSFERRED)
            call.group = ""

    def left(self, call: SimCall, cause: Cause) -> None:
        """The call's time with its queue, if it is in one, is over."""
        queue, now = self._queue_of(call), self._clock.now
        if queue is None:
            return
        call.book(now)
        if call.phase in TALKING:
            sent_on = cause is Cause.TRANSFERRED
            queue.leave(call, QueueReason.SENT_ON if sent_on else QueueReason.HANGUP_CONNECTED, call.called)
            if (agent := queue.agents.get(call.called.number)) is not None:
                agent.wrap_up_until = agent.idle_since = now + queue.wrap_up
            return
        ringing, reason = call.phase is SimPhase.RINGING, QueueReason.OTHER
        if cause is Cause.TRANSFERRED:
            reason = QueueReason.REDIRECT_RINGING if ringing else QueueReason.REDIRECT_WAITING
        elif cause is Cause.CANCELLED:
            reason = QueueReason.HANGUP_RINGING if ringing else QueueReason.HANGUP_WAITING
        queue.leave(call, reason)

    def press(self, call: SimCall, digits: str) -> bool:
        """A waiting caller leaves by pressing what the queue offers."""
        queue = self._queue_of(call)
        return queue is not None and self.redirect(call, queue.exits.get(digits, ""), QueueReason.USER)

    def redirect(self, call: SimCall, to: str, reason: QueueReason) -> bool:
        """Send a waiting caller elsewhere; False when it waits in no queue, or there is no such place."""
        queue = self._queue_of(call)
        if queue is None or call.id not in queue.waiting or to == queue.number or not self._exchange.reaches(to):
            return False
        self._send_on(queue, call, to, reason)
        return True

    def _waited_too_long(self, queue: SimQueue, call: SimCall) -> None:
        if call.id in queue.waiting:
            ringing = call.phase is SimPhase.RINGING
            reason = QueueReason.REDIRECT_RINGING if ringing else QueueReason.REDIRECT_WAITING
            self._send_on(queue, call, queue.then, reason if queue.then else QueueReason.OTHER, Cause.NO_ANSWER)

    def _send_on(
        self, queue: SimQueue, call: SimCall, to: str, reason: QueueReason, cause: Cause = Cause.NORMAL
    ) -> None:
        call.book(self._clock.now)
        queue.leave(call, reason)
        call.stop_ringing()
        self._exchange.give_up(call, to, cause)

    def _wait_on(self, queue: SimQueue, call: SimCall) -> None:
        """The caller whose ringing has stopped waits on in the same place."""
        call.stop_ringing()
        self._exchange.enter_phase(call, SimPhase.QUEUED)
        self.dispatch(queue)

    def _queue_of(self, call: SimCall) -> SimQueue | None:
        """The queue the call is in."""
        queue = self._accounts.get(call.group)
        return queue if isinstance(queue, SimQueue) and call.id in queue.inside else None

    # -- who is rung ---------------------------------------------------------------------------------------------

    def dispatch(self, queue: SimQueue) -> None:
        """Ring free agents for those who wait, first come first served; come back when the next wrap-up ends."""
        calls = self._exchange.calls
        waiting = [c for c in (calls[i] for i in queue.waiting) if c.phase is SimPhase.QUEUED]
        if not waiting:
            return
        now = self._clock.now
        free, later = queue.free_agents(now, self._exchange.free_for_queue)
        for call, agent in zip(waiting, free, strict=False):
            idle_since = max(agent.idle_since, self._exchange.free_since.get(agent.number, 0.0))
            queue.inside[call.id].idle = now - idle_since
            self._ring(queue, call, agent.number)
        if len(waiting) > len(free) and later is not None:
            if queue.wake is not None:
                queue.wake.cancel()
            queue.wake = self._clock.at(later - now, lambda: self.dispatch(queue))

    def _ring(self, queue: SimQueue, call: SimCall, number: str) -> None:
        self._exchange.ring(call, (number,), queue.ring_for, lambda: self.missed(queue, call, number))
