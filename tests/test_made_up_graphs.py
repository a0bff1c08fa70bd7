"""The made-up run that loads and queries are measured on is a run like another."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.answers import LIST, OTHERS, WHOLE_GRAPH, goal
from benchmarks.graphs import CARRIED, TOKENS, Shape, edge_tables, made_up_run
from benchmarks.heard import Heard

from saedb.cypher.library import shipped
from saedb.ingest import rundir, tables
from saedb.ingest.measures import MEASURES, SELECTING
from saedb.ingest.rundir import RunDirectory

SHAPE = Shape(layers=4, width=600, edges=12_001)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return made_up_run(tmp_path_factory.mktemp("runs") / "made-up", SHAPE)


@pytest.fixture(scope="module")
def edges(run: RunDirectory) -> pd.DataFrame:
    return pd.concat([table.to_pandas() for table in edge_tables(run)], ignore_index=True)


@pytest.fixture(scope="module")
def features(run: RunDirectory) -> pd.DataFrame:
    return run.read(tables.FEATURES, rundir.FEATURES_FILE).to_pandas().set_index("id")


def test_a_made_up_run_is_as_large_as_asked_for_and_complete(
    run: RunDirectory, edges: pd.DataFrame, features: pd.DataFrame
) -> None:
    assert run.record.status == "complete"
    assert (len(features), len(edges)) == (SHAPE.features, SHAPE.edges)
    assert not edges[[measure.name for measure in MEASURES]].isna().any(axis=None)
    assert features.label.str.split().str.len().between(2, 3).all()


def test_a_made_up_run_is_the_same_for_the_same_seed_and_has_the_same_ids_for_another(
    run: RunDirectory, tmp_path: Path
) -> None:
    again, other = made_up_run(tmp_path / "again" / "made-up", SHAPE), made_up_run(tmp_path / "other", SHAPE, seed=1)
    assert again.content_hash == run.content_hash
    ids = [one.read(tables.FEATURES, rundir.FEATURES_FILE)["id"] for one in (run, other)]
    assert ids[0] == ids[1]
    assert run.read(tables.EDGES, run.edge_files[0]) != other.read(tables.EDGES, other.edge_files[0])


def test_an_edge_is_there_once_and_joins_neighbouring_layers(edges: pd.DataFrame, features: pd.DataFrame) -> None:
    assert not edges.duplicated(["source", "target"]).any()
    layer = features.layer
    assert (layer.loc[edges.target].to_numpy() - layer.loc[edges.source].to_numpy() == 1).all()


def test_edges_are_those_of_the_rule_and_their_measures_follow_from_the_counts(
    edges: pd.DataFrame, features: pd.DataFrame
) -> None:
    n_u, n_d = (features.n_active.loc[ends].to_numpy() for ends in (edges.source, edges.target))
    assert (edges.support >= 10).all()
    assert (edges[[measure.name for measure in SELECTING]].max(axis=1) >= 0.1).all()
    assert edges.necessity.to_numpy() == pytest.approx(edges.support.to_numpy() / n_d)
    assert edges.lift.to_numpy() == pytest.approx(edges.support.to_numpy() * TOKENS / (n_u * n_d))
    for measure in MEASURES:
        assert edges[measure.name].between(measure.low, measure.high if measure.high is not None else np.inf).all()


def test_many_features_are_carried_over_layers_and_few_edges_are_strong(
    edges: pd.DataFrame, features: pd.DataFrame
) -> None:
    carried = edges[edges.pearson > 0.94]
    assert carried.source.is_unique
    assert carried.target.is_unique
    assert len(carried) / (SHAPE.width * (SHAPE.layers - 1)) < CARRIED
    assert 0.01 < (edges.pearson >= 0.95).mean() < 0.1
    assert len(set(carried.source) & set(carried.target)) > 100


def test_states_follow_from_the_best_edges(edges: pd.DataFrame, features: pd.DataFrame) -> None:
    passed = set(edges[edges.pearson >= 0.95].source)
    assert set(features.index[features.state_out == "passed_through"]) == passed
    assert {"dead", "rare", "transformed", "disappearing"} <= set(features.state_out.dropna())
    assert features.state_in[features.layer == 0].isin(["dead", "rare", None]).all()


def test_communities_are_of_features_with_edges_the_largest_first(run: RunDirectory, edges: pd.DataFrame) -> None:
    found = run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE).to_pandas()
    ends = set(edges.source) | set(edges.target)
    for _, partition in found.groupby("partition"):
        members = [id_ for part in partition.members for id_ in part]
        assert len(members) == len(set(members)) == partition.features.iloc[0]
        assert set(members) <= ends
        assert len(ends) - len(members) < len(ends) / 10, "those that are alone"
        assert all(one >= other for one, other in pairwise(partition["size"]))
        assert partition["size"].tolist() == [len(part) for part in partition.members]


def test_too_many_edges_for_the_features_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="edges between two layers of 20 features: too few or too many"):
        made_up_run(tmp_path / "run", Shape(layers=2, width=20, edges=200))


def test_a_stage_lasts_from_what_came_before_it_to_what_came_after() -> None:
    heard = Heard(
        [("features", 5, 1.0), ("edges", 3, 2.0), ("edges", 6, 4.0), ("indexes", 0, 5.0), ("indexes", 9, 7.0)]
    )
    assert (heard.begin("edges"), heard.last("edges"), heard.after("edges")) == (1.0, 4.0, 5.0)
    assert heard.begin("indexes") == 5.0


@pytest.mark.parametrize(("name", "values"), [(name, values) for name in OTHERS for values in OTHERS[name]])
def test_what_is_measured_can_be_asked(name: str, values: dict[str, object]) -> None:
    query = shipped()[name]
    needed = dict.fromkeys((p.name for p in query.parameters if p.required), "1/0")
    query.checked(needed | values)


def test_lists_have_a_second_and_queries_of_the_whole_graph_have_five() -> None:
    assert goal(shipped()["pass-through"], {}) == LIST
    assert goal(shipped()["top-edges"], {"measure": "jaccard"}) == LIST
    assert goal(shipped()["top-edges"], {"measure": "lift"}) == WHOLE_GRAPH
    assert goal(shipped()["neighbours"], {"measure": "lift"}) == LIST
    assert goal(shipped()["hubs"], {}) == WHOLE_GRAPH
