"""Failures that cost a server to provoke; the codes are those that a server on a full disk gave."""

import pytest
from neo4j.exceptions import DatabaseError, Neo4jError, TransientError

from saedb.cypher.failures import described


def _error(kind: type[Neo4jError], code: str, message: str) -> Neo4jError:
    error = kind._basic_hydrate(neo4j_code=code, message=message)
    assert isinstance(error, kind)
    return error


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (DatabaseError, "Neo.DatabaseError.Transaction.TransactionLogError"),
        (DatabaseError, "Neo.DatabaseError.Transaction.TransactionStartFailed"),
        (TransientError, "Neo.TransientError.Database.DatabaseUnavailable"),
    ],
)
def test_a_server_on_a_full_disk_is_one_line_with_the_way_out(kind: type[Neo4jError], code: str) -> None:
    line = described(_error(kind, code, "Could not append\nmore"), "bolt://a", "neo4j")
    assert line == (
        "bolt://a cannot write, as with a full disk (Could not append); free space, then: saedb down, saedb up"
    )


def test_other_refusals_keep_their_code() -> None:
    line = described(_error(DatabaseError, "Neo.DatabaseError.General.UnknownError", "odd"), "bolt://a", "neo4j")
    assert line == "bolt://a refused the statement: odd (Neo.DatabaseError.General.UnknownError)"
