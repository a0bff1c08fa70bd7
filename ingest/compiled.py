"""How the hot loops are compiled: by numba, without the interpreter's lock, once per machine.

Machine code is kept in saedb's cache folder under a key of the sources of all loops: numba alone looks at the file of a
function and not at the files of those that it calls, and would run old code after a change there.
"""

import hashlib
from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import Any, Final, TypeVar, cast

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.core import config as numba_config
from numba.extending import intrinsic

from saedb.ingest import places

F = TypeVar("F", bound=Callable[..., Any])


SOURCES: Final = (
    "bootstrap",
    "cells",
    "chunks",
    "compaction",
    "compiled",
    "examples",
    "kernel",
    "labels",
    "measures",
    "motifs/activity",
    "motifs/candidates",
    "motifs/joint",
    "motifs/scores",
    "motifs/search",
    "motifs/splitting",
    "ranking",
    "rule",
    "statistics",
    "whole",
    "windows",
)
"""Modules with compiled functions, or with what these compile in."""


def key(sources: Iterable[bytes]) -> str:
    """Return the name of the folder of machine code that these sources were compiled to."""
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sources:
        digest.update(hashlib.sha256(source).digest())
    return digest.hexdigest()[:16]


_package = files("saedb.ingest")
_CACHE: Final = places.cache() / "compiled" / key((_package / f"{name}.py").read_bytes() for name in SOURCES)

_config: Any = numba_config  # its names come into being when it is imported


def compiled(function: F) -> F:
    """Return the function, compiled when it is first called; 0/0 is NaN, and indices are not checked."""
    return _jit(function, cache=True)


def inlined(function: F) -> F:
    """Return the function for use within compiled ones; what calls it is cached, itself it is not."""
    return _jit(function, cache=False)


def _jit(function: F, *, cache: bool) -> F:
    given = _config.CACHE_DIR
    _config.CACHE_DIR = given or str(_CACHE)
    try:
        decorate = numba.njit(nogil=True, cache=cache, boundscheck=False, error_model="numpy")
        return cast(F, decorate(function))
    finally:
        _config.CACHE_DIR = given


@intrinsic
def _prefetch(_: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        values = context.make_array(kind)(context, builder, arguments[0])
        first = [arguments[1], *[ir.IntType(64)(0)] * (kind.ndim - 1)]
        place = cgutils.get_item_pointer(context, builder, kind, values, first, wraparound=False)
        pointer, flag = cgutils.voidptr_t, ir.IntType(32)
        signature_ = ir.FunctionType(ir.VoidType(), [pointer, flag, flag, flag])
        instruction = builder.module.declare_intrinsic("llvm.prefetch", [pointer], signature_)
        builder.call(instruction, [builder.bitcast(place, pointer), flag(0), flag(3), flag(1)])  # read, keep, data
        return context.get_dummy_value()

    return types.void(array, index), generate


prefetch: Callable[[Any, Any], None] = cast(Any, _prefetch)
"""In compiled functions: ask the processor for the memory of ``array[index]``, in a matrix for the row's first number.

An index out of range does no harm.
"""
