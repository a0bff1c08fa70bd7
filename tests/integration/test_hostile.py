"""Texts that would break a statement, a path or a terminal go through the graph as they are, and names are refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from saedb.cli.main import main
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.library import library
from saedb.cypher.load import load
from saedb.cypher.query import Query
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import SaedbError
from saedb.ingest.record import RunRecord, SaeRecord
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory, edges_file
from saedb.ingest.tables import EDGES, FEATURES, rows

RUN: Final = "hostile-run"
TEXTS: Final = (
    "'",
    '"',
    "`",
    "\\",
    "\\'",
    "'}) DETACH DELETE n //",
    "`}) DETACH DELETE n //",
    "}) MATCH (n) DETACH DELETE n RETURN ({a: '",
    "\\u0027}) DETACH DELETE n //",
    "$run {run} %s {0} ${jndi:ldap://127.0.0.1/a}",
    "/* */ ; // --",
    "a\nb\r\nc\td",
    "\x01\x1b[2J\x1b]0;title\x07\x7f\x85\u2028",
    "\0",
    "a\0b",
    "",
    " ",
    "../../etc/passwd",
    "/",
    "\\",
    "C:\\x",
    "\U0001f9e0\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u202eright to left\u202c \u05d0\u05d1",
    "e\u0301 \u00e9 \ufb01",
    "\ufeff\ufffd\ufffe",
    '+"a" AND *:* OR title:/x/',
    "null",
    "x" * 2**20,
    "many words " * 2**17,
)
NAMES: Final = (*(text for text in TEXTS if text), "hostile-run'", "hostile-run\0", "\ud800", "HOSTILE-RUN", "*", ".*")


def hostile_run(folder: Path) -> RunDirectory:
    saes = tuple(SaeRecord(id=f"{n}-a", layer=n, set="a", depth=n, d_sae=len(TEXTS), hook=TEXTS[5]) for n in (0, 1))
    record = RunRecord(
        id=RUN, kind="import", model="tiny", created="1999-01-01T00:00:00+00:00", config={"text": list(TEXTS)},
        dataset=TEXTS[6], saes=saes, pairs=(("0-a", "1-a"),), warnings=TEXTS,
    )  # fmt: skip
    run = RunDirectory.create(folder / RUN, record)
    count = len(TEXTS)
    ids = [[f"tiny/{layer}-a/{index}" for index in range(count)] for layer in (0, 1)]
    columns: dict[str, Any] = {
        "id": ids[0] + ids[1],
        "sae": ["0-a"] * count + ["1-a"] * count,
        "layer": [0] * count + [1] * count,
        "depth": [0] * count + [1] * count,
        "index": [*range(count)] * 2,
        "label": TEXTS * 2,
        "url": TEXTS * 2,
        "state_in": TEXTS * 2,
        **{
            name: [[text, "other", text] for text in TEXTS * 2]
            for name in ("top_tokens", "promoted_tokens", "examples")
        },
    }
    run.write(FEATURES, FEATURES_FILE, [rows(FEATURES, columns)])
    run.write(
        EDGES, edges_file("0-a", "1-a"), [rows(EDGES, {"source": ids[0], "target": ids[1], "pearson": [0.5] * count})]
    )
    run.update(status="complete")
    return RunDirectory.open(run.path)


def contents(connection: Connection) -> tuple[Any, ...]:
    """Return how many nodes, relationships, properties, labels, types and indexes the whole database has."""
    nodes = connection.read("MATCH (n) RETURN count(*) AS n, sum(size(keys(n))) AS keys")[0]
    edges = connection.read("MATCH ()-[e]->() RETURN count(*) AS n, sum(size(keys(e))) AS keys")[0]
    names = connection.read(
        "CALL db.labels() YIELD label RETURN collect(label) AS names UNION ALL "
        "CALL db.relationshipTypes() YIELD relationshipType AS t RETURN collect(t) AS names"
    )
    indexes = connection.read("SHOW INDEXES YIELD name RETURN collect(name) AS names")
    return nodes, edges, names, indexes


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return hostile_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def graph(server: LocalServer, run: RunDirectory) -> Iterator[Graph]:
    with Connection(server.address()) as connection:
        load(connection, run)
        yield Graph(connection)
        drop(connection, RUN)


def test_hostile_texts_come_back_as_they_went_in(graph: Graph, run: RunDirectory) -> None:
    found = graph.connection.read("MATCH (f:Feature {run: $run}) RETURN properties(f) AS p", run=RUN)
    by_id = {row["p"]["id"]: row["p"] for row in found}
    assert len(by_id) == 2 * len(TEXTS)
    for row in run.read(FEATURES, FEATURES_FILE).to_pylist():
        given = {name: value for name, value in row.items() if value not in (None, "")}  # an empty text is no value
        assert {name: by_id[row["id"]][name] for name in given} == given
    own = graph.connection.read("MATCH (r:Run {id: $run})-[:HAS_SAE]->(s) RETURN r.dataset AS d, s.hook AS h", run=RUN)
    assert [(row["d"], row["h"]) for row in own] == [(TEXTS[6], TEXTS[5])] * 2


def refusal(graph: Graph, query: Query, values: dict[str, Any]) -> str | None:
    """Return the line that refuses these values, or None where the query takes them."""
    try:
        graph.rows(query, values)
    except SaedbError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", library())
def test_no_query_takes_a_hostile_name(graph: Graph, name: str) -> None:
    query, before = library()[name], contents(graph.connection)
    needed = {"feature": "tiny/0-a/0", "source": "tiny/0-a/0", "community": 0, "text": "other", "other": "main"}
    needed |= {"prompt": "other"}
    given = {parameter.name: needed[parameter.name] for parameter in query.parameters if parameter.required}
    for parameter in query.parameters:
        for text in NAMES:
            values = {"run": RUN, **given, parameter.name: text}
            line = refusal(graph, query, values)
            assert line is None or line.isprintable()
            assert line is not None or parameter.type in ("words", "string", "list"), (parameter.name, text[:50])
    assert contents(graph.connection) == before


def command(server: LocalServer, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--home", str(server.layout.home)])


COMMANDS: Final = (
    ("feature", "--run", RUN),
    ("feature", "tiny/0-a/0", "--run"),
    ("query", "top-edges", "--run"),
    ("query", "neighbours", "--run", RUN),
    ("load",),
    ("drop", "--yes"),
    ("communities",),
    ("communities", RUN, "--name"),
    ("communities", RUN, "--match"),
    ("communities", RUN, "--use"),
    ("communities", RUN, "--forget"),
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_takes_a_hostile_name(
    graph: Graph, server: LocalServer, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.delenv("SAEDB_RUNS", raising=False)
    before = contents(graph.connection)
    for text in NAMES:
        result = command(server, *arguments, text)
        last = result.stderr.splitlines()[-1]
        assert (result.exit_code, last[:7]) == (1, "Error: "), (text[:50], result.exception)
        assert last.isprintable()
    assert contents(graph.connection) == before


def test_an_id_that_no_index_takes_is_refused_before_anything_is_written(
    connection: Connection, tmp_path: Path
) -> None:
    run = hostile_run(tmp_path)
    table = run.read(FEATURES, FEATURES_FILE)
    ids = pa.array(["x" * 9000, *table["id"].to_pylist()[1:]])
    run.write(FEATURES, FEATURES_FILE, [table.set_column(0, table.schema.field(0), ids)])
    run.update(id="long-id", status="complete")
    with pytest.raises(SaedbError) as caught:
        load(connection, run)
    assert str(caught.value).isprintable()
    assert not connection.read("MATCH (r:Run {id: 'long-id'}) RETURN r.id AS id")
