"""Loading into the real server: the graph is the tables, whatever happens on the way."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from toygraph import LAYERS, check_tables, edge_rows, graph, make_run

from saedb.cypher import ddl, schema
from saedb.cypher.claim import Owner, claimed
from saedb.cypher.communities.stage import detect
from saedb.cypher.connection import Connection, Row
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.runs import run_rows
from saedb.cypher.server.local import LocalServer
from saedb.ingest import rundir, tables
from saedb.ingest.errors import GraphError, InputError
from saedb.ingest.rundir import RunDirectory


def test_the_graph_is_what_the_tables_say(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "tables")
    result = load(connection, run)
    assert (result.changed, result.saes, result.communities) == (True, len(LAYERS), 0)
    assert result.edges == len(edge_rows())
    check_tables(connection, run)


def test_gates_and_splits_are_between_the_features_that_their_tables_name(
    connection: Connection, tmp_path: Path
) -> None:
    run = make_run(tmp_path, "motifs")
    load(connection, run)
    found = connection.read(
        "MATCH (g:Gate {run: 'motifs'})-[:OUTPUT]->(d:Feature {run: 'motifs'}) "
        "MATCH (g)<-[i:INPUT_OF]-(u:Feature {run: 'motifs'}) WITH g, d, i, u ORDER BY i.slot "
        "RETURN g.id AS id, g.kind AS kind, d.id AS output, collect(u.id) AS inputs, collect(i.negated) AS negated"
    )
    assert {(row["id"], row["output"], *row["inputs"]) for row in found} == {
        (row["id"], row["output"], *row["inputs"]) for row in run.read(tables.GATES, rundir.GATES_FILE).to_pylist()
    }
    assert {(row["kind"], *row["negated"]) for row in found if len(row["inputs"]) == 2} == {
        ("AND", False, False), ("OR", False, False), ("AND_NOT", False, True),
    }  # fmt: skip
    found = connection.read(
        "MATCH (p:Feature {run: 'motifs'})-[:PARENT_OF]->(s:Split {run: 'motifs'})-[c:CHILD]->(d:Feature) "
        "WITH p, s, c, d ORDER BY c.slot RETURN s.id AS id, p.id AS parent, collect(d.id) AS children, "
        "collect(c.share) AS shares"
    )
    assert {(row["id"], row["parent"], *row["children"], *row["shares"]) for row in found} == {
        (row["id"], row["parent"], *row["children"], *row["shares"])
        for row in run.read(tables.SPLITS, rundir.SPLITS_FILE).to_pylist()
    }


def test_prompts_activate_the_features_that_their_table_names(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "prompts")
    load(connection, run)
    found = connection.read(
        "MATCH (p:Prompt {run: 'prompts'})-[a:ACTIVATES]->(f:Feature {run: 'prompts'}) "
        "RETURN p.id AS id, p.text AS text, f.id AS feature, a.position AS position, a.activation AS activation"
    )
    expected = [
        (row["id"], row["text"], *active)
        for row in run.read(tables.PROMPTS, rundir.PROMPTS_FILE).to_pylist()
        for active in zip(row["features"], row["positions"], row["activations"], strict=True)
    ]
    assert sorted(tuple(row.values()) for row in found) == sorted(expected)


def test_saes_pairs_and_layer_labels_are_in_the_graph(connection: Connection, tmp_path: Path) -> None:
    load(connection, make_run(tmp_path, "saes"))
    rows = connection.read(
        "MATCH (:Run {id: 'saes'})-[:HAS_SAE]->(s:Sae {run: 'saes'}) RETURN s.id AS id, s.depth AS depth"
    )
    assert {(row["id"], row["depth"]) for row in rows} == {("0-res", 0), ("1-res", 1), ("2-res", 2), ("10-res", 3)}
    rows = connection.read(
        "MATCH (a:Sae {run: 'saes'})-[c:COMPARED_WITH]->(b) RETURN a.id AS a, b.id AS b, c.edges AS n"
    )
    assert {(row["a"], row["b"]) for row in rows} == {("0-res", "1-res"), ("1-res", "2-res"), ("2-res", "10-res")}
    assert sum(row["n"] for row in rows) == len(edge_rows())
    rows = connection.read("MATCH (f:Feature {run: 'saes'}) RETURN DISTINCT f.layer AS layer, labels(f) AS labels")
    assert {(row["layer"], *sorted(row["labels"])) for row in rows} == {
        (layer, "Feature", f"L{layer:02d}") for layer in LAYERS
    }


def test_declared_constraints_and_indexes_are_there_and_ready(connection: Connection, tmp_path: Path) -> None:
    load(connection, make_run(tmp_path, "indexes"))
    found = connection.read("SHOW INDEXES YIELD name, state RETURN name, state")
    ready = {row["name"] for row in found if row["state"] == "ONLINE"}
    statements = [*ddl.constraints(), *ddl.node_indexes(), *ddl.edge_indexes()]
    assert {statement.split(" IF NOT")[0].split()[-1] for statement in statements} <= ready


def test_every_stored_property_is_declared_with_its_type(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "declared")
    load(connection, run)
    detect(connection, run)
    for node in schema.NODES:
        key = "id" if node is schema.RUN else "run"
        check_types(connection, node.properties, f"(x:{node.label} {{{key}: 'declared'}})")
    for edge in schema.RELATIONSHIPS:
        key = "id" if edge.source == "Run" else "run"
        check_types(connection, edge.properties, f"(:{edge.source} {{{key}: 'declared'}})-[x:{edge.type}]->()")


def check_types(connection: Connection, properties: Sequence[schema.Property], pattern: str) -> None:
    declared = {p.name: p.type for p in properties}
    for row in connection.read(f"MATCH {pattern} UNWIND keys(x) AS k RETURN DISTINCT k, valueType(x[k]) AS t"):
        stored = row["t"].replace(" NOT NULL", "")
        assert stored == declared[row["k"]], (pattern, row)


def test_loading_the_same_content_again_changes_nothing(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "twice")
    load(connection, run)
    before = graph(connection, "twice")
    assert not load(connection, RunDirectory.open(run.path)).changed
    assert graph(connection, "twice") == before


def test_another_content_of_the_same_run_takes_the_place_of_the_old(connection: Connection, tmp_path: Path) -> None:
    load(connection, make_run(tmp_path / "old", "other", seed=1))
    new = make_run(tmp_path / "new", "other", seed=2)
    assert load(connection, new).changed
    check_tables(connection, new)


LOADER = """
import os, signal, sys
from pathlib import Path
from typing import Any
from saedb.cypher.connection import Connection, local
from saedb.cypher.load import load
from saedb.ingest.rundir import RunDirectory

reached = []

def report(stage, done, total):
    if stage == sys.argv[3] and not reached:
        reached.append(stage)
        print("reached", flush=True)
        os.kill(os.getpid(), getattr(signal, sys.argv[4]))

with Connection(local(Path(sys.argv[1]))) as connection:
    load(connection, RunDirectory.open(Path(sys.argv[2])), report)
"""


def _loading(server: LocalServer, run: RunDirectory, stage: str, signal_: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", LOADER, str(server.layout.home), str(run.path), stage, signal_]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("stage", ["loading features", "loading edges"])
def test_a_killed_load_is_loaded_again_into_the_same_graph(
    connection: Connection, server: LocalServer, tmp_path: Path, stage: str
) -> None:
    run = make_run(tmp_path, f"killed-{stage.split()[1]}")
    name = run.record.id
    load(connection, run)
    expected = graph(connection, name)
    drop(connection, name)
    with _loading(server, run, stage, "SIGKILL") as child:
        assert child.wait() == -signal.SIGKILL
    assert {row["status"] for row in run_rows(connection) if row["run"] == name} == {"loading"}
    assert load(connection, run).changed
    assert graph(connection, name) == expected


def test_a_living_loader_is_named_and_left_alone(connection: Connection, server: LocalServer, tmp_path: Path) -> None:
    run = make_run(tmp_path, "busy")
    with _loading(server, run, "loading features", "SIGSTOP") as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "reached\n"
            message = rf"another process is loading run busy \(process {child.pid} on .*\); wait for it, or stop it"
            for attempt in (lambda: load(connection, run), lambda: drop(connection, "busy")):
                with pytest.raises(GraphError, match=message):
                    attempt()
        finally:
            child.send_signal(signal.SIGCONT)
        assert child.wait() == 0
    check_tables(connection, run)


def test_what_stops_a_load_gives_the_claim_back(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "stopped")

    def interrupt(stage: str, done: int, total: int | None) -> None:
        if stage == "loading edges":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(connection, run, interrupt)
    assert load(connection, run).changed
    check_tables(connection, run)


def test_a_loader_that_lost_its_claim_stops(connection: Connection, tmp_path: Path) -> None:
    run = make_run(tmp_path, "lost")

    def take(stage: str, done: int, total: int | None) -> None:
        if stage == "loading features":
            connection.write("MATCH (r:Run {id: 'lost'}) SET r.claim = 'of another'")

    with pytest.raises(GraphError, match="run lost was changed by another process meanwhile; load it again"):
        load(connection, run, take)


def test_a_loader_of_another_machine_counts_as_dead_after_two_silent_minutes(
    connection: Connection, tmp_path: Path
) -> None:
    run = make_run(tmp_path, "silent")
    owner = str(Owner(host="elsewhere", pid=1, started=0.0))
    cypher = (
        "MERGE (r:Run {id: 'silent'}) "
        "SET r.status = 'loading', r.claim = 'x', r.owner = $owner, r.heartbeat = timestamp() - $ms"
    )
    connection.write(cypher, owner=owner, ms=60_000)
    with pytest.raises(GraphError, match=r"process 1 on elsewhere, last heard of 60 s ago"):
        load(connection, run)
    connection.write(cypher, owner=owner, ms=121_000)
    assert load(connection, run).changed


class Slow(Connection):
    """Another loader takes the run between this one's look at it and its claim."""

    def read(self, cypher: str, /, **parameters: Any) -> list[Row]:
        rows = super().read(cypher, **parameters)
        self.write("MERGE (r:Run {id: 'at-once'}) SET r.claim = 'of another'")
        return rows


def test_of_two_that_find_a_run_free_at_once_one_gets_it(connection: Connection, server: LocalServer) -> None:
    with (
        Slow(server.address()) as slow,
        pytest.raises(GraphError, match="another process has just begun to change run at-once"),
        claimed(slow, "at-once", "loading"),
    ):
        pass
    drop(connection, "at-once")


def test_two_runs_side_by_side_do_not_mix_and_drop_leaves_the_other_alone(
    connection: Connection, tmp_path: Path
) -> None:
    one, two = make_run(tmp_path, "one", seed=1), make_run(tmp_path, "two", seed=2)
    for run in (one, two):
        load(connection, run)
        detect(connection, run)
    check_tables(connection, one)
    check_tables(connection, two)
    expected = graph(connection, "two")
    drop(connection, "one")
    empty = graph(connection, "one")
    assert (empty["nodes"], empty["edges"], empty["run"]) == ([], [], [])
    assert graph(connection, "two") == expected


def test_to_drop_what_is_not_there_names_what_is(connection: Connection, tmp_path: Path) -> None:
    load(connection, make_run(tmp_path, "present"))
    with pytest.raises(InputError, match=r"no run 'absent'; .*present"):
        drop(connection, "absent")
