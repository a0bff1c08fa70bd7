"""Groups of features by edges made by hand."""

from pathlib import Path

import numpy as np
import pytest

from saedb.ingest import tables
from saedb.ingest.record import RunRecord, SaeRecord
from saedb.ingest.residuals.groups import Dictionary, upstream
from saedb.ingest.rundir import RunDirectory, edges_file

# pearson, necessity, support, documents of one edge of each feature
EDGES = {
    "at the threshold": (0.5, 4 / 10, 20, 5),
    "above it": (0.5, 9 / 20, 20, 5),
    "passed through": (0.99, 0.9, 10, 3),
    "one token": (1.0, 1.0, 1, 1),
    "two documents": (0.99, 0.9, 100, 2),
    "never meets": (0.0, 0.0, 0, 0),
    "without a next one": (None, None, None, None),
}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    saes = tuple(SaeRecord(id=f"{n}-s", layer=n, set="s", depth=n, d_sae=len(EDGES)) for n in range(2))
    config = {"passed_through": 0.95, "min_support": 10, "min_documents": 3}
    record = RunRecord(
        id="run", kind="ingest", model="tiny", created="2999-01-01T00:00:00+00:00", config=config, saes=saes,
        pairs=(("0-s", "1-s"),),
    )  # fmt: skip
    run = RunDirectory.create(tmp_path / "run", record)
    columns = dict(
        zip(("pearson", "necessity", "support", "support_docs"), zip(*EDGES.values(), strict=True), strict=True)
    )
    rows = tables.rows(tables.EDGES, {"source": list(EDGES), "target": ["other"] * len(EDGES), **columns})
    run.write(tables.EDGES, edges_file("0-s", "1-s"), [rows])
    return run


def test_features_are_grouped_by_edges_that_have_enough_tokens_and_documents(run: RunDirectory) -> None:
    ids, count = np.array(list(EDGES), dtype=object), len(EDGES)
    side = Dictionary(ids=ids, max=np.ones(count), reference=np.ones(count), state=np.full(count, None, dtype=object))
    found = upstream(run, ("0-s", "1-s"), side, 0.4)
    low = ("low_necessity",)
    assert dict(zip(ids, zip(found.group, found.necessity, strict=True), strict=True)) == {
        "at the threshold": (*low, 0.4),
        "above it": ("other", 0.45),
        "passed through": ("passed_through", 0.9),
        "one token": (*low, pytest.approx(np.nan, nan_ok=True)),
        "two documents": (*low, pytest.approx(np.nan, nan_ok=True)),
        "never meets": (*low, pytest.approx(np.nan, nan_ok=True)),
        "without a next one": (*low, pytest.approx(np.nan, nan_ok=True)),
    }
