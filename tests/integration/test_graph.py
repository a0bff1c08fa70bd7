import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from known_graph import BARE, EDGES, FEATURES, KNOWN, LOADING, loaded, whole

from saedb.cypher import schema
from saedb.cypher.graph import Graph
from saedb.cypher.library import library
from saedb.cypher.names import feature_id
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import GraphError, InputError
from saedb.ingest.measures import EVIDENCE, MEASURES


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


def test_an_unready_run_is_neither_the_newest_nor_searched(graph: Graph) -> None:
    assert graph.run_id() == KNOWN
    assert LOADING not in set(graph.runs()["id"])
    with pytest.raises(InputError, match=f"run {LOADING} is loading, not ready; see: saedb runs"):
        graph.query("search", text="courts", run=LOADING)


def test_an_unknown_run_suggests_the_nearest(graph: Graph) -> None:
    with pytest.raises(InputError, match=r"no run 'know-graph'; did you mean known-graph.* \(all: saedb runs\)"):
        graph.features("know-graph")


def test_no_run_at_all_says_what_to_type() -> None:
    class Empty:
        def read(self, _cypher: str) -> list[Any]:
            return []

    with pytest.raises(GraphError, match="make one with: saedb demo"):
        Graph(Empty()).run_id()  # type: ignore[arg-type]  # the shared server has other tests' runs


@pytest.mark.parametrize("short", ["1/0", "1-s/0", "tiny/1-s/0", "1/00"])
def test_a_short_id_stands_for_the_one_feature_meant(graph: Graph, short: str) -> None:
    assert feature_id(graph.connection, KNOWN, short) == whole("1/0")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("1/9", r"no feature '1/9' in run known-graph; the nearest is tiny/1-s/8 and tiny/1-s/7"),
        ("7/0", r"has no SAE or layer '7'; there is 0-s, 1-s, 2-s, 3-s"),
        ("courts", r"'courts' is no feature id; one is like tiny/"),
        ("huge/1-s/0", r"no feature 'huge/1-s/0' in run known-graph; the nearest is tiny/1-s/0"),
    ],
)
def test_a_wrong_id_says_what_is_near(graph: Graph, wrong: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        graph.feature(wrong)


def test_features_and_edges_of_a_run_are_tables(graph: Graph) -> None:
    features = graph.features()
    assert list(features["id"]) == [whole(f) for f in FEATURES]
    assert features["n_active"].dtype == "Int64"
    assert len(graph.features(BARE, layer=2)) == 7
    edges = graph.edges(min_pearson=0.95, min_support=700)
    expected = {(whole(u), whole(d)) for (u, d), m in EDGES.items() if m[0] >= 0.95 and m[5] >= 700}
    ends = list(zip(edges["source"], edges["target"], strict=True))
    assert sorted(ends) == sorted(expected)
    assert len(graph.edges(layer=0)) == 7
    assert edges["mutual_information"].isna().all()
    assert edges["support"].tolist() == [EDGES[_short(u), _short(d)][5] for u, d in ends]
    with pytest.raises(InputError, match="did you mean min_pearson"):
        graph.edges(min_pearsn=0.5)


def _short(feature: str) -> str:
    _, sae, index = feature.split("/")
    return f"{sae[0]}/{index}"


def test_edges_have_the_same_columns_whether_there_are_any_or_not(graph: Graph) -> None:
    none, some = graph.edges(min_pearson=2.0), graph.edges(BARE)
    assert list(none.columns) == ["source", "target", *(item.name for item in (*MEASURES, *EVIDENCE, *schema.EFFECTS))]
    assert none.dtypes.equals(some.dtypes)
    assert (none["support"].dtype, none["pearson_moved"].dtype) == ("Int64", "float64")
    assert len(some) == len(EDGES)


def test_an_id_is_one_text_however_many_edges_have_it(graph: Graph) -> None:
    edges = graph.edges()
    ids = [*edges["source"], *edges["target"]]
    assert len({id(text) for text in ids}) == len(set(ids)) < len(ids)


def test_an_empty_answer_keeps_its_columns_and_types(graph: Graph) -> None:
    found = graph.query("or-gates", min_support=1000)
    assert list(found.columns) == [column.name for column in library()["or-gates"].columns]
    assert found["gain"].dtype == "float64"


def test_a_feature_record_holds_what_the_graph_knows(graph: Graph) -> None:
    record = graph.feature("1/0")
    assert (record.id, record.label, record.n_active) == (whole("1/0"), "courts", 1000)
    assert (record.state_in, record.state_out) == ("passed_through", "passed_through")
    assert record.examples == ["one [[courts]] two"]
    assert [neighbour.id for neighbour in record.inputs] == [whole("0/0"), whole("0/1")]
    assert record.outputs[0].measures["pearson"] == 0.98
    assert record.outputs[0].measures["jaccard"] is None
    assert record.community is not None
    assert (record.community.partition, record.community.number, record.community.stability) == ("main", 0, 1.0)
    assert (record.community.size, record.community.layers) == (5, [0, 1, 2, 3])
    bare = graph.feature("1/0", BARE)
    assert (bare.label, bare.top_tokens, bare.community) == (None, [], None)


def test_questions_are_asked_without_torch(server: LocalServer, graph: Graph) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom saedb.cypher import connect\n"
        f"with connect(home=Path({str(server.layout.home)!r})) as graph:\n"
        f"    assert len(graph.query('and-gates', run={KNOWN!r})) == 2\n"
        "print('torch' in sys.modules, 'sae_lens' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout == "False False\n"
