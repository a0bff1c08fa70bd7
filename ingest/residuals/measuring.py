"""The pass over contexts: projections of SAE errors, and residual streams encoded by the SAE of the next layer.

For a pair of SAEs u -> d, on each counted token:

1. e = x_d - SAE_d(x_d), in the model's own units: an SAE that normalises what it reads undoes that in ``decode``.
2. Of each feature of u that is active: x = a * |row| * scale, the length of what it adds to the reconstruction, where
   the scale is 1 but for SAEs that normalise, and |row| is left out for SAEs whose activations have it already;
   y = <e, row / |row|>; r the same along a random direction. With unit rows x is the activation, as in
   arXiv 2410.08869.
3. Of each feature of d: a, its activation; b, what SAE d makes of x_u in place of x_d.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from sae_lens import SAE
from torch import Tensor

from saedb.ingest import precision
from saedb.ingest.compaction import compact
from saedb.ingest.encode import LoadedSae
from saedb.ingest.model import LanguageModel
from saedb.ingest.residuals.heatmaps import HeatMaps, Points, Ranges
from saedb.ingest.residuals.sums import CopiedSums, Floats, Integers, RecoverySums, by_feature
from saedb.ingest.sparse import SparseRows
from saedb.ingest.tiles import Portions

_GATHERED: Final = 1 << 22
"""Float64 values that projections gather at once: 32 MB, of errors and of directions each."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPlan:
    """What is asked of a pair of SAEs; by upstream feature, [d_sae]."""

    above: Floats
    """A feature counts as active above this; infinite: never."""
    random: NDArray[np.float32]
    """Unit vectors, [d_sae, d_in]."""
    is_low: NDArray[np.bool_]
    is_passed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Projections:
    """What the error has of upstream features, one by one: [projections]."""

    feature: Integers
    x: Floats
    y: Floats
    r: Floats

    def points(self, plan: PairPlan) -> Points:
        """Return what the heat maps count."""
        low, passed = plan.is_low[self.feature], plan.is_passed[self.feature]
        return {
            "low_necessity": (self.x[low], self.y[low]),
            "passed_through": (self.x[passed], self.y[passed]),
            "random": (self.x[low], self.r[low]),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSums:
    """What is known of a pair of SAEs so far."""

    recovery: RecoverySums
    copied: CopiedSums
    maps: HeatMaps

    def __add__(self, other: "PairSums") -> "PairSums":
        return PairSums(
            recovery=self.recovery + other.recovery, copied=self.copied + other.copied, maps=self.maps + other.maps
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What an SAE makes of some tokens."""

    rows: SparseRows
    where: Tensor
    """Token and feature of each activation above 0, [2, entries]."""
    values: Tensor
    error: Tensor
    """Float32 [tokens, d_in]."""
    scale: Tensor
    """What its decoder's rows are multiplied by, [tokens]."""


class Measuring:
    """A model with SAEs, asked for what pairs of these have of each other's features."""

    def __init__(
        self,
        model: LanguageModel,
        saes: Sequence[LoadedSae],
        plans: Mapping[Pair, PairPlan],
        portions: Portions,
        *,
        tf32: bool = False,
    ) -> None:
        """Take the parts; every pair of `plans` is of two of the SAEs, which read residual streams of one size."""
        self._model = model
        self._saes = {sae.id: sae for sae in saes if any(sae.id in pair for pair in plans)}
        self._plans = plans
        self._portions = portions
        self._tf32 = tf32
        device = model.device
        self._above = {pair: torch.from_numpy(plan.above).to(device) for pair, plan in plans.items()}
        self._random = {pair: torch.from_numpy(plan.random).to(device) for pair, plan in plans.items()}
        self._norms = {id_: _norms(sae.sae) for id_, sae in self._saes.items()}
        self._lengths = {id_: added_lengths(sae.sae) for id_, sae in self._saes.items()}

    @torch.inference_mode()
    def points(self, tokens: NDArray[np.int32], counted: NDArray[np.bool_]) -> dict[Pair, list[Points]]:
        """Return the projections on some contexts, [contexts, context_size], of which heat maps take their ranges."""
        found: dict[Pair, list[Points]] = {pair: [] for pair in self._plans}
        for tile, is_counted in self._tiles(tokens, counted):
            read = {id_: self._read(id_, tile[sae.hook]) for id_, sae in self._saes.items()}
            for pair, plan in self._plans.items():
                found[pair].append(self._projections(pair, read, is_counted).points(plan))
        return found

    @torch.inference_mode()
    def sums(
        self, tokens: NDArray[np.int32], counted: NDArray[np.bool_], ranges: Mapping[Pair, Ranges]
    ) -> dict[Pair, PairSums]:
        """Return the sums over some contexts.

        Args:
            tokens: ids as packed, [contexts, context_size].
            counted: which of them count, likewise.
            ranges: of the heat maps.
        """
        found: dict[Pair, PairSums] = {}
        for tile, is_counted in self._tiles(tokens, counted):
            read = {id_: self._read(id_, tile[sae.hook]) for id_, sae in self._saes.items()}
            for pair, plan in self._plans.items():
                projections = self._projections(pair, read, is_counted)
                part = PairSums(
                    recovery=RecoverySums.of(
                        projections.feature, projections.x, projections.y, projections.r, len(plan.above)
                    ),
                    copied=self._copied(pair[1], read[pair[1]], tile[self._saes[pair[0]].hook], is_counted),
                    maps=HeatMaps.of(projections.points(plan), ranges[pair]),
                )
                found[pair] = found[pair] + part if pair in found else part
        return found

    def _tiles(
        self, tokens: NDArray[np.int32], counted: NDArray[np.bool_]
    ) -> Iterator[tuple[dict[str, Tensor], NDArray[np.bool_]]]:
        """Yield what the hook points give, and which tokens count, so many tokens at a time."""
        residuals = self._model.residuals(torch.from_numpy(tokens))
        flat = {hook: values.flatten(0, 1) for hook, values in residuals.items()}
        for start in range(0, counted.size, self._portions.tile):
            part = slice(start, start + self._portions.tile)
            yield {hook: values[part] for hook, values in flat.items()}, counted.ravel()[part]

    def _encode(self, id_: str, inputs: Tensor) -> Tensor:
        with precision.matrix_products(tf32=self._tf32):
            return self._saes[id_].sae.encode(inputs)

    def _read(self, id_: str, inputs: Tensor) -> _Read:
        sae = self._saes[id_].sae
        rows, sparse = compact(self._encode(id_, inputs))
        error = inputs - sae.decode(sparse)  # at once: an SAE that normalises keeps how from one call to the next
        return _Read(rows=rows, where=sparse.indices(), values=sparse.values(), error=error, scale=scale(sae, inputs))

    def _projections(self, pair: Pair, read: Mapping[str, _Read], counted: NDArray[np.bool_]) -> Projections:
        up, error = read[pair[0]], read[pair[1]].error
        token, feature = up.where
        kept = torch.from_numpy(counted).to(token.device)[token] & (up.values.double() > self._above[pair][feature])
        token, feature = token[kept], feature[kept]
        norms = self._norms[pair[0]][feature]
        x = up.values[kept].double() * self._lengths[pair[0]][feature] * up.scale.double()[token]
        decoder = self._saes[pair[0]].sae.W_dec.detach()
        y = _dots(error, token, decoder, feature) / norms.where(norms > 0, 1.0)
        r = _dots(error, token, self._random[pair], feature)
        return Projections(feature=feature.cpu().numpy(), x=x.cpu().numpy(), y=y.cpu().numpy(), r=r.cpu().numpy())

    def _copied(self, id_: str, own: _Read, upstream: Tensor, counted: NDArray[np.bool_]) -> CopiedSums:
        """Return the sums of an SAE's activations, and of those that it has on the upstream residual stream."""
        copies = self._encode(id_, upstream)
        beside = copies[own.where[0], own.where[1]].cpu().numpy().astype(np.float64)
        copied, width = compact(copies)[0], own.rows.width
        kept, is_positive = counted[own.rows.row_of], counted[copied.row_of]
        features, of_copies = own.rows.indices[kept], copied.indices[is_positive]
        a = own.rows.values[kept].astype(np.float64)
        b = copied.values[is_positive].astype(np.float64)
        return CopiedSums(
            tokens=np.full(width, counted.sum(), np.int64),
            positive=np.bincount(of_copies, minlength=width).astype(np.int64),
            a=by_feature(features, a, width),
            b=by_feature(of_copies, b, width),
            aa=by_feature(features, a * a, width),
            bb=by_feature(of_copies, b * b, width),
            ab=by_feature(features, a * beside[kept], width),
        )


def _dots(left: Tensor, of_left: Tensor, right: Tensor, of_right: Tensor) -> Tensor:
    """Return the products of rows of two matrices, float64 [pairs], without all of these rows at once."""
    at_once = max(_GATHERED // left.shape[1], 1)
    parts = [
        (left[a].double() * right[b].double()).sum(1)
        for a, b in zip(of_left.split(at_once), of_right.split(at_once), strict=True)
    ]
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.float64, device=left.device)


def added_lengths(sae: SAE[Any]) -> Tensor:
    """Return the length of what each feature adds to the reconstruction at an activation of 1, before `scale`: [d_sae].

    It is that of its decoder row, but where ``encode`` multiplies activations by it and ``decode`` divides by it again.
    """
    norms = _norms(sae)
    return torch.ones_like(norms) if getattr(sae.cfg, "rescale_acts_by_decoder_norm", False) else norms


def _norms(sae: SAE[Any]) -> Tensor:
    return sae.W_dec.detach().double().norm(dim=1)


def scale(sae: SAE[Any], inputs: Tensor) -> Tensor:
    """Return what an SAE multiplies its decoder's output by on each token, [tokens]: 1 where it normalises nothing."""
    ends: list[Tensor] = []
    for value in (1.0, 0.0):
        sae.run_time_activation_norm_fn_in(inputs)  # keeps what is undone by the next call
        ends.append(sae.run_time_activation_norm_fn_out(torch.full_like(inputs[:, :1], value)))
    return (ends[0] - ends[1]).squeeze(1)
