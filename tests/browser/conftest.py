"""JupyterLab and Chromium, once for each module of browser tests; without them they skip, but in CI they fail."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ARTEFACTS = Path(__file__).parents[2] / "artefacts"


def _missing() -> str:
    if importlib.util.find_spec("playwright") is None or importlib.util.find_spec("jupyterlab") is None:
        return 'The browser tests need JupyterLab and Playwright: pip install "pbxnb[dev]".'
    from tests.browser.jupyter_page import CHROMIUM

    return "" if CHROMIUM else "The browser tests need Chromium: apt-get install chromium, or set PBXNB_CHROMIUM."


def require_browser() -> None:
    """Skip without a browser; where one must be there, fail."""
    if why := _missing():
        if os.environ.get("PBXNB_REQUIRE_BROWSER"):
            pytest.fail(why)
        pytest.skip(why)


# Not for the whole session: Playwright keeps a loop running in this thread, where other tests start loops of their own.
@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    require_browser()
    from tests.browser.jupyter_page import Browser, Server

    folder = tmp_path_factory.mktemp("jupyter")
    with Server(folder) as server, Browser(server, folder / "profile") as started:
        yield started


@pytest.fixture
def artefact(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Where a picture of this test is kept: ``artefacts/`` in the checkout, which git ignores."""

    def path(name: str) -> str:
        ARTEFACTS.mkdir(exist_ok=True)
        return str(ARTEFACTS / f"{request.node.originalname}-{name}.png")

    return path
