"""`saedb browse` as people start and end it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from click.testing import CliRunner
from known_graph import KNOWN, loaded
from relay import relayed

from saedb.cli.main import main
from saedb.cypher.server.local import LocalServer

SAEDB = Path(sys.executable).parent / "saedb"


@pytest.fixture(scope="module", autouse=True)
def known(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with loaded(server, tmp_path_factory.mktemp("runs")):
        yield


@pytest.fixture(autouse=True)
def environment(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.delenv("NEO4J_URI", raising=False)


@dataclass(frozen=True)
class Browsed:
    """A running `saedb browse`, and the address that it printed."""

    process: subprocess.Popen[str]
    address: str

    def page(self, path: str = "/", search: str = "") -> str:
        """Return what the frame answers for an address."""
        outputs = [("page", "children"), ("shown", "data"), ("title", "data"), ("notice", "children")]
        body = {
            "output": f"..{'...'.join('.'.join(output) for output in outputs)}..",
            "outputs": [{"id": id_, "property": name} for id_, name in outputs],
            "inputs": [
                {"id": "address", "property": "pathname", "value": path},
                {"id": "address", "property": "search", "value": search},
            ],
            "state": [{"id": "shown", "property": "data", "value": None}],
            "changedPropIds": ["address.pathname"],
        }
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{self.address}/_dash-update-component", json.dumps(body).encode(), headers)) as answer:
            return answer.read().decode()

    def ended(self, by: signal.Signals) -> tuple[int, str]:
        """Return the status and what is on stderr after a signal."""
        self.process.send_signal(by)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


@contextmanager
def browsed(*arguments: str) -> Generator[Browsed]:
    process = subprocess.Popen(
        [SAEDB, "browse", "--no-open", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("http://127.0.0.1:"), process.communicate()
        yield Browsed(process, "/".join(line.split("/")[:3]).strip())
    finally:
        process.kill()
        process.communicate()


def _refused(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["browse", "--no-open", *arguments])
    assert result.exit_code == 1
    return result.stderr.splitlines()[-1]


def test_ctrl_c_ends_it_well() -> None:
    with browsed("--port", "0") as one:
        assert f"Run {KNOWN}" in one.page()
        status, errors = one.ended(signal.SIGINT)
    assert (status, errors.splitlines()[-1]) == (0, "Stopped.")
    assert "Traceback" not in errors


def test_the_signal_that_systems_end_processes_with_ends_it_at_once() -> None:
    with browsed("--port", "0") as one:
        status, errors = one.ended(signal.SIGTERM)
    assert status == -signal.SIGTERM
    assert "Traceback" not in errors


def test_two_at_once_have_ports_of_their_own() -> None:
    with browsed() as one, browsed() as other:
        assert one.address != other.address
        assert f"Run {KNOWN}" in one.page()
        assert f"Run {KNOWN}" in other.page()


def test_many_pages_at_once_are_all_answered() -> None:
    with browsed("--port", "0") as one, ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda number: one.page("/", f"?run={KNOWN}&bar={number}"), range(80)))
    assert all(f"Run {KNOWN}" in answer for answer in answers)


def test_it_says_where_it_begins() -> None:
    with browsed("--port", "0", "--run", KNOWN, "--feature", "1/2") as one:
        assert one.process.poll() is None
    result = subprocess.run(
        [SAEDB, "browse", "--help"], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"}
    )
    assert "saedb browse --run gpt2 --feature 6-res-jb/2320" in result.stdout


def test_a_server_that_is_lost_is_said_on_the_page_and_found_again(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.address()
    port = int(address.uri.rpartition(":")[2])
    monkeypatch.setenv("NEO4J_PASSWORD", address.password)
    with relayed(port) as relay, browsed("--port", "0", "--uri", f"bolt://127.0.0.1:{relay.port}") as one:
        assert f"Run {KNOWN}" in one.page()
        relay.close()
        assert "lost the connection" in one.page()
        with relayed(port, relay.port):
            assert f"Run {KNOWN}" in one.page()
            assert one.ended(signal.SIGINT)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--run", "knwon-graph"], f"did you mean {KNOWN}"),
        (["--feature", "1/900"], "no feature '1/900' in run"),
        (["--feature", "nonsense"], "'nonsense' is no feature id"),
    ],
)
def test_what_is_not_there_is_one_line(arguments: list[str], said: str) -> None:
    assert said in _refused(*arguments)


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = _refused("--port", str(port))
    assert line == f"Error: port {port} cannot be listened on (Address already in use); give another with --port"


def test_no_server_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDB_HOME", str(tmp_path))
    assert "saedb up" in _refused()
