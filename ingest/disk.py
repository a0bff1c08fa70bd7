"""What has to be on the disk for good."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Return when a file or folder is on the disk for good."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
