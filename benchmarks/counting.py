"""The edge job of one pair of layers against the paper's way, a product of dense activation matrices.

Layers are made up: log-normal densities as of GPT-2's SAEs, most features passed through, the others independent.
"""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from saedb.ingest.activations import ActivationStore, ShardSummary
from saedb.ingest.config import IngestConfig
from saedb.ingest.edges import EdgeRule, Side, edges
from saedb.ingest.quality import QualitySums
from saedb.ingest.sparse import SparseRows, index_type, starts
from saedb.ingest.statistics import feature_statistics

D_SAE: Final = 24_576
ACTIVE: Final = 60
TOKENS: Final = 32_768
DENSE_TOKENS: Final = 256
PASSED_THROUGH: Final = 0.7
CONTEXT_SIZE: Final = 128
DOCUMENT_TOKENS: Final = 1024
D_IN: Final = 64


class Layers:
    """Two made-up layers in an activation store, which is removed at the end of the ``with`` block."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        random = np.random.default_rng(0)
        up = _rows(random)
        self._rows = {"0-up": up, "1-down": _next(up, random)}
        tokens = np.arange(TOKENS, dtype=np.int32).reshape(-1, CONTEXT_SIZE)
        self._store = ActivationStore(
            Path(self._folder.name), tokens, dict.fromkeys(self._rows, D_SAE), shard_contexts=len(tokens)
        )
        quality = QualitySums(tokens=0, positive=0, error=0.0, squares=0.0, total=np.zeros(1))
        summary = ShardSummary(
            counted=np.ones(tokens.shape, np.bool_), left_out={}, quality=dict.fromkeys(self._rows, quality)
        )
        self._store.write(0, self._rows, summary)
        self._sides = [self._side(sae, random) for sae in self._rows]
        self._dense = [_dense(rows) for rows in self._rows.values()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def edge_job(self) -> int:
        """Return the number of edges, computed with every measure as `saedb ingest` does."""
        rule = EdgeRule.of(IngestConfig(inputs=("made up",)))
        documents = np.arange(TOKENS, dtype=np.int32) // DOCUMENT_TOKENS
        found = edges(self._store, *self._sides, rule, documents=documents, progress=lambda: None)
        return sum(part.num_rows for part in found)

    def dense_product(self) -> torch.Tensor:
        """Return what one of the paper's measures needs of some tokens, [D_SAE, D_SAE]."""
        up, down = self._dense
        return up.T @ down

    def _side(self, sae: str, random: np.random.Generator) -> Side:
        return Side(
            sae=sae,
            statistics=feature_statistics(self._store, sae, 0.2, np.arange(TOKENS, dtype=np.int32) // DOCUMENT_TOKENS),
            ids=np.array([f"made-up/{sae}/{index}" for index in range(D_SAE)], dtype=object),
            decoder=random.standard_normal((D_SAE, D_IN), dtype=np.float32),
        )


def _rows(random: np.random.Generator) -> SparseRows:
    """Return activations whose features fire with log-normal densities, ACTIVE a token."""
    weights = random.lognormal(0.0, 1.5, D_SAE)
    drawn = random.choice(D_SAE, size=(TOKENS, ACTIVE), p=weights / weights.sum())
    return _sparse(np.repeat(np.arange(TOKENS), ACTIVE), drawn.ravel(), random)


def _next(up: SparseRows, random: np.random.Generator) -> SparseRows:
    """Return the next layer: most features of the one before fire again, the others somewhere else."""
    passed = random.permutation(D_SAE) < PASSED_THROUGH * D_SAE
    kept = passed[up.indices]
    row = np.concatenate([up.row_of[kept], random.integers(0, TOKENS, int((~kept).sum()))])
    return _sparse(row, np.concatenate([up.indices[kept], up.indices[~kept]]).astype(np.int64), random)


def _sparse(row: NDArray[np.int64], column: NDArray[np.int64], random: np.random.Generator) -> SparseRows:
    cells = np.unique(row * D_SAE + column)
    row, column = np.divmod(cells, D_SAE)
    return SparseRows(
        indptr=starts(np.bincount(row, minlength=TOKENS)),
        indices=column.astype(index_type(D_SAE)),
        values=random.exponential(1.0, len(cells)).astype(np.float32),
        width=D_SAE,
    )


def _dense(rows: SparseRows) -> torch.Tensor:
    dense = np.zeros((DENSE_TOKENS, D_SAE), np.float32)
    entries = rows.row_of < DENSE_TOKENS
    dense[rows.row_of[entries], rows.indices[entries]] = rows.values[entries]
    return torch.from_numpy(dense)
