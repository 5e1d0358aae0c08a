"""Every notebook runs top to bottom with no PBX and no front end, has no outputs stored, and says what it shows."""

import asyncio
import html
import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="the lab extra is not installed")
nbclient = pytest.importorskip("nbclient", reason="the lab extra is not installed")

FOLDER = Path(__file__).parents[2] / "notebooks"
VIEW = "application/vnd.jupyter.widget-view+json"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each notebook as it is once it ran, or what stopped it. They wait more than they work: several run at once."""
    notebooks = [nbformat.read(FOLDER / f"{name}.ipynb", as_version=4) for name in NOTEBOOKS]
    places = asyncio.Semaphore(3)

    async def run(name: str, notebook: Any) -> None:
        where = {"metadata": {"path": str(tmp_path_factory.mktemp(name))}}
        async with places:
            client = nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3", resources=where)
            await client.async_execute()

    async def run_all() -> list[BaseException | None]:
        return await asyncio.gather(*map(run, NOTEBOOKS, notebooks), return_exceptions=True)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook runner and its kernel manager, not ours
        stopped = asyncio.run(run_all())
    return {name: why or notebook for name, why, notebook in zip(NOTEBOOKS, stopped, notebooks, strict=True)}


@pytest.mark.kernel
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_top_to_bottom_in_any_folder(name: str, runs: dict[str, Any]) -> None:
    notebook = runs[name]
    if isinstance(notebook, BaseException):
        raise notebook
    errors = [
        output.text for cell in notebook.cells for output in cell.get("outputs", ()) if output.get("name") == "stderr"
    ]
    assert errors == []  # nothing is said unasked


@pytest.fixture(scope="module")
def panels_run_by_a_program() -> Any:
    """A notebook with every panel, as nbclient leaves it, and its panels' cells by name."""
    made = ["grid", "call_list", "command_bar", "timeline", "console", "softphone", "status_badge", "dashboard"]
    sources = ["import pbxnb\npbx = await pbxnb.simulate('empty', extensions=5)", *(f"pbx.{name}()" for name in made)]
    cells = [nbformat.v4.new_code_cell(source) for source in [*sources, "await pbx.aclose()"]]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook runner and its kernel manager, not ours
        nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return notebook, dict(zip(made, notebook.cells[1:], strict=False))


@pytest.mark.kernel
def test_without_a_front_end_every_panel_leaves_readable_lines_in_the_notebook_and_its_export(
    panels_run_by_a_program: Any,
) -> None:
    notebook, cells = panels_run_by_a_program
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        page, _ = pytest.importorskip("nbconvert").HTMLExporter().from_notebook_node(notebook)
    for name, cell in cells.items():
        _twin, panel = (output.data for output in cell.outputs)
        text = panel["text/plain"]
        assert "empty" in text or "acme.example" in text, name
        assert "children=" not in text, name
        for line in text.splitlines():
            assert f">{html.escape(line)}</p>" in page, name
    assert "Extension 41" in page or ">41</td>" in page  # and what a panel shows, as tables


@pytest.mark.kernel
def test_a_notebook_run_by_a_program_holds_what_its_panels_are_drawn_from_and_plotly_once(
    panels_run_by_a_program: Any,
) -> None:
    notebook, cells = panels_run_by_a_program
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    for cell in cells.values():
        (shown,) = (o.data[VIEW] for o in cell.outputs if VIEW in o.data)
        assert shown["model_id"] in state
    sizes = sorted(len(json.dumps(model)) for model in state.values())
    assert sum(model["model_name"] == "AnyModel" and "_shared" in model["state"] for model in state.values()) == 2
    assert sizes[-1] > 1_000_000  # plotly
    assert sum(sizes[:-1]) < 800_000


def test_each_has_a_number_of_its_own() -> None:
    numbers = [name[:2] for name in NOTEBOOKS]
    assert numbers[:9] == [f"{number:02d}" for number in range(9)]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_clean_and_says_what_it_shows(name: str) -> None:
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith(f"# {name[:2]} · ")
    assert "What this shows:" in first.source
    assert "akes" in first.source  # how long it takes
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_a_notebook_shows_stays_alive_and_it_says_how_to_end_that(name: str) -> None:
    cells = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells
    ends = re.compile(r"^(await )?\w+\.a?close\(\)", re.MULTILINE)
    assert not [cell.source for cell in cells if cell.cell_type == "code" and ends.search(cell.source)]
    assert "by hand" in cells[-1].source or "nothing to close" in cells[-1].source
