from pathlib import Path

import igraph
import leidenalg
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import normalized_mutual_info_score
from toygraph import GROUPS, make_run
from weightedgraphs import graph, planted

from saedb.cypher.communities.local import LocalFinder
from saedb.cypher.communities.quality import modularity
from saedb.cypher.communities.settings import OFFERED, Algorithm
from saedb.cypher.communities.weighted import measures_of, weighted
from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.rundir import RunDirectory

RESOLUTION: dict[Algorithm, float] = {
    "leiden": 1.0,
    "leiden_directed": 1.0,
    "louvain": 1.0,
    "cpm": 0.05,
    "components": 1.0,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return make_run(tmp_path_factory.mktemp("leiden"), "planted")


@pytest.mark.parametrize("algorithm", OFFERED["local"])
def test_every_algorithm_finds_groups_that_are_easy_to_see(algorithm: Algorithm) -> None:
    edges, truth = planted(20, 30, 0.4, 0.0 if algorithm == "components" else 0.002)
    (found,) = LocalFinder(edges, algorithm).find(RESOLUTION[algorithm], 42)
    assert normalized_mutual_info_score(truth, found) >= 0.99


def test_louvain_finds_finer_levels_first_the_coarsest() -> None:
    edges, _ = planted(20, 30, 0.2, 0.02)
    levels = LocalFinder(edges, "louvain").find(1.0, 42, levels=True)
    counts = [len(np.unique(level)) for level in levels]
    assert counts == sorted(counts)
    assert len(counts) > 1
    assert np.array_equal(levels[0], LocalFinder(edges, "louvain").find(1.0, 42)[0])


@pytest.mark.parametrize("algorithm", ["leiden", "louvain", "cpm"])
def test_the_same_seed_finds_the_same_partition_and_another_seed_another(algorithm: Algorithm) -> None:
    edges, _ = planted(30, 10, 0.3, 0.03)
    finder = LocalFinder(edges, algorithm)
    one, again, other = (finder.find(RESOLUTION[algorithm], seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_leiden_directed_is_what_leidenalg_finds_of_the_directed_graph_when_asked_as_the_paper_did() -> None:
    edges, _ = planted(30, 10, 0.3, 0.03)
    plain = igraph.Graph(directed=True)
    plain.add_vertices(edges.size)
    plain.add_edges(list(zip(edges.source.tolist(), edges.target.tolist(), strict=True)))
    kind, weights = leidenalg.ModularityVertexPartition, edges.weight.tolist()
    expected = leidenalg.find_partition(plain, kind, weights=weights, seed=42).membership
    found = LocalFinder(edges, "leiden_directed").find(1.0, 42)[0]
    assert found.tolist() == expected
    assert not np.array_equal(found, LocalFinder(edges, "leiden").find(1.0, 42)[0])


def test_a_higher_resolution_finds_more_communities() -> None:
    edges, _ = planted(20, 20, 0.3, 0.02)
    counts = [len(np.unique(LocalFinder(edges, "leiden").find(resolution, 0)[0])) for resolution in (0.2, 1.0, 8.0)]
    assert counts == sorted(set(counts))


def test_further_passes_improve_a_partition_and_leave_a_perfect_one_alone() -> None:
    edges, truth = planted(20, 30, 0.4, 0.005)
    poor = np.where(np.arange(edges.size) % 5 == 0, np.arange(edges.size) + 1000, truth)
    finder = LocalFinder(edges, "leiden")
    found = finder.improved(poor, 1.0, 42)
    assert modularity(edges, found) > modularity(edges, poor) + 0.1
    assert normalized_mutual_info_score(truth, found) >= 0.99
    assert modularity(edges, finder.improved(found, 1.0, 7)) >= modularity(edges, found)
    assert np.array_equal(found, finder.improved(poor, 1.0, 42))


def test_features_without_an_edge_are_alone() -> None:
    (found,) = LocalFinder(graph(4, [(0, 1, 0.5)]), "leiden").find(1.0, 0)
    assert found[0] == found[1]
    assert len(set(found.tolist())) == 3


def test_a_run_is_the_graph_of_its_edges_above_the_floor_in_the_order_of_the_model(
    run: RunDirectory, tmp_path: Path
) -> None:
    edges = pd.concat([run.read(tables.EDGES, name).to_pandas() for name in run.edge_files])
    above = edges[edges["jaccard"] >= 0.4]
    found = weighted(run, "jaccard", 0.4)
    ids = found.features["id"].to_numpy()
    rows = set(zip(ids[found.source], ids[found.target], found.weight, strict=True))
    assert rows == set(zip(above["source"], above["target"], above["jaccard"], strict=True))
    assert list(zip(found.features["layer"], found.features["index"], strict=True)) == sorted(
        zip(found.features["layer"], found.features["index"], strict=True)
    )
    turned = make_run(tmp_path, "planted")
    features = turned.read(tables.FEATURES, rundir.FEATURES_FILE)
    turned.write(tables.FEATURES, rundir.FEATURES_FILE, [features.take(list(range(len(features)))[::-1])])
    again = weighted(turned, "jaccard", 0.4)
    assert again.features["id"].tolist() == ids.tolist()
    assert np.array_equal(again.source, found.source)


def test_the_groups_of_a_run_are_found(run: RunDirectory) -> None:
    edges = weighted(run, "pearson", 0.1)
    (found,) = LocalFinder(edges, "leiden").find(0.2, 42)
    group = edges.features["index"] % GROUPS
    assert pd.Series(found).groupby(group).nunique().eq(1).all()
    assert modularity(edges, found) > 0.7


def test_what_a_run_lacks_is_said_with_what_it_has(run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no measure 'jacard'; did you mean jaccard"):
        weighted(run, "jacard", 0.1)
    with pytest.raises(
        InputError, match=r"no edge with pearson >= 5\.0, the highest is 0\.99\d; lower --min-similarity"
    ):
        weighted(run, "pearson", 5.0)
    with pytest.raises(InputError, match="has no lift; it has pearson, jaccard: choose with --measure pearson"):
        weighted(run, "lift", 0.1)
    assert measures_of(run) == ["pearson", "jaccard"]
    empty = make_run(tmp_path, "empty")
    for name in empty.edge_files:
        empty.write(tables.EDGES, name, [tables.EDGES.schema.empty_table()])
    with pytest.raises(InputError, match="run empty has no edges, so it has no communities"):
        weighted(empty, "pearson", 0.1)
