"""``saedb ingest`` in processes that can be killed: each is forked from a server that has imported everything, once."""

import multiprocessing
import os
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["saedb.cli.ingest", "saedb.cli.progress", "saedb.ingest.pipeline"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that has ended."""

    status: int
    """Its exit status; minus the signal that killed it."""
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """``saedb ingest --no-load`` on a tiny model, with the folder that its files are in."""

    arguments: Sequence[str]
    folder: Path

    def run(
        self,
        runs: Path,
        *,
        environment: Mapping[str, str] | None = None,
        largest_file: int = resource.RLIM_INFINITY,
        seconds: float | None = None,
    ) -> Ended:
        """Run the command, and kill it where it takes longer than some seconds.

        Args:
            runs: folder of the runs; the run is in ``tiny`` below it.
            environment: variables to set.
            largest_file: size in bytes that no file can exceed, as on a disk that is full.
            seconds: when to kill it.
        """
        stderr = runs.with_name(f"{runs.name}.stderr")
        variables = {**(environment or {}), "SAEDB_RUNS": str(runs)}
        process = _context.Process(target=_main, args=(self.arguments, variables, largest_file, stderr))
        process.start()
        process.join(seconds)
        return _ended(process, stderr)


def _ended(process: ForkServerProcess, stderr: Path) -> Ended:
    if process.exitcode is None:
        process.kill()
        process.join()
    assert process.exitcode is not None
    return Ended(status=process.exitcode, stderr=stderr.read_text() if stderr.exists() else "")


def _main(arguments: Sequence[str], variables: Mapping[str, str], largest_file: int, stderr: Path) -> None:
    import torch

    from saedb.cli.main import main

    torch.set_num_threads(1)  # many small products: threads cost more than they give
    with stderr.open("w") as stream:
        os.dup2(stream.fileno(), 2)
    os.environ.update(variables)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    main(arguments)


def tiny_command(folder: Path, *options: Any) -> Command:
    """Make a tiny model, SAEs and text in a folder, and return the command that relates them."""
    import tinyrun  # and with it SAELens, for seconds

    tinyrun.make_inputs(folder)
    given = ["--model", folder / "model", "--dataset", folder / "text.jsonl", "--tokens", 1200, "--run", "tiny"]
    return Command(
        arguments=["ingest", str(folder / "saes"), "--no-load", *map(str, [*given, *options])], folder=folder
    )


def tables(runs: Path) -> dict[str, bytes]:
    """Return the bytes of every table of the run, by name."""
    files = sorted(runs.rglob("*.parquet"))
    return {file.relative_to(runs).as_posix(): file.read_bytes() for file in files}


def unfinished(runs: Path) -> list[Path]:
    """Return the temporary files in the run."""
    return sorted(runs.rglob("*.unfinished"))
