"""The notebook of the docs, from `connect()` to a finding, on a real server in a kernel of this interpreter."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from known_graph import FEATURES, KNOWN, loaded, whole
from nbclient import NotebookClient
from nbformat import NotebookNode

from saedb.cypher.server.local import LocalServer

NOTEBOOK = Path(__file__).parents[2] / "docs" / "finding.ipynb"


class ThisInterpreter(KernelSpecManager):
    """Knows one kernel, whatever kernels the user has."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name=kernel_name,
            language="python",
        )


@pytest.fixture
def executed(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NotebookNode]:
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    for folder in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(folder, str(tmp_path / folder))
    notebook = _notebook()
    manager = AsyncKernelManager(kernel_spec_manager=ThisInterpreter())
    with loaded(server, tmp_path):
        NotebookClient(notebook, km=manager, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
        yield notebook


def _notebook() -> NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _shown(cell: NotebookNode) -> str:
    """Return what a cell printed or gave."""
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def test_it_is_ten_cells_without_outputs_each_under_a_heading() -> None:
    cells = _code(_notebook())
    assert len(cells) == 10
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    headings = re.findall(r"^## (\d+)\.", "\n".join(cell.source for cell in _notebook().cells), re.MULTILINE)
    assert headings == [str(number) for number in range(1, 11)]


@pytest.mark.filterwarnings(
    "ignore:Proactor event loop:RuntimeWarning",  # on Windows
    "ignore:.*TCP without encryption.*",  # a kernel of this machine
)
def test_it_comes_from_a_connection_to_a_finding(executed: NotebookNode) -> None:
    cells = _code(executed)
    assert KNOWN in _shown(cells[0])
    figures = [cell for cell in cells if any("plotly" in kind for o in cell.outputs for kind in o.get("data", {}))]
    assert len(figures) == 2
    middle = [f for f, (_, _, before, after) in FEATURES.items() if _counts(before) and _counts(after)]
    appear = [f for f in middle if FEATURES[f][2] == "appearing"]
    gone = [f for f in appear if FEATURES[f][3] == "disappearing"]
    others = [f for f in middle if f not in appear]
    assert gone
    assert whole(gone[0]).split("/")[0] in _shown(cells[7])
    share = f"({len(gone) / len(appear):.0%})"
    assert f"{len(appear)} features appear in layers 1 to 2, and {len(gone)} of them {share} are" in _shown(cells[9])
    assert f"of the other {len(others)}," in _shown(cells[9])


def _counts(state: str | None) -> bool:
    return state not in (None, "dead", "rare")
