"""The pass over the text: contexts through the model, its residuals through the SAEs, activations above 0 kept.

For each batch of contexts the model runs once, up to the last hook point that an SAE reads. Each SAE then encodes its
residuals in tiles of some hundred tokens, small enough to stay in a processor's cache, and only what is above 0 leaves
the tile. So nothing of the size [layers, d_sae, tokens] ever exists.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sae_lens import SAE
from torch import Tensor

from saedb.ingest.activations import ShardSummary
from saedb.ingest.contexts import CALIBRATION_CONTEXTS, Counted, countable, median_norms
from saedb.ingest.model import LanguageModel
from saedb.ingest.quality import QualitySums
from saedb.ingest.sparse import SparseRows, index_type, stacked, starts

TILE: Final = 256
"""Tokens that an SAE encodes at once. Other tiles give other rounding, so it is the same for a whole run."""


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


class Encoder:
    """A model with the SAEs that read it."""

    def __init__(self, model: LanguageModel, saes: Collection[LoadedSae], special: frozenset[int], batch: int) -> None:
        """Keep what every pass needs.

        Args:
            model: the language model; its residuals are those that the SAEs read.
            saes: the SAEs, by depth.
            special: ids of tokens that never count.
            batch: contexts that go through the model at once.
        """
        self._model = model
        self._saes = saes
        self._special = special
        self._batch = batch

    @torch.inference_mode()
    def calibrate(self, tokens: NDArray[np.int32], *, count_all: bool) -> Calibration:
        """Return what the first contexts of `tokens`, [n, context_size], say about the rest."""
        first = tokens[:CALIBRATION_CONTEXTS]
        norms: dict[str, list[NDArray[np.float32]]] = {}
        l0: dict[str, float] = {}
        for _, residuals in self._batches(first):
            for hook, values in _norms(residuals).items():
                norms.setdefault(hook, []).append(values)
            l0 = l0 or {s.id: _mean_l0(s.sae, residuals[s.hook]) for s in self._saes}
        if count_all:
            return Calibration(medians=None, l0=l0)
        whole = {hook: np.concatenate(parts) for hook, parts in norms.items()}
        return Calibration(medians=median_norms(first, self._special, whole), l0=l0)

    @torch.inference_mode()
    def shard(
        self, tokens: NDArray[np.int32], medians: Mapping[str, float] | None, progress: Callable[[int], None]
    ) -> tuple[dict[str, SparseRows], ShardSummary]:
        """Return the activations of every SAE on some contexts, and which of the tokens count.

        Args:
            tokens: ids, [contexts, context_size].
            medians: of `Calibration`; None counts every token.
            progress: called with the contexts done.
        """
        rows: dict[str, list[SparseRows]] = {s.id: [] for s in self._saes}
        quality: dict[str, QualitySums] = {}
        masks: list[Counted] = []
        done = 0
        for batch, residuals in self._batches(tokens):
            masks.append(self._counted(batch, residuals, medians))
            for s in self._saes:
                for sparse, sums in encode(s.sae, residuals[s.hook].flatten(0, 1), masks[-1].mask.ravel()):
                    rows[s.id].append(sparse)
                    quality[s.id] = quality[s.id] + sums if s.id in quality else sums
            done += len(batch)
            progress(done)
        summary = ShardSummary(
            counted=np.concatenate([m.mask for m in masks]), left_out=_added(m.left_out for m in masks), quality=quality
        )
        return {sae: stacked(parts) for sae, parts in rows.items()}, summary

    def _batches(self, tokens: NDArray[np.int32]) -> Iterator[tuple[NDArray[np.int32], dict[str, Tensor]]]:
        for start in range(0, len(tokens), self._batch):
            batch = tokens[start : start + self._batch]
            yield batch, self._model.residuals(torch.from_numpy(batch).to(self._model.device, torch.int64))

    def _counted(
        self, tokens: NDArray[np.int32], residuals: Mapping[str, Tensor], medians: Mapping[str, float] | None
    ) -> Counted:
        if medians is None:
            return Counted(mask=np.ones(tokens.shape, dtype=np.bool_), left_out={})
        return countable(tokens, self._special, _norms(residuals), medians)


@torch.inference_mode()
def encode(sae: SAE[Any], inputs: Tensor, counted: NDArray[np.bool_]) -> Iterator[tuple[SparseRows, QualitySums]]:
    """Yield an SAE's activations, tile by tile, and its quality on the counted tokens of the tile.

    Args:
        sae: in evaluation mode; its own ``encode`` and ``decode`` are used.
        inputs: what it reads, [tokens, d_in], float32.
        counted: which tokens count for the quality, [tokens].
    """
    for start in range(0, len(inputs), TILE):
        tile = inputs[start : start + TILE]
        mask = counted[start : start + TILE]
        activations = sae.encode(tile)
        where = positive(activations)
        values = activations[where[0], where[1]]
        # the decoder's own code, on sparse activations: a tenth of the time of a dense product
        sparse = torch.sparse_coo_tensor(where, values, activations.shape, is_coalesced=True, check_invariants=False)
        sums = _quality(tile, sae.decode(sparse), torch.from_numpy(mask).to(tile.device), where[0])
        token, feature = where.cpu().numpy()
        width = activations.shape[1]
        rows = SparseRows(
            indptr=starts(np.bincount(token, minlength=len(tile))),
            indices=feature.astype(index_type(width)),
            values=values.cpu().numpy(),
            width=width,
        )
        yield rows, sums


def positive(activations: Tensor) -> Tensor:
    """Return token and feature of each activation above 0, [2, n], by token and then by feature.

    On a CPU NumPy reads the tile once, in a third of the time of ``torch.nonzero``.
    """
    if activations.device.type == "cpu":
        flat = torch.from_numpy(np.flatnonzero(activations.numpy() > 0))
    else:
        flat = torch.nonzero((activations > 0).flatten()).squeeze(1)
    width = activations.shape[1]
    return torch.stack((flat // width, flat % width))


def decoder_rows(sae: SAE[Any]) -> NDArray[np.float32]:
    """Return an SAE's decoder, [d_sae, d_in]."""
    return sae.W_dec.detach().float().cpu().numpy()


def _quality(inputs: Tensor, reconstruction: Tensor, counted: Tensor, token: Tensor) -> QualitySums:
    x = inputs[counted].double()
    difference = x - reconstruction[counted].double()
    return QualitySums(
        tokens=int(counted.sum()),
        positive=int(counted[token].sum()),
        error=float(difference.square().sum()),
        squares=float(x.square().sum()),
        total=x.sum(0).cpu().numpy(),
    )


def _norms(residuals: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    return {hook: values.norm(dim=-1).cpu().numpy() for hook, values in residuals.items()}


def _mean_l0(sae: SAE[Any], residuals: Tensor) -> float:
    activations = sae.encode(residuals.flatten(0, 1)[: 2 * TILE])
    return float((activations > 0).sum()) / len(activations)


def _added(counts: Iterator[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in counts:
        for reason, count in part.items():
            total[reason] = total.get(reason, 0) + count
    return total
