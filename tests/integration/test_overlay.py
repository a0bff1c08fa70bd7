"""An attribution graph of a prompt beside the edges of the known graph."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from attributions import embedding, error, feature, link, logit, save
from click.testing import CliRunner, Result
from known_graph import BARE, EDGES, KNOWN, loaded, whole

from saedb.cli.main import main
from saedb.cypher.graph import Graph
from saedb.cypher.overlay.compare import overlay
from saedb.cypher.schema import EFFECTS
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import InputError


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


@pytest.fixture
def saedb(graph: Graph, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "240")
    return Command()


class Command:
    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["overlay", *arguments], catch_exceptions=False)


def _file(folder: Path, *, is_old: bool = False, **metadata: Any) -> Path:
    """Return a prompt's graph: a chain at two positions, a pair that is no edge, two far, one backward, the rest."""
    courts = [feature(layer, 0) for layer in range(4)]
    later = [feature(layer, 0, 2) for layer in range(2)]
    tax, north = feature(1, 2), feature(1, 3)
    others = [feature(9, 4), feature(1, 99), error(1, is_old=is_old), embedding(7), logit(8, 12), {"node_id": "??"}]
    links = [
        link(courts[0], courts[1], 0.5), link(later[0], later[1], -3.0), link(courts[1], courts[2], 1.0),
        link(tax, courts[2], 2.0), link(courts[0], courts[3], 4.0), link(courts[1], tax, 0.1),
        link(north, courts[3], -5.0),
        link(courts[0], others[0]), link(others[1], courts[2]), link(others[2], courts[2]), link(others[3], courts[0]),
        link(courts[3], others[4]), link(others[5], courts[0]), {"source": "nobody", "target": "0_0_1", "weight": 1},
    ]  # fmt: skip
    return save(folder / "graph.json", [*courts, *later, tax, north, *others], links, **metadata)


@pytest.mark.parametrize("is_old", [False, True])
def test_every_node_and_link_is_accounted_for(graph: Graph, tmp_path: Path, is_old: bool) -> None:
    found = overlay(graph.connection, _file(tmp_path, is_old=is_old), KNOWN)
    assert found.nodes == {
        "in_run": 8, "no_layer": 1, "beyond_sae": 1, "error": 1, "embedding": 1, "logit": 1, "unreadable": 1
    }  # fmt: skip
    assert found.features == 6
    assert found.links == {
        "edge": 3, "no_edge": 1, "further": 2, "not_forward": 1, "unmapped": 2, "no_feature": 4, "no_node": 1
    }  # fmt: skip
    assert sum(found.links.values()) == 14


def test_pairs_have_the_measures_of_their_edges_and_the_strongest_weight(graph: Graph, tmp_path: Path) -> None:
    pairs = overlay(graph.connection, _file(tmp_path), KNOWN).pairs
    shown = [(p.source, p.target, p.weight, p.links, p.fate) for p in pairs]
    assert shown == [
        (whole("1/3"), whole("3/0"), -5.0, 1, "further"),
        (whole("0/0"), whole("3/0"), 4.0, 1, "further"),
        (whole("0/0"), whole("1/0"), -3.0, 2, "edge"),
        (whole("1/2"), whole("2/0"), 2.0, 1, "no_edge"),
        (whole("1/0"), whole("2/0"), 1.0, 1, "edge"),
        (whole("1/0"), whole("1/2"), 0.1, 1, "not_forward"),
    ]
    names = ("pearson", "necessity", "sufficiency", "decoder_cosine", "lift", "support")
    assert {n: pairs[2].measures[n] for n in names} == dict(zip(names, EDGES["0/0", "1/0"], strict=True))
    assert {n for n in pairs[2].measures if n not in names} <= {p.name for p in EFFECTS}
    assert pairs[3].measures == {}
    assert (pairs[2].source_label, pairs[2].target_label) == ("courts", "courts")


def test_of_pairs_that_reach_further_the_weakest_edge_of_the_best_path_is_told(graph: Graph, tmp_path: Path) -> None:
    found = overlay(graph.connection, _file(tmp_path), KNOWN)
    assert found.looked_up == 2
    assert [pair.path for pair in found.pairs[:2]] == [None, 0.97]
    found = overlay(graph.connection, _file(tmp_path), KNOWN, measure="necessity")
    assert [pair.path for pair in found.pairs[:2]] == [None, 0.96]


def test_layers_can_be_shifted(graph: Graph, tmp_path: Path) -> None:
    file = save(tmp_path / "graph.json", [feature(7, 0), feature(8, 0)], [link(feature(7, 0), feature(8, 0))])
    (pair,) = overlay(graph.connection, file, KNOWN, shift=-7).pairs
    assert (pair.source, pair.target, pair.fate) == (whole("0/0"), whole("1/0"), "edge")
    assert overlay(graph.connection, file, KNOWN).nodes == {"no_layer": 2}


def test_an_ambiguous_id_of_an_older_file_is_not_taken_for_the_feature(graph: Graph, tmp_path: Path) -> None:
    nodes = [error(1, is_old=True), feature(0, 1), feature(1, 0)]
    found = overlay(graph.connection, save(tmp_path / "graph.json", nodes, [link(nodes[1], nodes[2])]), KNOWN)
    assert (found.links, found.pairs) == ({"ambiguous": 1}, ())
    assert "1 ids belong to two different nodes each, such as '0_1_1'" in found.notes[-1]


@pytest.mark.parametrize(
    ("metadata", "note"),
    [
        (
            {},
            "the file does not say whose features it has; nodes are mapped onto s of run known-graph by",
        ),
        (
            {"info": {"neuronpedia_source_set": "clt"}},
            "the file has features of clt, run known-graph of s; unless these",
        ),
        ({"info": {"neuronpedia_source_set": "s"}}, None),
        (
            {"scan": None, "info": {"neuronpedia_source_set": "s"}},
            "does not say of which model it is; run known",
        ),
    ],
)
def test_it_is_said_how_far_the_mapping_can_be_trusted(
    graph: Graph, tmp_path: Path, metadata: dict[str, Any], note: str | None
) -> None:
    notes = overlay(graph.connection, _file(tmp_path, **metadata), KNOWN).notes
    assert len(notes) == (note is not None)
    assert note is None or note in notes[0]


def test_another_model_is_refused_unless_it_is_asked_for(graph: Graph, tmp_path: Path) -> None:
    file = _file(tmp_path, scan="gemma-2-2b")
    with pytest.raises(InputError, match=r"^the file is of 'gemma-2-2b', and run known-graph of tiny; .* --any-model$"):
        overlay(graph.connection, file, KNOWN)
    assert overlay(graph.connection, file, KNOWN, any_model=True).features == 6
    assert overlay(graph.connection, _file(tmp_path, scan="makers/Tiny"), KNOWN).features == 6


def test_a_set_or_measure_that_the_run_lacks_is_one_line(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run known-graph has no set 'res'; did you mean s"):
        overlay(graph.connection, _file(tmp_path), KNOWN, set_="res")
    with pytest.raises(InputError, match="run bare-graph has no necessity; it has pearson"):
        overlay(graph.connection, _file(tmp_path), BARE, measure="necessity")


def test_the_page_accounts_for_all_and_shows_the_strongest(saedb: Command, tmp_path: Path) -> None:
    result = saedb(str(_file(tmp_path, prompt="\x1b[31mthe court")), "--limit", "3")
    assert result.exit_code == 0
    for text in (
        "prompt: \\x1b[31mthe court",
        "file of tiny, beside run known-graph, set s",
        "       14 nodes\n        8   features that the run has\n",
        "        3   between SAEs that the run compares: edges of the run\n",
        "of the 2 strongest that go further, 1 have a path of edges with pearson >= 0.3",
    ):
        assert text in result.stdout, text
    assert [line.split()[0] for line in result.stdout.splitlines()[-3:]] == ids("1/3", "0/0", "0/0")
    assert "3 of 6 pairs shown; more with --limit." in result.stderr
    assert result.stderr.count("Note: ") == 1


def ids(*shorts: str) -> list[str]:
    return [whole(short) for short in shorts]


def test_json_and_csv_have_every_pair(saedb: Command, tmp_path: Path) -> None:
    file = str(_file(tmp_path))
    found = json.loads(saedb(file, "--output", "json", "--run", KNOWN).stdout)
    assert (len(found["pairs"]), found["links"]["edge"], found["run"]) == (6, 3, KNOWN)
    (tmp_path / "pairs.csv").write_text(saedb(file, "--output", "csv").stdout)
    table = pd.read_csv(tmp_path / "pairs.csv")
    assert table["weight"].tolist() == [pair["weight"] for pair in found["pairs"]]
    assert table["in_run"].tolist() == ["further", "further", "edge", "none", "edge", "not forward"]
    assert table["pearson"].tolist()[2] == 0.99


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is damaged or no JSON"), ("[]", "holds no JSON object"), ('{"nodes": []}', "has no list of links")],
)
def test_a_damaged_file_is_one_line(saedb: Command, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "graph.json").write_text(content)
    result = saedb(str(tmp_path / "graph.json"))
    assert result.exit_code == 1
    assert message in result.stderr.splitlines()[-1]


def test_a_graph_of_nothing_is_told(saedb: Command, tmp_path: Path) -> None:
    result = saedb(str(save(tmp_path / "graph.json", [])))
    assert result.exit_code == 0
    assert "0 nodes" in result.stdout
