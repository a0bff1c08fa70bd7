"""The intervention: a feature is taken out of what an SAE reads, and the model goes on to where the next one reads.

One feature is taken out of each copy of a context, on every token at once; copies go through the model together, from
the block at which they begin to differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from saedb.ingest import hooks
from saedb.ingest.causal.settings import Direction
from saedb.ingest.compaction import compact
from saedb.ingest.encode import LoadedSae
from saedb.ingest.errors import InputError
from saedb.ingest.model import LanguageModel
from saedb.ingest.sparse import SparseRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """A context as the model itself has it; tensors are where the model is."""

    tokens: Tensor
    """Ids, [context_size]."""
    entry: Tensor
    """What enters the block of the upstream hook point, [context_size, d_model]."""
    residual: Tensor
    """What the upstream SAE reads, [context_size, d_in]."""
    upstream: SparseRows
    """Its activations, [context_size, d_sae]."""
    downstream: SparseRows

    @property
    def bytes(self) -> int:
        """Memory that it takes, about."""
        kept = {id(tensor): tensor.numel() * tensor.element_size() for tensor in (self.entry, self.residual)}
        return sum(kept.values()) + 12 * (len(self.upstream.values) + len(self.downstream.values))


class Intervention:
    """A model with two SAEs, of which the one reads before the other."""

    def __init__(
        self, model: LanguageModel, upstream: LoadedSae, downstream: LoadedSae, direction: Direction = "sae"
    ) -> None:
        """Take the parts.

        Raises:
            InputError: the upstream SAE does not read the residual stream or what is added to it.
        """
        check_hook(upstream.id, upstream.hook)
        self._model = model
        self._up = upstream
        self._down = downstream
        self._direction = direction
        self._entry = hooks.entry(upstream.hook)
        self._hooks = (self._entry, upstream.hook, downstream.hook)

    @torch.inference_mode()
    def clean(self, tokens: NDArray[np.int32]) -> list[Clean]:
        """Return what the model makes of contexts, [contexts, context_size], one by one."""
        ids = torch.from_numpy(tokens.astype(np.int64)).to(self._model.device)
        found = self._model.read(ids, list(dict.fromkeys(self._hooks)))
        return [self._kept(*parts) for parts in zip(ids, *(found[hook] for hook in self._hooks), strict=True)]

    def _kept(self, tokens: Tensor, entry: Tensor, residual: Tensor, read: Tensor) -> Clean:
        """Return one context of several, with tensors of its own, so that it does not keep all of them."""
        entering = entry.clone()
        return Clean(
            tokens=tokens,
            entry=entering,
            residual=entering if self._entry == self._up.hook else residual.clone(),
            upstream=compact(self._up.sae.encode(residual))[0],
            downstream=compact(self._down.sae.encode(read))[0],
        )

    @torch.inference_mode()
    def without(self, contexts: Sequence[Clean], feature: int) -> Tensor:
        """Return the downstream activations in copies of contexts without a feature, [copies, context_size, d_sae]."""
        tokens = torch.stack([context.tokens for context in contexts])
        given = {
            self._entry: torch.stack([context.entry for context in contexts]),
            self._up.hook: self._removed(contexts, feature),
        }
        read = self._model.continued(tokens, given, self._down.hook)
        return self._down.sae.encode(read.flatten(0, 1)).unflatten(0, read.shape[:2])

    def _removed(self, contexts: Sequence[Clean], feature: int) -> Tensor:
        """Return what the upstream SAE reads, [copies, context_size, d_in], without a feature.

        Where the feature is not active, it is what the SAE read, to the bit.
        """
        residual = torch.stack([context.residual for context in contexts])
        fires = np.stack([column(context.upstream, feature) > 0 for context in contexts])
        if fires.any():
            here = torch.from_numpy(fires).to(residual.device)
            residual[here] = self._changed(residual[here], feature)
        return residual

    def _changed(self, inputs: Tensor, feature: int) -> Tensor:
        """Return what the upstream SAE reads on tokens with a feature, [tokens, d_in], without it."""
        sae = self._up.sae
        if self._direction == "decoder":
            row = functional.normalize(sae.W_dec[feature].float(), dim=-1)
            return inputs - (inputs @ row)[:, None] * row
        activations = sae.encode(inputs)
        whole = sae.decode(activations)
        activations[:, feature] = 0.0
        return inputs + (sae.decode(activations) - whole)  # SAE(x without the feature) + the error, which stays


def check_hook(sae: str, hook: str) -> None:
    """Check that what an SAE reads at a hook point can be changed for all that comes after it.

    Raises:
        InputError: it cannot.
    """
    if not hooks.is_carried_on(hook):
        raise InputError(
            f"{sae} reads {hook}, where a change does not stay in the residual stream; ablations need SAEs of "
            "hook_resid_pre or hook_resid_post, or of what a block adds: hook_attn_out or hook_mlp_out"
        )


def column(rows: SparseRows, feature: int) -> NDArray[np.float32]:
    """Return the activations of one feature, [tokens]."""
    values = np.zeros(len(rows), np.float32)
    here = rows.indices == feature
    values[rows.row_of[here]] = rows.values[here]
    return values
