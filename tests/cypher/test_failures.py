"""Failures that cost a server, a cluster or Enterprise to provoke: Community has no roles and no cluster."""

import pytest
from neo4j.exceptions import (
    ClientError,
    DatabaseError,
    DriverError,
    IncompleteCommit,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from saedb.cypher.address import Address
from saedb.cypher.failures import described

ADDRESS = Address(uri="bolt://a", username="ann", password="pa55word", database="graphs", origin="")
FORBIDDEN = (
    "Create node with labels 'Feature' on database 'graphs' is not allowed for user 'ann' with roles [PUBLIC, reader]."
)


def _error(kind: type[Neo4jError], code: str, message: str) -> Neo4jError:
    error = kind._basic_hydrate(neo4j_code=code, message=message)
    assert isinstance(error, kind), type(error)
    return error


def _line(error: Neo4jError | DriverError, *, was_connected: bool = True, tried: float | None = None) -> str:
    return described(error, ADDRESS, was_connected=was_connected, tried=tried)


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        (DatabaseError, "Neo.DatabaseError.Transaction.TransactionLogError", "could not write, as on a full disk"),
        (DatabaseError, "Neo.DatabaseError.Transaction.TransactionStartFailed", "serves 'graphs' no longer"),
        (TransientError, "Neo.TransientError.Database.DatabaseUnavailable", "has the database 'graphs' offline"),
        (TransientError, "Neo.TransientError.General.DatabaseUnavailable", "has the database 'graphs' offline"),
    ],
)
def test_a_server_on_a_full_disk_is_one_line_with_the_way_out(kind: type[Neo4jError], code: str, words: str) -> None:
    line = _line(_error(kind, code, "Could not append\nmore"))
    assert line.startswith(f"bolt://a {words}")
    assert "(Could not append)" in line
    assert "make room there, then restart it (the local one: saedb up)" in line
    assert "\n" not in line


def test_a_missing_right_is_named_with_who_gives_it() -> None:
    error = _error(ClientError, "Neo.ClientError.Security.Forbidden", FORBIDDEN)
    assert (
        _line(error) == f"bolt://a does not give ann the right ({FORBIDDEN}); who administers it can GRANT it, "
        "see docker/README.md"
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("Neo.ClientError.Security.Unauthorized", "refuses the login; check --username (NEO4J_USERNAME)"),
        ("Neo.ClientError.Security.CredentialsExpired", "the password of ann on bolt://a must be changed first"),
        ("Neo.ClientError.Security.TokenExpired", "get a new token into NEO4J_PASSWORD"),
        ("Neo.ClientError.Security.AuthenticationRateLimit", "blocks logins after wrong passwords; wait a minute"),
        ("Neo.ClientError.Security.AuthorizationExpired", "run it again"),
        ("Neo.ClientError.Security.AuthProviderTimeout", "tell who administers it"),
        ("Neo.ClientError.Cluster.NotALeader", "neo4j:// in place of bolt://"),
        ("Neo.ClientError.General.ForbiddenOnReadOnlyDatabase", "takes no writes to 'graphs'"),
        ("Neo.ClientError.General.WriteOnReadOnlyAccessDatabase", "takes no writes to 'graphs'"),
        ("Neo.ClientError.Transaction.TransactionTimedOut", "its db.transaction.timeout"),
        ("Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration", "raise --timeout"),
        ("Neo.TransientError.Transaction.Terminated", "at somebody's request"),
        ("Neo.TransientError.Transaction.MaximumTransactionLimitReached", "wait for others to end"),
        ("Neo.TransientError.General.MemoryPoolOutOfMemoryError", "add a LIMIT or a stricter condition"),
        ("Neo.TransientError.General.OutOfMemoryError", "larger heap"),
    ],
)
def test_what_a_server_may_answer_says_what_to_do(code: str, words: str) -> None:
    line = _line(Neo4jError._basic_hydrate(neo4j_code=code, message="why {uri}\nmore"))
    assert words in line
    assert "\n" not in line
    assert "pa55word" not in line


def test_other_refusals_keep_their_code() -> None:
    line = _line(_error(DatabaseError, "Neo.DatabaseError.General.UnknownError", "odd"))
    assert line == "bolt://a refused the statement: odd (Neo.DatabaseError.General.UnknownError)"


def test_a_message_of_a_megabyte_is_cut() -> None:
    assert len(_line(_error(DatabaseError, "Neo.DatabaseError.General.UnknownError", "x" * 10**6))) < 1000


@pytest.mark.parametrize("kind", [ServiceUnavailable, SessionExpired])
def test_a_lost_connection_is_told_from_a_server_that_never_answered(kind: type[DriverError]) -> None:
    assert _line(kind("gone"), was_connected=False).startswith("no Neo4j server answers at bolt://a (gone)")
    lost = "lost the connection to bolt://a (gone); run the same command again when it is back"
    assert _line(kind("gone")) == lost
    assert _line(kind("gone"), tried=30) == f"{lost} (tried for 30 s)"


def test_only_what_may_pass_was_tried_again() -> None:
    forbidden = _error(ClientError, "Neo.ClientError.Security.Forbidden", FORBIDDEN)
    assert "tried" not in _line(forbidden, tried=30)


def test_a_commit_whose_outcome_is_unknown_is_not_called_failed() -> None:
    line = _line(IncompleteCommit("gone"), tried=30)
    assert line == (
        "the connection to bolt://a broke during a commit, so what was written may or may not be there; "
        "run the same command again, which finds out"
    )


def test_a_server_elsewhere_that_does_not_answer_may_want_tls() -> None:
    assert "which is bolt+s://a where TLS is asked for" in _line(ServiceUnavailable("gone"), was_connected=False)
