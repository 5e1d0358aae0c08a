"""One call of a phone on one time axis: what was said on the line, its states, how loud it was, and how good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go

from pbxnb.arguments import helpful_keywords
from pbxnb.errors import AnalysisError
from pbxnb.zones import clock_text, times_in, wall_axis, zone_of

from ..phone_call import PhoneCall, Spell, colour_of, is_phone_call, name_of, spells
from ..phone_table import call_of_table
from ..source import label, needs
from ..style import ACCENT, STATES, Theme, picture, styled

__all__ = ["call_quality"]

ROWS = {"line": 3, "state": 2, "level, dB": 3, "jitter, ms": 2, "lost, %": 2, "MOS": 3}
"""The rows from the top, and how high each is."""
SPACE = 0.025
LANES = {
    "sent": ("▼ sent", "triangle-down"),
    "received": ("▲ received", "triangle-up"),
    "media": ("◆ media", "diamond"),
}
BAD_MOS = 3.5

Place = Callable[[datetime], datetime]


@helpful_keywords
def call_quality(call: Any, *, tz: str | ZoneInfo | None = None, theme: Theme = "light") -> go.Figure:
    """Signalling, states, level and quality of one call, one below the other.

    Args:
        call: of a phone of the kernel (`Pbx.phone`), going on or ended; or a table of the seconds of one, such as its
            ``quality.df`` (pandas, polars, pyarrow or DuckDB), which knows nothing of signalling and states.
        tz: in which its times are shown; None for the call's own.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: it is no call of a phone, or nothing has happened to it yet; or a table with several calls.
        MissingColumn: it is another table.

    Where a second has no figures the curves are broken and the place is grey. The opinion (MOS) is computed, and an
    estimate where it says so (telephony.md 6.1).
    """
    if not is_phone_call(call):
        try:
            call = call_of_table(call)
        except TypeError:
            hint = "Give one that phone.dial() or phone.incoming() gave, or its quality.df."
            raise AnalysisError(f"{label(repr(call))} is no call of a phone.", hint=hint) from None
    moments, samples = call.moments, call.quality.samples
    needs([{}] if moments or samples else [], "moments of this call")
    zone = zone_of(tz or getattr(call, "tz", None) or "UTC", error=AnalysisError)
    times = [each.at for each in (*moments, *samples)]
    first, last = min(times), max(times)
    place, change = wall_axis(first, last, zone)
    states, sounds = spells(moments, "state"), spells(moments, "sound")
    holes = _holes(samples)
    spans = _warned(call.quality.notices, last)
    codec = label(getattr(call.quality, "codec", ""))
    begin = f"{clock_text(first, zone, date=True)}, {times_in(zone)}"
    known = f"{len(samples)} s with figures" + (f", {sum(map(_long, holes)):.0f} s without" if holes else "")
    domain = label(getattr(call, "domain", ""))
    terms = " · ".join(filter(None, (domain, begin, known, codec, change)))
    text = _twin(call, begin, states, sounds, holes, spans, zone)
    figure = picture(f"The call with {name_of(call)}", terms, text, theme=theme, height=680)
    axes = _rows(figure)
    _signalling(figure, moments, place)
    for lane, found in (("sound", sounds), ("leg", states)):
        _bars(figure, lane, found, last, place, axes["state"])
    curves = {
        "heard": ("level, dB", [each.level_in for each in samples], STATES["talking"]),
        "said": ("level, dB", [each.level_out for each in samples], STATES["queued"]),
        "jitter": ("jitter, ms", [each.jitter * 1000 for each in samples], STATES["held"]),
        "MOS": ("MOS", [each.mos for each in samples], STATES["wrap-up"]),
    }
    placed = [place(each.at) for each in samples]
    for name, (row, values, colour) in curves.items():
        x, y = _broken(samples, placed, values)
        figure.add_trace(
            go.Scatter(
                x=x, y=y, name=name, yaxis=axes[row], mode="lines+markers", line={"color": colour, "width": 1.6},
                marker={"size": 3}, showlegend=row == "level, dB", hovertemplate=f"{name} %{{y:.1f}}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_trace(
        go.Bar(
            x=placed, y=[None if each.loss is None else 100 * each.loss for each in samples], yaxis=axes["lost, %"],
            name="lost", marker={"color": ACCENT}, showlegend=False, hovertemplate="%{y:.1f} % lost<extra></extra>",
        )
    )  # fmt: skip
    _shades(figure, holes, spans, place, axes)
    figure.update_layout(barmode="overlay", hovermode="closest")
    return figure


def _rows(figure: go.Figure) -> dict[str, str]:
    """One y axis a row, under each other, over one x axis at the bottom; their names by row."""
    look, whole = styled(figure), sum(ROWS.values())
    scale = 1 - SPACE * (len(ROWS) - 1)
    names, top = {}, 1.0
    for number, (row, height) in enumerate(ROWS.items(), 1):
        bottom = max(0.0, top - scale * height / whole)
        key = "yaxis" if number == 1 else f"yaxis{number}"
        names[row] = key.replace("axis", "")
        figure.layout[key] = {
            "domain": [bottom, top], "anchor": "x", "title": {"text": row, "font": {"size": 11}}, "automargin": True,
            "gridcolor": look["grid"], "zeroline": False, "linecolor": look["grid"], "tickfont": {"size": 10},
        }  # fmt: skip
        top = bottom - SPACE
    figure.update_layout(
        xaxis={"type": "date", "anchor": names["MOS"], "showgrid": True},
        yaxis={
            "range": [-0.6, 2.6],
            "tickvals": [2, 1, 0],
            "ticktext": [each for each, _ in LANES.values()],
            "title": "",
        },
        yaxis2={"title": "", "type": "category", "categoryorder": "array", "categoryarray": ["sound", "leg"]},
        yaxis3={"range": [-102, 2]},
        yaxis4={"rangemode": "tozero"},
        yaxis5={"rangemode": "tozero"},
        yaxis6={"range": [0.9, 4.6], "tickvals": [1, 2, 3, 4]},
    )
    return names


def _signalling(figure: go.Figure, moments: Sequence[Any], place: Place) -> None:
    for row, (kind, (_, symbol)) in enumerate(LANES.items()):
        mine = [moment for moment in moments if moment.kind == kind]
        figure.add_trace(
            go.Scatter(
                x=[place(moment.at) for moment in mine], y=[2 - row] * len(mine), mode="markers",
                marker={"symbol": symbol, "size": 9, "color": styled(figure)["main"]}, name=kind, showlegend=False,
                text=[label(moment.text, 120) for moment in mine], hovertemplate="%{text}<extra></extra>",
            )
        )  # fmt: skip


def _bars(figure: go.Figure, lane: str, found: Sequence[Spell], last: datetime, place: Place, axis: str) -> None:
    """A bar a state, with its word in it; one that lasts goes to the end of the picture."""
    for spell in found:
        seconds = ((spell.end or last) - spell.start).total_seconds()
        if not seconds:
            continue
        figure.add_trace(
            go.Bar(
                y=[lane], base=[place(spell.start)], x=[seconds * 1000], orientation="h", yaxis=axis, width=0.8,
                marker={"color": colour_of(spell.word), "opacity": 0.6 if spell.end is None else 1.0},
                text=_word(spell.word), textposition="inside", insidetextanchor="middle", constraintext="both",
                textangle=0, showlegend=False,
                hovertemplate=f"{_word(spell.word)} {seconds:.1f} s<extra></extra>",
            )
        )  # fmt: skip


def _shades(
    figure: go.Figure, holes: Sequence[Spell], spans: Sequence[Spell], place: Place, axes: dict[str, str]
) -> None:
    """Grey where there are no figures; warnings as lines with their name over the opinion."""
    look = styled(figure)
    for hole in holes:
        begin, end = place(hole.start), place(hole.end or hole.start)
        for row in ("level, dB", "jitter, ms", "lost, %", "MOS"):
            figure.add_shape(
                type="rect", x0=begin, x1=end, yref=f"{axes[row]} domain", y0=0, y1=1, layer="below", line_width=0,
                fillcolor=STATES["gap"], opacity=0.35,
            )  # fmt: skip
        figure.add_annotation(
            x=begin, y=-100, yref=axes["level, dB"], text="no figures", showarrow=False, xanchor="left"
        )
    mos = axes["MOS"]
    figure.add_shape(
        type="line", xref="paper", x0=0, x1=1, yref=mos, y0=BAD_MOS, y1=BAD_MOS,
        line={"dash": "dot", "color": look["soft"], "width": 1},
    )  # fmt: skip
    for number, span in enumerate(spans):
        height = 1.1 + 0.75 * (number % 3)
        begin, end = place(span.start), place(span.end or span.start)
        figure.add_shape(
            type="line", x0=begin, x1=end, yref=mos, y0=height, y1=height, line={"color": ACCENT, "width": 3}
        )
        figure.add_annotation(
            x=begin, y=height, yref=mos, text=f"! {_word(span.word)}", showarrow=False,
            xanchor="left", yanchor="bottom", font={"size": 11, "color": look["text"]}, bgcolor=look["veil"],
        )  # fmt: skip


def _broken(samples: Sequence[Any], times: Sequence[datetime], values: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """A curve with an empty place at every hole."""
    holes = {hole.end for hole in _holes(samples)}
    x: list[Any] = []
    y: list[Any] = []
    for sample, time, value in zip(samples, times, values, strict=True):
        if sample.at in holes:
            x.append(time)
            y.append(None)
        x.append(time)
        y.append(value)
    return x, y


def _holes(samples: Sequence[Any]) -> list[Spell]:
    """Where figures are missing: between samples that are further apart than two and a half are as a rule."""
    apart = [(after.at - before.at).total_seconds() for before, after in pairwise(samples)]
    usual = median(apart) if apart else 0.0
    return [
        Spell("no figures", before.at, after.at)
        for (before, after), seconds in zip(pairwise(samples), apart, strict=True)
        if seconds > 2.5 * usual
    ]


def _warned(notices: Any, last: datetime) -> list[Spell]:
    """Every warning from its beginning to its end, or to the end of the picture."""
    begun: dict[str, datetime] = {}
    found: list[Spell] = []
    for notice in tuple(notices):
        if not notice.cleared:
            begun[notice.name] = notice.at
        elif notice.name in begun:
            found.append(Spell(notice.name, begun.pop(notice.name), notice.at))
    return [*found, *(Spell(name, at, last, "to the end") for name, at in begun.items())]


def _long(spell: Spell) -> float:
    return ((spell.end or spell.start) - spell.start) / timedelta(seconds=1)


def _word(word: str) -> str:
    return word.replace("_", " ")


def _twin(
    call: PhoneCall,
    begin: str,
    states: Sequence[Spell],
    sounds: Sequence[Spell],
    holes: Sequence[Spell],
    spans: Sequence[Spell],
    zone: ZoneInfo,
) -> str:
    """The picture in sentences."""
    said = [f"The call with {name_of(call)} from {begin}"]
    for lane, found in (("States", states), ("Sound", sounds)):
        parts = [
            f"ended ({label(each.why, 120)})" if each.word == "ended"
            else f"{_word(each.word)} {_long(each):.1f} s" if each.end else f"{_word(each.word)}, goes on"
            for each in found
        ]  # fmt: skip
        said.append(f"{lane}: {', '.join(parts) or 'none'}")
    samples = call.quality.samples
    if samples:
        expected = sum(each.received + each.lost for each in samples)
        nobody = sum(each.lost + each.late for each in samples)
        opinions = [each for each in samples if each.mos is not None]
        said.append(f"Jitter {_middle([each.jitter for each in samples])}")
        trips = [each.round_trip for each in samples if each.round_trip is not None]
        said.append(f"Round trip {_middle(trips)}" if trips else "Round trip not known")
        said.append(f"{nobody / expected:.1%} lost" if expected else "Nothing came")
        if opinions:
            worst = min(opinions, key=lambda each: each.mos)
            estimate = ", an estimate" if worst.estimated else ""
            middle = median(each.mos for each in opinions)
            said.append(f"MOS {middle:.1f} in the middle, {worst.mos:.1f} at worst{estimate}")
    else:
        said.append("No second of it has figures")
    said += [f"No figures for {_long(hole):.0f} s from {clock_text(hole.start, zone)}" for hole in holes]
    for span in spans:
        end = span.why or f"to {clock_text(span.end or span.start, zone)}"
        said.append(f"Warning of {_word(span.word)} from {clock_text(span.start, zone)} {end}")
    return ". ".join(said) + "."


def _middle(seconds: Sequence[float]) -> str:
    return f"{median(seconds) * 1000:.0f} ms in the middle, {max(seconds) * 1000:.0f} ms at most"
