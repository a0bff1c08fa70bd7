"""The pass over the text: contexts through the model, its residuals through the SAEs, activations above 0 kept.

For each batch of contexts the model runs once, up to the last hook point that an SAE reads. Each SAE then encodes its
residuals in tiles of tokens, and only what is above 0 leaves the tile. So nothing of the size [layers, d_sae, tokens]
ever exists.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sae_lens import SAE
from torch import Tensor

from saedb.ingest import precision
from saedb.ingest.activations import ShardSummary
from saedb.ingest.compaction import compact
from saedb.ingest.contexts import CALIBRATION_CONTEXTS, Counted, countable, everything, median_norms
from saedb.ingest.finite import check_activations, check_norms
from saedb.ingest.model import LanguageModel
from saedb.ingest.quality import QualitySums, total
from saedb.ingest.reconstruction import quality_sums
from saedb.ingest.sparse import SparseRows, stacked
from saedb.ingest.tiles import TILE, Portions

SAMPLE_POSITIONS: Final = 16
"""Tokens of each of the first contexts that a calibration encodes."""

Norms = Mapping[str, NDArray[np.float32]]
"""Euclidean norms of what each hook point gives, [contexts, context_size]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSae:
    """An SAE with its weights."""

    id: str
    hook: str
    sae: SAE[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What the first contexts say about the rest."""

    medians: Mapping[str, float] | None
    """Median residual norm by hook; None where attention sinks count."""
    l0: Mapping[str, float]
    """Features above 0 per token, by SAE id."""
    flipped: float | None
    """Of the activations above 0 in float32 or in TF32, the share that is so in only one; None without TF32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """What a calibration keeps of some contexts."""

    norms: Norms
    tokens: int
    """Encoded tokens."""
    positive: Mapping[str, int]
    """Activations above 0 on them, by SAE id."""
    flips: NDArray[np.int64]
    """Sums of `saedb.ingest.precision.flips`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """What a shard keeps of some contexts."""

    counted: Counted
    rows: Mapping[str, SparseRows]
    """By SAE id, as `quality`."""
    quality: Mapping[str, QualitySums]


class Encoder:
    """A model with the SAEs that read it."""

    def __init__(
        self,
        model: LanguageModel,
        saes: Collection[LoadedSae],
        special: frozenset[int],
        batch: int,
        *,
        tile: int = TILE,
        tf32: bool = False,
    ) -> None:
        """Keep what every pass needs.

        Args:
            model: the language model; its residuals are those that the SAEs read.
            saes: the SAEs, by depth.
            special: ids of tokens that never count.
            batch: contexts that go through the model at once.
            tile: tokens that an SAE encodes at once, as of `saedb.ingest.tiles.tile_for`.
            tf32: whether the SAEs encode in TF32, which only CUDA has.
        """
        self._model = model
        self._saes = saes
        self._special = special
        self._portions = Portions(batch, tile)
        self._tf32 = tf32

    @property
    def notes(self) -> tuple[str, ...]:
        """Where memory ran out so far, and what was done; one line each."""
        return tuple(self._portions.notes)

    @torch.inference_mode()
    def calibrate(self, tokens: NDArray[np.int32], *, count_all: bool) -> Calibration:
        """Return what the first contexts of `tokens`, [n, context_size], say about the rest.

        Raises:
            InputError: the model gives something that is not finite, or the text has only special tokens.
        """
        first = tokens[:CALIBRATION_CONTEXTS]
        parts = [part for _, part in self._portions.batches(first, self._sample)]
        encoded = sum(part.tokens for part in parts)
        flips = np.sum([part.flips for part in parts], axis=0)
        norms = {hook: np.concatenate([part.norms[hook] for part in parts]) for hook in parts[0].norms}
        return Calibration(
            medians=None if count_all else median_norms(first, self._special, norms),
            l0={s.id: sum(part.positive[s.id] for part in parts) / encoded for s in self._saes},
            flipped=float(flips[0] / max(flips[1], 1)) if self._tf32 else None,
        )

    @torch.inference_mode()
    def shard(
        self,
        tokens: NDArray[np.int32],
        medians: Mapping[str, float] | None,
        progress: Callable[[int], None],
        *,
        first: int = 0,
    ) -> tuple[dict[str, SparseRows], ShardSummary]:
        """Return the activations of every SAE on some contexts, and which of the tokens count.

        Args:
            tokens: ids, [contexts, context_size].
            medians: of `Calibration`; None counts every token.
            progress: called with the contexts done.
            first: number of the first context within the text.

        Raises:
            InputError: the model or an SAE gives something that is not finite; the line says where.
        """
        batches: list[_Batch] = []
        for done, batch in self._portions.batches(
            tokens, lambda part, context: self._encoded(part, context, medians), first=first
        ):
            batches.append(batch)
            progress(done)
        summary = ShardSummary(
            counted=np.concatenate([b.counted.mask for b in batches]),
            left_out=_added(b.counted.left_out for b in batches),
            quality=total(b.quality for b in batches),
        )
        return {s.id: stacked([b.rows[s.id] for b in batches]) for s in self._saes}, summary

    def _sample(self, tokens: NDArray[np.int32], context: int) -> _Sample:
        residuals, norms = self._read(tokens, context)
        positions = np.unique(np.linspace(1, tokens.shape[1] - 1, SAMPLE_POSITIONS).astype(np.int64))
        positive: dict[str, int] = {}
        flips = np.zeros(2, np.int64)
        for s in self._saes:
            inputs = residuals[s.hook][:, positions].flatten(0, 1)
            exact = _activations(s.sae, inputs, tf32=False)
            positive[s.id] = int((exact > 0).sum())
            if self._tf32:
                flips += precision.flips(exact, _activations(s.sae, inputs, tf32=True))
        return _Sample(norms=norms, tokens=len(tokens) * len(positions), positive=positive, flips=flips)

    def _encoded(self, tokens: NDArray[np.int32], context: int, medians: Mapping[str, float] | None) -> _Batch:
        residuals, norms = self._read(tokens, context)
        counted = everything(tokens) if medians is None else countable(tokens, self._special, norms, medians)
        rows: dict[str, SparseRows] = {}
        quality: dict[str, QualitySums] = {}
        for s in self._saes:
            inputs = residuals[s.hook].flatten(0, 1)
            parts = list(encode(s.sae, inputs, counted.mask.ravel(), tile=self._portions.tile, tf32=self._tf32))
            rows[s.id] = stacked([sparse for sparse, _ in parts])
            quality |= total({s.id: sums} for _, sums in parts)
            check_activations(s.id, rows[s.id], context=context, context_size=tokens.shape[1])
        return _Batch(counted=counted, rows=rows, quality=quality)

    def _read(self, tokens: NDArray[np.int32], context: int) -> tuple[dict[str, Tensor], Norms]:
        """Return what the hook points give, and its norms, all of them finite."""
        residuals = self._model.residuals(torch.from_numpy(tokens).to(self._model.device, torch.int64))
        norms = {hook: values.norm(dim=-1).cpu().numpy() for hook, values in residuals.items()}
        check_norms(norms, context=context)
        return residuals, norms


@torch.inference_mode()
def encode(
    sae: SAE[Any], inputs: Tensor, counted: NDArray[np.bool_], *, tile: int = TILE, tf32: bool = False
) -> Iterator[tuple[SparseRows, QualitySums]]:
    """Yield an SAE's activations, tile by tile, and its quality on the counted tokens of the tile.

    Values that are not finite are yielded too.

    Args:
        sae: in evaluation mode; its own ``encode`` and ``decode`` are used.
        inputs: what it reads, [tokens, d_in], float32.
        counted: which tokens count for the quality, [tokens].
        tile: tokens that are encoded at once.
        tf32: whether to encode in TF32.
    """
    for start in range(0, len(inputs), tile):
        yield _encoded_tile(sae, inputs[start : start + tile], counted[start : start + tile], tf32=tf32)


def decoder_rows(sae: SAE[Any]) -> NDArray[np.float32]:
    """Return an SAE's decoder, [d_sae, d_in]."""
    return sae.W_dec.detach().float().cpu().numpy()


def _activations(sae: SAE[Any], inputs: Tensor, *, tf32: bool) -> Tensor:
    with precision.matrix_products(tf32=tf32):
        return sae.encode(inputs)


def _encoded_tile(
    sae: SAE[Any], inputs: Tensor, counted: NDArray[np.bool_], *, tf32: bool
) -> tuple[SparseRows, QualitySums]:
    rows, sparse = compact(_activations(sae, inputs, tf32=tf32))
    # the decoder's own code, on sparse activations: a tenth of the time of a dense product
    positive = int(np.diff(rows.indptr)[counted].sum())
    return rows, quality_sums(inputs, sae.decode(sparse), counted, positive=positive)


def _added(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    added: dict[str, int] = {}
    for part in counts:
        for reason, count in part.items():
            added[reason] = added.get(reason, 0) + count
    return added
