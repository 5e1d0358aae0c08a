"""The quality of one call second by second, with the opinion that makes and the warnings.

The same for the calls of the kernel, whose media count (`media.wire.Quality`), and for those of a page, whose reports
`page_stats.of_page` reads.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from pbxnb.media.wire import Quality as Counted

from .notices import LOOKED_AT, MICROPHONE, RULES, Notice
from .opinion import opinion
from .samples import Sample

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Quality"]

MOST_SAMPLES = 4 * 3600
"""Seconds of a call that are kept; the oldest go."""
MOST_NOTICES = 1_000


def _newest(name: str) -> Any:
    """A property: that of the newest sample, None before the first."""
    return property(lambda quality: getattr(quality.newest, name, None), doc=f"See `Sample`: {name}.")


class Quality:
    """The quality of one call: its newest second as attributes, every second as `samples`.

    Args:
        codec: what the call is coded with, as SDP names it; may be set once it is known.
        microphone: whether what is sent comes of a person's microphone, which is then watched.

    Attributes:
        notices: warnings that began and ended, in order; the newest 1,000.
        dropped: samples that memory let go, beyond those of 4 hours.

    Example:
        >>> from datetime import UTC, datetime
        >>> quality = Quality("PCMU")
        >>> second = Counted(sent=50, received=49, lost=1, late=0, jitter=0.005, delay=0.06, round_trip=0.05,
        ...                  level_in=-20, level_out=-100)
        >>> quality.add(second, datetime(2026, 7, 1, 9, 30, tzinfo=UTC))
        ()
        >>> quality.lost, round(quality.mos, 2)
        (1, 4.19)
    """

    def __init__(self, codec: str = "", *, microphone: bool = False) -> None:
        self.codec = codec
        self.notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self.dropped: int = 0
        self._rules = (*RULES, MICROPHONE) if microphone else RULES
        self._samples: deque[Sample] = deque(maxlen=MOST_SAMPLES)
        self._before: Counted | None = None
        self._in_force: list[str] = []

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Every second, oldest first."""
        return tuple(self._samples.copy())  # in one step, while another thread adds

    @property
    def newest(self) -> Sample | None:
        """The newest second; None before the first."""
        return self._samples[-1] if self._samples else None

    sent: Final = _newest("sent")
    received: Final = _newest("received")
    lost: Final = _newest("lost")
    late: Final = _newest("late")
    jitter: Final = _newest("jitter")
    delay: Final = _newest("delay")
    round_trip: Final = _newest("round_trip")
    level_in: Final = _newest("level_in")
    level_out: Final = _newest("level_out")
    far_lost: Final = _newest("far_lost")
    loss: Final = _newest("loss")
    mos: Final = _newest("mos")
    mos_text: Final = _newest("mos_text")
    estimated: Final = _newest("estimated")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Names of the warnings in force."""
        return self._samples[-1].warnings if self._samples else ()

    def add(self, counted: Counted, at: datetime, *, muted: bool = False) -> tuple[Notice, ...]:
        """Take one more second.

        Args:
            counted: packets since the beginning, the rest of this second.
            at: its end, on the PBX's clock.
            muted: whether nothing is sent on purpose.

        Returns:
            The warnings that begin or end with it.
        """
        before, self._before = self._before, counted
        sent, received, lost, late = (
            max(0, getattr(counted, name) - getattr(before, name, 0)) for name in ("sent", "received", "lost", "late")
        )
        sample = Sample(
            at=at,
            sent=sent,
            received=received,
            lost=lost,
            late=late,
            jitter=counted.jitter,
            delay=counted.delay,
            round_trip=counted.round_trip,
            level_in=counted.level_in,
            level_out=None if muted else counted.level_out,
            far_lost=counted.far_lost,
        )
        if sample.loss is not None:
            said = opinion(self.codec, round_trip=sample.round_trip, jitter=sample.jitter, loss=sample.loss)
            sample = replace(sample, mos=said.mos, estimated=said.estimated)
        newest = [sample, *itertools.islice(reversed(self._samples), LOOKED_AT - 1)][::-1]
        notices = self._notices(newest, at)
        self.notices += notices
        self.dropped += len(self._samples) == MOST_SAMPLES
        self._samples.append(replace(sample, warnings=tuple(self._in_force)))
        return notices

    def records(self) -> list[dict[str, Any]]:
        """One dictionary a second."""
        return [{**msgspec.structs.asdict(each), "warnings": list(each.warnings)} for each in self.samples]

    @property
    def df(self) -> pd.DataFrame:
        """A pandas table, a row a second; needs the ``analysis`` extra.

        Raises:
            MissingExtra: pandas is not installed.
        """
        from pbxnb.analysis.tables import flat_table

        return flat_table(self.records(), Sample.__struct_fields__, ["at"])

    def __repr__(self) -> str:
        newest = self.newest
        if newest is None:
            return "<Quality: no second yet>"
        loss = f"{newest.loss:.1%} lost, " if newest.loss is not None else ""
        warned = f"; warnings: {', '.join(newest.warnings)}" if newest.warnings else ""
        return f"<Quality: {newest.mos_text}; {loss}jitter {newest.jitter * 1000:.0f} ms{warned}>"

    def _notices(self, newest: Sequence[Sample], at: datetime) -> tuple[Notice, ...]:
        found = []
        for rule in self._rules:
            if rule.name not in self._in_force and rule.begins(newest):
                self._in_force.append(rule.name)
                found.append(Notice(rule.name, at, False, rule.text))
            elif rule.name in self._in_force and rule.ends(newest):
                self._in_force.remove(rule.name)
                found.append(Notice(rule.name, at, True, rule.over))
        return tuple(found)
