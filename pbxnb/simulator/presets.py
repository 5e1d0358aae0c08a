"""The presets: how many users, how often they call, how long they talk, and what they do meanwhile.

Data only; `arrivals` and `users` play them. Figures and their sources are in telephony.md 2. Where no good public
figure exists (busy, no answer, transfer, park), the value here is a choice, made visible by being a field.
Known approximations: callers do not try again, agents have one skill, and dialling takes no time.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pbxnb.arguments import nearest
from pbxnb.errors import ConfigError

from .distributions import Distribution, Lognormal, Mixture, Profile, Survival, Uniform

__all__ = ["BANK_PATIENCE", "BANK_TALK", "PRESETS", "Habits", "Load", "Preset", "preset"]

OFFICE_DAY = Profile.parse("0 0 0 0 0 1 3 12 45 85 100 90 40 50 80 70 55 25 6 2 1 1 0 1")
"""Busy-hour share 15 %, the office rule of thumb; the shape and its lunch are ours."""
BANK_DAY = Profile.parse("0 0 0 0 0 0 0 2.7 6.0 7.9 8.8 7.3 6.9 6.9 7.5 8.0 8.0 6.0 5.0 4.4 3.8 3.7 3.4 2.6")
"""Percent of a working day by hour, as measured."""
BANK_TALK = Mixture(((0.045, Uniform(1, 10)), (0.955, Lognormal(4.795, 0.926))))
BANK_PATIENCE = Survival(((60, 0.84), (120, 0.73), (300, 0.53), (330, 0.50)))
RING = Lognormal(1.946, 0.6)  # median 7 s, the answered calls of the small Vodia-shaped sample
NO_ANSWER = Uniform(20, 30)  # the usual limits
HOLD = Lognormal(3.7, 0.8)  # median 40 s


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """How often calls of each kind are placed in the busy hour.

    Args:
        internal: from extension to extension.
        outbound: from an extension through a trunk.
        inbound: through a trunk to an extension.
        queued: through a trunk and the menu to the queue.
        presence: changes of registration, DND and chat status.
        breaks: breaks of a queue's agents.
        per_extension: True when these are per extension and hour; False when they are per hour for the whole PBX.
    """

    internal: float = 0.0
    outbound: float = 0.0
    inbound: float = 0.0
    queued: float = 0.0
    presence: float = 0.0
    breaks: float = 0.0
    per_extension: bool = True

    def per_hour(self, kind: str, extensions: int) -> float:
        """Events of this kind in a busy hour of a PBX with so many extensions."""
        rate: float = getattr(self, kind)
        return rate * extensions if self.per_extension else rate


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """What users do with a call. Shares are of answered calls, except ``unanswered``, which is of all direct calls.

    Args:
        ring: seconds until somebody who will answer does.
        talk: seconds from answer to hang-up, holds included.
        no_answer: seconds after which the caller of an unanswered call gives up.
        patience: seconds a caller waits in the queue.
        menu: seconds in the auto attendant before the queue.
        wrap_up: seconds an agent rests after a queue call; exactly this long.
        hold: seconds on hold or parked.
        away: seconds until a presence change is taken back.
        rest: seconds of an agent's break.
        unanswered: share of direct calls nobody answers.
        held: share held once.
        transferred: share passed on blindly by whoever was called.
        parked: share parked and fetched by somebody else.
        recorded: share recorded from some moment on.
    """

    ring: Distribution = RING
    talk: Distribution = Lognormal.of(180, 0.926)
    no_answer: Distribution = NO_ANSWER
    patience: Distribution = BANK_PATIENCE
    menu: Distribution = Lognormal(2.197, 0.57)  # median 9 s, mean 10.6 s
    wrap_up: float = 0.0
    hold: Distribution = HOLD
    away: Distribution = Uniform(120, 1800)
    rest: Distribution = Uniform(300, 900)
    unanswered: float = 0.10
    held: float = 0.15
    transferred: float = 0.05
    parked: float = 0.01
    recorded: float = 0.02


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """One load with a name.

    Args:
        name: as given to ``simulate``.
        text: one sentence.
        load: arrival rates of the busy hour.
        habits: what happens to a call.
        extensions: how many extensions it has by default.
        agents: how many of them serve the queue.
        profile: the shape of the day.
        day_spread: coefficient of variation of whole days (``distributions.day_level``).
        trunks: channel limit of the trunks; None is the number of extensions plus ten, which never blocks an office.
        people: False when users do nothing by themselves, not even answer.
        warm_up: seconds of traffic before the first client connects, so that no PBX is empty.
        faults: faults that go on by themselves: pairs of name and mean seconds between them.
    """

    name: str
    text: str
    load: Load
    habits: Habits = Habits()
    extensions: int = 50
    agents: int = 0
    profile: Profile = OFFICE_DAY
    day_spread: float = 0.0
    trunks: int | None = None
    people: bool = True
    warm_up: float = 600.0
    faults: tuple[tuple[str, float], ...] = ()

    def but(self, **changes: Any) -> Preset:
        """This preset with some fields changed: ``preset("callcentre").but(agents=7)``."""
        return msgspec.structs.replace(self, **changes)


def _office(level: str, calls: float) -> Preset:
    return Preset(
        name=f"office-{level}",
        text=f"An office, {level} traffic: {calls:g} calls of each kind an hour and extension, a third each internal, "
        "outbound, inbound.",
        load=Load(internal=calls, outbound=calls, inbound=calls, presence=0.5),
        day_spread=0.1,
    )


_MODERATE = _office("moderate", 0.50)
_ALL = (
    Preset(
        name="empty",
        text="Nobody calls and nobody picks up: for scripts, scenarios and tests.",
        load=Load(),
        people=False,
        extensions=20,
        warm_up=0.0,
    ),
    Preset(
        name="quiet",
        text="One call a minute on the whole PBX, each about a minute long: room to look at one thing at a time.",
        load=Load(internal=30, outbound=15, inbound=15, per_extension=False),
        habits=Habits(talk=Lognormal.of(60, 0.6), unanswered=0.05),
        extensions=20,
        profile=Profile.flat(),
    ),
    _office("light", 0.25),
    _MODERATE,
    _office("heavy", 0.75),
    _MODERATE.but(name="office"),
    Preset(
        name="callcentre",
        text="A small bank's call centre: eight agents, callers with patience, days that differ.",
        load=Load(queued=123, breaks=4, per_extension=False),  # 8.8 % of 1,400 calls a day; the breaks are ours
        habits=Habits(talk=BANK_TALK, held=0.1, transferred=0.0, parked=0.0, recorded=0.05, wrap_up=5.0),
        extensions=13,
        agents=8,
        profile=BANK_DAY,
        day_spread=0.24,
        trunks=60,
    ),
    Preset(
        name="storm",
        text="On 1,000 extensions 5 calls and 190 presence changes a second; it grows with the PBX.",
        load=Load(internal=6, outbound=6, inbound=6, presence=680),
        habits=Habits(
            ring=Uniform(1, 3),
            talk=Lognormal.of(12, 0.6),
            hold=Uniform(1, 3),
            away=Uniform(2, 6),
            no_answer=Uniform(4, 8),
        ),
        extensions=1000,
        profile=Profile.flat(),
        warm_up=20.0,
    ),
    Preset(
        name="classroom",
        text="Three calls a minute in which everything happens soon: holds, transfers, parking, recording, a queue.",
        load=Load(internal=60, outbound=30, inbound=50, queued=40, presence=60, per_extension=False),
        habits=Habits(
            talk=Lognormal.of(45, 0.5),
            hold=Uniform(5, 15),
            away=Uniform(20, 90),
            held=0.4,
            transferred=0.2,
            parked=0.15,
            recorded=0.2,
            unanswered=0.15,
            wrap_up=10.0,
        ),
        extensions=24,
        agents=3,
        profile=Profile.flat(),
        warm_up=120.0,
    ),
    _MODERATE.but(
        name="ghost", text="The office, but now and then the end of a call is never told.", faults=(("ghost", 300.0),)
    ),
    _MODERATE.but(
        name="flap", text="The office, with a phone whose registration comes and goes.", faults=(("flap", 60.0),)
    ),
    _MODERATE.but(
        name="half-open",
        text="The office, behind a line that falls silent without closing.",
        faults=(("half-open", 300.0),),
    ),
)

PRESETS: dict[str, Preset] = {each.name: each for each in _ALL}


def preset(which: str | Preset) -> Preset:
    """The preset of this name; a ``Preset`` is returned as it is.

    Raises:
        ConfigError: for an unknown name; the hint gives the nearest and all the others.

    Example:
        >>> preset("callcentre").agents
        8
    """
    if isinstance(which, Preset):
        return which
    if found := PRESETS.get(which):
        return found
    raise ConfigError(f"There is no preset {which!r}{nearest(str(which), PRESETS)}", preset=which)
