import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from saedb.cypher.connection import Connection
from saedb.cypher.server import ready
from saedb.cypher.server.local import FIRST_START_BYTES, LocalServer
from saedb.cypher.server.settings import HOST
from saedb.cypher.server.state import State
from saedb.ingest.errors import ServerError

SAEDB = (sys.executable, "-c", "from saedb.cli.main import main; main()")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server that these tests start, stop and kill; each brings it into the state that it needs."""
    local = LocalServer(tmp_path_factory.mktemp("own hömé"))
    yield local
    local.down()


def _saedb(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SAEDB, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _processes_of(local: LocalServer) -> list[psutil.Process]:
    mark = f"--home-dir={local.layout.root}"
    return [process for process in psutil.process_iter() if mark in _command_line(process)]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextmanager
def _command_lines_watched() -> Iterator[set[str]]:
    """Collect the arguments of every process of the machine while the block runs."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            for process in psutil.process_iter():
                seen.update(_command_line(process))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_two_ups_at_once_start_one_server_and_no_command_line_has_its_password(own: LocalServer) -> None:
    own.down()
    with _command_lines_watched() as seen:
        commands = [_saedb("up", "--home", own.layout.home) for _ in range(2)]
        outputs = [command.communicate() for command in commands]
    assert [command.returncode for command in commands] == [0, 0], outputs
    assert sorted("Already running." in messages for _, messages in outputs) == [False, True]
    assert len(_processes_of(own)) == 1
    password = own.address().password
    assert any("set-initial-password" in argument for argument in seen)
    assert not any(password in argument for argument in seen)
    assert not any(password in text for output in outputs for text in output)


def test_the_password_is_its_owners_only(server: LocalServer) -> None:
    assert stat.S_IMODE(server.layout.password.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.layout.root.stat().st_mode) == 0o700
    assert len(server.address().password) == 32


def test_a_running_server_is_left_alone(server: LocalServer) -> None:
    pid = server.status().pid
    again = server.up()
    assert again.was_running
    assert again.pid == pid
    assert again.address == server.address()


def test_the_status_tells_where_the_server_is(server: LocalServer) -> None:
    status = server.status()
    assert (status.state, status.problem) == ("running", None)
    assert status.uri == server.address().uri
    assert status.gds == ready.gds_version(server.address())
    assert 0 < status.disk < FIRST_START_BYTES


def test_the_server_listens_on_this_machine_only(server: LocalServer) -> None:
    connections = psutil.Process(server.status().pid).net_connections(kind="tcp")
    hosts = {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
    assert {host.removeprefix("::ffff:") for host in hosts} == {HOST}


def test_the_page_that_logs_in_is_its_owners_only_and_knows_when_the_server_is_down(own: LocalServer) -> None:
    page = own.up().login
    password = own.address().password
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert password in page.read_text()
    assert own.status().login == page.as_uri()
    own.down()
    assert password not in page.read_text()
    assert own.status().login is None


def test_neo4j_browser_is_served_and_may_load_nothing_from_elsewhere(server: LocalServer) -> None:
    browser = server.up().browser
    page = requests.get(browser, timeout=30)
    assert page.ok
    assert "Neo4j Browser" in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]


def test_a_killed_server_is_seen_as_crashed_and_comes_back_with_its_data(own: LocalServer) -> None:
    before = own.up()
    with Connection(before.address) as connection:
        connection.write("MERGE (:Kept)")
    os.kill(before.pid, signal.SIGKILL)
    while own.status().pid is not None:
        os.sched_yield()
    left = set(own.layout.temporary.iterdir())
    assert left
    assert own.status().state == "crashed"
    with pytest.raises(ServerError, match="no local server is running"):
        own.address()
    after = own.up()
    assert not after.was_running
    assert after.address == before.address
    assert not left & set(own.layout.temporary.iterdir())
    with Connection(after.address) as connection:
        assert connection.read("MATCH (n:Kept) RETURN count(n) AS n") == [{"n": 1}]


def test_a_pid_that_belongs_to_another_program_by_now_is_not_signalled(server: LocalServer, tmp_path: Path) -> None:
    copied = LocalServer(tmp_path)
    copied.layout.create()
    shutil.copy(server.layout.state, copied.layout.state)
    assert copied.status().state == "crashed"
    assert copied.down() == "not running"
    assert copied.status().state == "stopped"
    assert server.status().state == "running"


def test_a_taken_port_is_replaced_and_the_new_addresses_are_told(own: LocalServer) -> None:
    own.up()
    assert own.down() == "stopped"
    assert own.status().state == "stopped"
    ports = _state(own).ports
    with socket.create_server((HOST, ports.bolt)):
        command = _saedb("up", "--home", own.layout.home)
        shown, messages = command.communicate()
    assert command.returncode == 0, messages
    assert "Another program uses the ports of last time" in messages
    assert own.address().uri in shown
    assert _state(own).ports.bolt != ports.bolt


def test_ctrl_c_leaves_no_process_behind_and_the_next_up_works(tmp_path: Path) -> None:
    local = LocalServer(tmp_path)
    command = _saedb("up", "--home", tmp_path)
    while not _processes_of(local):
        assert command.poll() is None, command.communicate()
    command.send_signal(signal.SIGINT)
    command.communicate()
    assert command.returncode == 130
    assert _processes_of(local) == []
    assert local.status().state == "stopped"
    local.up()
    assert local.down() == "stopped"


def test_a_damaged_store_is_named_with_the_last_lines_of_the_log(server: LocalServer, tmp_path: Path) -> None:
    damaged = LocalServer(tmp_path)
    shutil.copytree(server.layout.root, damaged.layout.root, symlinks=True)
    for file in (damaged.layout.data / "databases" / "neo4j").glob("neostore*"):
        file.write_bytes(os.urandom(100))
    command = _saedb("up", "--home", tmp_path)
    _, messages = command.communicate()
    assert command.returncode == 1
    assert "Error: Neo4j did not start: its store is damaged" in messages
    assert "  Caused by:" in messages
    assert _processes_of(damaged) == []


def test_a_store_in_use_is_named(server: LocalServer, tmp_path: Path) -> None:
    """The lock of the store keeps a second server off, even where the record of the first was lost."""
    other = LocalServer(tmp_path)
    other.layout.create()
    shutil.copy(server.layout.password, other.layout.password)
    other.layout.data.rmdir()
    other.layout.data.symlink_to(server.layout.data)
    with pytest.raises(ServerError, match="did not start: another Neo4j uses this store"):
        other.up()


def _state(local: LocalServer) -> State:
    state = State.read(local.layout.state)
    assert state is not None
    return state
