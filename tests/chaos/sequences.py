"""What a seed means: which faults, in which order, on which line, and what by the rules may end it for good."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from pbxnb.errors import FrameTooBig, LoginRefused, PbxError, SecondFactorRequired, TlsError, UpgradeRefused
from tests.helpers.chaos_faults import ANSWER_FAULTS, FRAME_FAULTS, ODD_ANSWERS, STAGES, Fault

__all__ = ["PLACES", "SAMPLE", "SEQUENCES", "Sequence", "Step", "sequence"]

SEQUENCES = 500
PLACES = ("port-closed", "restart", "new-certificate", "login-refused")
"""Faults of the place rather than of what passes: the port, the PBX, its certificate, a password no longer right."""

# 1005, 1006 and 1015 never go over the wire: they are no-code, cut and reset, tls-garbage.
CODES = (*range(1000, 1005), *range(1007, 1015), 3000, *range(4000, 4501))
_SPOILS = ("corrupt-payload", "corrupt-header", "corrupt-out", "duplicate", "truncate", "corrupt-answer")
"""What may change a value unseen: a WebSocket has no checksum, so the model is right again after the next resync."""
_MAY_MAKE_HUGE = ("corrupt-header", "corrupt-payload", "duplicate", "truncate", "odd-frame", "too-big", "tls-garbage")
_STALLS = ("stall-in", "stall-out", "stall-both", "hang")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One fault and what goes on meanwhile.

    Args:
        fault: of what passes, or named as one of `PLACES`.
        long: a stall lasts until the client hangs up.
        churn: virtual seconds that the PBX runs ahead at once while the fault is on.
        commands: so many are given while it is on.
        calm: the line is live again before the next step.
        ends: by the rules it ends a line that was live.
        may_end: what else may, if it comes often enough.
    """

    fault: Fault
    long: bool = True
    churn: float = 0.0
    commands: int = 0
    calm: bool = True
    ends: type[PbxError] | None = None
    may_end: tuple[type[PbxError], ...] = ()

    @property
    def spoils(self) -> bool:
        """Whether the model may be wrong afterwards without anybody's being able to tell."""
        return self.fault.name in _SPOILS

    def __str__(self) -> str:
        extra = [f"+{self.churn:g} s" * bool(self.churn), f"{self.commands} commands" * bool(self.commands)]
        return ", ".join([str(self.fault), *filter(None, extra), *["at once"] * (not self.calm)])


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """A line and what befalls it.

    Args:
        handle: by `pbxnb.connect`, on threads of its own; else a `Client` on the test's loop.
        old: the PBX speaks the vocabulary of 2016.
        tls: the line is encrypted, up to the proxy.
        cold: meets the very first attempt, which it may refuse.
        cut_short: it is closed while the last fault is on.
    """

    seed: int
    steps: tuple[Step, ...]
    handle: bool = False
    old: bool = False
    tls: bool = False
    cold: Fault | None = None
    cut_short: bool = False

    def __str__(self) -> str:
        kind = [name for name in ("handle", "old", "tls", "cut_short") if getattr(self, name)]
        cold = [f"cold: {self.cold}"] if self.cold else []
        return f"seed {self.seed} ({' '.join(kind) or 'client'}): " + " | ".join([*cold, *map(str, self.steps)])


def sequence(seed: int) -> Sequence:
    """The sequence of a seed; the same for ever."""
    rng = random.Random(f"chaos {seed}")
    tls = rng.random() < 0.12
    steps = tuple(_step(rng, tls) for _ in range(rng.choice((1, 2, 2, 3, 3, 4))))
    return Sequence(
        seed=seed,
        steps=steps,
        handle=rng.random() < 0.25,
        old=rng.random() < 0.12,
        tls=tls,
        cold=_answer(rng, rng.choice(STAGES[:3])) if rng.random() < 0.15 else None,
        cut_short=rng.random() < 0.12,
    )


def _step(rng: random.Random, tls: bool) -> Step:
    kind = rng.random()
    if kind < 0.55:
        name = rng.choice([name for name in FRAME_FAULTS if tls or name != "tls-garbage"])
        fault = _frame(rng, name)
    elif kind < 0.88:
        fault = _answer(rng, rng.choice(STAGES))
    else:
        fault = Fault(name=rng.choice([name for name in PLACES if tls or name != "new-certificate"]))
    return _with(
        fault,
        long=rng.random() < 0.6,
        churn=rng.choice((0.0, 5.0, 30.0, 120.0)),
        commands=rng.choice((0, 0, 1, 2)),
        calm=rng.random() < 0.7,
    )


def _with(fault: Fault, **rest: object) -> Step:
    """A step, with what the rules say of its fault (architecture.md 4.3)."""
    step = replace(Step(fault=fault), **rest)  # type: ignore[arg-type]
    if fault.name == "close-code" and fault.size == 4403:
        return replace(step, ends=UpgradeRefused, calm=True)
    if fault.name == "new-certificate":
        return replace(step, ends=TlsError, calm=True)
    if fault.name == "login-refused":
        return replace(step, ends=LoginRefused, calm=True)
    if fault.at == "login" and fault.odd == "second factor":
        return replace(step, ends=SecondFactorRequired, calm=True)
    return replace(step, may_end=(FrameTooBig,) if fault.name in _MAY_MAKE_HUGE else ())


def _frame(rng: random.Random, name: str) -> Fault:
    hits = rng.choice((1, 1, 2, 3)) if name not in _STALLS else 1
    if name == "close-code":
        code = rng.choice(CODES[:13]) if rng.random() < 0.5 else rng.choice((4401, 4403, *CODES[13:]))
        return Fault(name=name, hits=hits, size=code)
    if name in ("delay", "jitter"):
        return Fault(name=name, hits=rng.randrange(3, 12), seconds=rng.uniform(0.005, 0.05))
    return Fault(name=name, hits=hits, size=rng.randrange(1, 400))


def _answer(rng: random.Random, stage: str) -> Fault:
    name = rng.choice(ANSWER_FAULTS)
    hits = 1 if name in _STALLS else rng.choice((1, 1, 2, 4))
    odd = rng.choice(list(ODD_ANSWERS)) if name == "odd-answer" else ""
    return Fault(name=name, at=stage, hits=hits, size=rng.randrange(0, 300), seconds=0.002, odd=odd)


def _sample() -> list[Sequence]:
    """A few sequences with every fault by name, every stage and every odd answer in them."""
    rng = random.Random("chaos sample")
    frames = [_frame(rng, name) for name in FRAME_FAULTS if name != "tls-garbage"]
    frames += [Fault(name="close-code", size=code) for code in (1000, 1012, 4401, 4403)]
    answers = [
        Fault(name=name, at=stage, size=40, seconds=0.001, odd="503" if name == "odd-answer" else "")
        for name in ANSWER_FAULTS
        for stage in ("login", "socket")
        if name != "hang" or stage == "login"
    ]
    odd = [
        Fault(name="odd-answer", at=STAGES[i % len(STAGES)], odd=name)
        for i, name in enumerate(name for name in ODD_ANSWERS if name != "503")
    ]
    places = [Fault(name=name) for name in ("port-closed", "restart", "login-refused")]
    faults = [*frames, *answers, *odd, *places]
    rng.shuffle(faults)
    steps = [
        _with(fault, long=i % 4 == 0, churn=(0.0, 30.0)[i % 2], commands=i % 3 // 2) for i, fault in enumerate(faults)
    ]
    plain = [
        Sequence(seed=-1 - i, steps=tuple(steps[i::10]), handle=i % 3 == 0, old=i == 4, cut_short=i == 5)
        for i in range(10)
    ]
    secret = [
        _with(Fault(name=name, size=20), churn=5.0) for name in ("tls-garbage", "cut-mid-frame", "new-certificate")
    ]
    return [
        *plain,
        Sequence(seed=-11, steps=tuple(secret), tls=True),
        Sequence(
            seed=-12, steps=(_with(Fault(name="reset")),), cold=Fault(name="odd-answer", at="login", odd="200 html")
        ),
    ]


SAMPLE = _sample()
