"""Random directions to compare decoder rows with."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def random_directions(decoder: Floats, seed: int, number: int) -> Floats:
    """Return a random unit vector for each decoder row, [d_sae, d_in], spread over the space as the rows are.

    They are drawn from a normal distribution with the second moments of the unit rows: of any direction they have as
    much as a decoder row has on average, so that what sets a feature's own row apart is not that residual streams and
    SAEs use some dimensions more than others.

    Args:
        decoder: decoder rows of any length, [d_sae, d_in].
        seed: the same seed and `number` give the same directions.
        number: of the pair of SAEs.
    """
    rows = unit(decoder).astype(np.float64)
    values, vectors = np.linalg.eigh(rows.T @ rows)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T  # symmetric: no matter which signs vectors have
    drawn = np.random.default_rng([seed, number]).standard_normal(rows.shape)
    return unit((drawn @ root).astype(np.float32))


def unit(rows: Floats) -> Floats:
    """Return rows scaled to length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
