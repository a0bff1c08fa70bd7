"""Files of arrays that tell when they were truncated or altered, by size and CRC-32."""

import errno
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.failpoints import Kind
from saedb.ingest.rundir import replacing

_SEAL: Final = 4
"""Bytes of the checksum before what it is of."""
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What a file must have to be whole."""

    bytes: int
    crc32: int

    def matches(self, file: Path) -> bool:
        """Return whether a file is whole; reads all of it."""
        size = crc = 0
        try:
            with file.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EIO):
                raise
            return False
        return (size, crc) == (self.bytes, self.crc32)


def write_array(file: Path, array: NDArray[Any], kind: Kind) -> Checksum:
    """Write an array as ``.npy``, as a whole or not at all, and return its checksum."""
    with replacing(file, kind) as temporary, temporary.open("wb") as stream:
        summed = _Summed(stream)
        np.save(summed, array, allow_pickle=False)
    return Checksum(bytes=summed.bytes, crc32=summed.crc32)


def write_sealed(file: Path, arrays: Mapping[str, Any], kind: Kind) -> None:
    """Write arrays by name into one file that holds its own checksum: 4 bytes, little endian, before an ``.npz``."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    with replacing(file, kind) as temporary:
        temporary.write_bytes(zlib.crc32(content.getbuffer()).to_bytes(_SEAL, "little") + content.getbuffer())


def read_sealed(file: Path) -> dict[str, NDArray[Any]] | None:
    """Return what `write_sealed` wrote, or None where the file is missing or not whole."""
    try:
        content = file.read_bytes()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EIO):
            raise
        return None
    if zlib.crc32(content[_SEAL:]).to_bytes(_SEAL, "little") != content[:_SEAL]:
        return None
    with np.load(io.BytesIO(content[_SEAL:]), allow_pickle=False) as arrays:
        return dict(arrays)


class _Summed:
    """A file that is being written, and what went into it.

    NumPy writes to it in parts, with the system's own errors; its way to write into an ordinary file says only how much
    was written when the disk is full.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.bytes = 0
        self.crc32 = 0
        self._stream = stream

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        self.crc32 = zlib.crc32(data, self.crc32)
        return self._stream.write(data)
