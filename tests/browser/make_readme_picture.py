"""Makes the README's picture, notebooks/board.png: the dashboard of notebook 01 in a real browser, with calls going on.

Run it by hand when the board has changed: ``python -m tests.browser.make_readme_picture``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.browser.jupyter_page import Browser, JupyterPage, Server
from tests.browser.small_png import with_palette

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PICTURE = NOTEBOOKS / "board.png"
MOST_BYTES = 150_000
WIDTH, HEIGHT = 1300, 1500  # the window; the picture is the board alone
GRID = "330px"
BUSY = """
free = [account.number for account in pbx.extensions.where(registered=True, state="idle")]
steps = [{"at": 150, "call": "waits", "from": "+12025550102 Ann Weiss", "to": free[8]}]
for n, caller in enumerate([free[0], "+12025550101 Jo Field", free[2], "+442071838750 Zoe King"]):
    steps += [{"at": 20 * n, "call": f"{n}", "from": caller, "to": free[2 * n + 1]}]
    steps += [{"at": 20 * n + 7, "answer": f"{n}"}]
steps += [{"at": 90, "hold": "1", "by": free[3]}, {"at": 110, "park": "2", "orbit": "orbit1", "by": free[5]}]
pbx.simulator.scenario(steps)
"""


def first_cells() -> list[str]:
    """The code of notebook 01 up to the dashboard, which is made less tall."""
    notebook = json.loads((NOTEBOOKS / "01_live_board.ipynb").read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    last = next(place for place, text in enumerate(code) if "dashboard(" in text)
    return [*code[:last], f"board = {code[last]}\nboard.grid.height = {GRID!r}\nboard"]


def picture(opened: JupyterPage) -> bytes:
    """The board while people talk: one call selected, so that its commands show."""
    page = opened.page
    page.evaluate("() => jupyterapp.shell.collapseLeft()")
    assert opened.run_all() == []
    page.wait_for_selector(".pbx-dashboard [data-number]", state="attached")
    opened.execute(BUSY)
    for state in ("held", "parked", "ringing"):
        page.wait_for_selector(f'.pbx-dashboard [data-call][data-state="{state}"]', state="attached", timeout=90_000)
    page.locator('.pbx-dashboard [data-call][data-state="connected"]').first.click()
    page.wait_for_timeout(2_000)  # the timeline's next picture
    return page.locator(".pbx-dashboard").screenshot()


def main() -> int:
    """Make it; the exit code says whether it is small enough."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Server(folder) as server, Browser(server, folder / "profile") as browser:
            opened = browser.open(first_cells(), width=WIDTH, height=HEIGHT)
            PICTURE.write_bytes(with_palette(picture(opened)))
            opened.close()
    size = PICTURE.stat().st_size
    print(f"{PICTURE.name}: {size:,} bytes")
    return int(size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
