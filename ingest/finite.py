"""Checks that a model and its SAEs give numbers: one NaN or infinity would spread into every sum after it."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.errors import InputError
from saedb.ingest.sparse import SparseRows


def check_norms(norms: Mapping[str, NDArray[np.float32]], *, context: int) -> None:
    """Check what a model gives by its norms, which are finite only where every value is.

    Args:
        norms: Euclidean norms by hook point along the model, each [contexts, context_size].
        context: number of the first context.

    Raises:
        InputError: one is not finite; names the first hook point, and there the first token.
    """
    for hook, values in norms.items():
        finite = np.isfinite(values)
        if not finite.all():
            row, position = np.unravel_index(np.argmin(finite), finite.shape)
            raise InputError(
                f"the model's activations at {hook} have norm {values[row, position]} at position {position} of context"
                f" {context + row}; its weights are damaged, or too large for its precision: give another --model"
            )


def check_activations(sae: str, rows: SparseRows, *, context: int, context_size: int) -> None:
    """Check what an SAE gives on some contexts, the first of which is number `context`.

    Raises:
        InputError: a value is not finite; names the first token.
    """
    finite = np.isfinite(rows.values)
    if finite.all():
        return
    entry = int(np.argmin(finite))
    row, position = divmod(int(rows.row_of[entry]), context_size)
    raise InputError(
        f"SAE {sae} gives its feature {rows.indices[entry]} the value {rows.values[entry]} at position {position} of"
        f" context {context + row}; its weights are damaged, or do not fit the model: choose others with --saes"
    )
