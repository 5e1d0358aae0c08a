"""Pictures of a real call centre's month: what is drawn, what the text twin says, and numbers counted another way."""

import math
import re
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean, median
from typing import Any

import plotly.graph_objects as go
import pyarrow as pa
import pytest

from pbxnb import analysis, figures
from pbxnb.errors import AnalysisError, ConfigError, MissingColumn

Rows = list[dict[str, Any]]


def numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in re.findall(r"-?\d[\d,]*\.?\d*", text)]


def title(figure: go.Figure) -> str:
    return str(figure.layout.title.text)


def test_concurrency_draws_the_peak_it_names(table: pa.Table) -> None:
    figure = figures.concurrency(table, capacity=15)
    curve = figure.data[0]
    assert max(curve.y) == 12
    assert figures.describe(figure).startswith("At most 12 calls at once, first at 1999-01-")
    assert curve.x[curve.y.index(12)].strftime("%Y-%m-%d %H:%M:%S") in figures.describe(figure)
    assert curve.line.shape == "hv"  # a step, not a slope: between two instants nothing changes
    assert "27,060 calls" in title(figure) or "31,359 calls" in title(figure)


def test_a_month_is_drawn_with_its_peaks_of_every_day_where_they_are(table: pa.Table) -> None:
    figure = figures.concurrency(table)
    curve = dict(zip(figure.data[0].x, figure.data[0].y, strict=True))
    steps = [(step["instant"], step["at_once"]) for step in analysis.concurrency(table).to_pylist()]
    assert len(curve) <= 2_000 < len(steps)
    assert curve.items() <= dict(steps).items()
    highest: dict[Any, int] = {}
    for instant, at_once in steps:
        highest[instant.date()] = max(highest.get(instant.date(), 0), at_once)
    drawn = Counter({instant.date(): 0 for instant in curve})
    for instant, at_once in curve.items():
        drawn[instant.date()] = max(drawn[instant.date()], at_once)
    assert drawn == highest


def test_the_busiest_hour_is_the_mean_of_calls_at_once(table: pa.Table, january: Rows) -> None:
    area: Counter[Any] = Counter()
    for call in january:
        if call["answered_at"] is not None and call["ended_at"] >= call["answered_at"]:
            for second in range(int((call["ended_at"] - call["answered_at"]).total_seconds())):
                moment = call["answered_at"].timestamp() + second
                area[moment // 3600] += 1
    said = re.search(r"([\d.]+) erlang", figures.describe(figures.concurrency(table)))
    assert said is not None
    assert float(said[1]) == pytest.approx(max(area.values()) / 3600, abs=0.006)


def test_an_hour_without_a_call_is_a_mean_of_none_and_a_day_never_seen_is_no_mean() -> None:
    begun = [datetime(2026, 11, 16, hour, tzinfo=UTC) for hour in (9, 11)]
    monday = {"started_at": begun, "dow": [0, 0], "hour": [9, 11], "day": ["2026-11-16", "2026-11-16"]}
    [heat] = figures.week(pa.table(monday)).data
    rows = dict(zip([name.split()[0] for name in heat.y], heat.z, strict=True))
    assert list(rows["Monday"]) == [1.0, 0.0, 1.0]
    assert list(rows["Tuesday"]) == [None, None, None]


def test_week_shows_means_with_their_number_of_days(table: pa.Table, january: Rows) -> None:
    figure = figures.week(table)
    heat = figure.data[0]
    mondays = len({call["day"] for call in january if call["dow"] == 0})
    row = next(index for index, name in enumerate(heat.y) if name.startswith("Monday"))
    assert heat.y[row] == f"Monday (n={mondays})"
    ten = sum(call["dow"] == 0 and call["hour"] == 10 for call in january)
    assert heat.z[row][heat.x.index("10:00")] == pytest.approx(ten / mondays)
    assert f"{len(january):,} calls in all" in figures.describe(figure)


def test_durations_bars_hold_every_call_and_the_twin_its_figures(table: pa.Table, january: Rows) -> None:
    figure = figures.durations(table)
    seconds = [call["talk_ms"] / 1000 for call in january if call["talk_ms"] is not None and call["talk_ms"] >= 1000]
    bars, line = figure.data[0], figure.data[1]
    assert sum(int(text.split(": ")[1].split(" ")[0].replace(",", "")) for text in bars.hovertext) == len(seconds)
    text = figures.describe(figure)
    assert f"{len(seconds):,} calls" in text
    assert f"mean {fmean(seconds):.1f} s, median {median(seconds):.1f} s" in text
    assert figure.data[-1].y[-1] == pytest.approx(1.0)
    # Heights are calls per doubling of the time, so the line is smooth: it rises to one top and falls.
    rises = [after > before for before, after in pairwise(line.y)]
    assert rises == sorted(rises, reverse=True)
    edges = [float(low) for text in bars.hovertext for low in text.split(" s:")[0].split(" to ")]
    widths = [math.log2(high / low) for low, high in zip(edges[::2], edges[1::2], strict=True)]
    assert sum(height * width for height, width in zip(bars.y, widths, strict=True)) == pytest.approx(len(seconds))


def test_extensions_are_the_busiest_and_the_twin_names_their_minutes(table: pa.Table, january: Rows) -> None:
    figure = figures.extensions(table, top=3)
    talk: Counter[str] = Counter()
    for call in january:
        if call["ext"]:
            talk[call["ext"]] += call["talk_ms"] or 0
    best = talk.most_common(3)
    assert list(figure.data[0].y) == [agent for agent, _ in best]
    assert list(figure.data[0].x) == pytest.approx([spent / 60_000 for _, spent in best])
    assert f"{best[0][0]}: {best[0][1] / 60_000:.1f} min talk" in figures.describe(figure)


def test_flow_gathers_small_flows_and_loses_none(table: pa.Table, january: Rows) -> None:
    figure = figures.flow(table, top=5)
    link = figure.data[0].link
    from_callers = [n for source, n in zip(link.source, link.value, strict=True) if source < 6]
    assert sum(from_callers) == len(january)
    outcomes = Counter(call["outcome"] for call in january)
    assert f"{outcomes['answered']:,} answered" in figures.describe(figure)


def test_patience_curve_and_twin_agree(table: pa.Table) -> None:
    figure = figures.patience(table)
    curve = dict(zip(figure.data[0].x, figure.data[0].y, strict=True))
    at_a_minute = min(share for wait, share in curve.items() if wait <= 60)
    assert f"{at_a_minute:.0%} at 60 s" in figures.describe(figure)


def test_queue_funnel_names_its_definition(table: pa.Table, january: Rows) -> None:
    figure = figures.queue_funnel(table, definition=3)
    answered = [call for call in january if call["outcome"] == "answered"]
    in_time = sum(call["wait_ms"] <= 20_000 for call in answered)
    assert list(figure.data[0].x) == [len(january), len(answered), in_time]
    assert "52.3%" in title(figure)
    assert "answered in time / offered" in title(figure)
    assert numbers(figures.describe(figure))[:3] == [len(january), len(answered), in_time]


def test_measured_load_stands_on_the_theory_it_names(october: pa.Table) -> None:
    figure = figures.load_against_theory(october, hours=31 * 17, agents=9)
    theory, endless, measured = figure.data
    assert measured.y[0] == pytest.approx(0.683, abs=0.0005)
    assert all(
        a >= c
        for n, c in zip(endless.x, endless.y, strict=True)
        for m, a in zip(theory.x, theory.y, strict=True)
        if n == m
    )
    assert "Erlang A says" in figures.describe(figure)


def test_two_months_side_by_side(table: pa.Table, october: pa.Table) -> None:
    figure = figures.compare(table, october, names=("January", "October"))
    for bars, calls in zip(figure.data, (table, october), strict=True):
        days = len(set(calls["day"].to_pylist()))
        assert sum(bars.y) == pytest.approx(len(calls) / days)
    assert "January: 1081.3 calls a day" in figures.describe(figure)


PICTURES = [
    figures.concurrency,
    figures.week,
    figures.durations,
    figures.extensions,
    figures.flow,
    figures.patience,
    figures.queue_funnel,
]


@pytest.mark.parametrize("draw", PICTURES, ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_every_picture_states_its_terms_in_every_theme(draw: Any, theme: str, table: pa.Table) -> None:
    figure = draw(table, theme=theme)
    assert isinstance(figure, go.Figure)
    assert "1999-01-01" in title(figure)
    assert "1999-01-31" in title(figure)
    assert "calls" in title(figure)
    assert numbers(figures.describe(figure))
    assert "<script" not in figure.to_html(full_html=False, include_plotlyjs=False).split("Plotly.newPlot")[1]


@pytest.mark.parametrize("draw", PICTURES, ids=lambda draw: draw.__name__)
def test_calls_of_which_little_is_known_are_drawn_or_refused_in_a_sentence(draw: Any, table: pa.Table) -> None:
    little = table.slice(0, 3)
    for name in ("answered_at", "ended_at", "wait_ms", "talk_ms"):
        kind = little.schema.field(name).type
        little = little.set_column(little.schema.get_field_index(name), name, pa.nulls(3, kind))
    said = ""
    try:
        said = figures.describe(draw(little))
    except AnalysisError as refused:
        said = refused.message
    assert said
    assert "None" not in said


def test_no_picture_offers_to_upload_itself(table: pa.Table) -> None:
    assert "sendChartToCloud" in figures.concurrency(table).layout.modebar.remove


def test_parties_that_withhold_their_number_are_unknown(table: pa.Table) -> None:
    some = table.slice(0, 4).drop_columns("to_num")
    figure = figures.flow(some.append_column("to_num", pa.array([None, "1", None, "1"])), top=5)
    assert {"1", "unknown"} <= set(figure.data[0].node.label)
    assert "None" not in figures.describe(figure)


def test_one_is_not_many(table: pa.Table) -> None:
    one = table.slice(0, 1)
    assert "1 call in all" in figures.describe(figures.week(one))
    assert "1 calls" not in title(figures.week(one)) + figures.describe(figures.flow(one))


def test_a_load_of_thousands_is_drawn_with_as_many_points_as_a_small_one(table: pa.Table) -> None:
    figure = figures.load_against_theory(table, hours=1.0, agents=1500)
    assert len(figure.data[0].x) <= 101
    assert max(figure.data[0].x) >= 1500


@pytest.mark.parametrize("draw", PICTURES, ids=lambda draw: draw.__name__)
def test_a_mistyped_keyword_is_answered_with_the_nearest(draw: Any, table: pa.Table) -> None:
    with pytest.raises(TypeError, match=rf"{draw.__name__}\(\) takes no keyword 'them'; did you mean 'theme'\?"):
        draw(table, them="dark")


@pytest.mark.parametrize("draw", PICTURES, ids=lambda draw: draw.__name__)
def test_an_empty_table_is_refused_in_a_sentence(draw: Any, table: pa.Table) -> None:
    with pytest.raises(AnalysisError, match="nothing to draw"):
        draw(table.slice(0, 0))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(MissingColumn, match="dow"):
        figures.week(pa.table({"hour": [1]}))


def test_hostile_numbers_become_plain_labels() -> None:
    evil = "<img src=x onerror=alert(1)>"
    rows = {"from_num": [evil], "to_num": ["<b>7</b>\u202e"], "outcome": ["answered"], "started_at": [None]}
    figure = figures.flow(pa.table(rows | {"started_at": pa.array([None], pa.timestamp("us"))}))
    shown = "".join(figure.data[0].node.label)
    assert "<" not in shown
    assert "\u202e" not in shown


def test_an_unknown_theme_lists_the_known_ones(table: pa.Table) -> None:
    with pytest.raises(ConfigError, match="light, dark, print"):
        figures.week(table, theme="sepia")


def test_a_stranger_figure_has_no_twin() -> None:
    with pytest.raises(ConfigError, match="no text twin"):
        figures.describe(go.Figure())
