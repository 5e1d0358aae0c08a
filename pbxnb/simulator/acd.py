"""Queues: who waits, which agent rings next, wrap-up, and the day's counters.

One `Acd` serves one `Exchange` and is driven by it; it never ends or connects a call by itself but asks it to.
Agents are rung longest-idle first, one per waiting caller, first come first served; no skills (telephony.md part 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .accounts import Agent, Queue
from .calls import Call, Cause, Phase

if TYPE_CHECKING:
    from .exchange import Exchange

__all__ = ["Acd"]


class Acd:
    """The queue rules of one tenant."""

    def __init__(self, pbx: Exchange) -> None:
        self._pbx = pbx

    def login(self, queue: Queue, number: str, on: bool) -> bool:
        """Log an agent in or out; False when it already was so. A new agent joins the queue."""
        agent = queue.agents.get(number)
        if agent is None:
            if not on:
                return False
            agent = queue.agents[number] = Agent(number, logged_in=False)
        if agent.logged_in == on:
            return False
        agent.logged_in = on
        agent.idle_since = agent.login_at = self._pbx.clock.now
        self._pbx.account_changed(queue.number)
        self.dispatch(queue)
        return True

    def pause(self, queue: Queue, number: str, on: bool) -> bool:
        """Let an agent rest, or call it back; False when unknown or already so."""
        agent = queue.agents.get(number)
        if agent is None or agent.paused == on:
            return False
        agent.paused = on
        agent.idle_since = self._pbx.clock.now
        self._pbx.account_changed(queue.number)
        self.dispatch(queue)
        return True

    def agent_state(self, agent: Agent) -> str:
        """``off``, ``paused``, ``busy``, ``wrap-up`` or ``idle``."""
        pbx = self._pbx
        if not agent.logged_in:
            return "off"
        if pbx.calls_of(agent.number):
            return "busy"
        if agent.paused:
            return "paused"
        return "wrap-up" if agent.wrap_up_until > pbx.clock.now else "idle"

    def enter(self, queue: Queue, call: Call) -> None:
        """A caller joins the queue."""
        pbx = self._pbx
        queue.stats.count += 1
        queue.waiting.append(call.id)
        call.group = queue.number
        call.called, call.connected = pbx.end(queue.number), None
        pbx.phase(call, Phase.QUEUED)
        if queue.max_wait is not None:
            call.max_wait = pbx.clock.at(queue.max_wait, lambda: self._waited_too_long(queue, call))
        self.dispatch(queue)

    def leave(self, call: Call, cause: Cause | None) -> None:
        """A call that was waiting or ringing here is answered (None), gone or sent elsewhere."""
        queue = self._pbx.accounts.get(call.group)
        if not isinstance(queue, Queue) or call.id not in queue.waiting:
            return
        queue.waiting.remove(call.id)
        if call.max_wait is not None:
            call.max_wait.cancel()
        stats = queue.stats
        if cause is Cause.TRANSFERRED:
            stats.redirect_waiting += 1
        elif cause is not None and call.phase is Phase.RINGING:
            stats.hangup_ringing += 1
        elif cause is not None:
            stats.hangup_waiting += 1

    def not_answered(self, queue: Queue, call: Call, number: str) -> None:
        """The agent did not take it: a miss for the agent, and the caller waits on in the same place."""
        if (agent := queue.agents.get(number)) is not None:
            agent.missed += 1
            agent.idle_since = self._pbx.clock.now
        self._pbx.stop_ringing(call)
        self._pbx.phase(call, Phase.QUEUED)
        self.dispatch(queue)

    def served(self, call: Call, number: str) -> None:
        """An agent's part in a queue call is over: counters, wrap-up, then the next caller."""
        queue = self._pbx.accounts.get(call.group)
        if not isinstance(queue, Queue) or (agent := queue.agents.get(number)) is None:
            return
        stats = queue.stats
        talk, hold = call.spent.get(Phase.CONNECTED, 0.0), call.spent.get(Phase.HELD, 0.0)
        stats.completed += 1
        stats.ivr += call.spent.get(Phase.QUEUED, 0.0)
        stats.ring += call.spent.get(Phase.RINGING, 0.0)
        stats.talk += talk
        stats.hold += hold
        agent.calls += 1
        agent.talk += talk
        agent.hold += hold
        agent.wrap_up_until = agent.idle_since = self._pbx.clock.now + queue.wrap_up

    def free(self, number: str) -> None:
        """An extension may have become available: look at its queues now and after its wrap-up."""
        for queue in self._pbx.queues:
            if number in queue.agents:
                self.dispatch(queue)

    def dispatch(self, queue: Queue) -> None:
        """Ring free agents for those who wait; come back when the next wrap-up ends."""
        pbx = self._pbx
        now = pbx.clock.now
        waiting = [c for c in (pbx.calls[i] for i in queue.waiting) if c.phase is Phase.QUEUED]
        if not waiting:
            return
        ready = [a for a in queue.agents.values() if a.logged_in and not a.paused and pbx.free_for_queue(a.number)]
        free = sorted((a for a in ready if a.wrap_up_until <= now), key=lambda a: (a.idle_since, a.number))
        for call, agent in zip(waiting, free, strict=False):
            self._ring(queue, call, agent.number)
        later = [a.wrap_up_until for a in ready if a.wrap_up_until > now]
        if len(waiting) > len(free) and later:
            if queue.wake is not None:
                queue.wake.cancel()
            queue.wake = pbx.clock.at(min(later) - now, lambda: self.dispatch(queue))

    def _ring(self, queue: Queue, call: Call, number: str) -> None:
        pbx = self._pbx
        pbx.ring(call, (number,), queue.ring_for, lambda: self.not_answered(queue, call, number))

    def _waited_too_long(self, queue: Queue, call: Call) -> None:
        if call.open and call.id in queue.waiting:
            self.leave(call, Cause.TRANSFERRED)
            self._pbx.stop_ringing(call)
            self._pbx.give_up(call, queue.then, Cause.NO_ANSWER)
