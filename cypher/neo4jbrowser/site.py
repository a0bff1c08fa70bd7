"""The folder that the local server serves as ``/browser/``: Neo4j Browser, and saedb's files beside it.

A folder at the head of the class path goes before the jar of Neo4j Browser, and unlike a jar the server need not
unpack it at every start. It must hold all of Browser: with saedb's files alone ``/browser/`` would be forbidden.
"""

import hashlib
import json
import logging
import shutil
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Final

from saedb.cypher.neo4jbrowser import favourites, guide, style
from saedb.cypher.server import jars

_log = logging.getLogger(__name__)

_ARTIFACT: Final = ("org.neo4j.client", "neo4j-browser")
_FIRST_SCRIPT: Final = '<script src="ui-libs'
_SETTINGS: Final = {
    "initCmd": "",  # else advertisements are the first thing that is shown
    "allowUserStats": False,
    "allowCrashReports": False,
    "showSampleScripts": False,
    "initialNodeDisplay": 500,
}
_NOTICE: Final = """\
Neo4j Browser {version} is Copyright (c) Neo4j and licensed under the GNU General Public License, version 3: see the
files LICENSE and NOTICE.txt in the folder above.

saedb changed it on this machine: index.html loads saedb/seed.js first, which stores saedb's style, favourites and
settings. The files in this folder are saedb's, licensed under the Apache License, version 2.0.
"""


def seed() -> str:
    """Return the script that stores style, favourites and settings."""
    ours = {
        "objects": {"grass": style.rules(), "settings": _SETTINGS},
        "lists": {
            "folders": [{"id": id_, "name": name} for id_, name in favourites.folders().items()],
            "documents": [
                {"id": f.id, "folder": favourites.folder_id(f.folder), "content": f.content}
                for f in favourites.favourites()
            ],
        },
    }
    version = hashlib.sha256(json.dumps(ours).encode()).hexdigest()[:16]
    return f"const saedb = {json.dumps({'version': version, **ours})};\n{_file('seed.js')}"


def write(folder: Path) -> None:
    """Make the folder, unless it is there and as it should be; an interrupted attempt leaves it as it was."""
    ours = _ours()
    stamp = _stamp(ours)
    kept = folder / "stamp"
    if kept.is_file() and kept.read_text(encoding="ascii") == stamp:
        return
    _log.info("unpacking Neo4j Browser into %s", folder)
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    with zipfile.ZipFile(_jar().file) as jar:
        jar.extractall(draft, [name for name in jar.namelist() if name.startswith("browser/")])
    for name, text in ours.items():
        file = draft / "browser" / "saedb" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    _seed_first(draft / "browser" / "index.html")
    (draft / "stamp").write_text(stamp, encoding="ascii")
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def _ours() -> dict[str, str]:
    """Return saedb's own files by name."""
    return {
        "guide.html": guide.html(),
        "style.grass": style.grass(),
        "seed.js": seed(),
        "login.js": _file("login.js"),
        "login.html": _file("login.html"),
        "NOTICE.txt": _NOTICE.format(version=_jar().version),
    }


def _seed_first(index: Path) -> None:
    """Make the page load the seed before Browser, which reads its storage at once."""
    text = index.read_text(encoding="utf-8")
    if _FIRST_SCRIPT not in text:
        raise ValueError(f"no {_FIRST_SCRIPT} in {index}")
    seeded = text.replace(_FIRST_SCRIPT, f'<script src="saedb/seed.js"></script>{_FIRST_SCRIPT}', 1)
    index.write_text(seeded, encoding="utf-8")


def _stamp(ours: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps([_jar().sha256, ours]).encode()).hexdigest()


def _jar() -> jars.Jar:
    return next(jar for jar in jars.locked() if (jar.group, jar.artifact) == _ARTIFACT)


def _file(name: str) -> str:
    return (files("saedb.cypher.neo4jbrowser") / name).read_text(encoding="utf-8")
