"""Makes ``jars.lock.toml``: every jar that the roots need, with its size and sha256, as jgo's resolver finds them.

Run after a change of a version here: ``python -m saedb.cypher.server.lock``. Nothing else resolves; a user's machine
fetches the locked list.
"""

import logging
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jgo.maven import Dependency, MavenContext

from saedb.cypher.server.jars import LOCK_FILE, Jar, sha256_of

_log = logging.getLogger(__name__)

NEO4J = "5.26.29"
BROWSER = "5.24.0"
GDS = "2.13.9"

ROOTS = (
    f"org.neo4j:neo4j:{NEO4J}",
    f"org.neo4j.client:neo4j-browser:{BROWSER}",
    *(
        f"org.neo4j.gds:{module}:{GDS}"
        for module in (
            "proc",
            "proc-sysinfo",
            "opengds-extension",
            "open-model-catalog",
            "open-write-services",
        )
    ),
)

HEADER = "# Made by `python -m saedb.cypher.server.lock`. Coordinates only: jgo knows the repository.\n"


def resolve(repository: Path) -> list[Jar]:
    """Return every jar of the roots, sorted by coordinates; the files are left in ``repository``."""
    context = MavenContext(repo_cache=repository)
    inputs, needed = context.resolver.resolve([context.create_dependency(root) for root in ROOTS])
    with ThreadPoolExecutor(16) as pool:
        jars = pool.map(_jar, [*inputs, *needed])
    return sorted(jars, key=lambda jar: jar.coordinates)


def _jar(dependency: Dependency) -> Jar:
    artifact = dependency.artifact
    file = artifact.resolve()
    return Jar(
        group=artifact.groupId,
        artifact=artifact.artifactId,
        version=artifact.version,
        classifier=artifact.classifier,
        size=file.stat().st_size,
        sha256=sha256_of(file),
    )


def text(jars: list[Jar]) -> str:
    """Return the lock file's text, one line a jar."""
    return HEADER + "jars = [\n" + "".join(f"  {_line(jar)},\n" for jar in jars) + "]\n"


def _line(jar: Jar) -> str:
    classifier = f', classifier = "{jar.classifier}"' if jar.classifier else ""
    return (
        f'{{ group = "{jar.group}", artifact = "{jar.artifact}", version = "{jar.version}"{classifier}, '
        f'size = {jar.size}, sha256 = "{jar.sha256}" }}'
    )


def main() -> None:
    """Resolve the roots and write the lock file."""
    logging.basicConfig(level=logging.INFO)
    with tempfile.TemporaryDirectory() as repository:
        jars = resolve(Path(repository))
    LOCK_FILE.write_text(text(jars), encoding="utf-8")
    _log.info("%s: %d jars, %d bytes", LOCK_FILE, len(jars), sum(jar.size for jar in jars))


if __name__ == "__main__":
    main()
