from pathlib import Path

import igraph
import numpy as np
import pandas as pd
import pytest
from toygraph import GROUPS, make_run

from saedb.cypher.leiden import partition
from saedb.ingest import rundir, tables
from saedb.ingest.progress import silent
from saedb.ingest.rundir import RunDirectory


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return make_run(tmp_path_factory.mktemp("leiden"), "planted")


def test_the_groups_that_were_planted_are_found(run: RunDirectory) -> None:
    found, modularity = partition(run, "pearson", 0.1, 0.2, 42, silent)
    group = found["feature"].str.rsplit("/").str[-1].astype(int) % GROUPS
    assert found.assign(group=group).groupby("group")["community"].nunique().eq(1).all()
    assert found["community"].nunique() == GROUPS
    assert modularity > 0.9


@pytest.mark.parametrize("resolution", [0.2, 1.0, 5.0])
@pytest.mark.parametrize(("measure", "floor"), [("pearson", 0.4), ("jaccard", 0.1)])
def test_the_modularity_is_that_of_the_edges_above_the_floor(
    run: RunDirectory, measure: str, floor: float, resolution: float
) -> None:
    found, modularity = partition(run, measure, floor, resolution, 42, silent)
    edges = pd.concat([run.read(tables.EDGES, name).to_pandas() for name in run.edge_files])
    above = edges[edges[measure] >= floor]
    graph = igraph.Graph.DataFrame(above[["source", "target"]], directed=False, use_vids=False)
    community = found.set_index("feature")["community"]
    expected = graph.modularity(
        community[graph.vs["name"]].tolist(), weights=above[measure].tolist(), resolution=resolution
    )
    assert modularity == pytest.approx(expected)


def test_the_same_seed_finds_the_same_partition_whatever_the_order_of_the_features(
    run: RunDirectory, tmp_path: Path
) -> None:
    turned = make_run(tmp_path, "planted")
    features = turned.read(tables.FEATURES, rundir.FEATURES_FILE)
    turned.write(tables.FEATURES, rundir.FEATURES_FILE, [features.take(list(range(len(features)))[::-1])])
    found, again, other = (
        partition(directory, "pearson", 0.1, 5.0, seed, silent)[0].set_index("feature")["community"]
        for directory, seed in ((run, 1), (turned, 1), (run, 2))
    )
    assert found.sort_index().equals(again.sort_index())
    assert not np.array_equal(found.sort_index(), other.sort_index())


def test_features_without_an_edge_above_the_floor_are_alone(run: RunDirectory) -> None:
    found, _ = partition(run, "pearson", 0.99, 1.0, 42, silent)
    edges = pd.concat([run.read(tables.EDGES, name).to_pandas() for name in run.edge_files])
    above = edges[edges["pearson"] >= 0.99]
    joined = found[found["feature"].isin([*above["source"], *above["target"]])]
    sizes = found.groupby("community").size()
    assert set(found.loc[found["community"].map(sizes) > 1, "feature"]) == set(joined["feature"])


def test_rounds_are_reported(run: RunDirectory) -> None:
    seen: list[int] = []
    partition(run, "pearson", 0.1, 5.0, 42, lambda stage, done, total: seen.append(done))
    assert seen == list(range(1, len(seen) + 1))
    assert seen
