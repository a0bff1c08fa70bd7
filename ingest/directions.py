"""The decoder directions of a run's SAEs, kept on disk: later stages compare them without the SAEs, and without torch.

One file for each SAE, with its own checksum: unit rows [d_sae, d_in] in float16, which moves the cosine of two of them
by less than 1e-3. A row of zeros stays one.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.checksums import read_sealed, write_sealed
from saedb.ingest.errors import RunError
from saedb.ingest.rundir import RunDirectory, make_folder

FOLDER: Final = "directions"
ITEM_BYTES: Final = 2
"""On the disk, of one component of a direction."""
_ROWS: Final = "rows"

Directions = NDArray[np.float32]
"""Unit decoder rows of an SAE, [d_sae, d_in]."""


def write_directions(run: RunDirectory, sae: str, decoder: NDArray[np.float32]) -> None:
    """Keep the decoder of an SAE, [d_sae, d_in], where it is not there yet."""
    folder = run.path / FOLDER
    file = folder / f"{sae}.npz"
    if file.exists():
        return
    make_folder(folder)
    norms = np.linalg.norm(decoder, axis=1, keepdims=True)
    write_sealed(file, {_ROWS: (decoder / np.where(norms > 0, norms, 1)).astype(np.float16)}, "directions")


def read_directions(run: RunDirectory, sae: str) -> Directions | None:
    """Return the directions of an SAE, or None where the run has none: an import, or one that was packed.

    Raises:
        RunError: the file is damaged.
    """
    file = run.path / FOLDER / f"{sae}.npz"
    if not file.exists():
        return None
    arrays = read_sealed(file)
    if arrays is None:
        raise RunError(f"{file} is damaged; delete it, and go on without the coherence of its features")
    return arrays[_ROWS].astype(np.float32)
