"""Style, guide and favourites as files, for Neo4j Browser on any server."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from saedb.cypher.neo4jbrowser import favourites, guide, style
from saedb.ingest.errors import InputError

STYLE: Final = "style.grass"
GUIDE: Final = "guide.html"
FAVOURITES: Final = "favourites.zip"


def contents() -> dict[str, bytes]:
    """Return the files by name."""
    return {STYLE: style.grass().encode(), GUIDE: guide.html().encode(), FAVOURITES: favourites.archive()}


def write(folder: Path, files: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write the files into a folder, which is made if it is not there.

    Raises:
        InputError: the folder is none, or has another file of one of the names, unless with `force`.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder with --output")
    for name, content in files.items():
        file = folder / name
        if not force and file.exists() and not (file.is_file() and file.read_bytes() == content):
            raise InputError(f"{file} is there and is something else; name another folder, or replace it with --force")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
