"""Whether the local server answers: the only proof is a query on its database. "Started." in the log is none."""

import socket
import time
from collections.abc import Callable

from neo4j.exceptions import AuthError, CypherSyntaxError, DriverError, Neo4jError

from saedb.cypher.address import Address
from saedb.cypher.connection import Connection
from saedb.cypher.server.settings import HOST
from saedb.ingest.errors import GraphError
from saedb.ingest.progress import Report

_SECONDS = 180.0
_POLL_SECONDS = 0.25


def gds_version(address: Address) -> str:
    """Return the version of Graph Data Science, asked on the database.

    Raises:
        GraphError: the server does not answer, refuses the login, has the database offline, or lacks the library.
    """
    with Connection(address) as connection:
        return connection.run("RETURN gds.version() AS version")[0]["version"]


def failure(address: Address) -> GraphError | None:
    """Return why the server does not answer, or None if it does."""
    try:
        gds_version(address)
    except GraphError as error:
        return error
    return None


def needs_restart(failure: GraphError) -> bool:
    """Return whether a restart may mend a failure: every one but a login that the server refuses."""
    cause = failure.__cause__
    return not (isinstance(cause, Neo4jError) and (cause.code or "").startswith("Neo.ClientError.Security."))


def wait(address: Address, http_port: int, is_alive: Callable[[], bool], report: Report) -> str | None:
    """Wait until a new server answers queries and serves pages; return None then, else what was wrong."""
    reason = "it opened no port"
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        report("starting Neo4j", 0, 1)
        if not is_alive():
            return "its process ended"
        if _listens(http_port):
            try:
                gds_version(address)
            except GraphError as error:
                reason = str(error)
                if isinstance(error.__cause__, AuthError):
                    return "it refuses the password in its file; if you have changed it, write the new one there"
                if isinstance(error.__cause__, CypherSyntaxError):
                    return "it has not loaded Graph Data Science"
                if not isinstance(error.__cause__, DriverError):
                    return reason  # the databases are opened before the pages are served: it will not get better
            else:
                report("starting Neo4j", 1, 1)
                return None
        time.sleep(_POLL_SECONDS)
    return f"it was not ready after {_SECONDS:.0f} s ({reason})"


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
