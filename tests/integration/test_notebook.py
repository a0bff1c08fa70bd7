"""The notebook of the docs, from `connect()` to a finding, on a real server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import notebooks
import pytest
from known_graph import FEATURES, KNOWN, loaded
from nbformat import NotebookNode

from saedb.cypher.server.local import LocalServer

NOTEBOOK = Path(__file__).parents[2] / "docs" / "finding.ipynb"
JUPYTERS_FOLDERS = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")


@pytest.fixture(scope="module")
def executed(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookNode]:
    folder = tmp_path_factory.mktemp("notebook")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEO4J_")}
    environment |= {name: str(folder / name) for name in JUPYTERS_FOLDERS} | {"SAEDB_HOME": str(server.layout.home)}
    command = [sys.executable, notebooks.__file__, NOTEBOOK, folder / "executed.ipynb"]
    with loaded(server, folder):
        result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert result.returncode == 0, result.stderr
        yield nbformat.read(folder / "executed.ipynb", as_version=4)


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _shown(cell: NotebookNode) -> str:
    """Return what a cell printed or gave."""
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def test_it_is_ten_cells_without_outputs_each_under_a_heading() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert len(_code(notebook)) == 10
    assert all(not cell.outputs and cell.execution_count is None for cell in _code(notebook))
    headings = re.findall(r"^## (\d+)\.", "\n".join(cell.source for cell in notebook.cells), re.MULTILINE)
    assert headings == [str(number) for number in range(1, 11)]


def test_it_comes_from_a_connection_to_a_finding(executed: NotebookNode) -> None:
    cells = _code(executed)
    assert KNOWN in _shown(cells[0])
    middle = [f for f, (_, _, before, after) in FEATURES.items() if _counts(before) and _counts(after)]
    appear = [f for f in middle if FEATURES[f][2] == "appearing"]
    gone = [f for f in appear if FEATURES[f][3] == "disappearing"]
    share = f"({len(gone) / len(appear):.0%})"
    assert f"{len(appear)} features appear in layers 1 to 2, and {len(gone)} of them {share} are" in _shown(cells[9])
    assert f"of the other {len(middle) - len(appear)}," in _shown(cells[9])
    assert gone


def test_it_shows_tables_figures_and_examples(executed: NotebookNode) -> None:
    cells = _code(executed)
    figures = [cell for cell in cells if any("plotly" in kind for o in cell.outputs for kind in o.get("data", {}))]
    assert len(figures) == 2
    assert all(_shown(cell) for cell in cells if cell not in figures)
    assert "[[" in _shown(cells[7])


def _counts(state: str | None) -> bool:
    return state not in (None, "dead", "rare")
