"""Puts a home in order and makes the commands that run Neo4j's classes in it."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from saedb.cypher.server import jars, process
from saedb.cypher.server.java import Java
from saedb.cypher.server.layout import Layout
from saedb.cypher.server.settings import NOTHING_OWN, Memory, Ports, java_options, neo4j_conf
from saedb.ingest.errors import ServerError

_SERVER = "org.neo4j.server.CommunityEntryPoint"
_ADMIN = "org.neo4j.cli.AdminTool"


def prepare(layout: Layout, ports: Ports, memory: Memory, own: Mapping[str, str] = NOTHING_OWN) -> None:
    """Write what the next start reads: ``neo4j.conf``, the class path, and the links to the jars of GDS."""
    shutil.rmtree(layout.temporary, ignore_errors=True)  # a killed server leaves what it unpacked
    layout.create()
    (layout.conf / "neo4j.conf").write_text(neo4j_conf(ports, memory, own), encoding="utf-8")
    layout.arguments.write_text(f"-cp {_quoted(_class_path(layout))}\n", encoding="utf-8")
    # On the class path alone GDS loads but has no procedures; Neo4j looks for those in the plugins only.
    shutil.rmtree(layout.plugins)
    layout.plugins.mkdir()
    for jar in jars.locked():
        if jar.group == jars.GDS_GROUP:
            (layout.plugins / jar.file.name).symlink_to(jar.file)


def _class_path(layout: Layout) -> str:
    # The first that has a page serves it: the folder goes before the jar of Neo4j Browser, where it is there.
    return os.pathsep.join(map(str, (layout.conf, layout.web, *(jar.file for jar in jars.locked()))))


def _quoted(text: str) -> str:
    """Return `text` as one word of a Java argument file."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def environment(layout: Layout) -> dict[str, str]:
    """Return the environment of Neo4j's processes; the locale lets Java read paths beyond ASCII everywhere."""
    return os.environ | {"NEO4J_HOME": str(layout.root), "NEO4J_CONF": str(layout.conf), "LC_ALL": "C.UTF-8"}


def server_command(java: Java, layout: Layout, memory: Memory) -> list[str]:
    """Return the command that is the server, as one process."""
    return [
        *_java(java, layout, java_options(memory)),
        _SERVER,
        process.home_argument(layout.root),
        f"--config-dir={layout.conf}",
        "--console-mode",
    ]


def run_admin(
    java: Java,
    layout: Layout,
    memory: Memory,
    arguments: Sequence[str],
    heard: Callable[[str], None] | None = None,
    folder: Path | None = None,
) -> str:
    """Return what one of ``neo4j-admin``'s commands printed, run in a prepared home whose server is stopped.

    Args:
        java: the Java to run.
        layout: the home.
        memory: its heap is that of the server.
        arguments: the command.
        heard: is given each line as it is printed.
        folder: where it runs.

    Raises:
        ServerError: it failed; the last lines of what it printed follow the first line.
    """
    command = [*_java(java, layout, java_options(memory)), _ADMIN, *arguments]
    printed: list[str] = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(layout),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as running:
        assert running.stdout is not None
        try:
            for line in running.stdout:
                printed.append(line)
                if heard is not None:
                    heard(line)
        except BaseException:
            running.kill()
            raise
    if running.returncode != 0:
        telling = [line for line in printed if not line.startswith("\tat ")]
        lines = "".join(telling[-10:]).rstrip()
        raise ServerError(f"neo4j-admin {' '.join(arguments[:2])} failed ({running.returncode}):\n{lines}")
    return "".join(printed)


def _java(java: Java, layout: Layout, options: Sequence[str]) -> list[str]:
    paths = (f"-XX:ErrorFile={layout.logs}/java-crash.log", f"-Djava.io.tmpdir={layout.temporary}")
    return [str(java.executable), f"@{layout.arguments}", *options, *paths]


def set_password(java: Java, layout: Layout, memory: Memory) -> None:
    """Give a home that has no password a random one, before its first start.

    The password reaches Neo4j by a file that only its owner can read, never by a command line. The file gets its
    final name last, so that an interrupted attempt is made again.
    """
    if (layout.data / "databases" / "system").exists():
        raise ServerError(
            f"{layout.password} is missing and the server has its password already; put the file back, "
            f"or move {layout.root} away to begin with an empty server"
        )
    # An interrupted attempt leaves it, and Neo4j refuses to set a second initial password.
    (layout.data / "dbms" / "auth.ini").unlink(missing_ok=True)
    draft = layout.password.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    _write_private(draft, secrets.token_hex(16))
    run_admin(java, layout, memory, ("dbms", "set-initial-password", f"@{draft}"))
    draft.rename(layout.password)


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text + "\n")
