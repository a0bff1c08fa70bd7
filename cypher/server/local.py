"""The Neo4j server of one home: starts it, stops it, and says how it is."""

import logging
import shutil
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import psutil
from filelock import FileLock, Timeout

from saedb.cypher.address import DATABASE, USERNAME, Address
from saedb.cypher.connection import Connection
from saedb.cypher.neo4jbrowser import loginpage
from saedb.cypher.server import jars, java, launch, own, process, ready, swap
from saedb.cypher.server.diagnosis import Logs
from saedb.cypher.server.layout import Layout
from saedb.cypher.server.settings import CUT_TORN_LOG, HOST, NOTHING_OWN, Ports, browser, free_ports, memory
from saedb.cypher.server.state import State
from saedb.ingest import places
from saedb.ingest.errors import GraphError, ServerError
from saedb.ingest.progress import Report, silent

_log = logging.getLogger(__name__)

FIRST_START_BYTES = 10**9
"""Free space without which a new home's server is not started."""

_STOP_SECONDS = 120.0

Ended = Literal["stopped", "killed", "not running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that answers queries."""

    address: Address
    browser: str
    """Where Neo4j Browser is; the page asks for the password."""
    login: Path
    """A page that only its owner can read: it opens Neo4j Browser and logs in."""
    password_file: Path
    home: Path
    pid: int
    was_running: bool
    """Whether it ran before it was asked for."""
    moved_from: Ports | None
    """The home's ports until now, of which another program has taken one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a home's server is."""

    state: Literal["running", "starting", "stopped", "crashed"]
    problem: str | None
    """Why a running server does not answer."""
    uri: str | None
    login: str | None
    """Address of the page that opens Neo4j Browser and logs in."""
    browser: str | None
    pid: int | None
    home: Path
    disk: int
    """Bytes that the server's folder takes."""
    neo4j: str
    gds: str
    neo4j_browser: str


class LocalServer:
    """The server of one home. Nothing is started or read before a method is called."""

    def __init__(self, home: Path | None = None) -> None:
        """Name the home; the default is the user's."""
        self.layout = Layout((home or places.home()).absolute())
        self._lock = FileLock(self.layout.lock)

    @contextmanager
    def locked(self, report: Report = silent) -> Generator[None]:
        """Hold the home's lock, so that nobody else starts or stops the server or replaces its store meanwhile.

        `up` and `down` can be called inside.
        """
        try:
            self.layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            report("waiting for another saedb command", 0, None)
            self._lock.acquire()
        except OSError as error:
            raise ServerError(
                f"{self.layout.home} cannot hold a server ({error.strerror}); choose another --home"
            ) from error
        try:
            yield
        finally:
            self._lock.release()

    def up(self, report: Report = silent) -> Running:
        """Return the running server, started if it was not.

        The first time its jars are fetched, and a home without a server gets one with a random password.

        Raises:
            ServerError: it cannot be started; lines of its log may follow the first line.
            DownloadError: jars cannot be fetched.
        """
        with self.locked(report):
            state = State.read(self.layout.state)
            swap.recover(self.layout, is_running=self._process(state) is not None)
            try:
                running = self._up(state, report)
                self._check_new_store(running)
            except ServerError as error:
                self._bring_old_store_back(error)
                raise
            return running

    def _up(self, state: State | None, report: Report) -> Running:
        found, more = self._process(state), NOTHING_OWN
        if state is not None and found is not None and state.was_ready:
            failure = ready.failure(self._address(state.ports))
            if failure is None:
                return self._running(state, was_running=True, moved_from=None)
            self._end_unanswering(state, failure)
            more = CUT_TORN_LOG  # what it failed at may have been the end of its log
        logs = Logs.at_start(self.layout)
        try:
            answering = self._brought_up(state, logs, report, more)
        except ServerError:
            if more or not logs.tell_of_torn_log():
                raise
            _log.warning("the last transaction was written in part, as on a full disk; starting without it")
            answering = self._brought_up(state, Logs.at_start(self.layout), report, CUT_TORN_LOG)
        has_moved = state is not None and state.ports != answering.ports
        return self._running(answering, was_running=False, moved_from=state.ports if state and has_moved else None)

    def down(self) -> Ended:
        """Stop the server; return how. It is killed only where it has not stopped by itself for two minutes."""
        if not self.layout.root.exists():
            return "not running"
        with self.locked():
            state = State.read(self.layout.state)
            ended = self._end(state) if state is not None else "not running"
            swap.recover(self.layout)  # and with it what a killed loader still has running
            return ended

    def status(self) -> Status:
        """Return how the server is now, without waiting for a command that starts or stops it."""
        state = State.read(self.layout.state)
        found = self._process(state)
        problem = None
        if state is None or state.process is None:
            name = "stopped"
        elif found is None:
            name, problem = "crashed", "it ended without saedb down; saedb up starts it again, with its data"
        elif not state.was_ready:
            name = "starting"
        else:
            failure = ready.failure(self._address(state.ports))
            name, problem = "running", str(failure) if failure else None
        return Status(
            state=name,
            problem=problem,
            uri=_uri(state.ports) if state and found else None,
            login=self.layout.login.as_uri() if found and self.layout.login.exists() else None,
            browser=_browser(state.ports) if state and found else None,
            pid=found.pid if found else None,
            home=self.layout.home,
            disk=_size(self.layout.root),
            neo4j=jars.version("org.neo4j", "neo4j"),
            gds=jars.version(jars.GDS_GROUP, "proc"),
            neo4j_browser=jars.version("org.neo4j.client", "neo4j-browser"),
        )

    def address(self) -> Address:
        """Return where the running server is and how to log in; whether it answers is not tried.

        Raises:
            ServerError: it is not running.
        """
        state = State.read(self.layout.state)
        if state is None or self._process(state) is None:
            raise ServerError(f"no local server is running in {self.layout.home}; start it with: saedb up")
        return self._address(state.ports)

    def _brought_up(self, state: State | None, logs: Logs, report: Report, more: Mapping[str, str]) -> State:
        """Return the state with a process that answers, started with `more` settings unless it is starting already."""
        with ExitStack() as undo:  # whatever stops this, Ctrl-C and a full disk too, leaves no process behind
            if state is None or self._process(state) is None:
                started = self._start(state, report, undo, more)
            else:
                started = state
                undo.callback(self._end, started)
            started.write(self.layout.state)
            self._await_ready(started, logs, report)
            answering = replace(started, was_ready=True)
            answering.write(self.layout.state)
            undo.pop_all()
        return answering

    def _check_new_store(self, running: Running) -> None:
        """Keep a store that took the place of another, if it holds the runs that it should.

        One that ran already may have been written to since, and is never given up.

        Raises:
            ServerError: it does not.
        """
        journal = swap.Journal.read(self.layout)
        if journal is None or journal.step != "checking":
            return
        try:
            with Connection(running.address) as connection:
                rows = connection.read("MATCH (r:Run {status: 'ready'}) RETURN r.id AS id, r.content AS content")
        except GraphError as error:
            raise ServerError(str(error)) from error
        if {row["id"]: row["content"] for row in rows} != journal.runs and not running.was_running:
            raise ServerError("it does not hold the runs that it should")
        swap.keep(self.layout)

    def _bring_old_store_back(self, error: ServerError) -> None:
        """Undo the exchange of the store, where one is under way, because the new one is no good.

        Raises:
            ServerError: it was undone.
        """
        journal = swap.Journal.read(self.layout)
        if journal is None or journal.step != "checking":
            return
        state = State.read(self.layout.state)
        if state is not None:
            self._end(state)
        swap.undo(self.layout)
        # What the logs advise, such as to move the data away, is about the store that is gone.
        reason, _, lines = str(error).partition("\n")
        why = f"\n{lines}" if lines else f" ({reason})"
        raise ServerError(f"the new store is no good, so the one of before is back; start it: saedb up{why}") from error

    def _end_unanswering(self, state: State, failure: GraphError) -> None:
        if not ready.needs_restart(failure):
            raise ServerError(
                f"the server runs but refuses saedb ({failure}); {self.layout.password} must hold the password of the "
                f"user {USERNAME}"
            ) from failure
        _log.warning("the server runs but does not answer (%s); restarting it", failure)
        self._end(state)

    def _start(self, state: State | None, report: Report, undo: ExitStack, more: Mapping[str, str]) -> State:
        """Return the state with a new process, not yet written and not yet ready; `undo` ends the process."""
        from saedb.cypher.neo4jbrowser import site  # reads the schema, and with it pyarrow

        settings = {**own.read(self.layout.own), **more}
        runtime, share = java.find(), memory(psutil.virtual_memory().total, settings)
        jars.fetch(report)
        is_first = not self.layout.password.exists()
        if is_first:
            _check_space(self.layout.home)
        ports = state.ports if state and not state.ports.taken() else free_ports()
        if is_first:
            report("setting a password", 0, 1)
            launch.prepare(self.layout, ports, share)  # a wrong setting of the user's own shows better at the start
            launch.set_password(runtime, self.layout, share)
            report("setting a password", 1, 1)
        launch.prepare(self.layout, ports, share, settings)
        site.write(self.layout.web)
        command = launch.server_command(runtime, self.layout, share)
        with process.uninterrupted():
            recorded = process.start(command, launch.environment(self.layout), self.layout.console)
            started = State(ports=ports, process=recorded)
            undo.callback(self._end, started)
        return started

    def _end(self, state: State) -> Ended:
        found = self._process(state)
        is_clean = found is None or process.stop(found, _STOP_SECONDS)
        state.stopped().write(self.layout.state)
        loginpage.close(self.layout.login)
        if found is None:
            return "not running"
        return "stopped" if is_clean else "killed"

    def _await_ready(self, state: State, logs: Logs, report: Report) -> None:
        reason = ready.wait(
            self._address(state.ports), state.ports.http, lambda: self._process(state) is not None, report
        )
        if reason is not None:
            raise ServerError(f"Neo4j did not start: {logs.reason() or reason}\n{logs.last_lines()}")

    def _process(self, state: State | None) -> psutil.Process | None:
        return process.find(state.process, self.layout.root) if state and state.process else None

    def _address(self, ports: Ports) -> Address:
        if not self.layout.password.exists():
            raise ServerError(f"{self.layout.password} is missing; put it back, or start with another --home")
        return Address(
            uri=_uri(ports),
            username=USERNAME,
            password=self.layout.password.read_text(encoding="utf-8").strip(),
            database=DATABASE,
            origin=f"{_uri(ports)} (local, {self.layout.home})",
            home=self.layout.home,
        )

    def _running(self, state: State, *, was_running: bool, moved_from: Ports | None) -> Running:
        assert state.process is not None
        address = self._address(state.ports)
        loginpage.write(self.layout.login, address, browser(state.ports))
        return Running(
            address=address,
            browser=_browser(state.ports),
            login=self.layout.login,
            password_file=self.layout.password,
            home=self.layout.home,
            pid=state.process.pid,
            was_running=was_running,
            moved_from=moved_from,
        )


def _uri(ports: Ports) -> str:
    return f"bolt://{HOST}:{ports.bolt}"


def _browser(ports: Ports) -> str:
    """Return the page's address, with the server and the user filled in."""
    return f"{browser(ports)}?dbms=bolt://{USERNAME}@{HOST}:{ports.bolt}"


def _check_space(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < FIRST_START_BYTES:
        raise ServerError(
            f"{home} has {free / 1e9:.1f} GB free and a server needs {FIRST_START_BYTES / 1e9:.0f} GB; "
            "make room, or choose another --home"
        )


def _size(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
