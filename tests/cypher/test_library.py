import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from saedb.cli.query_command import command_of
from saedb.cypher.library import GROUPS, find, library, shipped
from saedb.cypher.query import Query
from saedb.ingest.errors import InputError

MINE = "// Mine.\n// @group mine\n// @column a: integer  one\nRETURN 1 AS a\n"
PROGRAM = '"""Mine.\n\n@group mine\n@column a: integer  one\n"""\n\ndef rows(connection):\n    yield {"a": 1}\n'


def test_the_library_holds_what_the_design_names() -> None:
    assert set(library()) >= {
        "pass-through", "pass-through-chains", "appearing", "disappearing", "and-gates", "or-gates", "communities",
        "community", "neighbours", "layer-profile", "search", "top-edges", "specialisation", "merges", "disagreements",
        "hubs", "dead", "gates", "one-sided-gates", "splits", "transformed", "paths", "trace",
        "partitions", "community-evolution",
        "bridges", "compare-partitions", "partition-changes", "resolutions",
    }  # fmt: skip


@pytest.mark.parametrize("query", shipped().values(), ids=lambda query: query.name)
def test_a_shipped_query_has_a_group_a_short_title_and_examples_that_parse(query: Query) -> None:
    assert query.group in GROUPS
    assert len(query.title) <= 56, "one line of the list, 80 columns wide"
    assert query.examples
    for example in query.examples:
        with click.Context(command_of(query)) as context:
            context.command.parse_args(context, shlex.split(example))


def test_a_users_folder_adds_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.cypher").write_text(MINE)
    assert find("mine", [tmp_path]).cypher == "RETURN 1 AS a"
    assert list(library([tmp_path]))[-1] == "mine"
    monkeypatch.setenv("SAEDB_QUERIES", str(tmp_path))
    assert "mine" in library()


def test_a_python_file_with_a_header_is_a_query_and_another_is_none(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(PROGRAM)
    (tmp_path / "other.py").write_text("raise SystemExit\n")
    assert find("steps", [tmp_path]).cypher is None
    assert "other" not in library([tmp_path])


def test_a_list_of_queries_runs_none_of_them() -> None:
    code = (
        "import sys; from saedb.cypher.library import library\n"
        "assert library()['paths'].title\n"
        "print(sorted({'neo4j', 'numpy', 'saedb.cypher.paths', 'saedb.cypher.trace'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout == "[]\n"


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hubs.cypher").write_text(MINE)
    with pytest.raises(InputError, match=r"hubs\.cypher has the name of another query .*; rename it"):
        library([tmp_path])


def test_a_missing_folder_and_a_binary_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder of queries at .*nowhere"):
        library([tmp_path / "nowhere"])
    (tmp_path / "x.cypher").write_bytes(b"// \xff")
    with pytest.raises(InputError, match=r"x\.cypher is no UTF-8 text"):
        library([tmp_path])


def test_an_unknown_query_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no query 'and-gate'; did you mean and-gates.* \(all: saedb query\)"):
        find("and-gate")
