"""The sparse activation store: every SAE's activations above 0 on every token, in shards of contexts, on disk.

One shard holds some hundred contexts. Its files are, for each SAE, a CSR matrix [tokens of the shard, d_sae] as three
arrays: ``indptr`` (int64), ``indices`` (uint16 up to 65,536 features, else uint32) and ``values`` (float32); and one
file with which of its tokens count and the SAEs' quality on them. That one is written last: a shard without it is
written again, so a run that was stopped goes on at the next shard.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.errors import RunError
from saedb.ingest.quality import QualitySums
from saedb.ingest.rundir import replacing
from saedb.ingest.sparse import SparseRows, index_type


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSummary:
    """What is known of a shard besides its activations."""

    counted: NDArray[np.bool_]
    """Which tokens count, [contexts, context_size]."""
    left_out: Mapping[str, int]
    """Tokens that do not, by the first reason that applied."""
    quality: Mapping[str, QualitySums]
    """By SAE id."""


_ALL: Final = slice(None)


class ActivationStore:
    """The activations of a run on disk, for the contexts `tokens`."""

    def __init__(self, folder: Path, tokens: NDArray[np.int32], widths: Mapping[str, int], shard_contexts: int) -> None:
        """Describe the store; nothing is written or read yet.

        Args:
            folder: where it is.
            tokens: ids of all contexts, [n, context_size].
            widths: d_sae of each SAE, by id.
            shard_contexts: contexts per shard.
        """
        self.folder = folder
        self.widths = dict(widths)
        self.context_size = int(tokens.shape[1])
        self._tokens = tokens
        self._shard_contexts = shard_contexts

    @property
    def shards(self) -> range:
        """Numbers of the shards, whether written or not."""
        return range(-(-len(self._tokens) // self._shard_contexts))

    def contexts(self, shard: int) -> slice:
        """Return the contexts of a shard."""
        start = shard * self._shard_contexts
        return slice(start, min(start + self._shard_contexts, len(self._tokens)))

    def has(self, shard: int) -> bool:
        """Return whether a shard is written.

        Raises:
            RunError: it was written for another text.
        """
        file = self._summary_file(shard)
        if not file.exists():
            return False
        with np.load(file, allow_pickle=False) as content:
            if str(content["tokens"]) != self._token_hash(shard):
                raise RunError(f"{self.folder} holds another text or tokenizer; choose another name with --run")
        return True

    def write(self, shard: int, rows: Mapping[str, SparseRows], summary: ShardSummary) -> None:
        """Write a whole shard."""
        for sae, sparse in rows.items():
            folder = self.folder / sae
            folder.mkdir(parents=True, exist_ok=True)
            _save(self._array_file(sae, shard, "indptr"), sparse.indptr)
            _save(self._array_file(sae, shard, "indices"), sparse.indices.astype(index_type(self.widths[sae])))
            _save(self._array_file(sae, shard, "values"), sparse.values)
        content: dict[str, Any] = {
            "tokens": self._token_hash(shard),
            "counted": summary.counted,
            "reasons": list(summary.left_out),
            "left_out": list(summary.left_out.values()),
            **{f"quality-{sae}": sums.to_array() for sae, sums in summary.quality.items()},
        }
        with replacing(self._summary_file(shard)) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **content)

    def summary(self, shard: int) -> ShardSummary:
        """Return which tokens of a written shard count, and the SAEs' quality on them."""
        with np.load(self._summary_file(shard), allow_pickle=False) as content:
            return ShardSummary(
                counted=content["counted"],
                left_out=dict(zip(content["reasons"].tolist(), content["left_out"].tolist(), strict=True)),
                quality={sae: QualitySums.from_array(content[f"quality-{sae}"]) for sae in self.widths},
            )

    def counted(self, shard: int) -> NDArray[np.int64]:
        """Return the numbers of the counted tokens of a shard within the whole text, ascending."""
        start = self.contexts(shard).start * self.context_size
        return np.flatnonzero(self.summary(shard).counted) + start

    def rows(self, sae: str, shard: int) -> SparseRows:
        """Return an SAE's activations on all tokens of a shard, [tokens, d_sae], memory-mapped."""
        indptr, indices, values = (self._load(sae, shard, name) for name in ("indptr", "indices", "values"))
        return SparseRows(indptr=indptr, indices=indices, values=values, width=self.widths[sae])

    def counted_rows(self, sae: str, shard: int, features: slice = _ALL) -> SparseRows:
        """Return activations of a block of features on the counted tokens of a shard, [counted tokens, features]."""
        return self.rows(sae, shard).rows(self.summary(shard).counted.ravel()).columns(features)

    def bytes_per_token(self, l0: Mapping[str, float]) -> float:
        """Return the bytes that a token takes, given each SAE's mean number of activations above 0."""
        return sum(8 + l0[sae] * (4 + index_type(width)().itemsize) for sae, width in self.widths.items())

    def blocks(self, sae: str, size: int) -> list[slice]:
        """Return an SAE's features in blocks of `size`, at least one feature each."""
        width, step = self.widths[sae], max(size, 1)
        return [slice(start, min(start + step, width)) for start in range(0, width, step)]

    def remove(self) -> None:
        """Delete the store."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _load(self, sae: str, shard: int, name: str) -> NDArray[Any]:
        file = self._array_file(sae, shard, name)
        try:
            return np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise RunError(
                f"{file} is missing or damaged; delete {self.folder} and run the same command again"
            ) from error

    def _array_file(self, sae: str, shard: int, name: str) -> Path:
        return self.folder / sae / f"{shard:06d}.{name}.npy"

    def _summary_file(self, shard: int) -> Path:
        return self.folder / f"{shard:06d}.npz"

    def _token_hash(self, shard: int) -> str:
        return hashlib.sha256(self._tokens[self.contexts(shard)].tobytes()).hexdigest()


def _save(file: Path, array: NDArray[Any]) -> None:
    with replacing(file) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
