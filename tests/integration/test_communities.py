"""Communities by Leiden on the real server."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from integration.noscience import without_data_science
from toygraph import GROUPS, graph, make_run

from saedb.cli.communities import communities as command
from saedb.cypher.communities import _projected, detect
from saedb.cypher.connection import Connection, Row
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.ingest import rundir, tables
from saedb.ingest.errors import GraphError, InputError
from saedb.ingest.rundir import RunDirectory


def test_communities_are_the_groups_that_were_planted(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "planted")
    load(connection, run)
    record = detect(connection, run, measure="pearson", resolution=0.2)
    rows = run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE).to_pandas()
    groups = rows.assign(group=rows["feature"].str.rsplit("/").str[-1].astype(int) % GROUPS)
    assert groups.groupby("community")["group"].nunique().eq(1).all()
    assert record.count == GROUPS
    assert record.modularity > 0.7
    found = connection.read(
        "MATCH (f:Feature)-[:IN_COMMUNITY]->(c:Community {run: 'planted'}) "
        "RETURN f.id AS feature, c.id AS community, f.community AS own"
    )
    assert {(row["feature"], row["community"]) for row in found} == set(rows.itertuples(index=False, name=None))
    assert all(row["own"] == row["community"] for row in found)
    labels = connection.read("MATCH (c:Community {run: 'planted'}) RETURN c.label AS label")
    assert {row["label"] for row in labels} == {f"topic{i}" for i in range(GROUPS)}


def test_the_same_seed_finds_the_same_communities_whatever_the_order_of_the_features(
    connection: Connection, tmp_path: Path
) -> None:
    run, turned = make_run(tmp_path / "one", "seed"), make_run(tmp_path / "other", "seed")
    features = turned.read(tables.FEATURES, rundir.FEATURES_FILE)
    turned.write(tables.FEATURES, rundir.FEATURES_FILE, [features.take(list(range(len(features)))[::-1])])
    found: list[tuple[float, set[frozenset[str]]]] = []
    for directory in (run, turned):
        load(connection, directory)
        record = detect(connection, directory, resolution=5.0)  # where many partitions are about as good
        rows = directory.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE).to_pandas()
        found.append((record.modularity, set(rows.groupby("community")["feature"].agg(frozenset))))
    assert found[0] == found[1]


def test_a_load_brings_the_communities_of_the_run_directory(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "kept")
    load(connection, run)
    detect(connection, run)
    expected = graph(connection, "kept")
    drop(connection, "kept")
    assert load(connection, RunDirectory.open(run.path)).communities == run.record.communities.count
    assert graph(connection, "kept") == expected
    assert not load(connection, run).changed


def test_both_engines_find_partitions_as_good_as_each_other(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "engines")
    load(connection, run)
    for measure in ("pearson", "jaccard"):
        for resolution in (0.5, 1.0):
            server = detect(connection, run, measure=measure, resolution=resolution)
            local = detect(connection, run, engine="local", measure=measure, resolution=resolution)
            assert abs(local.modularity - server.modularity) < 0.002
            assert (server.method, local.method) == ("leiden", "leiden (leidenalg)")
    found = connection.read(
        "MATCH (f:Feature)-[:IN_COMMUNITY]->(c:Community {run: 'engines'}) WHERE f.community = c.id "
        "RETURN count(DISTINCT c) AS communities, count(*) AS features, collect(DISTINCT c.method) AS methods"
    )
    members = run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE)
    assert found == [{"communities": local.count, "features": len(members), "methods": ["leiden (leidenalg)"]}]


def test_a_server_without_data_science_offers_the_engine_that_it_does_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, "bare")
    with without_data_science(tmp_path / "home") as address:
        monkeypatch.setenv("NEO4J_PASSWORD", address.password)
        with Connection(address) as connection:
            load(connection, run)
            with pytest.raises(GraphError, match="--engine local"):
                detect(connection, run)
            assert connection.read("MATCH (c:Community) RETURN c") == []
            arguments = ["bare", "--uri", address.uri, "--engine", "local"]
            shown = CliRunner().invoke(command, arguments, catch_exceptions=False)
            assert "leiden (leidenalg)" in shown.stdout
            assert connection.read("MATCH (c:Community) RETURN count(*) AS n")[0]["n"] > 0


def test_new_communities_take_the_place_of_the_old(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "again")
    load(connection, run)
    detect(connection, run, resolution=5.0)
    record = detect(connection, run, measure="pearson", min_similarity=0.6)
    found = connection.read("MATCH (c:Community {run: 'again'}) RETURN count(*) AS n, collect(DISTINCT c.measure) AS m")
    assert found == [{"n": record.count, "m": ["pearson"]}]
    stale = connection.read(
        "MATCH (f:Feature {run: 'again'}) WHERE f.community IS NOT NULL AND NOT (f)-[:IN_COMMUNITY]->() RETURN f"
    )
    assert stale == []


def test_communities_that_people_wrote_on_are_not_replaced_unasked(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "noted")
    load(connection, run)
    detect(connection, run)
    connection.write("MATCH (c:Community {run: 'noted', id: 0}) SET c.name = 'courts'")
    before = graph(connection, "noted")
    with pytest.raises(GraphError, match="1 Community of run noted have labels, properties or relationships of yours"):
        detect(connection, run, resolution=5.0)
    assert graph(connection, "noted") == before


def test_no_projection_is_left_behind_whatever_happens(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "projection")
    load(connection, run)
    detect(connection, run)
    rows = "MATCH (s:Feature {run: $run})-[e:EVOLVES_TO]->(t) RETURN s, t, e.pearson AS weight"

    def interrupted() -> None:
        with connection.data_science() as gds, _projected(gds, rows, {"run": "projection"}):
            assert len(_projections(connection)) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert _projections(connection) == []


def _projections(connection: Connection) -> list[Row]:
    return connection.read("CALL gds.graph.list() YIELD graphName WHERE graphName STARTS WITH 'saedb' RETURN graphName")


def test_parameters_out_of_range_are_refused(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "range")
    load(connection, run)
    with pytest.raises(InputError, match="there is no engine 'locl'; did you mean local"):
        detect(connection, run, engine="locl")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="there is no measure 'jacard'; did you mean jaccard"):
        detect(connection, run, measure="jacard")
    with pytest.raises(InputError, match=r"lowest similarity is 0\.0; weights must be positive"):
        detect(connection, run, min_similarity=0.0)
    with pytest.raises(InputError, match="resolution is nan"):
        detect(connection, run, resolution=float("nan"))
    with pytest.raises(InputError, match="the seed is -1"):
        detect(connection, run, seed=-1)
    with pytest.raises(InputError, match=r"run range has no edge with pearson >= 5\.0; lower --min-similarity"):
        detect(connection, run, measure="pearson", min_similarity=5.0)


def test_a_measure_without_values_names_those_that_are_there(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="run missing has no lift; it has pearson, jaccard: choose with --measure pearson"
    ):
        detect(connection, make_run(tmp_path, "missing"), measure="lift")


def test_communities_of_a_run_that_is_not_loaded_say_what_to_do(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "unloaded")
    with pytest.raises(GraphError, match="does not hold run unloaded as it is on disk; first: saedb load"):
        detect(connection, run)
