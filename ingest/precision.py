"""TF32 on request: NVIDIA's matrix products with 10 bits of mantissa, for the SAEs' encoders only.

The encoders are most of the work, and an error there stays in one activation. The model runs in float32 all the same:
there errors would add up from block to block, and the activations could not be compared with those of a float32 run.
"""

from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saedb.ingest.errors import InputError


def check(*, tf32: bool, device: str) -> None:
    """Check that the device can do what is asked for.

    Raises:
        InputError: TF32 is asked for, and the device is not CUDA.
    """
    if tf32 and torch.device(device).type != "cuda":
        raise InputError(f"tf32 is asked for, and the device is {device}, which has none; leave out --tf32")


@contextmanager
def matrix_products(*, tf32: bool) -> Generator[None]:
    """Let matrix products of float32 be made in TF32, or else in float32, and set back what was set before."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def flips(exact: Tensor, other: Tensor) -> NDArray[np.int64]:
    """Return how many activations are above 0 in only one of two tensors of a shape, and in at least one, [2]."""
    a, b = exact > 0, other > 0
    return torch.stack([(a ^ b).sum(), (a | b).sum()]).cpu().numpy()
