"""Communities on the real server, and by leidenalg beside it."""

import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from integration.noscience import without_data_science
from killed import run as run_in_process
from sklearn.metrics import normalized_mutual_info_score
from toygraph import GROUPS, graph, make_run

from saedb.cli.communities import communities as command
from saedb.cypher import fingerprint
from saedb.cypher.communities.agreement import agreement
from saedb.cypher.communities.local import LocalFinder
from saedb.cypher.communities.numbering import by_size
from saedb.cypher.communities.quality import modularity
from saedb.cypher.communities.server import check_heap, projected
from saedb.cypher.communities.settings import OFFERED, Algorithm, CommunitySettings
from saedb.cypher.communities.stage import detect, forget, use
from saedb.cypher.communities.table import Communities
from saedb.cypher.communities.weighted import weighted
from saedb.cypher.connection import Connection, Row
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.runs import directory_of
from saedb.cypher.server.local import LocalServer
from saedb.ingest import rundir, tables
from saedb.ingest.directions import write_directions
from saedb.ingest.errors import GraphError, InputError, RunError
from saedb.ingest.failpoints import VARIABLE
from saedb.ingest.rundir import RunDirectory


def rows_of(run: RunDirectory, partition: str = "main") -> pd.DataFrame:
    rows = run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE).to_pandas()
    return rows[rows["partition"] == partition]


def members_of(run: RunDirectory, partition: str = "main") -> dict[int, frozenset[str]]:
    rows = rows_of(run, partition)
    return {int(number): frozenset(members) for number, members in zip(rows["number"], rows["members"], strict=True)}


def numbers_of(run: RunDirectory, partition: str = "main") -> pd.Series:
    return pd.Series({id_: number for number, members in members_of(run, partition).items() for id_ in members})


def names(run: RunDirectory) -> list[str]:
    return [partition.partition for partition in Communities.of(run).partitions]


def default_of(run: RunDirectory) -> str | None:
    return next((p.partition for p in Communities.of(run).partitions if p.is_default), None)


def check_fresh(connection: Connection, run: RunDirectory) -> None:
    """Check that the graph is what a load of the run directory makes, and is known as that."""
    there = RunDirectory.open(run.path)
    assert fingerprint.of_graph(connection, run=run.record.id) == fingerprint.of_run(there)
    assert not load(connection, there).changed


def test_communities_are_the_groups_that_were_planted(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "planted")
    load(connection, run)
    (found,) = detect(connection, run, CommunitySettings(measure="pearson", resolution=0.2))
    number = numbers_of(run)
    group = number.index.str.rsplit("/").str[-1].astype(int) % GROUPS
    assert number.groupby(group).nunique().eq(1).all()
    assert found.communities == GROUPS
    assert found.modularity > 0.7
    edges = weighted(run, "pearson", 0.1)
    strength = dict(zip(edges.features["id"], edges.strength, strict=True))
    for row in rows_of(run).itertuples():
        assert row.inside + row.outside == pytest.approx([strength[id_] for id_ in row.members])
        assert row.inside.sum() == pytest.approx(2 * row.weight)
        assert row.conductance == pytest.approx(row.outside.sum() / (row.inside + row.outside).sum())
    in_graph = connection.read(
        "MATCH (f:Feature)-[:IN_COMMUNITY]->(c:Community {run: 'planted'})-[:OF_PARTITION]->(p:Partition) "
        "RETURN f.id AS feature, c.number AS community, f.community AS own, p.id AS partition, p.is_default AS default"
    )
    assert {(row["feature"], row["community"]) for row in in_graph} == set(number.items())
    assert all(row["own"] == row["community"] for row in in_graph)
    assert {(row["partition"], row["default"]) for row in in_graph} == {("main", True)}
    labels = connection.read("MATCH (c:Community {run: 'planted'}) RETURN c.label AS label")
    assert {row["label"] for row in labels} == {f"topic{i}" for i in range(GROUPS)}


def test_the_same_seed_finds_the_same_communities_whatever_the_order_of_the_features(
    connection: Connection, tmp_path: Path
) -> None:
    run, turned = make_run(tmp_path / "one", "seed"), make_run(tmp_path / "other", "seed")
    features = turned.read(tables.FEATURES, rundir.FEATURES_FILE)
    turned.write(tables.FEATURES, rundir.FEATURES_FILE, [features.take(list(range(len(features)))[::-1])])
    found: list[Any] = []
    for directory in (run, turned):
        load(connection, directory)
        (record,) = detect(connection, directory, CommunitySettings(resolution=5.0))  # many are about as good
        found.append((record.modularity, members_of(directory)))
    assert found[0] == found[1]


def test_a_load_brings_the_partitions_of_the_run_directory(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "kept")
    load(connection, run)
    detect(connection, run, CommunitySettings(levels=True, runs=3, sweep=True, resolution=3.0))
    detect(connection, run, CommunitySettings(measure="pearson"), name="other", default=True)
    expected = graph(connection, "kept")
    drop(connection, "kept")
    loaded = load(connection, RunDirectory.open(run.path))
    assert loaded.communities == len(members_of(run, "other"))
    assert graph(connection, "kept") == expected
    check_fresh(connection, run)


@pytest.mark.parametrize("algorithm", OFFERED["gds"])
def test_both_engines_find_partitions_as_good_as_each_other(
    connection: Connection, tmp_path: Path, algorithm: Algorithm
) -> None:
    run = make_run(tmp_path, "engines")
    load(connection, run)
    resolutions = (0.5, 1.0) if algorithm == "leiden" else (1.0,)
    for measure in ("pearson", "jaccard"):
        edges = weighted(run, measure, 0.1)
        for resolution in resolutions:
            with projected(connection, "engines", edges, measure, 0.1, algorithm, fast=False) as finder:
                (server,) = finder.find(resolution, 42)
            (local,) = LocalFinder(edges, algorithm).find(resolution, 42)
            quality = [modularity(edges, labels, resolution) for labels in (server, local)]
            assert abs(quality[0] - quality[1]) < 0.002
            if algorithm == "components":
                assert normalized_mutual_info_score(server, local) == pytest.approx(1.0)


def test_the_modularity_is_that_of_graph_data_science(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "modularity")
    load(connection, run)
    edges = weighted(run, "jaccard", 0.1)
    with projected(connection, "modularity", edges, "jaccard", 0.1, "leiden", fast=False) as finder:
        (labels,) = finder.found(2.0, 42)
        (theirs,) = connection.read(
            "CALL gds.leiden.stats($graph, {relationshipWeightProperty: 'weight', gamma: 2.0, randomSeed: 42, "
            "concurrency: 1}) YIELD modularity RETURN modularity",
            graph=_projections(connection)[0]["graphName"],
        )
        (improved,) = finder.find(2.0, 42)
    assert modularity(edges, labels, 2.0) == pytest.approx(theirs["modularity"], abs=1e-9)
    assert modularity(edges, improved, 2.0) >= modularity(edges, labels, 2.0)


def test_partitions_live_side_by_side_and_one_is_the_default(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "several")
    load(connection, run)
    detect(connection, run)
    main = members_of(run)
    detect(connection, run, CommunitySettings(resolution=8.0), name="fine")
    detect(connection, run, CommunitySettings(engine="local", algorithm="cpm", resolution=0.2), name="cpm")
    assert names(run) == ["main", "fine", "cpm"]
    assert default_of(run) == "main"
    assert members_of(run) == main
    check_fresh(connection, run)
    use(connection, run, "fine")
    assert default_of(run) == "fine"
    own = connection.read("MATCH (f:Feature {run: 'several'}) RETURN f.id AS id, f.community AS number")
    assert {row["id"]: row["number"] for row in own if row["number"] is not None} == numbers_of(run, "fine").to_dict()
    check_fresh(connection, run)
    detect(connection, run, CommunitySettings(resolution=4.0), name="fine")
    assert (names(run), default_of(run)) == (["main", "fine", "cpm"], "fine")
    assert forget(connection, run, "fine") == ["fine"]
    assert (names(run), default_of(run)) == (["main", "cpm"], "main")
    check_fresh(connection, run)
    forget(connection, run, "main")
    forget(connection, run, "cpm")
    assert names(run) == []
    check_fresh(connection, run)


def test_levels_are_a_hierarchy(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "levels")
    load(connection, run)
    found = detect(connection, run, CommunitySettings(levels=True))
    assert [(p.partition, p.base, p.level) for p in found] == [
        ("main", None, 0), *((f"main.{level}", "main", level) for level in range(1, len(found)))
    ]  # fmt: skip
    assert len(found) > 1
    rows = connection.read(
        "MATCH (c:Community {run: 'levels'})-[:PART_OF]->(p:Community) "
        "RETURN c.id AS part, p.id AS whole, c.partition AS fine, p.partition AS coarse, "
        "[(c)<-[:IN_COMMUNITY]-(f) | f.id] AS own, [(p)<-[:IN_COMMUNITY]-(f) | f.id] AS all"
    )
    assert all(set(row["own"]) <= set(row["all"]) for row in rows)
    assert {(row["fine"], row["coarse"]) for row in rows} == {
        (fine.partition, coarse.partition) for coarse, fine in pairwise(found)
    }
    parts = connection.read("MATCH (c:Community {run: 'levels'}) WHERE c.partition <> 'main' RETURN count(*) AS n")
    assert parts == [{"n": len(rows)}], "each part has one whole"
    detect(connection, run)
    assert names(run) == ["main"], "levels go with the partition that they belong to"
    check_fresh(connection, run)


def test_runs_with_other_seeds_tell_how_stable_features_and_communities_are(
    connection: Connection, tmp_path: Path
) -> None:
    run = make_run(tmp_path, "stable")
    load(connection, run)
    found = detect(connection, run, CommunitySettings(runs=8, resolution=6.0))
    assert [p.partition for p in found] == ["main", "main.consensus"]
    rows = rows_of(run)
    assert 0 < found[0].mean_stability < 1  # type: ignore[operator]
    flat = np.concatenate(rows["stabilities"].to_list())
    assert found[0].mean_stability == pytest.approx(flat.mean())
    assert set(np.round(flat * 7).astype(int) / 7) == set(flat), "shares of seven other runs"
    for row in rows.itertuples():
        assert row.stability == pytest.approx(row.stabilities.mean())
    assert rows["recovery"].between(0, 1).all()
    stored = connection.read(
        "MATCH (c:Community {run: 'stable', partition: 'main'})<-[i:IN_COMMUNITY]-() "
        "RETURN c.number AS number, c.stability AS own, avg(i.stability) AS mean"
    )
    assert [row["own"] for row in stored] == pytest.approx([row["mean"] for row in stored])
    assert found[1].mean_stability >= found[0].mean_stability  # type: ignore[operator]


def test_the_consensus_of_runs_on_groups_that_are_easy_is_these_groups(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "agreed")
    load(connection, run)
    detect(connection, run, CommunitySettings(measure="pearson", resolution=0.2, runs=4))
    assert set(members_of(run).values()) == set(members_of(run, "main.consensus").values())
    assert rows_of(run)["stability"].eq(1.0).all()
    assert rows_of(run)["recovery"].eq(1.0).all()


def test_a_sweep_tells_what_other_resolutions_give(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "swept")
    load(connection, run)
    detect(connection, run, CommunitySettings(sweep=True))
    rows = run.read(tables.RESOLUTIONS, rundir.RESOLUTIONS_FILE).to_pandas().sort_values("resolution")
    assert rows["communities"].is_monotonic_increasing
    same = rows[rows["resolution"] == 1.0].iloc[0]
    assert (same["nmi"], same["communities"]) == (pytest.approx(1.0), len(members_of(run)))
    assert same["modularity"] == pytest.approx(Communities.of(run).partitions[0].modularity)
    detect(connection, run, CommunitySettings(resolution=2.0))
    assert connection.read("MATCH (r:Resolution {run: 'swept'}) RETURN count(*) AS n") == [{"n": 0}]
    check_fresh(connection, run)


def test_a_community_that_is_found_again_keeps_its_number(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "again")
    load(connection, run)
    detect(connection, run, CommunitySettings(measure="pearson", resolution=0.2))
    before = members_of(run)
    detect(connection, run, CommunitySettings(measure="pearson", resolution=0.2, seed=7))
    assert members_of(run) == before
    detect(connection, run, CommunitySettings(measure="pearson", resolution=4.0, min_similarity=0.6))
    split = members_of(run)
    for number, members in split.items():
        like = {other: len(members & theirs) / len(members | theirs) for other, theirs in before.items()}
        assert (number in before) == (max(like.values()) > 0.5)
        assert number not in before or like[number] > 0.5
    new = max(split)
    detect(connection, run, CommunitySettings(measure="pearson", resolution=0.2))
    assert all(number > new or number in split for number in members_of(run)), "a number is never given again"
    check_fresh(connection, run)


def test_numbers_can_be_those_of_another_partition_or_run(connection: Connection, tmp_path: Path) -> None:
    run, other = make_run(tmp_path, "first"), make_run(tmp_path / "b", "second")
    for directory in (run, other):
        load(connection, directory)
    settings = CommunitySettings(measure="pearson", resolution=0.2)
    detect(connection, run, settings)
    rows = Communities.of(run)
    place = rows.rows.schema.get_field_index("number")
    with run.writing():  # as if they had come to these numbers over time
        turned = rows.rows.set_column(place, "number", [[number + 10 for number in rows.rows["number"].to_pylist()]])
        Communities(turned.cast(rows.rows.schema)).write(run)
    load(connection, run)
    detect(connection, other, settings, match=f"{run.path}:main")
    assert members_of(other) == members_of(run)
    detect(connection, run, settings, name="copy", match="main")
    assert members_of(run, "copy") == members_of(run)
    detect(connection, run, CommunitySettings(measure="pearson", resolution=20.0), name="big")
    had = max(members_of(run, "big"))
    detect(connection, run, CommunitySettings(measure="pearson", resolution=5.0), name="big", match="main")
    assert {number for number in members_of(run, "big") if number not in members_of(run)} & set(range(had + 1)) == set()
    with pytest.raises(InputError, match="has no partition 'mian'; did you mean main"):
        detect(connection, run, settings, match="mian")
    with pytest.raises(RunError, match="no run at"):
        detect(connection, run, settings, match="nobody:main")


def test_coherence_comes_from_the_directions_of_the_run(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "directed")
    load(connection, run)
    detect(connection, run, CommunitySettings(measure="pearson", resolution=0.2))
    assert rows_of(run)["coherence"].isna().all(), "an import knows no directions"
    random = np.random.default_rng(0)
    centres = random.standard_normal((GROUPS, 32))
    for sae in run.record.saes:
        noise = 0.2 * random.standard_normal((sae.d_sae, 32))
        write_directions(run, sae.id, (centres[np.arange(sae.d_sae) % GROUPS] + noise).astype(np.float32))
    detect(connection, run, CommunitySettings(measure="pearson", resolution=0.2))
    rows = rows_of(run)
    assert (rows["coherence"] > 0.75).all()
    assert (rows["coherence_chance"] < 0.5).all()
    assert rows["coherence_rank"].eq(1.0).all()
    file = next((run.path / "directions").iterdir())
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"\.npz is damaged; delete it"):
        detect(connection, run)
    check_fresh(connection, run)


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
            arguments = ["bare", "--uri", address.uri, "--engine", "local", "--runs", "3"]
            shown = CliRunner().invoke(command, arguments, catch_exceptions=False)
            assert "main.consensus" in shown.stdout
            assert connection.read("MATCH (c:Community) RETURN count(*) > 0 AS some") == [{"some": True}]


def test_new_communities_take_the_place_of_the_old(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "place")
    load(connection, run)
    detect(connection, run, CommunitySettings(resolution=5.0))
    (record,) = detect(connection, run, CommunitySettings(measure="pearson", min_similarity=0.6))
    found = connection.read("MATCH (c:Community {run: 'place'}) RETURN count(*) AS n")
    assert found == [{"n": record.communities}]
    measures = connection.read("MATCH (p:Partition {run: 'place'}) RETURN p.measure AS measure")
    assert measures == [{"measure": "pearson"}]
    stale = connection.read(
        "MATCH (f:Feature {run: 'place'}) WHERE f.community IS NOT NULL AND NOT (f)-[:IN_COMMUNITY]->() RETURN f"
    )
    assert stale == []


def test_communities_that_people_wrote_on_are_not_replaced_unasked(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "noted")
    load(connection, run)
    detect(connection, run)
    connection.write("MATCH (c:Community {run: 'noted', id: 'main/0'}) SET c.name = 'courts'")
    before = graph(connection, "noted")
    with pytest.raises(GraphError, match="1 Community of run noted have labels, properties or relationships of yours"):
        detect(connection, run, CommunitySettings(resolution=5.0))
    assert graph(connection, "noted") == before
    detect(connection, run, name="beside")
    assert connection.read("MATCH (c:Community {run: 'noted', name: 'courts'}) RETURN c.id AS id") == [{"id": "main/0"}]


def test_no_projection_is_left_behind_whatever_happens(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "projection")
    load(connection, run)
    edges = weighted(run, "jaccard", 0.1)

    def interrupted() -> None:
        with projected(connection, "projection", edges, "jaccard", 0.1, "leiden", fast=False):
            assert len(_projections(connection)) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert _projections(connection) == []


def leave_projection(home: Path, path: Path) -> None:
    run = RunDirectory.open(path)
    with Connection(LocalServer(home).address()) as connection:
        edges = weighted(run, "jaccard", 0.1)
        with projected(connection, run.record.id, edges, "jaccard", 0.1, "leiden", fast=False):
            import os

            os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_process_has_left_is_taken_away_and_that_of_others_is_not(
    connection: Connection, server: LocalServer, tmp_path: Path
) -> None:
    run = make_run(tmp_path, "left")
    load(connection, run)
    assert run_in_process(leave_projection, server.layout.home, run.path) == -signal.SIGKILL
    assert len(_projections(connection)) == 1
    edges = weighted(run, "jaccard", 0.1)
    with projected(connection, "left", edges, "jaccard", 0.1, "leiden", fast=False):
        assert len(_projections(connection)) == 1, "only its own"
        detect(connection, run)  # another of this process, which lives
        assert len(_projections(connection)) == 1
    assert _projections(connection) == []


def _projections(connection: Connection) -> list[Row]:
    return connection.read("CALL gds.graph.list() YIELD graphName WHERE graphName STARTS WITH 'saedb' RETURN graphName")


def test_a_heap_that_is_too_small_is_refused_before_anything_is_projected(connection: Connection) -> None:
    check_heap(connection, 300_000, 2_000_000, "leiden")
    message = (
        r"communities of 20,000,000,000 edges need [\d.]+ GB of the server's heap, which has [\d.]+; see saedb doctor"
    )
    for algorithm in OFFERED["gds"]:
        with pytest.raises(GraphError, match=message):
            check_heap(connection, 300_000, 20_000_000_000, algorithm)


def killed_detect(home: Path, path: Path) -> None:
    with Connection(LocalServer(home).address()) as connection:
        settings = CommunitySettings(engine="local", measure="pearson", sweep=True)
        detect(connection, RunDirectory.open(path), settings, name="new")


@pytest.mark.parametrize(
    "moment",
    [
        "table written", "table synced", "table renamed", "record renamed", "record renamed:2", "table renamed:2",
        "removal committed", "batch committed", "batch committed:5",
    ],
)  # fmt: skip
def test_a_search_killed_anywhere_loses_no_partition(
    connection: Connection, server: LocalServer, tmp_path: Path, moment: str
) -> None:
    run = make_run(tmp_path, "killed")
    load(connection, run)
    for name in ("kept", "new"):
        detect(connection, run, CommunitySettings(resolution=3.0), name=name)
    before = members_of(run, "kept")
    arguments = (killed_detect, server.layout.home, run.path)
    assert run_in_process(*arguments, environment={VARIABLE: moment}) == -signal.SIGKILL
    there = RunDirectory.open(run.path)
    with there.writing():
        pass  # adopts what was not recorded
    load(connection, there)
    check_fresh(connection, there)
    assert members_of(there, "kept") == before
    assert names(there) == ["kept", "new"]
    assert run_in_process(*arguments) == 0
    assert members_of(RunDirectory.open(run.path), "kept") == before
    check_fresh(connection, there)
    drop(connection, "killed")


REFUSED: list[tuple[Callable[[Connection, RunDirectory], Any], str]] = [
    (lambda c, run: detect(c, run, CommunitySettings(measure="lift")), "has no lift; it has pearson, jaccard"),
    (
        lambda c, run: detect(c, run, CommunitySettings(min_similarity=5.0)),
        r"no edge with jaccard >= 5\.0, the highest",
    ),
    (lambda c, run: detect(c, run, CommunitySettings(resolution=1e9)), "no two features of run refused are in one"),
    (lambda c, run: detect(c, run, name="a/b"), "name of a partition 'a/b' must be letters"),
    (lambda c, run: detect(c, run, name="a.b"), "the name a.b has a dot"),
    (lambda c, run: detect(c, run, name="main.1"), "main.1 is a part of the partition main; choose another name"),
    (lambda c, run: use(c, run, "nobody"), "run refused has no partition 'nobody'; there is main"),
    (lambda c, run: forget(c, run, "main.1"), "main.1 belongs to main, and goes with it: --forget main"),
]


def test_what_cannot_be_is_one_line_and_changes_nothing(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "refused")
    load(connection, run)
    detect(connection, run, CommunitySettings(levels=True))
    before = run.content_hash, graph(connection, "refused")
    for refused, message in REFUSED:
        with pytest.raises(InputError, match=message) as error:
            refused(connection, run)
        assert "\n" not in str(error.value)
        assert _projections(connection) == []
    assert (RunDirectory.open(run.path).content_hash, graph(connection, "refused")) == before


def test_a_run_that_is_not_loaded_or_not_as_it_is_says_what_to_do(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "unloaded")
    with pytest.raises(GraphError, match="does not hold run unloaded as it is on disk; first: saedb load"):
        detect(connection, run)
    load(connection, run)
    connection.write("MATCH (r:Run {id: 'unloaded'}) SET r.content = 'another'")
    with pytest.raises(GraphError, match="does not hold run unloaded as it is on disk; first: saedb load"):
        detect(connection, run)
    load(connection, run)
    connection.write("MATCH (r:Run {id: 'unloaded'}) SET r.status = 'loading' REMOVE r.path")
    with pytest.raises(GraphError, match="run unloaded was never loaded whole; load its folder"):
        directory_of(connection, "unloaded")
    load(connection, run)


def interrupted(home: Path, path: Path) -> None:
    """Press Ctrl-C while the graph is being written."""

    def stop(stage: str, done: int, total: int | None) -> None:
        del total
        if stage == "loading Community nodes" and done:
            raise KeyboardInterrupt

    with Connection(LocalServer(home).address()) as connection:
        detect(connection, RunDirectory.open(path), CommunitySettings(engine="local", resolution=3.0), report=stop)


def test_the_same_command_goes_on_where_the_graph_was_left_half_written(
    connection: Connection, server: LocalServer, tmp_path: Path
) -> None:
    run = make_run(tmp_path, "half")
    load(connection, run)
    detect(connection, run, name="kept")
    kept = members_of(run, "kept")
    assert run_in_process(interrupted, server.layout.home, run.path) != 0
    status = connection.read("MATCH (r:Run {id: 'half'}) RETURN r.status AS status")
    assert status == [{"status": "loading"}]
    there = RunDirectory.open(run.path)
    detect(connection, there, CommunitySettings(engine="local", resolution=3.0))
    assert names(there) == ["kept", "main"]
    assert members_of(there, "kept") == kept
    check_fresh(connection, there)


def test_planted_groups_are_the_truth_for_the_server(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "truth")
    load(connection, run)
    edges = weighted(run, "pearson", 0.1)
    truth = (edges.features["index"] % GROUPS).to_numpy()
    with_edge = edges.strength > 0
    with projected(connection, "truth", edges, "pearson", 0.1, "leiden", fast=False) as finder:
        (found,) = finder.find(0.2, 42)
    assert normalized_mutual_info_score(truth[with_edge], found[with_edge]) >= 0.99
    like = agreement(by_size(found), by_size(truth))
    assert like is not None
    assert like.ari > 0.95
