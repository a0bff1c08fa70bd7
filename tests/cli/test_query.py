from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from saedb.cli.main import main
from saedb.cypher.library import library

MINE = """\
// Features of one sort.
// Says more.
// @group mine
// @param run: run  the run to search
// @param kind: choice(good, bad)  which sort
// @param least: float = 0.5 in [0, 1]  lowest share
// @param words: list = []  words to leave out
// @param all: boolean  unlabelled ones, too
// @preset wide: least=0.1, all=true  nearly everything
// @column n: integer (tokens)  how many
// @example good --least 0.25
MATCH (f:Feature {run: $run}) WHERE f.kind = $kind AND f.x > $least AND NOT f.label IN $words OR $all RETURN 1 AS n
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "sorts.cypher").write_text(MINE)
    return str(tmp_path)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_without_a_name_every_query_is_listed_by_group_on_one_line() -> None:
    result = _run("query")
    assert result.exit_code == 0
    for query in library().values():
        assert any(line.split() == [query.name, *query.title.split()] for line in result.stdout.splitlines())
    assert result.stdout.startswith("Evolution:\n")


def test_help_is_made_from_the_header(mine: str) -> None:
    result = _run("query", "--queries", mine, "sorts", "--help")
    assert result.exit_code == 0
    for text in (
        "query sorts [OPTIONS] KIND",
        "Features of one sort.",
        "KIND: which sort (good, bad).",
        "saedb query sorts good --least 0.25",
        "n  how many (tokens)",
        "--least FLOAT RANGE",
        "Lowest share.  [default: 0.5; 0.0<=x<=1.0]",
        "[default: the newest ready one]",
        "wide  nearly everything: --least 0.1 --all",
        "--preset [wide]",
        "--all ",
    ):
        assert text in result.stdout, text


def test_show_prints_the_statement_without_a_server(mine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:1")
    result = _run("query", "--queries", mine, "sorts", "good", "--run", "r", "--words", "a", "--words", "b", "--show")
    assert (result.exit_code, result.stderr) == (0, "")
    statement = MINE.splitlines()[-1]
    for name, value in {"run": "'r'", "kind": "'good'", "least": "0.5", "words": "['a', 'b']", "all": "false"}.items():
        statement = statement.replace(f"${name}", value)
    assert result.stdout == f"// Features of one sort.\n{statement}\n"


def test_a_preset_sets_what_the_user_does_not(mine: str) -> None:
    shown = ["query", "--queries", mine, "sorts", "good", "--preset", "wide", "--show"]
    assert "f.x > 0.1 AND NOT f.label IN [] OR true" in _run(*shown).stdout
    assert "f.x > 0.5 AND NOT f.label IN [] OR true" in _run(*shown, "--least", "0.5").stdout
    assert _run("query", "--queries", mine, "sorts", "good", "--preset", "narrow").exit_code == 2


def test_a_query_in_python_has_help_and_no_statement_to_show() -> None:
    assert "--target TEXT" in _run("query", "paths", "--help").stdout
    result = _run("query", "paths", "0/0", "--show")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no single statement answers paths; its steps are in ")
    assert len(result.stderr.splitlines()) == 1


def test_the_folder_may_come_from_the_environment(mine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDB_QUERIES", mine)
    assert "sorts  Features of one sort" in _run("query").stdout


@pytest.mark.parametrize(
    "arguments",
    [("pass-through", "--min-pearson", "2"), ("pass-through", "--limit", "x"), ("top-edges", "--measure", "love")],
)
def test_a_value_out_of_range_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    assert _run("query", *arguments).exit_code == 2


def test_an_unknown_query_suggests_the_nearest() -> None:
    result = _run("query", "and-gatse")
    assert result.exit_code == 1
    assert "no query 'and-gatse'; did you mean and-gates" in result.stderr


def test_a_broken_query_file_is_one_line(mine: str) -> None:
    (Path(mine) / "broken.cypher").write_text("RETURN 1")
    result = _run("query", "--queries", mine, "hubs")
    assert result.exit_code == 1
    assert "broken.cypher:1: the first line must be the title" in result.stderr


def test_an_empty_statement_is_refused() -> None:
    result = CliRunner().invoke(main, ["cypher", "-"], input=" \n")
    assert (result.exit_code, "the statement is empty" in result.stderr) == (1, True)
