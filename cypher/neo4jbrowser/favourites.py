"""The questions as favourites of Neo4j Browser: as it stores them, and as files that it takes when they are dropped."""

import io
import zipfile
from dataclasses import dataclass
from typing import Final

from saedb.cypher.library import GROUPS
from saedb.cypher.neo4jbrowser import question

_FOLDERS: Final = {
    question.HOLDS: "saedb: what there is",
    question.PICTURES: "saedb: pictures",
    **{group: f"saedb: {group}" for group in GROUPS},
}
"""By group, in the order of the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Favourite:
    """One saved statement; Browser shows its first line as the name."""

    id: str
    folder: str
    name: str
    content: str


def favourites() -> list[Favourite]:
    """Return every question that one statement answers, folder by folder."""
    found = [
        Favourite(id=f"saedb-{q.group}-{q.name}", folder=q.group, name=q.name, content=q.statement.rstrip())
        for q in (*question.own(), *question.library())
        if q.statement is not None
    ]
    return sorted(found, key=lambda favourite: list(_FOLDERS).index(favourite.folder))


def folders() -> dict[str, str]:
    """Return the names of the folders by their id in Browser."""
    return {folder_id(group): name for group, name in _FOLDERS.items()}


def folder_id(group: str) -> str:
    """Return the id of a group's folder in Browser."""
    return f"saedb-{group}"


def archive() -> bytes:
    """Return a zip of ``.cypher`` files in folders; always the same bytes for the same questions."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as files:
        for favourite in favourites():
            name = f"{_FOLDERS[favourite.folder].replace(': ', ' ')}/{favourite.name}.cypher"
            files.writestr(zipfile.ZipInfo(name), favourite.content + "\n")
    return content.getvalue()
