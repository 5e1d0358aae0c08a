"""The life of one conversation: its calls as rows, their phases as blocks, its links and who left first."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from pbxnb.arguments import helpful_keywords
from pbxnb.errors import AnalysisError
from pbxnb.zones import clock_text, times_in, wall_axis

from ..lives import lives_of
from ..phone_call import colour_of, is_phone_call, name_of, spells
from ..style import STATES, Theme, picture

__all__ = ["call_life"]

SOUND = "sound of the phone"


@helpful_keywords
def call_life(source: Any, call: Any, *, theme: Theme = "light") -> go.Figure:
    """Draw every call of the conversation that a call belongs to.

    Args:
        source: a handle, a recording, a history or a part of one; or a table like the ``call_states`` of a history, of
            any engine, which knows nothing of conversations: only the call itself is drawn, in UTC.
        call: a `Call`, or its id; open or ended in it. Of a call of a phone the sound is drawn too.
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: there is no such call.
        MissingColumn: it is another table.

    Example:
        >>> from pbxnb import figures
        >>> call = pbx.closed_calls()[-1].call
        >>> figure = figures.call_life(pbx, call)
    """
    phone_call = call if is_phone_call(call) else None
    call = call if phone_call is None else phone_call.call or name_of(phone_call)
    known = lives_of(source, call)
    if known is None:
        wanted = str(getattr(call, "id", call))
        raise AnalysisError(
            f"There is no call {wanted[:64]!r} in it.",
            hint="List them with pbx.calls or pbx.closed_calls(); a table has them in its column call_id.",
            call=wanted,
        )
    zone, last = known.zone, known.last
    starts = [phase.start for life in known.lives for phase in life.phases]
    ends = [phase.start + phase.spent for life in known.lives for phase in life.phases]
    sentences, names, sounds = [], [], []
    place, change = wall_axis(min(starts, default=last), max(ends, default=last), zone)
    terms = [known.tenant, known.extent, times_in(zone), change]
    figure = picture("Life of one call", " · ".join(filter(None, terms)), "", theme=theme)

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
                hovertemplate=f"{word} {spent:.1f} s from {clock_text(start, zone)}<extra></extra>",
            )
        )

    for life in known.lives:
        names.append(life.name)
        said = []
        for phase in life.phases:
            said.append(f"{phase.word} {phase.spent:.0f} s")
            draw(life.name, phase.word, STATES.get(phase.word, STATES["other"]), phase.start, phase.spent)
        sentences.append(f"{life.name}: {', '.join(said) or 'no phase seen'}; {life.end}.")
    for spell in spells(phone_call.moments, "sound") if phone_call else ():
        began = spell.start.timestamp()
        spent = max(0.0, (last if spell.end is None else spell.end.timestamp()) - began)
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
