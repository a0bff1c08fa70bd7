"""The fingerprint of a graph is that of its tables, and nothing that is stored escapes it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from toygraph import make_run

from saedb.cypher import fingerprint
from saedb.cypher.communities.settings import CommunitySettings
from saedb.cypher.communities.stage import detect
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.rundir import RunDirectory

CHANGES = {
    "a property of an edge": "MATCH ()-[e:EVOLVES_TO {run: 'printed'}]->() "
    "WITH e LIMIT 1 SET e.pearson = e.pearson + 1e-15",
    "two values changed round": "MATCH ()-[a:EVOLVES_TO {run: 'printed'}]->() WITH a ORDER BY a.pearson LIMIT 2 "
    "WITH collect(a) AS es WITH es[0] AS a, es[1] AS b, es[0].pearson AS p SET a.pearson = b.pearson, b.pearson = p",
    "a label for people": "MATCH (f:Feature {run: 'printed'}) WITH f LIMIT 1 SET f.label = 'mine'",
    "a note": "MATCH (f:Feature {run: 'printed'}) WITH f LIMIT 1 SET f.note = 'mine'",
    "a note on the run": "MATCH (r:Run {id: 'printed'}) SET r.note = 'mine'",
    "a node label": "MATCH (f:Feature {run: 'printed'}) WITH f LIMIT 1 SET f:Interesting",
    "another type": "MATCH (f:Feature {run: 'printed'}) WITH f LIMIT 1 SET f.layer = toString(f.layer)",
    "a value that is gone": "MATCH (f:Feature {run: 'printed'}) WHERE f.label IS NOT NULL "
    "WITH f LIMIT 1 REMOVE f.label",
    "an edge twice": "MATCH (s)-[e:EVOLVES_TO {run: 'printed'}]->(t) WITH s, e, t LIMIT 1 "
    "CREATE (s)-[c:EVOLVES_TO]->(t) SET c = properties(e)",
    "an edge turned round": "MATCH (s)-[e:EVOLVES_TO {run: 'printed'}]->(t) WITH s, e, t LIMIT 1 "
    "CREATE (t)-[c:EVOLVES_TO]->(s) SET c = properties(e) DELETE e",
    "an edge that is gone": "MATCH ()-[e:EVOLVES_TO {run: 'printed'}]->() WITH e LIMIT 1 DELETE e",
    "a count of a truth table": "MATCH (g:Gate {run: 'printed'}) WITH g LIMIT 1 SET g.tokens = [n IN g.tokens | n + 1]",
    "an input that is negated": "MATCH (:Feature {run: 'printed'})-[i:INPUT_OF {negated: false}]->() "
    "WITH i LIMIT 1 SET i.negated = true",
    "another output": "MATCH (g:Gate {run: 'printed'})-[o:OUTPUT]->(f) WITH g, o, f LIMIT 1 "
    "MATCH (n:Feature {run: 'printed'}) WHERE n <> f WITH g, o, n LIMIT 1 DELETE o CREATE (g)-[:OUTPUT]->(n)",
    "the share of a child": "MATCH (:Split {run: 'printed'})-[c:CHILD]->() WITH c LIMIT 1 SET c.share = 0.5",
    "the position of an activation": (
        "MATCH (:Prompt {run: 'printed'})-[a:ACTIVATES]->() WITH a LIMIT 1 SET a.position = a.position + 1"
    ),
    "a second activation on a token": (
        "MATCH (p:Prompt {run: 'printed'})-[a:ACTIVATES]->(f) WITH p, a, f LIMIT 1 "
        "CREATE (p)-[:ACTIVATES {position: a.position, activation: a.activation}]->(f)"
    ),
    "a feature of another run": "MATCH (f:Feature {run: 'printed'}) WITH f LIMIT 1 SET f.run = 'elsewhere'",
}


@pytest.fixture(scope="module")
def run(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunDirectory]:
    run = make_run(tmp_path_factory.mktemp("printed"), "printed")
    run.update(saes=tuple(replace(sae, source="a folder", dead=0.0) for sae in run.record.saes))
    with Connection(server.address()) as connection:
        load(connection, run)
        detect(connection, run, CommunitySettings(levels=True, sweep=True))
        yield RunDirectory.open(run.path)
        drop(connection, "printed")


def test_a_loaded_graph_has_the_fingerprint_of_its_tables(connection: Connection, run: RunDirectory) -> None:
    expected = fingerprint.of_run(run)
    assert {kind for _, kind in expected} == {
        "Run", "Sae", "Feature", "HAS_SAE", "COMPARED_WITH", "EVOLVES_TO", "Community", "IN_COMMUNITY",
        "Partition", "OF_PARTITION", "PART_OF", "Resolution",
        "Gate", "INPUT_OF", "OUTPUT", "Split", "PARENT_OF", "CHILD", "Prompt", "ACTIVATES",
    }  # fmt: skip
    assert fingerprint.of_graph(connection, run="printed") == expected


def test_an_empty_graph_has_an_empty_fingerprint(connection: Connection) -> None:
    assert fingerprint.of_graph(connection, run="nobody's") == {}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_change_escapes_the_fingerprint(connection: Connection, run: RunDirectory, change: str) -> None:
    with connection._driver.session() as session, session.begin_transaction() as transaction:
        transaction.run(change).consume()

        class Inside(Connection):
            """Reads in the transaction that is rolled back."""

            def __init__(self) -> None:
                pass

            def columns(self, cypher: str, /, **parameters: object):
                result = transaction.run(cypher, parameters)
                names, rows = result.keys(), [record.values() for record in result]
                if rows:
                    yield dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))

            def read(self, cypher: str, /, **parameters: object):
                return [dict(record) for record in transaction.run(cypher, parameters)]

        assert fingerprint.of_graph(Inside(), run="printed") != fingerprint.of_run(run)
        transaction.rollback()
