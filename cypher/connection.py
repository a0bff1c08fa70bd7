"""Which Neo4j server a command talks to, and the one object that talks to it.

`resolve` chooses the server, `local` insists on the one of the home. `Connection` owns the driver: every statement of
saedb goes through it, and every failure leaves it as a one-line `GraphError`.
"""

import os
from asyncio import CancelledError
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, LiteralString, Self, TypeVar, cast

from neo4j import READ_ACCESS, WRITE_ACCESS, Driver, GraphDatabase, ManagedTransaction, Query, Session
from neo4j.exceptions import DriverError, Neo4jError

from saedb.cypher.address import DATABASE, USERNAME, Address, checked
from saedb.cypher.bookmark import transaction_of
from saedb.cypher.failures import RETRY_SECONDS, described, no_data_science
from saedb.ingest.errors import GraphError

if TYPE_CHECKING:
    from graphdatascience import GraphDataScience

_CONNECT_SECONDS: Final = 10.0
_PART: Final = 20_000
"""Rows that are asked for, and given on, at once."""

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a statement of the user's own gave."""

    rows: list[Row]
    written: dict[str, int]
    """What it changed, such as ``{"nodes created": 2}``; empty where it only read."""


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
        GraphError: no password is known for the server that is named, or its address holds one.
        ServerError: none is named, and the local one is not running.
    """
    named = uri or os.environ.get("NEO4J_URI")
    if not named:
        return local(home, database=database)
    checked(named)
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

    def __init__(self, address: Address, *, patience: float = RETRY_SECONDS) -> None:
        """Make the driver, which asks nothing yet.

        Args:
            address: the server.
            patience: seconds for which `read` and `write` try again.
        """
        self.address = address
        self._patience = patience
        self._has_answered = False
        with self._translated():
            self._driver = _driver(address, patience)

    def __enter__(self) -> Self:
        try:
            with self._session(READ_ACCESS) as session:  # a managed transaction would try again for half a minute
                session.run("RETURN 1").consume()
            self._has_answered = True
        except BaseException:
            self._driver.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._driver.close()

    def reopen(self, address: Address) -> None:
        """Connect again: the server was stopped and started, perhaps elsewhere."""
        self._driver.close()
        self.address = address
        with self._translated():
            self._driver = _driver(address, self._patience)
        self.__enter__()

    def read(self, cypher: str, /, **parameters: Any) -> list[Row]:
        """Return the rows of a statement; the server refuses it if it writes."""
        with self._session(READ_ACCESS, retried=True) as session:
            return session.execute_read(_rows, cypher, parameters)

    def write(self, cypher: str, /, **parameters: Any) -> list[Row]:
        """Return the rows of a statement that may write, in one transaction."""
        with self._session(WRITE_ACCESS, retried=True) as session:
            return session.execute_write(_rows, cypher, parameters)

    def transaction(self, work: Callable[[ManagedTransaction], T]) -> T:
        """Return what `work` returns, called in one transaction; it is called again after an error that passes."""
        with self._session(WRITE_ACCESS, retried=True) as session:
            return session.execute_write(work)

    def run(self, cypher: str, /, **parameters: Any) -> list[Row]:
        """Return the rows of a statement that commits by itself (``CALL {} IN TRANSACTIONS``); never retried."""
        with self._session(WRITE_ACCESS) as session:
            return [dict(record) for record in session.run(cast("LiteralString", cypher), parameters)]

    def statement(self, cypher: str, /, *, seconds: float, may_write: bool = False) -> Answer:
        """Return what a statement of the user's own gives; the server stops it after so many seconds. Never retried.

        Raises:
            GraphError: it took too long, writes where it may not, or failed.
        """
        with self._session(WRITE_ACCESS if may_write else READ_ACCESS) as session:
            result = session.run(Query(cast("LiteralString", cypher), timeout=seconds))
            rows = [dict(record) for record in result]
            counters = result.consume().counters
        changes = sorted((name, n) for name, n in vars(counters).items() if not name.startswith("_") and n)
        written = {name.replace("_", " "): n for name, n in changes}
        return Answer(rows=rows, written=written)

    def last_transaction(self) -> int | None:
        """Return the number of the database's last transaction, or None where the server does not tell."""
        with self._session(READ_ACCESS) as session:
            session.run("RETURN 1").consume()
            bookmarks = session.last_bookmarks().raw_values
        return transaction_of(next(iter(bookmarks))) if len(bookmarks) == 1 else None

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
    def _session(self, mode: str, *, retried: bool = False, **options: Any) -> Generator[Session]:
        with (
            self._translated(retried=retried),
            _prompt_interrupts(),
            self._driver.session(database=self.address.database, default_access_mode=mode, **options) as session,
        ):
            try:
                yield session
            except KeyboardInterrupt as interrupt:
                raise CancelledError from interrupt

    @contextmanager
    def _translated(self, *, retried: bool = False) -> Generator[None]:
        try:
            yield
        except (Neo4jError, DriverError) as error:
            tried = self._patience if retried else None
            line = described(error, self.address, was_connected=self._has_answered, tried=tried)
            raise GraphError(line) from error
        except UnicodeEncodeError as error:
            raise GraphError(f"a value is no text ({error.reason}); write it in UTF-8") from error


@contextmanager
def _prompt_interrupts() -> Generator[None]:
    """Make Ctrl-C of what the block raises for it.

    A session ends with its last statement's answer, however long that takes, unless the block ends by `CancelledError`:
    then it cuts its connection, and the server stops the statement.
    """
    try:
        yield
    except CancelledError as cancelled:
        raise KeyboardInterrupt from cancelled


def _driver(address: Address, patience: float) -> Driver:
    return GraphDatabase.driver(
        checked(address.uri),
        auth=(address.username, address.password),
        connection_timeout=_CONNECT_SECONDS,
        max_transaction_retry_time=patience,
        notifications_min_severity="OFF",  # hints would be printed between the rows
        telemetry_disabled=True,
    )


def _rows(transaction: ManagedTransaction, cypher: str, parameters: dict[str, Any]) -> list[Row]:
    return [dict(record) for record in transaction.run(cast("LiteralString", cypher), parameters)]
