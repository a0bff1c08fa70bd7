import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from known_graph import BARE, KNOWN, loaded, whole

from saedb.cli.main import main
from saedb.cypher.server.local import LocalServer

ECHO = """\
'''What it was asked.

@group mine
@param run: run  the run
@param feature: feature  the feature
@column run: run  the run
@column feature: feature  the feature
'''


def rows(connection, *, run, feature):
    return [{"run": run, "feature": feature}]
"""


@pytest.fixture(scope="module", autouse=True)
def known(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with loaded(server, tmp_path_factory.mktemp("runs")):
        yield


@pytest.fixture
def saedb(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> "Command":
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    monkeypatch.setenv("COLUMNS", "160")
    return Command()


class Command:
    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, list(arguments), input=stdin, catch_exceptions=False)


def test_a_query_prints_a_table_and_says_which_server(saedb: Command) -> None:
    result = saedb("query", "pass-through-chains", "--limit", "1")
    assert result.exit_code == 0
    for layer, line in enumerate(result.stdout.splitlines()[-4:]):
        assert f"{whole(f'{layer}/0')}  courts" in line
    assert result.stderr.splitlines()[0].startswith("server: ")
    assert "1 shown; more with --limit." in result.stderr


def test_a_query_prints_json(saedb: Command) -> None:
    rows = json.loads(saedb("query", "and-gates", "--output", "json").stdout)
    assert [row["output"] for row in rows] == [whole("2/4"), whole("3/3")]


def test_a_query_in_python_prints_a_table(saedb: Command) -> None:
    result = saedb("query", "trace", "2/0")
    assert result.exit_code == 0
    shown = [line.split()[:3] for line in result.stdout.splitlines()[3:] if line.strip()]
    assert shown == [[str(step), whole(f"{step + 2}/0"), "courts"] for step in (-2, -1, 0, 1)]


def test_where_a_stage_found_nothing_the_answer_says_which_one_looks(saedb: Command) -> None:
    assert "Nothing found. Gates are looked for by: saedb gates." in saedb("query", "gates", "--run", BARE).stderr


def test_a_users_python_query_gets_whole_ids(saedb: Command, tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text(ECHO)
    result = saedb("query", "--queries", str(tmp_path), "echo", "2/0", "--output", "json")
    assert json.loads(result.stdout) == [{"run": KNOWN, "feature": whole("2/0")}]


def test_an_empty_answer_says_what_to_relax(saedb: Command) -> None:
    result = saedb("query", "appearing", "--layer", "0", "--output", "csv")
    assert result.exit_code == 0
    assert "Nothing found. To relax it: raise --max-pearson (now 0.3), leave out --layer." in result.stderr
    assert result.stdout.splitlines() == ["feature,label,active,density,best_pearson,nearest,nearest_label,support"]


def test_a_feature_has_a_page(saedb: Command) -> None:
    result = saedb("feature", "1/0")
    for text in (
        f"{whole('1/0')}  courts",
        "1,000 tokens, 0.1 of the counted ones",
        "back        passed through",
        "0 (5 features, layers 0 to 3, stays in 100% of runs)",
        "one [[courts]] two",
        "Inputs (2)",
        "Outputs (1)",
    ):
        assert text in result.stdout, text
    assert saedb("feature", "0/5").stdout.count(": none") == 2


def test_a_feature_is_printed_as_json(saedb: Command) -> None:
    record = json.loads(saedb("feature", "1-s/0", "--run", KNOWN, "--output", "json").stdout)
    assert (record["id"], record["community"]["size"]) == (whole("1/0"), 5)
    assert record["inputs"][0]["measures"]["pearson"] == 0.99


def test_a_wrong_id_is_one_line(saedb: Command) -> None:
    result = saedb("feature", "1/99")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        1,
        f"Error: no feature '1/99' in run {KNOWN}; the nearest is {whole('1/8')} and {whole('1/7')}",
    )


def test_free_cypher_shows_nodes_edges_and_paths(saedb: Command) -> None:
    statement = f"MATCH p = (f:Feature:L00 {{run: '{KNOWN}', index: 0}})-[e:EVOLVES_TO]->() RETURN p, e, 1.5 AS x"
    table = saedb("cypher", statement)
    assert '(:Feature:L00 {id: "tiny/0-s/0", label: "courts"})-[:EVOLVES_TO {pearson: 0.99}]->(' in table.stdout
    (row,) = json.loads(saedb("cypher", "-", "--output", "json", stdin=statement).stdout)
    assert row["p"]["nodes"][0]["labels"] == ["Feature", "L00"]
    assert (row["e"]["type"], row["e"]["start"], row["e"]["properties"]["pearson"]) == (
        "EVOLVES_TO",
        whole("0/0"),
        0.99,
    )
    assert [node["properties"]["id"] for node in row["p"]["nodes"]] == [whole("0/0"), whole("1/0")]


@pytest.mark.parametrize(
    "statement", ["CREATE (n:Feature) RETURN n", "MATCH (n) DETACH DELETE n", "CREATE INDEX FOR (n:X) ON n.x"]
)
def test_a_write_is_refused(saedb: Command, statement: str) -> None:
    result = saedb("cypher", statement)
    assert result.exit_code == 1
    assert "only reading is allowed here" in result.stderr


def test_a_mistake_in_cypher_is_one_line(saedb: Command) -> None:
    result = saedb("cypher", "MATCH (n RETURN n")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 2
