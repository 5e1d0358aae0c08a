"""The life of one conversation: its calls as rows, their phases as blocks, its links and who left first."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from pbxnb.arguments import helpful_keywords
from pbxnb.errors import AnalysisError
from pbxnb.model.entities import CallState

from ..source import label
from ..style import STATES, Theme, picture

__all__ = ["call_life"]


@helpful_keywords
def call_life(pbx: Any, call: Any, *, theme: Theme = "light") -> go.Figure:
    """Draw every call of the conversation that a call belongs to.

    Args:
        pbx: a handle.
        call: a `Call`, or its id; open or ended in this session.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: the session knows no such call.
    """
    wanted = getattr(call, "id", call)
    now = pbx.clock.now()
    lives: dict[str, Any] = {record.call.id: (record.call, [*record.phases], record) for record in pbx.closed_calls()}
    lives |= {entry.id: (entry, _so_far(entry, now), None) for entry in pbx.calls.values()}
    if wanted not in lives:
        raise AnalysisError(
            f"This session knows no call {str(wanted)[:64]!r}.",
            hint="List them with pbx.calls or pbx.closed_calls().",
            call=wanted,
        )
    conversation = lives[wanted][0].conversation
    chosen = [
        life
        for life in lives.values()
        if life[0].id == wanted or (conversation and life[0].conversation == conversation)
    ]
    chosen.sort(key=lambda life: (life[1][0][1] if life[1] else now, life[0].id))
    sentences, names = [], []
    many = f"{len(chosen)} calls of one conversation" if len(chosen) > 1 else "the only call of its conversation"
    figure = picture("Life of one call", many, "", theme=theme)
    for entry, phases, record in chosen:
        name = label(f"{entry.id}: {entry.from_.number or entry.from_.name} → {entry.to.number or entry.to.name}")
        names.append(name)
        said = []
        for state, start, end in phases:
            spent = (end - start).total_seconds()
            said.append(f"{state} {spent:.0f} s")
            figure.add_trace(
                go.Bar(
                    y=[name],
                    base=[start],
                    x=[spent * 1000],
                    orientation="h",
                    marker={"color": STATES.get(str(state), STATES["other"])},
                    name=str(state),
                    legendgroup=str(state),
                    showlegend=not any(trace.name == str(state) for trace in figure.data),
                    hovertemplate=f"{state} {spent:.1f} s from {start:%H:%M:%S}<extra></extra>",
                )
            )
        end = "goes on" if record is None else "ended" + (f", {record.ended_by} left first" if record.ended_by else "")
        sentences.append(
            f"{name}: {', '.join(said) or 'no phase seen'}; {end}{' (inferred)' if record and record.inferred else ''}."
        )
    figure.update_layout(
        barmode="overlay",
        xaxis={"type": "date"},
        yaxis={"type": "category", "categoryorder": "array", "categoryarray": names[::-1]},
        meta={"text": " ".join(sentences), "theme": theme},
    )
    return figure


def _so_far(call: Any, now: datetime) -> list[tuple[CallState, datetime, datetime]]:
    """The phases of an open call, as far as its two times tell them."""
    phases = []
    since = call.since or call.first_seen
    start = call.started_at or since
    if call.connected_at is not None and call.connected_at > start:
        phases.append((CallState.RINGING, start, call.connected_at))
        start = call.connected_at
    if call.state is not CallState.CONNECTED and call.connected_at is not None and since > start:
        phases.append((CallState.CONNECTED, start, since))
        start = since
    return [*phases, (call.state, start, max(start, now))]
