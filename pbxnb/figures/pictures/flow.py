"""Who calls whom, as a flow: caller, called and outcome, small flows gathered."""

from __future__ import annotations

from collections import Counter
from typing import Any

import plotly.graph_objects as go

from pbxnb.analysis.columns import opened, whole
from pbxnb.arguments import helpful_keywords

from ..source import counted, label, needs, of, rows
from ..style import STATES, Theme, picture, styled

__all__ = ["flow"]

PARTIES = ("from_num", "to_num")
KEYS = (*PARTIES, "outcome")


@helpful_keywords
def flow(source: Any, *, top: int = 20, theme: Theme = "light") -> go.Figure:
    """A Sankey diagram from callers over called parties to outcomes.

    Args:
        source: a handle or a table of calls.
        top: callers and called parties shown by name, the busiest; the rest is gathered as "others".
        theme: ``light``, ``dark`` or ``print``.

    Raises:
        AnalysisError: no calls.

    Example:
        >>> from pbxnb import figures
        >>> figure = figures.flow(pbx)
    """
    calls = of(source)
    found = _gathered(calls.table, top)
    needs(found, "calls")
    first: Counter[tuple[str, str]] = Counter()
    second: Counter[tuple[str, str]] = Counter()
    for row in found:
        first[row["from_num"], row["to_num"]] += row["calls"]
        second[row["to_num"], row["outcome"].replace("_", " ")] += row["calls"]
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


def _gathered(table: Any, top: int) -> list[dict[str, Any]]:
    """Calls from whom to whom with which outcome; whoever is not among the busiest is one of the others."""
    frame, back = opened(table, *KEYS)
    import narwhals as nw

    def counted_by(frame: Any, *keys: str) -> Any:
        ones = frame.with_columns(calls=nw.lit(1).cast(nw.Int64))
        return ones.group_by(*keys).agg(nw.col("calls").sum()).with_columns(*whole("calls"))

    named = frame.with_columns(nw.when(nw.col(key) != "").then(nw.col(key)).fill_null("unknown") for key in KEYS)
    shown = []
    for party in PARTIES:
        busiest = counted_by(named, party).sort("calls", party, descending=[True, False]).head(top)
        names = [row[party] for row in rows(back(busiest))] or [""]  # which nobody is called
        shown.append(nw.when(nw.col(party).is_in(names)).then(nw.col(party)).otherwise(nw.lit("others")).alias(party))
    return rows(back(counted_by(named.with_columns(*shown), *KEYS)))
