"""Which Neo4j server a command talks to, and the one object that talks to it.

`resolve` chooses the server, `local` insists on the one of the home. `Connection` owns the driver: every statement of
saedb goes through it, and every failure leaves it as a one-line `GraphError`.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, LiteralString, Self, cast

from neo4j import READ_ACCESS, WRITE_ACCESS, Driver, GraphDatabase, ManagedTransaction, Session
from neo4j.exceptions import DriverError, Neo4jError

from saedb.cypher.address import DATABASE, USERNAME, Address
from saedb.cypher.failures import described, no_address, no_data_science
from saedb.ingest.errors import GraphError

if TYPE_CHECKING:
    from graphdatascience import GraphDataScience

_SCHEMES: Final = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
_CONNECT_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 30.0
_PART: Final = 20_000
"""Rows that are asked for, and given on, at once."""

Row = dict[str, Any]


def resolve(
    *,
    uri: str | None = None,
    username: str | None = None,
    password: str | None = None,
    database: str | None = None,
    home: Path | None = None,
) -> Address:
    """Return the server that the arguments name, else the one of ``NEO4J_*``, else the local one of `home`.

    Raises:
        GraphError: no password is known for the server that is named.
        ServerError: none is named, and the local one is not running.
    """
    named = uri or os.environ.get("NEO4J_URI")
    if not named:
        return local(home, database=database)
    password = password if password is not None else os.environ.get("NEO4J_PASSWORD")
    if password is None:
        raise GraphError(f"no password for {named}; set NEO4J_PASSWORD")
    return Address(
        uri=named,
        username=username or os.environ.get("NEO4J_USERNAME") or USERNAME,
        password=password,
        database=database or os.environ.get("NEO4J_DATABASE") or DATABASE,
        origin=f"{named} ({'given' if uri else 'NEO4J_URI'})",
    )


def local(home: Path | None = None, *, database: str | None = None) -> Address:
    """Return the local server of `home` (default: the user's), whatever the environment says.

    Raises:
        ServerError: it is not running.
    """
    from saedb.cypher.server.local import LocalServer  # which connects by this module

    address = LocalServer(home).address()
    return address if database is None else replace(address, database=database)


class Connection:
    """A context manager around one driver.

    `read` and `write` are managed transactions: the driver runs them again after an error that passes, such as a
    deadlock, when what the first try did has been rolled back. `run` is for the statements that manage their own
    transactions.
    """

    def __init__(self, address: Address) -> None:
        if address.uri.partition("://")[0] not in _SCHEMES:
            raise GraphError(no_address(address.uri, "it begins otherwise"))
        self.address = address
        with self._translated():
            self._driver: Driver = GraphDatabase.driver(
                address.uri,
                auth=(address.username, address.password),
                connection_timeout=_CONNECT_SECONDS,
                max_transaction_retry_time=_RETRY_SECONDS,
                notifications_min_severity="OFF",  # hints would be printed between the rows
            )

    def __enter__(self) -> Self:
        try:
            self.run("RETURN 1")  # at once: a managed transaction would try again for half a minute
        except BaseException:
            self._driver.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._driver.close()

    def read(self, cypher: str, /, **parameters: Any) -> list[Row]:
        """Return the rows of a statement; the server refuses it if it writes."""
        with self._session(READ_ACCESS) as session:
            return session.execute_read(_rows, cypher, parameters)

    def write(self, cypher: str, /, **parameters: Any) -> list[Row]:
        """Return the rows of a statement that may write, in one transaction."""
        with self._session(WRITE_ACCESS) as session:
            return session.execute_write(_rows, cypher, parameters)

    def run(self, cypher: str, /, **parameters: Any) -> list[Row]:
        """Return the rows of a statement that commits by itself (``CALL {} IN TRANSACTIONS``); never retried."""
        with self._session(WRITE_ACCESS) as session:
            return [dict(record) for record in session.run(cast("LiteralString", cypher), parameters)]

    def columns(self, cypher: str, /, **parameters: Any) -> Iterator[dict[str, list[Any]]]:
        """Yield the rows of a statement as they come, some thousands at a time, by column.

        For what is too much to be held as rows; never tried again.
        """
        with self._session(READ_ACCESS, fetch_size=_PART) as session:
            result = session.run(cast("LiteralString", cypher), parameters)
            names = result.keys()
            while records := result.fetch(_PART):
                values = zip(*(record.values() for record in records), strict=True)
                yield dict(zip(names, map(list, values), strict=True))

    @contextmanager
    def data_science(self) -> Generator["GraphDataScience"]:
        """Yield the client of the server's Graph Data Science library.

        Raises:
            GraphError: the server has none, or a call in the block failed.
        """
        from graphdatascience import GraphDataScience
        from graphdatascience.error.gds_not_installed import GdsNotFound

        with self._translated():
            try:
                client = GraphDataScience(
                    self._driver, database=self.address.database, arrow=False, show_progress=False
                )
            except GdsNotFound as error:
                raise GraphError(no_data_science(self.address.uri)) from error
            yield client

    @contextmanager
    def _session(self, mode: str, **options: Any) -> Generator[Session]:
        with (
            self._translated(),
            self._driver.session(database=self.address.database, default_access_mode=mode, **options) as session,
        ):
            yield session

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except (Neo4jError, DriverError) as error:
            raise GraphError(described(error, self.address.uri, self.address.database)) from error


def _rows(transaction: ManagedTransaction, cypher: str, parameters: dict[str, Any]) -> list[Row]:
    return [dict(record) for record in transaction.run(cast("LiteralString", cypher), parameters)]
