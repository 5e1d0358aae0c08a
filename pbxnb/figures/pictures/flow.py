"""Who calls whom, as a flow: caller, called and outcome, small flows gathered."""

from __future__ import annotations

from collections import Counter
from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.activity import flows
from pbxnb.arguments import helpful_keywords

from ..source import counted, label, needs, of, rows
from ..style import STATES, Theme, picture, styled

__all__ = ["flow"]


@helpful_keywords
def flow(source: Any, *, top: int = 20, theme: Theme = "light") -> go.Figure:
    """A Sankey diagram from callers over called parties to outcomes.

    Args:
        source: a handle or a table of calls.
        top: callers and called parties shown by name, the busiest; the rest is gathered as "others".
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no calls.
    """
    calls = of(source)
    found = [_named(row) for row in rows(flows(calls.table))]
    needs(found, "calls")
    callers, called = _busiest(found, "from_num", top), _busiest(found, "to_num", top)
    first: Counter[tuple[str, str]] = Counter()
    second: Counter[tuple[str, str]] = Counter()
    for row in found:
        left = row["from_num"] if row["from_num"] in callers else "others"
        middle = row["to_num"] if row["to_num"] in called else "others"
        first[left, middle] += row["calls"]
        second[middle, row["outcome"].replace("_", " ")] += row["calls"]
    lefts, middles = sorted({pair[0] for pair in first}), sorted({pair[1] for pair in first})
    outcomes = sorted({pair[1] for pair in second})
    place = {("from", name): n for n, name in enumerate(lefts)}
    place |= {("to", name): len(place) + n for n, name in enumerate(middles)}
    place |= {("outcome", name): len(place) + n for n, name in enumerate(outcomes)}
    links = [(place["from", a], place["to", b], n) for (a, b), n in sorted(first.items())]
    links += [(place["to", a], place["outcome", b], n) for (a, b), n in sorted(second.items())]
    total = sum(first.values())
    ended = Counter({outcome: sum(n for (_, o), n in second.items() if o == outcome) for outcome in outcomes})
    text = f"{counted(total)}: " + ", ".join(f"{n:,} {outcome}" for outcome, n in ended.most_common())
    (busiest, n_busiest) = first.most_common(1)[0]
    text += f". The strongest flow is {busiest[0]} to {busiest[1]} with {n_busiest:,}."
    figure = picture("From whom to whom", calls.terms(f"the {top} busiest by name"), text, theme=theme, height=520)
    look = styled(figure)
    colours = [look["main"]] * len(lefts) + [look["soft"]] * len(middles)
    colours += [{"answered": STATES["connected"]}.get(name, STATES["ringing"]) for name in outcomes]
    figure.add_trace(
        go.Sankey(
            node={"label": [label(name) for _, name in place], "color": colours, "pad": 12, "thickness": 14},
            link={
                "source": [link[0] for link in links],
                "target": [link[1] for link in links],
                "value": [link[2] for link in links],
                "color": "rgba(128,140,155,0.25)",
            },
        )
    )
    return figure


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """A flow whose parties and outcome all have a name."""
    return {column: value or "unknown" for column, value in row.items()}


def _busiest(found: list[dict[str, Any]], column: str, top: int) -> set[str]:
    counts: Counter[str] = Counter()
    for row in found:
        counts[row[column]] += row["calls"]
    return {name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:top]}
