"""Serves a few files to Neo4j Browser, which asks another server than its own before it takes a guide from it.

A plain file server answers neither that question (an OPTIONS request about headers) nor says that any page may read
the answer, so Browser takes nothing from it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit

from saedb.ingest.errors import InputError

_HOST: Final = "127.0.0.1"
_TYPES: Final = {".html": "text/html; charset=utf-8", ".grass": "text/plain; charset=utf-8", ".zip": "application/zip"}
_ALLOWED: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Allow-Private-Network": "true",
}


class FileServer(ThreadingHTTPServer):
    """Serves files from memory to this machine only, until it is closed."""

    daemon_threads = True

    def __init__(self, files: Mapping[str, bytes], port: int) -> None:
        """Listen on a port; 0 is any free one.

        Raises:
            InputError: another program uses it.
        """
        self.files = {f"/{name}": content for name, content in files.items()}
        try:
            super().__init__((_HOST, port), _Handler)
        except OSError as error:
            raise InputError(f"cannot serve on port {port} ({error.strerror}); name another with --port") from error

    def address(self, name: str) -> str:
        """Return where a file is; its host is one that Browser takes guides from unless told otherwise."""
        return f"http://localhost:{self.server_address[1]}/{name}"


class _Handler(BaseHTTPRequestHandler):
    server: FileServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_OPTIONS(self) -> None:
        self._begin(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        content = self.server.files.get(path)
        if content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self._begin(HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES[PurePosixPath(path).suffix])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _begin(self, status: HTTPStatus) -> None:
        self.send_response(status)
        for name, value in _ALLOWED.items():
            self.send_header(name, value)
