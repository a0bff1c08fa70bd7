"""`saedb prompt` on a tiny run: what it prints and stores, and what it says of what goes wrong."""

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from rebuilding import fingerprint_of
from rich.cells import cell_len

from saedb.cli.main import main
from saedb.cypher import fingerprint
from saedb.cypher.connection import Connection
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.prompts.stored import StoredPrompts
from saedb.ingest.rundir import PROMPTS_FILE, RunDirectory

TEXT = "the cat sat on the mat"


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run called tiny, and what it was computed with."""
    from tinyrun import tiny_config  # and with it SAELens, for seconds

    from saedb.ingest.pipeline import ingest

    folder = tmp_path_factory.mktemp("computed")
    ingest(tiny_config(folder), folder / "runs/tiny")
    return folder


@pytest.fixture
def run(computed: Path, home: Path, connection: Connection) -> Iterator[RunDirectory]:
    """The run in the user's home, loaded."""
    shutil.copytree(computed / "runs", home / "runs")
    run = RunDirectory.open(home / "runs/tiny")
    load(connection, run)
    yield run
    drop(connection, "tiny")


def prompt(*arguments: str, text: str | None = None) -> Result:
    """Return what the command does, on the run called tiny unless it says otherwise."""
    is_named = not arguments or {"--run", "--no-save"} & {*arguments}
    return CliRunner().invoke(main, ["prompt", *arguments, *(() if is_named else ("--run", "tiny"))], input=text)


def check_fresh(connection: Connection, run: RunDirectory) -> list[str]:
    """Check that the graph is what a load of the run directory makes; return the names of its prompts."""
    found = RunDirectory.open(run.path)
    assert fingerprint.of_graph(connection, run="tiny") == fingerprint_of(found)
    return StoredPrompts.of(found).ids


def test_a_prompt_is_shown_stored_and_asked_for_again(run: RunDirectory, connection: Connection) -> None:
    result = prompt(TEXT, "--run", "tiny", "--name", "cat")
    assert result.exit_code == 0, result.output
    assert "tokens  (0 <s>)  1 the  2 cat  3 sat  4 on  5 the  [6 mat]" in result.stdout
    shown = re.findall(r"^\d-saes: (\d+) of (\d+) active on token 6$", result.stdout, re.MULTILINE)
    assert len(shown) == 3
    assert all(int(few) == min(5, int(all_)) for few, all_ in shown)
    assert re.search(r"Stored as cat: [\d,]+ activations on 6 tokens", result.stderr)
    assert check_fresh(connection, run) == ["cat"]

    asked = CliRunner().invoke(main, ["query", "prompt", "cat", "--run", "tiny", "--token", "6", "--output", "json"])
    assert "saedb prompt --show cat --token 6 --run tiny" in result.stderr
    stored = prompt("--show", "cat", "--token", "6", "--run", "tiny")
    assert (stored.stdout, stored.exit_code) == (result.stdout, 0)
    assert prompt("--show", "cat", "--no-save", "--run", str(run.path)).stdout == result.stdout
    again = prompt(TEXT, "--run", "tiny", "--output", "json")
    assert json.loads(again.stdout) == json.loads(asked.stdout)
    assert "Stored already as cat" in again.stderr

    (link,) = re.findall(r"file://\S+", result.stderr)
    statement = parse_qs(urlsplit(link).fragment)["statement"][0]
    graph = CliRunner().invoke(main, ["cypher", statement, "--output", "json"])
    assert graph.exit_code == 0, graph.output
    assert len(json.loads(graph.stdout)) >= sum(int(few) for few, _ in shown)


def test_nothing_is_stored_and_no_server_is_asked_without_saving(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run.path / "run.json").read_bytes()
    monkeypatch.setenv("NEO4J_URI", "bolt://127.0.0.1:1")
    for arguments in (["--run", "tiny"], ["--run", str(run.path)], []):
        result = prompt(TEXT, "--no-save", *arguments)
        assert result.exit_code == 0, result.output
        assert "2-saes:" in result.stdout
        assert "without --no-save" in result.stderr
    assert (run.path / "run.json").read_bytes() == before
    result = prompt(TEXT, "--run", "tiny")
    assert (result.exit_code, "or only show it: --no-save" in result.stderr) == (1, True)


def test_a_token_is_chosen_by_place_or_text_or_all_are_shown(run: RunDirectory) -> None:
    rows = {
        asked: json.loads(prompt(TEXT, "--no-save", "--top", "99", "--output", "json", *asked).stdout)
        for asked in ((), ("--token", "3"), ("--token", "sat"), ("--all",))
    }
    assert rows["--token", "3"] == rows["--token", "sat"] != rows[()]
    assert {row["position"] for row in rows["--token", "3"]} == {3}
    assert {row["token"] for row in rows["--token", "3"]} == {" sat"}
    assert {row["position"] for row in rows["--all",]} <= {1, 2, 3, 4, 5, 6}
    features = [row["feature"] for row in rows["--all",]]
    assert len(features) == len(set(features)) > len(rows["--token", "3"])
    low, high = (
        json.loads(prompt(TEXT, "--no-save", "--top", "99", "--output", "json", "--threshold", share).stdout)
        for share in ("0", "0.9")
    )
    assert len(low) > len(rows[()]) > len(high)
    assert all(row["share"] > 0.9 for row in high)


def test_the_text_may_come_from_stdin_and_rows_as_csv(run: RunDirectory) -> None:
    result = prompt("-", "--no-save", "--output", "csv", text=f"{TEXT}\n")
    assert result.exit_code == 0, result.output
    assert result.stdout == prompt(TEXT, "--no-save", "--output", "csv").stdout
    assert next(csv.DictReader(io.StringIO(result.stdout)))["token"] == " mat"


@pytest.mark.parametrize("width", [80, 120])
def test_the_page_fits_the_terminal(run: RunDirectory, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for asked in ((), ("--all",)):
        result = prompt(TEXT, "--no-save", *asked)
        assert result.exit_code == 0, result.output
        assert max(map(cell_len, result.stdout.splitlines())) <= width


def test_a_prompt_is_forgotten(run: RunDirectory, connection: Connection) -> None:
    assert prompt(TEXT, "--name", "cat").exit_code == 0
    assert prompt("it was a dog", "--name", "dog").exit_code == 0
    result = prompt("--forget", "cat", "--run", "tiny")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (0, "Forgot the prompt cat of run tiny.")
    assert check_fresh(connection, run) == ["dog"]
    result = prompt("--forget", "cat", "--run", "tiny")
    assert (result.exit_code, "has no prompt 'cat'; the last are dog" in result.stderr) == (1, True)
    result = prompt("he ran", "--name", "dog")
    assert (result.exit_code, "the prompt dog of run tiny is another text, 'it was a dog'" in result.stderr) == (
        1,
        True,
    )
    assert check_fresh(connection, run) == ["dog"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "the prompt is empty; write some words"),
        (["<s>"], "has no token that counts"),
        (["the " * 40], "the prompt has 41 tokens, BOS among them, and the SAEs of run tiny read 12 at once; shorten"),
        ([TEXT, "--token", "dog"], "there is no token 'dog'; there are 0 '<s>', 1 ' the', 2 ' cat'"),
        ([TEXT, "--token", "the"], "the token 'the' stands at 1 and 5; choose one by its position"),
        ([TEXT, "--token", "0"], "token 0 '<s>' does not count in this run"),
        ([TEXT, "--run", "tinny"], "no run 'tinny'; did you mean tiny?"),
        ([TEXT, "--name", "a b"], "name of a prompt 'a b' must be letters"),
        (["--show", "cat"], "run tiny has no prompt 'cat'; it has none"),
        ([TEXT, "--measure", "person"], "there is no measure 'person'; did you mean pearson"),
    ],
)
def test_what_a_tired_user_does_is_one_line(
    run: RunDirectory, connection: Connection, arguments: list[str], message: str
) -> None:
    result = prompt(*arguments)
    assert result.exit_code == 1, result.output
    assert message in result.stderr.splitlines()[-1]
    assert check_fresh(connection, run) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [TEXT, "--forget", "x"],
        ["--show", "x", "--name", "y"],
        [TEXT, "--all", "--token", "1"],
        [TEXT, "--top", "0"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments: list[str]) -> None:
    assert prompt(*arguments).exit_code == 2


def test_what_is_wrong_with_the_run_is_one_line(run: RunDirectory, connection: Connection, home: Path) -> None:
    with run.writing():
        result = prompt(TEXT)
        assert (result.exit_code, "another process is writing" in result.stderr) == (1, True)
        assert "2-saes:" in result.stdout, "it is shown all the same"
    assert prompt(TEXT).exit_code == 0
    (run.path / PROMPTS_FILE).write_bytes(b"garbage")
    result = prompt(TEXT)
    assert (result.exit_code, f"{PROMPTS_FILE} is damaged" in result.stderr) == (1, True)
    run.path.rename(home / "moved")
    result = prompt(TEXT)
    assert (result.exit_code, "the folder of run tiny is not at" in result.stderr) == (1, True)
    result = prompt(TEXT, "--no-save")
    assert (result.exit_code, "there is no complete run in" in result.stderr) == (1, True)


def test_saes_that_are_gone_are_one_line(run: RunDirectory, server: LocalServer) -> None:
    elsewhere = ["/nowhere/saes"]
    run.update(config={**run.record.config, "inputs": elsewhere})
    result = prompt(TEXT)
    message = "this needs the SAEs and the model of run tiny, and /nowhere/saes is not on this machine"
    assert (result.exit_code, message in result.stderr.splitlines()[-1]) == (1, True)
