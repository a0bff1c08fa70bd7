"""Serves the feature browser to this machine until it is stopped."""

import os
import socket
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from typing import Final

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from saedb.cli.browser import guard
from saedb.cli.browser.app import create
from saedb.cli.browser.site import Site
from saedb.ingest.errors import InputError

HOST: Final = "127.0.0.1"
PORT: Final = 8350
"""The port that is tried first."""


class _Quiet(WSGIRequestHandler):
    """Logs no request: they would run through the terminal."""

    def log(self, type: str, message: str, *args: object) -> None:
        del type, message, args


def serve(site: Site, port: int | None, ready: Callable[[int], None]) -> None:
    """Serve the pages, until Ctrl-C.

    Args:
        site: the graph.
        port: the port, 0 for any free one; None for `PORT`, or a free one where that is taken.
        ready: is given the port once it is listened on.

    Raises:
        InputError: the port cannot be had.
    """
    with listening(site, port) as server:
        ready(server.port)
        server.serve_forever()


@contextmanager
def listening(site: Site, port: int | None) -> Generator[BaseWSGIServer]:
    """Yield the server of the pages: it listens, and answers as long as its `serve_forever` runs.

    Raises:
        InputError: the port cannot be had.
    """
    with _socket(port) as opened:
        app, number = create(site), opened.getsockname()[1]
        guard.protect(app, number)
        server = make_server(HOST, number, app.server, threaded=True, request_handler=_Quiet, fd=opened.fileno())
        with closing(server.socket):
            yield server


def _socket(port: int | None) -> socket.socket:
    try:
        return socket.create_server((HOST, PORT if port is None else port))
    except OSError as error:
        if port is None:
            return socket.create_server((HOST, 0))
        reason = os.strerror(error.errno or 0)  # without the address, which `create_server` adds
        raise InputError(f"port {port} cannot be listened on ({reason}); give another with --port") from error
