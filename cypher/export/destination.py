"""Where an export goes: a file that is there whole or not at all, or stdout."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import psutil

from saedb.cypher.export.formats import STDOUT
from saedb.ingest.errors import InputError
from saedb.ingest.rundir import TEMPORARY, replacing


def check(output: str, *, overwrite: bool) -> None:
    """Check that an output can be written, before anything is read.

    Raises:
        InputError: there is no folder for it, or something is there that may not be replaced.
    """
    if output == STDOUT:
        return
    file = Path(output)
    if not file.parent.is_dir():
        raise InputError(f"there is no folder {file.parent}; make it, or name another file")
    if file.exists() and not file.is_file():
        raise InputError(f"{file} is no file that could be replaced; name another")
    if file.exists() and not overwrite:
        raise InputError(f"{file} is there already; replace it with --force, or name another file")


@contextmanager
def opened(output: str) -> Generator[BinaryIO]:
    """Yield a stream of bytes; a file has its name only when the block ended well and all is on the disk."""
    if output == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    file = Path(output).resolve()  # a link stays one
    _clear(file)
    with replacing(file) as temporary, temporary.open("wb") as stream:
        yield stream
        stream.close()


def _clear(file: Path) -> None:
    """Remove what exports to this file left that were killed."""
    for left in file.parent.iterdir():
        if left.name.startswith(f".{file.name}.") and left.name.endswith(TEMPORARY):
            process = left.name.removeprefix(f".{file.name}.").removesuffix(TEMPORARY)
            if process.isdecimal() and not psutil.pid_exists(int(process)):
                left.unlink(missing_ok=True)
