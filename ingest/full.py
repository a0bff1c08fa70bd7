"""What is raised where a disk or a GPU is full, in one line."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import torch

from saedb.ingest.errors import RunError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The disk, the user's share of it, or the size that a file may have."""


@contextmanager
def full_in_one_line(path: Path) -> Generator[None]:
    """Turn what a full disk, or a GPU whose memory is full, raises into one line.

    Raises:
        RunError: one of them is full.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RunError(
            "the GPU's memory is full, however little is done at once; take fewer --layers under another --run, or use"
            " --device cpu"
        ) from error
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise RunError(f"the disk of {path} is full; make room, and run the same command again") from error
