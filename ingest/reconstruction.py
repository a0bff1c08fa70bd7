"""What an SAE makes of its input, compared with it."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saedb.ingest.quality import QualitySums


def quality_sums(inputs: Tensor, reconstruction: Tensor, counted: NDArray[np.bool_], *, positive: int) -> QualitySums:
    """Return the sums over those of some tokens that count.

    Args:
        inputs: what the SAE reads, float32 [tokens, d_in].
        reconstruction: what it makes of them, on the same device.
        counted: which tokens count, [tokens].
        positive: activations above 0 on those that count.
    """
    weight = torch.from_numpy(counted).to(inputs.device, torch.float64)
    error = (inputs - reconstruction).square().sum(1)
    squares = inputs.square().sum(1)
    # a token in float32, all tokens in float64; to the host at once
    scalars = torch.stack([error, squares]).double() @ weight
    sums = torch.cat([scalars, weight @ inputs.double()]).cpu().numpy()
    return QualitySums(
        tokens=int(counted.sum()), positive=positive, error=float(sums[0]), squares=float(sums[1]), total=sums[2:]
    )
