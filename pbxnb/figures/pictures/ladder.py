"""The ladder: frames as arrows between actors, top to bottom; what the learner just caused, drawn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import plotly.graph_objects as go

from pbxnb.arguments import helpful_keywords
from pbxnb.model.changes import Frame
from pbxnb.model.words import words_of_body, words_of_message, words_of_text
from pbxnb.zones import clock_text, times_in

from ..phone_call import PhoneCall, is_phone_call
from ..source import counted, is_table, label, needs, rows, table_of, whose
from ..style import Theme, picture, styled

__all__ = ["ladder", "steps"]

FRAMES = {"seq": "any", "received": "time", "direction": "text", "text": "text"}
NOTEBOOK, PBX, MEDIA = "notebook", "PBX", "media"
_WAYS = {"sent": (NOTEBOOK, PBX), "received": (PBX, NOTEBOOK), "media": (NOTEBOOK, MEDIA), "sound": (MEDIA, NOTEBOOK)}
_SOUNDS = {
    "gathering": "addresses of ours are gathered",
    "checking": "addresses are tried (ICE)",
    "flowing": "the first packets of sound",
}


class Step(msgspec.Struct, frozen=True):
    """One arrow: seconds since the first, when, from whom to whom, and what it said."""

    at: float
    received: datetime
    source: str
    target: str
    said: str


@helpful_keywords
def ladder(source: Any, *, call: str = "", last: int = 40, theme: Theme = "light") -> go.Figure:
    """A sequence diagram of a session's frames.

    Args:
        source: a handle or a recording; frames as `pbx.frames()` gives them, or a table of them of any engine, as
            ``recording.frames.df``, whose times are shown in UTC; or a call of a phone, whose media are then an actor
            of their own.
        call: draw only frames that name this call id.
        last: how many frames at most, the newest.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no such frame.
        MissingColumn: it is another table.

    The text twin is the same ladder as lines, ready to paste into a report: `pbxnb.figures.describe`.

    Example:
        >>> from pbxnb import figures
        >>> figure = figures.ladder(pbx)
    """
    frames, zone = getattr(source, "frames", source), getattr(source, "tz", ZoneInfo("UTC"))
    if is_phone_call(source):
        drawn = _steps_of(source)[-last:]
    elif frames is source and is_table(source):
        drawn = _steps_in(source, call, last)
    else:
        drawn = steps(frames() if callable(frames) else frames, call=call, last=last)
    needs([{}] if drawn else [], "frames" + (f" that name call {call}" if call else ""))
    actors, what = ([MEDIA, NOTEBOOK, PBX], "step") if is_phone_call(source) else ([NOTEBOOK, PBX], "frame")
    actors += sorted({name for step in drawn for name in (step.source, step.target)} - set(actors))
    first = clock_text(drawn[0].received, zone, "milliseconds", date=True)
    tenant = "" if frames is source else f"{whose(source)} · "
    begin = f"{'passed here ' if what == 'frame' else ''}from {first}, {times_in(zone)}"
    text = "\n".join(f"{step.at:8.3f} s  {step.source} -> {step.target}: {step.said}" for step in drawn)
    figure = picture(
        "Who said what",
        f"{tenant}{counted(len(drawn), what)}, {begin} · seconds since the first",
        f"{begin}\n{text}",
        theme=theme,
        height=140 + 26 * len(drawn),
    )
    look = styled(figure)
    for column, actor in enumerate(actors):
        figure.add_shape(type="line", x0=column, x1=column, y0=-0.5, y1=len(drawn) - 0.5, line={"color": look["grid"]})
        figure.add_annotation(x=column, y=-1.4, text=f"<b>{label(actor)}</b>", showarrow=False)
    for row, step in enumerate(drawn):
        start, end = actors.index(step.source), actors.index(step.target)
        figure.add_annotation(
            x=end, y=row, ax=start, ay=row, xref="x", yref="y", axref="x", ayref="y",
            showarrow=True, arrowhead=2, arrowwidth=1.4, arrowcolor=look["main"], text="",
        )  # fmt: skip
        figure.add_annotation(
            x=(start + end) / 2, y=row, text=label(step.said, 80), showarrow=False, yshift=10, font={"size": 11}
        )
    figure.add_trace(
        go.Scatter(
            x=[(actors.index(step.source) + actors.index(step.target)) / 2 for step in drawn],
            y=list(range(len(drawn))),
            mode="markers",
            marker={"opacity": 0},
            text=[f"{step.at:.3f} s: {label(step.said, 200)}" for step in drawn],
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_layout(
        xaxis={"visible": False, "range": [-0.2, len(actors) - 0.8]},
        yaxis={
            "autorange": "reversed",
            "tickvals": list(range(len(drawn))),
            "ticktext": [f"{step.at:.2f}" for step in drawn],
            "title": {"text": "s"},
            "showgrid": False,
        },
    )
    return figure


def steps(frames: Iterable[Frame], *, call: str = "", last: int | None = None) -> list[Step]:
    """Frames as arrows. Parties of a call do not speak on this line, so there are two actors: the notebook and the PBX.

    Args:
        frames: in order; each is let go of when it is not drawn.
        call: keep only frames whose text names this call id.
        last: how many at most, the newest; None for all.
    """
    named = (frame for frame in frames if not call or f'"{call}"' in frame.text)
    first = next(named, None)
    if first is None:
        return []
    return [
        _step(frame.mono - first.mono, frame.received, frame.direction, _said(frame))
        for frame in deque(chain([first], named), last)
    ]


def _step(at: float, received: datetime, direction: str, said: str) -> Step:
    ways = (PBX, NOTEBOOK) if direction == "in" else (NOTEBOOK, PBX)
    return Step(at, received, *ways, said)


def _steps_in(table: Any, call: str, last: int) -> list[Step]:
    """Of a table of frames: its engine finds those that are drawn."""
    frames = table_of(table, FRAMES, "Give recording.frames.df.").drop_nulls()
    import narwhals as nw

    if call:
        frames = frames.filter(nw.col("text").str.contains(f'"{call}"', literal=True))
    [first] = rows(frames.select(nw.col("received").min()).to_native())
    newest = frames.sort("seq", descending=True).head(last)
    return [
        _step(
            (row["received"] - first["received"]).total_seconds(),
            row["received"].replace(tzinfo=UTC),
            row["direction"],
            words_of_text(row["text"]) if row["direction"] == "in" else _ours(row["text"]),
        )
        for row in reversed(rows(newest.to_native()))
    ]


def _steps_of(call: PhoneCall) -> list[Step]:
    """What happened to a call of a phone: its messages, what its media were told, and how its sound came to flow."""
    moments = [moment for moment in call.moments if moment.kind != "state"]
    return [
        Step(
            (moment.at - moments[0].at).total_seconds(),
            moment.at,
            *_WAYS["sound" if moment.text.startswith("described") else moment.kind],
            _SOUNDS.get(moment.text, f"sound: {moment.text}") if moment.kind == "sound" else moment.text,
        )
        for moment in moments
    ]


def _said(frame: Frame) -> str:
    """A frame in a few words: its kind, and the calls or the account it is about."""
    return _ours(frame.text) if frame.message is None else words_of_message(frame.message)


def _ours(text: str) -> str:
    try:
        body = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text[:80]
    return words_of_body(body) if isinstance(body, dict) else text[:80]
