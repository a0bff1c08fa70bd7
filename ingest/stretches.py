"""The activations of a text, stretch by stretch: what statistics and counts go through, more than once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.activations import ActivationStore
from saedb.ingest.rundir import DOCUMENTS_FILE, TOKENS_FILE, RunDirectory
from saedb.ingest.sparse import SparseRows
from saedb.ingest.tables import DOCUMENTS, TOKENS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some tokens in a row, all of one half of the documents."""

    rows: Mapping[str, SparseRows]
    """Activations [tokens, d_sae] by SAE id."""
    counted: NDArray[np.bool_]
    """Which tokens count, [tokens]."""
    documents: NDArray[np.int32]
    """Number of the document of each token, ascending from stretch to stretch, [tokens]."""
    positions: NDArray[np.int32]
    """Position of each token in its context, [tokens]."""
    half: int
    """0 or 1."""


class Stretches(Protocol):
    """A text that can be read again and again."""

    def read(self, *saes: str) -> Iterator[Stretch]:
        """Yield the text with the activations of these SAEs, the first half of the documents first."""
        ...


class HeldText:
    """A text in memory."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self._stretches = stretches

    def read(self, *saes: str) -> Iterator[Stretch]:
        """Yield the stretches, with every SAE that they have."""
        del saes
        yield from self._stretches


class StoredText:
    """The text of a run, in an activation store of which every shard is written."""

    def __init__(self, store: ActivationStore, documents: NDArray[np.int32], first_half: int) -> None:
        """Describe it; nothing is read yet.

        Args:
            store: the store.
            documents: number of the document of each token, ascending, [tokens].
            first_half: contexts of the first half of the documents, which stand first.
        """
        self.context_size = store.context_size
        self._store = store
        self._documents = documents
        self._boundary = first_half * store.context_size
        self._counted: dict[int, NDArray[np.bool_]] = {}

    @classmethod
    def of_run(cls, run: RunDirectory, store: ActivationStore) -> Self:
        """Return the text of a run whose tokens are written, with its activation store."""
        tokens = run.read(TOKENS, TOKENS_FILE).select(["context", "document"]).to_pandas()
        half = run.read(DOCUMENTS, DOCUMENTS_FILE)["half"].to_numpy()
        documents = contiguous(tokens["document"].to_numpy())
        return cls(store, documents, int((half[documents] == 0).sum()) // store.context_size)

    def read(self, *saes: str) -> Iterator[Stretch]:
        """Yield the shards, one that holds tokens of both halves in two parts."""
        size = self._store.context_size
        for shard in self._store.shards:
            contexts = self._store.contexts(shard)
            start, stop = contexts.start * size, contexts.stop * size
            counted = self._counted_of(shard)
            rows = {sae: self._store.rows(sae, shard) for sae in saes}
            for low, high in _cut(start, stop, self._boundary):
                part = slice(low - start, high - start)
                yield Stretch(
                    rows={sae: whole.stretch(part) for sae, whole in rows.items()},
                    counted=counted[part],
                    documents=self._documents[low:high],
                    positions=np.arange(low, high, dtype=np.int32) % size,
                    half=int(low >= self._boundary),
                )

    def _counted_of(self, shard: int) -> NDArray[np.bool_]:
        """Return which tokens of a shard count; its summary is read once, not for every pair of SAEs."""
        if shard not in self._counted:
            self._counted[shard] = self._store.summary(shard).counted.ravel()
        return self._counted[shard]


def contiguous(documents: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the document of each token [tokens]; one of none (BOS) counts to the one before it, or to the first."""
    return np.maximum(np.maximum.accumulate(documents), 0)


def _cut(start: int, stop: int, at: int) -> list[tuple[int, int]]:
    return [(start, at), (at, stop)] if start < at < stop else [(start, stop)]
