"""How much memory a run may take."""

from typing import Final

import psutil
from pydantic import ByteSize, TypeAdapter, ValidationError

from saedb.ingest.errors import InputError, RunError

_SHARE: Final = 0.75
"""Of the memory that is free when a run begins."""
_LEAST: Final = 64 << 20
"""Bytes without which nothing can be counted."""
_DEVICE_SHARE: Final = 0.8


class Memory:
    """The memory of a run, from which what is there already is taken off."""

    def __init__(self, given: str | None) -> None:
        """Read a size such as ``8GB`` or ``500MiB``; None stands for three quarters of what is free.

        Raises:
            InputError: it is no size.
        """
        self.limit = (
            self._resident() + int(_SHARE * psutil.virtual_memory().available) if given is None else _size(given)
        )

    def left(self) -> int:
        """Return the bytes that may still be taken.

        Raises:
            RunError: there are too few.
        """
        left = self.limit - self._resident()
        if left < _LEAST:
            needed = (self._resident() + _LEAST) / 1e9
            raise RunError(
                f"model, SAEs and text leave too little of {self.limit / 1e9:.2f} GB of memory; give --memory at least"
                f" {needed:.2f}GB, or take fewer --layers"
            )
        return left

    @staticmethod
    def _resident() -> int:
        return psutil.Process().memory_info().rss


def of_device() -> int:
    """Return the bytes of the CUDA device that may be taken."""
    import torch

    return int(_DEVICE_SHARE * torch.cuda.mem_get_info()[0])


def _size(given: str) -> int:
    try:
        return int(TypeAdapter(ByteSize).validate_python(given))
    except ValidationError as error:
        raise InputError(f"memory is {given!r}, which is no size; write it like 8GB or 500MiB") from error
