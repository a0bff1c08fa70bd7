"""What a failure of the Neo4j driver or server means for the user, in one line with the next step."""

import re
import ssl
from collections.abc import Iterator
from typing import Final, cast

from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    CypherSyntaxError,
    DriverError,
    IncompleteCommit,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from saedb.cypher.address import Address, no_address

RETRY_SECONDS: Final = 30.0
"""How long a transaction is tried again after errors that pass."""

_LONGEST_MESSAGE: Final = 500
_OTHER_NAME: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_LOCAL: Final = re.compile(r"//(localhost|127\.[\d.]+|\[::1\])(?=[:/?]|$)")

_RESTART: Final = "make room there, then restart it (the local one: saedb up)"
_OFFLINE: Final = (
    "{uri} has the database {database!r} offline ({message}); in Enterprise START DATABASE brings it back; after a "
    "full disk " + _RESTART
)
_FULL: Final = "{uri} could not write, as on a full disk ({message}); " + _RESTART
_HALTED: Final = "{uri} serves {database!r} no longer, as after a full disk ({message}); " + _RESTART
_MEMORY: Final = (
    "the statement needs more memory than {uri} allows one transaction; add a LIMIT or a stricter condition"
)
_READ_ONLY: Final = (
    "{uri} takes no writes to {database!r} ({message}); name the server that does, in a cluster by neo4j:// "
    "in place of bolt://"
)
_LOGIN_SERVICE: Final = "{uri} could not check the login with its own service ({message}); tell who administers it"

_ADVICE: Final = {
    "Neo.ClientError.Security.Forbidden": (
        "{uri} does not give {username} the right ({message}); who administers it can GRANT it, see docker/README.md"
    ),
    "Neo.ClientError.Security.CredentialsExpired": (
        "the password of {username} on {uri} must be changed first: log in to Neo4j Browser there, which asks for a "
        "new one, then set NEO4J_PASSWORD to it"
    ),
    "Neo.ClientError.Security.TokenExpired": "the login at {uri} has expired; get a new token into NEO4J_PASSWORD",
    "Neo.ClientError.Security.AuthorizationExpired": "the rights of {username} on {uri} were renewed; run it again",
    "Neo.ClientError.Security.AuthProviderFailed": _LOGIN_SERVICE,
    "Neo.ClientError.Security.AuthProviderTimeout": _LOGIN_SERVICE,
    "Neo.ClientError.Security.AuthenticationRateLimit": "{uri} blocks logins after wrong passwords; wait a minute",
    "Neo.ClientError.Database.DatabaseNotFound": (
        "{uri} has no database {database!r}; name one with --database or NEO4J_DATABASE"
    ),
    "Neo.ClientError.Statement.AccessMode": "this statement writes, and only reading is allowed here: {message}",
    "Neo.ClientError.Cluster.NotALeader": _READ_ONLY,
    "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase": _READ_ONLY,
    "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase": _READ_ONLY,
    "Neo.TransientError.Database.DatabaseUnavailable": _OFFLINE,
    "Neo.TransientError.General.DatabaseUnavailable": _OFFLINE,
    "Neo.DatabaseError.Database.UnableToStartDatabase": _OFFLINE,
    "Neo.DatabaseError.Transaction.TransactionCommitFailed": _FULL,
    "Neo.DatabaseError.Transaction.TransactionLogError": _FULL,
    "Neo.DatabaseError.Transaction.TransactionStartFailed": _HALTED,
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError": _MEMORY,
    "Neo.TransientError.General.TransactionOutOfMemoryError": _MEMORY,
    "Neo.ClientError.General.TransactionOutOfMemoryError": _MEMORY,
    "Neo.TransientError.General.OutOfMemoryError": "{uri} ran out of memory; restart it with a larger heap",
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration": (
        "the statement took longer than it may and was stopped; raise --timeout, or make it narrower"
    ),
    "Neo.ClientError.Transaction.TransactionTimedOut": (
        "{uri} lets no statement run that long (its db.transaction.timeout); make it narrower"
    ),
    "Neo.ClientError.Transaction.Terminated": "{uri} ended the statement, at somebody's request; run it again",
    "Neo.TransientError.Transaction.MaximumTransactionLimitReached": (
        "{uri} runs as many transactions as it may; wait for others to end"
    ),
}


def described(error: Neo4jError | DriverError, address: Address, *, was_connected: bool, tried: float | None) -> str:
    """Return one line: what happened at the server, and what to do.

    Args:
        error: as the driver raised it.
        address: the server.
        was_connected: whether it has answered before, so that its address and the login are right.
        tried: seconds for which the driver has tried again where `error` may pass; None: it has not.
    """
    if isinstance(error, Neo4jError):
        line = _refused(error, address)
    elif isinstance(error, IncompleteCommit):
        line = (
            f"the connection to {address.uri} broke during a commit, so what was written may or may not be there; "
            "run the same command again, which finds out"
        )
    elif isinstance(error, ServiceUnavailable | SessionExpired):
        line = _unreachable(error, address.uri, was_connected=was_connected)
    elif isinstance(error, ConfigurationError):
        line = no_address(address.uri, _first_line(str(error)))
    else:
        line = f"talking to {address.uri} failed: {_first_line(str(error))}"
    return f"{line} (tried for {tried:.0f} s)" if tried is not None and error.is_retryable() else line


def no_data_science(uri: str) -> str:
    """Return the line for a server without Graph Data Science."""
    return (
        f"{uri} has no Graph Data Science library; use --engine local, which needs none, install it there, or use the "
        "local server: saedb up"
    )


def _refused(error: Neo4jError, address: Address) -> str:
    message, code = _first_line(error.message or ""), error.code or ""
    if code in _ADVICE:
        return _ADVICE[code].format(
            uri=address.uri, username=address.username, database=address.database, message=message
        )
    if isinstance(error, AuthError):
        return f"{address.uri} refuses the login; check --username (NEO4J_USERNAME) and NEO4J_PASSWORD"
    if code.startswith("Neo.ClientError.Procedure.ProcedureNotFound") and "gds." in message:
        return no_data_science(address.uri)
    if isinstance(error, CypherSyntaxError):
        return f"not valid Cypher: {message}"
    return f"{address.uri} refused the statement: {message} ({code})"


def _unreachable(error: DriverError, uri: str, *, was_connected: bool) -> str:
    if was_connected:
        return f"lost the connection to {uri} ({_first_line(str(error))}); run the same command again when it is back"
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _untrusted(cause, uri)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        plain = uri.replace("+ssc", "").replace("+s", "")
        return f"{uri} does not speak TLS; use {plain} if the way there is safe, or turn TLS on at the server"
    reason = _first_line(str(error)).rstrip(" :")
    encrypted = (
        "" if "+s" in uri or _LOCAL.search(uri) else f", which is {uri.replace('://', '+s://')} where TLS is asked for"
    )
    return f"no Neo4j server answers at {uri} ({reason}); start the local one with: saedb up, or check --uri{encrypted}"


def _untrusted(error: ssl.SSLCertVerificationError, uri: str) -> str:
    reason = error.verify_message
    if error.verify_code in _OTHER_NAME:
        return f"the certificate of {uri} is for another name ({reason}); name the server as its certificate does"
    unchecked = uri.replace("+s://", "+ssc://")
    return (
        f"the certificate of {uri} is not trusted ({reason}); let SSL_CERT_FILE name the file of its CA, or connect "
        f"unchecked by {unchecked}"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it; of a cluster the driver gives a group, with one for each server."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for member in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _causes(member)
    if error.__cause__ is not None:
        yield from _causes(error.__cause__)


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:_LONGEST_MESSAGE] if lines else "no reason given"
