"""Who may change a run in the graph: one process at a time, and another one only after that has died.

A claim is a token on the Run node, with the process that holds it and its last sign of life by the server's clock. It
is taken in one transaction that locks the node, every statement of the holder asks for the token, and the holder gives
it back with the run's final state. A process that was killed leaves the token behind. It counts as dead when it is gone
from this machine; one of another machine, when it has been silent for two minutes.
"""

import logging
import os
import socket
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import psutil

from saedb.cypher.connection import Connection
from saedb.cypher.server.process import CLOCK_TOLERANCE, started
from saedb.ingest.errors import GraphError

_log = logging.getLogger(__name__)

_SILENT_SECONDS: Final = 120.0
_BEAT_SECONDS: Final = 10.0

_STATE: Final = """
OPTIONAL MATCH (r:Run {id: $run})
RETURN r.status AS status, r.owner AS owner, r.claim AS claim, (timestamp() - r.heartbeat) / 1000.0 AS silent
"""
# The first SET takes the node's lock, so what is compared after it is what was committed last.
_TAKE: Final = """
MERGE (r:Run {id: $run})
SET r.locked = true
WITH r, coalesce(r.claim, '') = $seen AS is_unchanged
REMOVE r.locked
WITH r WHERE is_unchanged
SET r.claim = $token, r.owner = $owner, r.status = coalesce($status, r.status), r.heartbeat = timestamp()
RETURN r.id AS id
"""
_HELD: Final = "MATCH (claimed:Run {id: $run, claim: $claim})\n"
_GIVE_BACK: Final = "REMOVE claimed.claim, claimed.owner, claimed.heartbeat"
_FINISH: Final = f"""
CALL (claimed) {{ MATCH (lane:Lane {{run: claimed.id}}) DELETE lane }}
SET claimed += $properties, claimed.status = 'ready'
REMOVE claimed.loading
{_GIVE_BACK}
RETURN count(*) AS n
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process on a machine."""

    host: str
    pid: int
    started: float
    """Seconds from the machine's start; tells a process from a later one of the same number."""

    @classmethod
    def here(cls) -> Self:
        """Return this process."""
        return cls(host=socket.gethostname(), pid=os.getpid(), started=started(psutil.Process()))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the owner that `str` made a text of."""
        host, pid, started = text.rsplit(":", 2)
        return cls(host=host, pid=int(pid), started=float(started))

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.started}"

    @property
    def is_here(self) -> bool:
        """Whether it runs, or ran, on this machine."""
        return self.host == socket.gethostname()

    def is_gone(self) -> bool:
        """Return whether it ran on this machine and does no longer."""
        if not self.is_here:
            return False
        try:
            return abs(started(psutil.Process(self.pid)) - self.started) >= CLOCK_TOLERANCE
        except psutil.NoSuchProcess:
            return True


class Claim:
    """The right of this process to change one run in the graph."""

    def __init__(self, connection: Connection, run: str, token: str) -> None:
        self.connection = connection
        self.run = run
        self.token = token
        """What the Run node holds while this process has the claim."""
        self._beaten = time.monotonic()

    def write(self, cypher: str, /, *, expected: int | None = None, **parameters: Any) -> int:
        """Return the one number that a statement returns as ``n``; ``$run`` is the run.

        Raises:
            GraphError: the claim is lost, or the number is not the expected one.
        """
        self.beat()
        rows = self.connection.write(_HELD + cypher, run=self.run, claim=self.token, **parameters)
        number: int = rows[0]["n"] if rows else 0
        if expected is not None and number != expected:
            raise self.lost()
        return number

    def beat(self) -> None:
        """Give a sign of life, unless the last one is recent.

        Raises:
            GraphError: the claim is lost.
        """
        if time.monotonic() - self._beaten < _BEAT_SECONDS:
            return
        self._beaten = time.monotonic()
        self.write("SET claimed.heartbeat = timestamp() RETURN count(*) AS n", expected=1)

    def list(self, cypher: str, /, **parameters: Any) -> list[Any]:
        """Return the one list that a statement returns as ``n``; ``$run`` is the run.

        Raises:
            GraphError: the claim is lost.
        """
        rows = self.connection.write(_HELD + cypher, run=self.run, claim=self.token, **parameters)
        if not rows:
            raise self.lost()
        return rows[0]["n"]

    def finish(self, **properties: Any) -> None:
        """Give the claim back: the run is ready, with these properties changed."""
        self.write(_FINISH, expected=1, properties=properties)

    def abandon(self) -> None:
        """Give the claim back as far as the server lets; the run stays as unfinished as it is."""
        with suppress(GraphError):
            self.connection.run(_HELD + _GIVE_BACK, run=self.run, claim=self.token)

    def lost(self) -> GraphError:
        """Return the error for a claim that another process has taken."""
        return GraphError(f"run {self.run} was changed by another process meanwhile; load it again: saedb load")


@contextmanager
def claimed(connection: Connection, run: str, status: Literal["loading", "dropping"] | None) -> Generator[Claim]:
    """Yield the claim on a run, its node made where there is none; what stops the block leaves the run unfinished.

    With a status of None the run stays what it is, and nobody else may change it meanwhile.

    Raises:
        GraphError: another process has it, and lives.
    """
    state = connection.read(_STATE, run=run)[0]
    if state["claim"] and not is_dead(state["owner"], state["silent"]):
        raise _busy(run, state["status"], state["owner"], state["silent"])
    if state["status"] not in (None, "ready"):
        _log.info("run %s was left unfinished (%s)", run, state["status"])
    token, seen = uuid.uuid4().hex, state["claim"] or ""
    if not connection.write(_TAKE, run=run, seen=seen, token=token, owner=str(Owner.here()), status=status):
        raise GraphError(f"another process has just begun to change run {run}; wait for it: saedb runs")
    claim = Claim(connection, run, token)
    try:
        yield claim
    except BaseException:
        claim.abandon()
        raise


def is_dead(owner: str | None, silent: float | None) -> bool:
    """Return whether the holder of a claim, silent for so many seconds, is taken for dead."""
    if owner is None or silent is None:
        return True
    process = Owner.parse(owner)
    return process.is_gone() if process.is_here else silent > _SILENT_SECONDS


def _busy(run: str, status: str, owner: str, silent: float) -> GraphError:
    process = Owner.parse(owner)
    who = f"process {process.pid} on {process.host}, last heard of {silent:.0f} s ago"
    doing = f"{status} run {run}" if status != "ready" else f"changing run {run}"
    return GraphError(f"another process is {doing} ({who}); wait for it, or stop it")
