"""What a failure of the Neo4j driver or server means for the user, in one line with the next step."""

from typing import Final

from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    CypherSyntaxError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

_ADVICE: Final = {
    "Neo.ClientError.Security.AuthenticationRateLimit": "{uri} blocks logins after wrong passwords; wait a minute",
    "Neo.ClientError.Database.DatabaseNotFound": (
        "{uri} has no database {database!r}; name one with --database or NEO4J_DATABASE"
    ),
    "Neo.ClientError.Statement.AccessMode": "this statement writes, and only reading is allowed here: {message}",
    **dict.fromkeys(
        (
            "Neo.TransientError.Database.DatabaseUnavailable",
            "Neo.TransientError.General.DatabaseUnavailable",
            "Neo.DatabaseError.Transaction.TransactionCommitFailed",
            "Neo.DatabaseError.Transaction.TransactionLogError",
            "Neo.DatabaseError.Transaction.TransactionStartFailed",
        ),
        "{uri} cannot write, as with a full disk ({message}); free space, then: saedb down, saedb up",
    ),
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError": (
        "the statement needs more memory than {uri} allows one transaction; add a LIMIT or a stricter condition"
    ),
    "Neo.TransientError.General.OutOfMemoryError": "{uri} ran out of memory; restart it with a larger heap",
}


def described(error: Neo4jError | DriverError, uri: str, database: str) -> str:
    """Return one line: what happened at `uri`, and what to do."""
    if isinstance(error, Neo4jError):
        return _refused(error, uri, database)
    message = _first_line(str(error))
    if isinstance(error, ServiceUnavailable | SessionExpired):
        return f"no Neo4j server answers at {uri} ({message}); start the local one with: saedb up, or check --uri"
    if isinstance(error, ConfigurationError):
        return no_address(uri, message)
    return f"talking to {uri} failed: {message}"


def no_address(uri: str, reason: str) -> str:
    """Return the line for a server's address that cannot be one."""
    return f"{uri!r} is no address of a Neo4j server ({reason}); one looks like bolt://127.0.0.1:7687"


def no_data_science(uri: str) -> str:
    """Return the line for a server without Graph Data Science."""
    return f"{uri} has no Graph Data Science library; install it there, or use the local server: saedb up"


def _refused(error: Neo4jError, uri: str, database: str) -> str:
    message, code = _first_line(error.message or ""), error.code or ""
    if code in _ADVICE:
        return _ADVICE[code].format(uri=uri, database=database, message=message)
    if isinstance(error, AuthError):
        return f"{uri} refuses the login; check --username (NEO4J_USERNAME) and NEO4J_PASSWORD"
    if code.startswith("Neo.ClientError.Procedure.ProcedureNotFound") and "gds." in message:
        return no_data_science(uri)
    if isinstance(error, CypherSyntaxError):
        return f"not valid Cypher: {message}"
    return f"{uri} refused the statement: {message} ({code})"


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else "no reason given"
