"""Options that several commands share."""

import functools
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from saedb.cypher.address import Address
    from saedb.cypher.connection import Connection

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChoice:
    """The server that the options name; nothing is looked up before `address` or `connect` is called."""

    uri: str | None
    username: str | None
    database: str | None

    @property
    def is_local(self) -> bool:
        """Whether nothing names a server, so that it is the local one."""
        return self.uri is None and not os.environ.get("NEO4J_URI")

    def address(self) -> "Address":
        """Return the server, and say on stderr which it is; asks for a missing password on a terminal.

        Raises:
            GraphError: no password, or no local server.
        """
        from saedb.cypher.connection import resolve

        address = resolve(uri=self.uri, username=self.username, password=self._asked_password(), database=self.database)
        click.echo(f"server: {address.origin}", err=True)
        return address

    def connect(self, *, patience: float | None = None) -> "Connection":
        """Return a connection, to be used in a ``with``; it tries again for `patience` seconds, None for the usual."""
        from saedb.cypher.connection import Connection

        address = self.address()
        return Connection(address) if patience is None else Connection(address, patience=patience)

    def _asked_password(self) -> str | None:
        from saedb.cypher.address import checked

        uri = self.uri or os.environ.get("NEO4J_URI")
        if not uri or "NEO4J_PASSWORD" in os.environ or not sys.stdin.isatty():
            return None
        return click.prompt(f"Password for {checked(uri)}", hide_input=True, err=True)


def home_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add ``--home``. The value counts as ``SAEDB_HOME`` while the command runs, so everything agrees on it."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the local server and the runs.  [default: SAEDB_HOME, or the user's data folder]",
        callback=_use_home,
        expose_value=False,
        is_eager=True,
    )(command)


def server_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add ``--uri --username --database --home``; the command gets them as ``server``, a `ServerChoice`.

    The password is never an option: it comes from ``NEO4J_PASSWORD`` or a hidden prompt.
    """

    @click.option("--uri", help="Neo4j server, such as bolt://127.0.0.1:7687.  [default: NEO4J_URI, or the local one]")
    @click.option("--username", help="Login.  [default: NEO4J_USERNAME, or neo4j; password: NEO4J_PASSWORD, or asked]")
    @click.option("--database", help="Database.  [default: NEO4J_DATABASE, or neo4j]")
    @home_option
    @functools.wraps(command)
    def with_server(*, uri: str | None, username: str | None, database: str | None, **rest: Any) -> R:
        return command(server=ServerChoice(uri=uri, username=username, database=database), **rest)

    return with_server


def _use_home(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    del parameter
    if value is not None:
        context.with_resource(_environment("SAEDB_HOME", str(value.expanduser().absolute())))


@contextmanager
def _environment(name: str, value: str) -> Generator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
