"""A store that was built beside the one in use takes its place, whatever happens on the way.

The new store is made in a home of its own inside the server's folder (*staging*) while the server serves. A journal
says how far its taking over has come, so that the next start of the server finishes it or undoes it:

    staging     the new store is being made            -> it is thrown away
    swapping    the server is stopped, folders move    -> the moves are finished
    checking    the new store is in its place          -> it is kept if it starts and holds the runs, else undone
    keeping     the old store is being deleted         -> that is finished
    undoing     the old store is being brought back    -> that is finished
"""

import json
import logging
import os
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, Self, get_args

import psutil
from filelock import FileLock, Timeout

from saedb.cypher.server import process
from saedb.cypher.server.layout import Layout
from saedb.ingest.disk import sync
from saedb.ingest.errors import ServerError
from saedb.ingest.failpoints import passed

_log = logging.getLogger(__name__)

Step = Literal["staging", "swapping", "checking", "keeping", "undoing"]

_KINDS: Final = ("databases", "transactions")
"""The folders of Neo4j's data in which each database has one of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What is being done to the store."""

    step: Step
    runs: Mapping[str, str]
    """Content hash of each run that the new store holds."""
    pid: int
    """Process that does it."""

    @classmethod
    def read(cls, layout: Layout) -> Self | None:
        """Return what was written last, or None where the store is as it should be.

        Raises:
            ServerError: the file is damaged.
        """
        try:
            journal = cls(**json.loads(layout.journal.read_text(encoding="utf-8")))
            if journal.step not in get_args(Step):
                raise ValueError(f"no step {journal.step!r}")
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise ServerError(
                f"{layout.journal} is damaged ({error}); if {layout.old} is there, it is the graph's store of before: "
                f"move its folders back into {layout.data}; then delete {layout.journal}"
            ) from error
        return journal

    def write(self, layout: Layout) -> None:
        """Replace the file in one step, on the disk for good."""
        draft = layout.journal.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(layout.journal)
        sync(layout.root)


@contextmanager
def alone(layout: Layout) -> Generator[None]:
    """Hold the right to build a store in this home, which goes with the process.

    Raises:
        ServerError: another process has it.
    """
    lock = FileLock(layout.swap_lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        journal = Journal.read(layout)
        who = f"process {journal.pid}" if journal else "another process"
        raise ServerError(f"{who} is rebuilding the store of {layout.home}; wait for it, or stop it") from None
    try:
        yield
    finally:
        lock.release()


def check_free(layout: Layout) -> None:
    """Check that nobody is building a store in this home, which what is written meanwhile would make useless.

    Raises:
        ServerError: a process is.
    """
    if Journal.read(layout) is not None:
        with alone(layout):
            pass


def begin(layout: Layout, runs: Mapping[str, str]) -> None:
    """Make room for a new store; what an earlier attempt left is thrown away.

    Raises:
        ServerError: an exchange is not over, so the store of before may be needed.
    """
    journal = Journal.read(layout)
    if journal is not None and journal.step != "staging":
        raise ServerError(f"the store of {layout.home} is being exchanged; finish that first: saedb down, saedb up")
    Journal(step="staging", runs=runs, pid=os.getpid()).write(layout)
    _discard(layout.staging)
    if layout.old.exists():  # `keep` could not delete all of it
        shutil.rmtree(layout.old)


def abandon(layout: Layout) -> None:
    """Throw away a new store that has not taken its place."""
    _discard(layout.staging)
    layout.journal.unlink(missing_ok=True)


def exchange(layout: Layout, runs: Mapping[str, str]) -> None:
    """Put the new store in the place of the old one, which is kept until `keep`; no server may run on either."""
    Journal(step="swapping", runs=runs, pid=os.getpid()).write(layout)
    passed("swap begun")
    _forward(layout)
    Journal(step="checking", runs=runs, pid=os.getpid()).write(layout)
    passed("swap done")


def keep(layout: Layout) -> None:
    """Delete the old store: the new one has been found good."""
    journal = Journal.read(layout)
    # From here on the old store may be there in part, and the new one be written to.
    Journal(step="keeping", runs=journal.runs if journal else {}, pid=os.getpid()).write(layout)
    passed("server checked")
    shutil.rmtree(layout.old, ignore_errors=True)
    passed("old store removed")
    abandon(layout)


def undo(layout: Layout) -> None:
    """Bring the old store back; no server may run."""
    journal = Journal.read(layout)
    Journal(step="undoing", runs=journal.runs if journal else {}, pid=os.getpid()).write(layout)
    for kind in _KINDS:
        old, current, new = _places(layout, kind)
        if old.exists():
            if current.exists():
                _move(current, new)
            _move(old, current)
    shutil.rmtree(layout.old, ignore_errors=True)
    abandon(layout)


def recover(layout: Layout, *, is_running: bool = False) -> None:
    """Finish or undo what a process left that was killed, but for a new store that is still to be checked.

    What a living process is about in its staging home is left alone. While the server runs, its store is.
    """
    journal = Journal.read(layout)
    if journal is None:
        return
    match journal.step:
        case "staging":
            with suppress(ServerError), alone(layout):
                _log.info("throwing away a store that was not finished")
                abandon(layout)
        case "keeping":
            keep(layout)
        case "swapping" if not is_running:
            _log.info("finishing the exchange of the store")
            _forward(layout)
            Journal(step="checking", runs=journal.runs, pid=os.getpid()).write(layout)
        case "undoing" if not is_running:
            undo(layout)
        case _:
            pass


def _forward(layout: Layout) -> None:
    for kind in _KINDS:
        old, current, new = _places(layout, kind)
        if new.exists():
            if current.exists():
                _move(current, old)
                passed("store aside" if kind == "databases" else "logs aside")
            _move(new, current)
            if kind == "databases":
                passed("store in place")


def _places(layout: Layout, kind: str) -> tuple[Path, Path, Path]:
    """Return where the old, the current and the new folder of a kind are, as far as they exist."""
    name = layout.database
    return layout.old / kind / name, layout.data / kind / name, Layout(layout.staging).data / kind / name


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    sync(source.parent)
    sync(target.parent)


def _discard(staging: Path) -> None:
    """Delete a staging home, and end what runs in it: a server or an import that its loader left behind."""
    mark = f"@{Layout(staging).arguments}"
    for found in psutil.process_iter():
        try:
            if mark in found.cmdline():
                found.kill()
                process.has_ended(found)
        except psutil.Error:  # gone, or not ours to look at
            continue
    if staging.exists():
        shutil.rmtree(staging)
