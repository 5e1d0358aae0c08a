"""Plays a sequence against an embedded PBX and judges it; many at once, each on a loop and in a thread of its own."""

from __future__ import annotations

import asyncio
import collections
import gc
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from pbxnb.client import OutcomeStatus, Password
from pbxnb.errors import ConnectionFailed, PbxError
from pbxnb.session.registry import REGISTRY
from pbxnb.simulator import Simulator, start
from pbxnb.simulator.engine.calls import ChangeKind, SimChange
from pbxnb.simulator.presets import Load, preset
from pbxnb.simulator.server.security import make_certificate
from tests.chaos.judge import contradictions, differences, truth, wrong_gaps
from tests.chaos.sequences import PLACES, Sequence, Step
from tests.chaos.subjects import PING, OnLoop, OnThreads, Subject
from tests.helpers.chaos_proxy import Armed, ChaosProxy

__all__ = ["Figures", "breaches"]

AT_ONCE = 6
LIMIT = 25.0  # seconds for anything that has to happen

# Four calls and two changes of presence a real second: some begin and some end in every outage.
BUSY = preset("classroom").but(
    name="chaos",
    load=Load(internal=80, outbound=50, inbound=60, queued=40, presence=120, per_extension=False),
    warm_up=60.0,
)
OLD = BUSY.but(load=Load(internal=80, outbound=50, inbound=60, queued=40, per_extension=False))

Figures = collections.Counter[str]


class Play:
    """One sequence.

    Args:
        folder: for the certificate.
    """

    def __init__(self, what: Sequence, folder: str, figures: Figures) -> None:
        self.what = what
        self.wrong: list[str] = []
        self._folder = folder
        self._figures = figures
        self._given: list[tuple[str, asyncio.Task[Any]]] = []
        self._done: Figures = collections.Counter()
        self._number = 0

    async def run(self) -> None:
        """Play it, heal, and look."""
        what, loop = self.what, asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.wrong.append(f"the loop was told: {context}"))
        sim = start(
            OLD if what.old else BUSY,
            extensions=12,
            seed=abs(what.seed) + 1,
            speed=60.0,
            dialect="2016" if what.old else "modern",
            held=False,
        )
        with sim:
            sim.run(lambda: sim.pbx.changed.add(self._changed))
            certificate, tls = "", None
            if what.tls:
                pem, tls = make_certificate("127.0.0.1")
                certificate = os.path.join(self._folder, f"{what.seed}.pem")  # noqa: PTH118
                with open(certificate, "w", encoding="ascii") as file:  # noqa: ASYNC230, PTH123 - a few bytes
                    file.write(pem)
            async with ChaosProxy(sim.port, seed=what.seed, limit=PING, tls=tls) as proxy:
                await self._line(sim, proxy, certificate)
                self._figures.update(proxy.tally)

    async def _line(self, sim: Simulator, proxy: ChaosProxy, certificate: str) -> None:
        what = self.what
        url = f"{'wss' if what.tls else 'ws'}://127.0.0.1:{proxy.port}"
        options = {
            "domain": sim.domain,
            "user": sim.user,
            "login": Password(sim.password),
            "tls": certificate or None,
        }
        refused = any(step.fault.name == "login-refused" for step in what.steps)
        subject: Subject = (OnThreads if what.handle else OnLoop)(url, 0.15 if refused else 600.0, **options)
        try:
            await self._cold(subject, proxy)
            for step in what.steps:
                self._figures[f"step {step.fault.name}"] += 1
                last = step is what.steps[-1]
                await self._step(step, sim, proxy, subject, refused, cut_short=last and what.cut_short)
            if not what.cut_short:
                await self._healed(sim, proxy, subject)
        finally:
            before, end = subject.gaps(), time.time()
            began = time.monotonic()
            await subject.close()
            if time.monotonic() - began > 2.0:
                self.wrong.append(f"closing took {time.monotonic() - began:.1f} s")
            subject.journal.finish()
        self.wrong += subject.journal.wrong
        self.wrong += wrong_gaps(
            before,
            proxy.passages,
            live=subject.journal.live,
            again=subject.journal.again,
            interval=PING,
            stale=2 * PING,
            end=end,
        )
        await self._outcomes(sim)

    async def _cold(self, subject: Subject, proxy: ChaosProxy) -> None:
        """The first attempt."""
        if self.what.cold is not None:
            armed = proxy.arm(self.what.cold)
            error = await subject.start()
            if not armed.begun.is_set():
                self.wrong.append("the fault of the first attempt did not strike")
            proxy.heal()
            if error is None:
                return
            self._told(error)
        error = await subject.start()
        if error is not None:
            raise AssertionError(f"a sound line is not live: {error!r}")

    async def _step(
        self, step: Step, sim: Simulator, proxy: ChaosProxy, subject: Subject, refused: bool, *, cut_short: bool
    ) -> None:
        ended = asyncio.ensure_future(subject.ended())
        ended.add_done_callback(lambda _: subject.journal.poke())
        try:
            undo = await self._harm(step, sim, proxy, subject, ended)
            self._command(step, subject)
            if step.churn:
                await asyncio.to_thread(sim.run, lambda: sim.server.skip(step.churn))
            if cut_short:
                return
            await self._until_over(step, proxy, subject, ended)
            proxy.heal()
            await undo()
            if step.ends is not None:
                await self._first(asyncio.Event().wait(), ended, f"{step} ends the line")
            elif step.calm:
                await self._live(proxy, subject, f"after {step}", ended)
            if ended.done():
                error = ended.result()
                allowed = {*step.may_end, *([step.ends] if step.ends else [])}
                for each in self.what.steps:  # one that was not waited for may show late
                    allowed |= {*each.may_end}
                if refused:
                    allowed.add(ConnectionFailed)  # whatever refuses often enough is believed
                if error is None or not isinstance(error, tuple(allowed)):
                    self.wrong.append(f"{step} ended the line: {error!r}")
                else:
                    self._told(error)
                self._figures["ended by the rules"] += 1
                if (error := await subject.start()) is not None:
                    raise AssertionError(f"the line does not come back after {step}: {error!r}")
        finally:
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)

    async def _harm(
        self, step: Step, sim: Simulator, proxy: ChaosProxy, subject: Subject, ended: asyncio.Future[Any]
    ) -> Callable[[], Coroutine[Any, Any, None]]:
        """Begin a fault; returns when it has struck, with the way to undo it."""

        async def nothing() -> None:
            return None

        async def listen() -> None:
            proxy.tls = former
            await proxy.close_port()
            await proxy.open_port()

        name, former, journal = step.fault.name, proxy.tls, subject.journal
        down = len(journal.states)
        if name not in PLACES:
            armed = proxy.arm(step.fault, journal.poke)
            if step.fault.at:
                await self._meet(step, armed.begun.is_set, proxy, subject, ended)
            await self._first(armed.begun.wait(), ended, f"{step} strikes")
            return nothing
        self._figures[name] += 1
        if name == "restart":
            sim.faults.restart(seconds=0.05)
        elif name == "login-refused":
            password, sim.login._password = sim.login._password, "changed"

            async def right() -> None:
                sim.login._password = password

            proxy.drop()
            await self._first(asyncio.Event().wait(), ended, "a refusal that is believed")
            return right
        elif name == "port-closed":
            await proxy.close_port()
            await self._meet(
                step, lambda: any("Nothing listens" in why for why in journal.whys[down:]), proxy, subject, ended
            )
            return listen
        else:
            proxy.tls = make_certificate("127.0.0.1")[1]
            await proxy.close_port()
            await proxy.open_port()
            proxy.drop()
            await self._first(asyncio.Event().wait(), ended, "a changed certificate that is refused")
            return listen
        await journal.until(
            lambda: any(s != "live" for s in journal.states[down:]) or ended.done(), f"{step} shows", LIMIT
        )
        return nothing

    async def _until_over(self, step: Step, proxy: ChaosProxy, subject: Subject, ended: asyncio.Future[Any]) -> None:
        armed: Armed | None = proxy._armed
        if armed is None:
            return
        name, journal = step.fault.name, subject.journal
        if name == "stall-out" or (name == "hang" and not step.long):
            return
        if name.startswith("stall") and not step.long:
            await journal.until(
                lambda: journal.states[-1] != "live" or armed.over.is_set() or ended.done(),
                "a stall that is noticed",
                LIMIT,
            )
            return
        if step.fault.at:
            await self._meet(step, armed.over.is_set, proxy, subject, ended)
        await self._first(armed.over.wait(), ended, f"{step} is over")

    async def _meet(
        self, step: Step, met: Callable[[], bool], proxy: ChaosProxy, subject: Subject, ended: asyncio.Future[Any]
    ) -> None:
        """Let the client connect, again where it gets live without meeting the fault."""
        journal = subject.journal
        while not met() and not ended.done():
            lives = len(journal.live)
            if step.fault.at == "rest":  # which goes on by itself
                lives = sys.maxsize
            else:
                proxy.drop()
            await journal.until(
                lambda: met() or len(journal.live) > lives or ended.done(),  # noqa: B023
                f"{step} strikes",
                LIMIT,
            )

    async def _first(self, wanted: Coroutine[Any, Any, Any], ended: asyncio.Future[Any], what: str) -> None:
        """Wait for one thing, or for the end of the line."""
        task = asyncio.ensure_future(wanted)
        try:
            done, _ = await asyncio.wait([task, ended], timeout=LIMIT, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise AssertionError(f"not within {LIMIT:g} s: {what}")
        finally:
            task.cancel()

    async def _healed(self, sim: Simulator, proxy: ChaosProxy, subject: Subject) -> None:
        """Nothing is wrong any more: the line gets live, and its model becomes the PBX."""
        proxy.heal()
        journal = subject.journal
        await self._live(proxy, subject, "after everything was healed")
        if any(step.spoils for step in self.what.steps):
            proxy.drop()
            await self._live(proxy, subject, "after the drop")
        await asyncio.gather(*(task for _, task in self._given), return_exceptions=True)
        sim.clock.pause()
        expected = sim.run(lambda: truth(sim))
        self._figures["calls compared"] += len(expected[1])
        self._figures["accounts compared"] += len(expected[0])

        def wrong() -> list[str]:
            return differences(expected, subject.model(), old=self.what.old)

        try:
            await journal.until(lambda: not wrong(), "model = PBX")
        except AssertionError as error:
            self.wrong += [str(error), *wrong()]
        spoilt = any(step.spoils for step in self.what.steps)
        self.wrong += contradictions(subject.model(), () if spoilt else subject.closed())
        self._figures["calls that ended"] += len(subject.closed())
        self._figures["lives"] += len(journal.live)

    async def _live(
        self, proxy: ChaosProxy, subject: Subject, when: str, ended: asyncio.Future[Any] | None = None
    ) -> None:
        """Wait until the line is live, on a socket that is open; or has ended."""
        journal, passages = subject.journal, proxy.passages

        def live() -> bool:
            if journal.states[-1] != "live" or not passages or passages[-1].gone:
                return False
            return journal.live[-1] >= (passages[-1].opened or 0.0)

        await journal.until(lambda: live() or (ended is not None and ended.done()), f"live {when}", LIMIT)

    # ---- commands ----

    def _command(self, step: Step, subject: Subject) -> None:
        """Give the step's commands, each with a mark by which the PBX's doing can be told."""
        for _ in range(step.commands):
            self._number += 1
            name = ("dial", "chat")[self._number % 2]
            mark = f"0{abs(self.what.seed):04}{self._number:04}"
            args = (mark,) if name == "dial" else ("45", mark)
            self._given.append((mark, asyncio.ensure_future(subject.command(name, *args))))
            self._figures[f"command {name}"] += 1

    def _changed(self, change: SimChange) -> None:
        """On the simulator's thread: what of it is the doing of a command."""
        if change.kind is ChangeKind.CHAT:
            self._done[change.text] += 1
        elif change.kind in (ChangeKind.CALL_NEW, ChangeKind.CALL_REFUSED) and change.call is not None:
            self._done[change.call.called.number] += 1

    async def _outcomes(self, sim: Simulator) -> None:
        """Every command ended in one of the ways that are written down, and was executed at most once."""
        if self._given:
            await asyncio.wait([task for _, task in self._given], timeout=5)
        sim.run(lambda: None)  # what was on its way has arrived
        for mark, task in self._given:
            if not task.done():
                self.wrong.append(f"command {mark} has no outcome")
                task.cancel()
                continue
            times, error = self._done[mark], task.exception()
            if times > 1:
                self.wrong.append(f"command {mark} was executed {times} times")
            if error is not None:
                self._told(error)
                self._figures["outcome " + type(error).__name__] += 1
                continue
            outcome = task.result()
            self._figures[f"outcome {outcome.status}"] += 1
            if outcome.status is OutcomeStatus.CONFIRMED and times != 1:
                self.wrong.append(f"command {mark} is confirmed and was executed {times} times")
            if "Nothing was sent" in outcome.why and times:
                self.wrong.append(f"command {mark} was executed, and it says {outcome.why}")

    def _told(self, error: BaseException) -> None:
        """What reaches somebody is an error of ours, and a sentence."""
        if not isinstance(error, PbxError):
            self.wrong.append("somebody got " + "".join(traceback.format_exception(error)))
        elif not str(error).strip().endswith((".", "?", ")")) or "Traceback" in str(error):
            self.wrong.append(f"this is no sentence: {error!s}")


def play(what: Sequence, folder: str, figures: Figures) -> list[str]:
    """Play one sequence on a new loop; its breaches."""
    played = Play(what, folder, figures)

    async def main() -> None:
        mine = asyncio.current_task()
        try:
            async with asyncio.timeout(180):
                await played.run()
        except Exception:  # noqa: BLE001 - whatever it is, it is a breach
            played.wrong.append(traceback.format_exc())
        for _ in range(3):
            await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not mine]
        played.wrong += [f"a task is left over: {task}" for task in left]

    asyncio.run(main())
    return [f"{what}\n    {one}" for one in played.wrong]


def breaches(sequences: Iterable[Sequence], folder: str, figures: Figures) -> list[str]:
    """Play sequences, several at once; everything that went wrong, each with its seed."""
    gc.collect()
    files, found = open_files(), []
    with faults_logged() as logged, ThreadPoolExecutor(AT_ONCE, "chaos") as pool:
        for wrong in pool.map(lambda one: play(one, folder, figures), sequences):
            found += wrong
    gc.collect()
    end = time.monotonic() + 3
    while time.monotonic() < end and (own_threads() or open_files() > files):
        time.sleep(0.02)  # a thread's last lines run after whoever waited for it
    found += logged
    if left := own_threads():
        found.append(f"threads are left over: {left}")
    if REGISTRY._lines:
        found.append(f"lines are left in the registry: {REGISTRY._lines}")
    if open_files() > files:
        found.append(f"{open_files() - files} file descriptors are left over")
    return found


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def own_threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("pbxnb-"))


@contextmanager
def faults_logged() -> Iterator[list[str]]:
    """What is logged as an error with a traceback in which we stand, and whatever asyncio says."""
    logged: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            trace = "".join(traceback.format_exception(record.exc_info[1])) if record.exc_info else ""
            if "/pbxnb/" in trace or record.name == "asyncio":
                logged.append(f"logged by {record.threadName}: {record.getMessage()}\n{trace}")

    handler = Handler(logging.ERROR)
    logging.getLogger().addHandler(handler)
    try:
        yield logged
    finally:
        logging.getLogger().removeHandler(handler)
