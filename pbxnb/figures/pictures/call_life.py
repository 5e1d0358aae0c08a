"""The life of one conversation: its calls as rows, their phases as blocks, its links and who left first."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.arguments import helpful_keywords
from pbxnb.errors import AnalysisError
from pbxnb.history import Span
from pbxnb.ui.handle import handle_of
from pbxnb.zones import clock_text, times_in, wall_axis

from ..phone_call import colour_of, is_phone_call, name_of, spells
from ..source import label, whose
from ..style import STATES, Theme, picture

__all__ = ["call_life"]

SOUND = "sound of the phone"


@helpful_keywords
def call_life(pbx: Any, call: Any, *, theme: Theme = "light") -> go.Figure:
    """Draw every call of the conversation that a call belongs to.

    Args:
        pbx: a handle or a recording.
        call: a `Call`, or its id; open or ended in it. Of a call of a phone the sound is drawn too.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: the session knows no such call.
    """
    phone_call = call if is_phone_call(call) else None
    call = call if phone_call is None else phone_call.call or name_of(phone_call)
    wanted = str(getattr(call, "conversation", "") or getattr(call, "id", call))  # an id may be used again
    handle = handle_of(pbx)
    history, now = handle.history, handle.clock.now().timestamp()
    story = history.story(wanted)
    if story is None:
        raise AnalysisError(
            f"This session knows no call {wanted[:64]!r}.",
            hint="List them with pbx.calls or pbx.closed_calls().",
            call=wanted,
        )
    lives: dict[str, list[Span]] = {}
    for span in story.in_order():
        lives.setdefault(span.call, []).append(span)
    records = {record.call.id: record for record in history.closed_calls() if record.call.id in lives}
    ended = {key: (record.call, record) for key, record in records.items()}
    known = ended | {entry.id: (entry, None) for entry in history.open_calls() if entry.id in lives}
    chosen = [(*known[key], spans) for key, spans in lives.items() if key in known]
    sentences, names, sounds = [], [], []
    place, change = wall_axis(min(story.began, now), min(story.ended, now), handle.tz)
    many = f"{len(chosen)} calls of one conversation" if len(chosen) > 1 else "the only call of its conversation"
    terms = [whose(handle), many, times_in(handle.tz), *filter(None, [change])]
    figure = picture("Life of one call", " · ".join(terms), "", theme=theme)

    def draw(row: str, word: str, colour: str, start: float, spent: float) -> None:
        figure.add_trace(
            go.Bar(
                y=[row],
                base=[place(start)],
                x=[spent * 1000],
                orientation="h",
                marker={"color": colour},
                name=word,
                legendgroup=word,
                showlegend=not any(trace.name == word for trace in figure.data),
                hovertemplate=f"{word} {spent:.1f} s from {clock_text(start, handle.tz)}<extra></extra>",
            )
        )

    for entry, record, spans in chosen:
        name = label(f"{entry.id}: {entry.from_.number or entry.from_.name} → {entry.to.number or entry.to.name}")
        names.append(name)
        said = []
        for span in spans:
            phase = str(span.phase)
            spent = max(0.0, (now if span.end is None else span.end) - span.start)
            said.append(f"{phase} {spent:.0f} s")
            draw(name, phase, STATES.get(phase, STATES["other"]), span.start, spent)
        end = "goes on" if record is None else "ended" + (f", {record.ended_by} left first" if record.ended_by else "")
        sentences.append(
            f"{name}: {', '.join(said) or 'no phase seen'}; {end}{' (inferred)' if record and record.inferred else ''}."
        )
    for spell in spells(phone_call.moments, "sound") if phone_call else ():
        began = spell.start.timestamp()
        spent = max(0.0, (now if spell.end is None else spell.end.timestamp()) - began)
        names += [] if SOUND in names else [SOUND]
        sounds.append(f"{spell.word} {spent:.0f} s")
        draw(SOUND, spell.word, colour_of(spell.word), began, spent)
    sentences += [f"{SOUND}: {', '.join(sounds)}."] if sounds else []
    figure.update_layout(
        barmode="overlay",
        xaxis={"type": "date"},
        yaxis={"type": "category", "categoryorder": "array", "categoryarray": names[::-1]},
        meta={"text": " ".join(sentences), "theme": theme},
    )
    return figure
