"""A page on the user's disk whose link logs in to Neo4j Browser.

The password is in the page, which only its owner can read, and from there behind the ``#`` of an address: on no command
line, in no request and no log of the server. The page it leads to takes the address out of the history.
"""

import os
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from saedb.cypher.address import Address
from saedb.cypher.neo4jbrowser import LOGIN

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"/><title>Neo4j Browser of saedb</title></head>
<body>{body}</body>
</html>
"""
_OPEN: Final = """<p><a id="open" href="{link}">Neo4j Browser</a></p>
<script>location.replace(document.getElementById("open").href)</script>"""
_DOWN: Final = "<p>The server is down. Start it with <code>saedb up</code>, then reload this page.</p>"


def write(file: Path, address: Address, browser: str) -> None:
    """Make the page, or replace it.

    Args:
        file: the page.
        address: the server, with its password.
        browser: where Neo4j Browser is, without a query.
    """
    login = {"bolt": address.uri.rpartition(":")[2], "username": address.username, "password": address.password}
    _replace(file, _OPEN.format(link=escape(f"{browser}{LOGIN}#{urlencode(login)}")))


def close(file: Path) -> None:
    """Take the password out of the page, if there is one."""
    if file.exists():
        _replace(file, _DOWN)


def _replace(file: Path, body: str) -> None:
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(_PAGE.format(body=body))
    draft.replace(file)
