"""The sparse activation store: every SAE's activations above 0 on every token, in shards of contexts, on disk.

One shard holds some hundred contexts. Its files are, for each SAE, a CSR matrix [tokens of the shard, d_sae] as three
arrays: ``indptr`` (int64), ``indices`` (uint16 up to 65,536 features, else uint32) and ``values`` (float32); and a
summary: which of its tokens count, the SAEs' quality on them, and the checksum of every array. The summary is written
last: a shard without it is written again, so a run that was stopped goes on at the next shard.

A process checks each file before it reads it for the first time: what was truncated or altered is an error, never other
activations.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.checksums import Checksum, read_sealed, write_array, write_sealed
from saedb.ingest.errors import RunError
from saedb.ingest.quality import QualitySums
from saedb.ingest.rundir import TOKENS_FILE, RunDirectory, make_folder
from saedb.ingest.sparse import SparseRows, index_type
from saedb.ingest.tables import TOKENS

ACTIVATIONS_FOLDER: Final = "activations"

_ARRAYS: Final = ("indptr", "indices", "values")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardSummary:
    """What is known of a shard besides its activations."""

    counted: NDArray[np.bool_]
    """Which tokens count, [contexts, context_size]."""
    left_out: Mapping[str, int]
    """Tokens that do not, by the first reason that applied."""
    quality: Mapping[str, QualitySums]
    """By SAE id; not of SAEs whose inputs are not known."""


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
        self._whole: set[tuple[str, int]] = set()

    @classmethod
    def of_run(cls, run: RunDirectory) -> Self:
        """Return the store of a run whose tokens are written.

        Raises:
            RunError: the run kept no activations, or never had any.
        """
        folder = run.path / ACTIVATIONS_FOLDER
        if run.record.tokens is None or not folder.is_dir():
            raise RunError(f"{run.path} has no activations; compute the run again under another --run, and keep them")
        tokens = run.read(TOKENS, TOKENS_FILE)["token"].to_numpy().reshape(-1, run.record.tokens.context_size)
        widths = {sae.id: sae.d_sae for sae in run.record.saes}
        return cls(folder, tokens, widths, run.record.config["shard_contexts"])

    @property
    def shards(self) -> range:
        """Numbers of the shards, whether written or not."""
        return range(-(-len(self._tokens) // self._shard_contexts))

    def contexts(self, shard: int) -> slice:
        """Return the contexts of a shard."""
        start = shard * self._shard_contexts
        return slice(start, min(start + self._shard_contexts, len(self._tokens)))

    def has(self, shard: int) -> bool:
        """Return whether a shard is written; its arrays are not read.

        Raises:
            RunError: it was written for another text, or its summary is damaged.
        """
        if not self._summary_file(shard).exists():
            return False
        if str(self._content(shard)["tokens"]) != self._token_hash(shard):
            raise RunError(f"{self.folder} holds another text or tokenizer; choose another name with --run")
        return True

    def verify(self, progress: Callable[[], None]) -> None:
        """Read every file of the shards that are written, those aside that this process has checked already.

        Args:
            progress: called after each shard of `shards`.

        Raises:
            RunError: a file is missing, truncated or altered.
        """
        for shard in self.shards:
            if self.has(shard):
                for sae in self.widths:
                    self._check(sae, shard)
            progress()

    def write(self, shard: int, rows: Mapping[str, SparseRows], summary: ShardSummary) -> None:
        """Write a whole shard."""
        checksums: list[tuple[int, int]] = []
        for sae, sparse in rows.items():
            make_folder(self.folder / sae)
            arrays = (sparse.indptr, sparse.indices.astype(index_type(self.widths[sae])), sparse.values)
            for name, array in zip(_ARRAYS, arrays, strict=True):
                written = write_array(self._array_file(sae, shard, name), array, "shard array")
                checksums.append((written.bytes, written.crc32))
        content: dict[str, Any] = {
            "tokens": self._token_hash(shard),
            "counted": summary.counted,
            "reasons": list(summary.left_out),
            "left_out": list(summary.left_out.values()),
            "arrays": [f"{sae}/{name}" for sae in rows for name in _ARRAYS],
            "checksums": np.array(checksums, np.int64),
            **{f"quality-{sae}": sums.to_array() for sae, sums in summary.quality.items()},
        }
        write_sealed(self._summary_file(shard), content, "shard summary")
        self._whole.update((sae, shard) for sae in rows)

    def summary(self, shard: int) -> ShardSummary:
        """Return which tokens of a written shard count, and the SAEs' quality on them."""
        content = self._content(shard)
        measured = [sae for sae in self.widths if f"quality-{sae}" in content]
        return ShardSummary(
            counted=content["counted"],
            left_out=dict(zip(content["reasons"].tolist(), content["left_out"].tolist(), strict=True)),
            quality={sae: QualitySums.from_array(content[f"quality-{sae}"]) for sae in measured},
        )

    def rows(self, sae: str, shard: int) -> SparseRows:
        """Return an SAE's activations on all tokens of a shard, [tokens, d_sae], memory-mapped.

        Raises:
            RunError: a file is missing, truncated or altered.
        """
        self._check(sae, shard)
        indptr, indices, values = (self._load(sae, shard, name) for name in _ARRAYS)
        return SparseRows(indptr=indptr, indices=indices, values=values, width=self.widths[sae])

    def bytes_per_token(self, l0: Mapping[str, float]) -> float:
        """Return the bytes that a token takes, given each SAE's mean number of activations above 0."""
        return sum(8 + l0[sae] * (4 + index_type(width)().itemsize) for sae, width in self.widths.items())

    def remove(self) -> None:
        """Delete the store."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _check(self, sae: str, shard: int) -> None:
        if (sae, shard) in self._whole:
            return
        content = self._content(shard)
        recorded = dict(zip(content["arrays"].tolist(), content["checksums"].tolist(), strict=True))
        for name in _ARRAYS:
            size, crc32 = recorded[f"{sae}/{name}"]
            file = self._array_file(sae, shard, name)
            if not Checksum(bytes=size, crc32=crc32).matches(file):
                raise self._damaged(file, shard)
        self._whole.add((sae, shard))

    def _load(self, sae: str, shard: int, name: str) -> NDArray[Any]:
        file = self._array_file(sae, shard, name)
        try:
            return np.load(file, mmap_mode="r", allow_pickle=False)
        except (FileNotFoundError, ValueError) as error:  # gone or truncated since it was checked
            raise self._damaged(file, shard) from error

    def _content(self, shard: int) -> dict[str, NDArray[Any]]:
        file = self._summary_file(shard)
        content = read_sealed(file)
        if content is None:
            raise self._damaged(file, shard)
        return content

    def _damaged(self, file: Path, shard: int) -> RunError:
        return RunError(
            f"{file} is missing or damaged; delete {self._summary_file(shard)} and run the same command again:"
            " only this shard is encoded again"
        )

    def _array_file(self, sae: str, shard: int, name: str) -> Path:
        return self.folder / sae / f"{shard:06d}.{name}.npy"

    def _summary_file(self, shard: int) -> Path:
        return self.folder / f"{shard:06d}.summary"

    def _token_hash(self, shard: int) -> str:
        return hashlib.sha256(self._tokens[self.contexts(shard)].tobytes()).hexdigest()
