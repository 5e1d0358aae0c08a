"""Every notebook runs top to bottom with no PBX and no front end, has no outputs stored, and says what it shows."""

import warnings
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the lab extra is not installed")
nbclient = pytest.importorskip("nbclient", reason="the lab extra is not installed")

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


@pytest.mark.kernel
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_top_to_bottom_in_any_folder(name: str, tmp_path: Path) -> None:
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook runner and its kernel manager, not ours
        nbclient.NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
    errors = [
        output.text for cell in notebook.cells for output in cell.get("outputs", ()) if output.get("name") == "stderr"
    ]
    assert errors == []  # nothing is said unasked


@pytest.mark.kernel
def test_without_a_front_end_every_panel_leaves_a_readable_line() -> None:
    made = ["grid", "call_list", "command_bar", "timeline", "console", "status_badge", "dashboard"]
    sources = ["import pbxnb\npbx = await pbxnb.simulate('empty', extensions=5)", *(f"pbx.{name}()" for name in made)]
    cells = [nbformat.v4.new_code_cell(source) for source in [*sources, "await pbx.aclose()"]]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the notebook runner and its kernel manager, not ours
        nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    for name, cell in zip(made, notebook.cells[1:], strict=False):
        texts = [output.data["text/plain"] for output in cell.outputs]
        assert len(texts) == 1, cell.outputs
        assert "empty" in texts[0] or "acme.example" in texts[0], name
        assert "children=" not in texts[0], name


def test_there_are_nine() -> None:
    assert [name[:2] for name in NOTEBOOKS] == [f"{number:02d}" for number in range(9)]


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
    last = notebook.cells[-1].source
    assert "close()" in last or "nothing to close" in last
