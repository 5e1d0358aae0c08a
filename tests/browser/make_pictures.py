"""Every picture of `pbxnb.figures`, of a simulated day and of the bank's log, as PNGs to be looked at. Not a test.

Run: ``python -m tests.browser.make_pictures [--width 900] [--minutes 1.5]``; they land in ``artefacts/pictures``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import plotly
import pyarrow as pa
from playwright.sync_api import sync_playwright

import pbxnb
from pbxnb import figures
from pbxnb.errors import AnalysisError
from tests.analysis.bank import bank_calls
from tests.browser.conftest import ARTEFACTS
from tests.browser.jupyter_page import CHROMIUM, FLAGS

PAPER = {"light": "#ffffff", "dark": "#111111", "print": "#ffffff"}
Drawn = Iterator[tuple[str, Callable[..., Any]]]


def of_the_bank() -> Drawn:
    """Pictures of two months of a real call centre."""
    january, october = (pa.Table.from_pylist(bank_calls(month)) for month in (1, 10))
    for draw in (figures.week, figures.durations, figures.extensions, figures.flow, figures.patience):
        yield draw.__name__, partial(draw, january)
    yield "concurrency", partial(figures.concurrency, january, capacity=12)
    yield "queue_funnel", partial(figures.queue_funnel, january, definition=3)
    yield "load", partial(figures.load_against_theory, october, hours=31 * 17, agents=9)
    yield "compare", partial(figures.compare, january, october, names=("January", "October"))


def of_a_day(pbx: Any) -> Drawn:
    """Pictures of a session."""
    for draw in (figures.week, figures.durations, figures.extensions, figures.flow, figures.patience):
        yield draw.__name__, partial(draw, pbx)
    yield "concurrency", partial(figures.concurrency, pbx, start="started_at")
    yield "queue_funnel", partial(figures.queue_funnel, pbx)
    yield "load", partial(figures.load_against_theory, pbx, hours=8, agents=10)
    yield "state_shares", partial(figures.state_shares, pbx)
    talked = max(pbx.closed_calls(), key=lambda record: record.talk or 0)
    yield "call_life", partial(figures.call_life, pbx, talked.call.id)
    yield "ladder", partial(figures.ladder, pbx, call=talked.call.id)


def main() -> None:
    """Draw, photograph, and print every text twin."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--width", type=int, default=900)
    parser.add_argument("--minutes", type=float, default=1.5, help="how long the simulated day lasts here")
    options = parser.parse_args()
    folder = ARTEFACTS / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    pbx = pbxnb.simulate("callcentre", extensions=20, seed=3, speed=600).result(30)
    time.sleep(60 * options.minutes)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = chromium.new_page(viewport={"width": options.width, "height": 1200})
        page.add_script_tag(path=str(Path(plotly.__file__).parent / "package_data" / "plotly.min.js"))
        for source, pictures in (("bank", of_the_bank()), ("day", of_a_day(pbx))):
            for name, draw in pictures:
                for theme, paper in PAPER.items():
                    try:
                        figure = draw(theme=theme)
                    except AnalysisError as error:  # a quiet day: nobody gave up
                        print(f"{source} {name}: {error}")
                        break
                    page.evaluate(
                        """async ([paper, {data, layout}]) => { document.body.style.background = paper;
                            document.body.style.margin = 0;
                            document.body.innerHTML = '<div id=plot></div>';
                            await Plotly.newPlot('plot', data, layout); }""",
                        [paper, json.loads(figure.to_json())],
                    )
                    page.locator("#plot .svg-container").screenshot(path=str(folder / f"{source}-{name}-{theme}.png"))
                else:
                    print(f"{source} {name}: {figures.describe(figure)[:300]}")
        chromium.close()
    pbx.close()


if __name__ == "__main__":
    main()
