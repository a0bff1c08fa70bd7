"""The intervention: a feature is taken out of what an SAE reads, and the model goes on to where the next one reads.

One feature is taken out of each copy of a context, on every token at once; copies go through the model together, from
the block at which they begin to differ.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from saedb.ingest import hooks
from saedb.ingest.causal.asked import check_hook
from saedb.ingest.causal.reading import Context, encoded
from saedb.ingest.causal.settings import Direction
from saedb.ingest.encode import LoadedSae
from saedb.ingest.model import LanguageModel
from saedb.ingest.sparse import SparseRows


class Intervention:
    """A model with two SAEs, of which the one reads before the other."""

    def __init__(
        self,
        model: LanguageModel,
        upstream: LoadedSae,
        downstream: LoadedSae,
        direction: Direction = "sae",
        *,
        tf32: bool = False,
    ) -> None:
        """Take the parts; with `tf32` encoders' matrix products are made in TF32, and so they have to be of contexts.

        Raises:
            InputError: the upstream SAE does not read the residual stream or what is added to it.
        """
        check_hook(upstream.id, upstream.hook)
        self._model = model
        self._up = upstream
        self._down = downstream
        self._direction = direction
        self._tf32 = tf32
        self._entry = hooks.entry(upstream.hook)

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hook points that a context has to be read at."""
        return self._entry, self._up.hook, self._down.hook

    @torch.inference_mode()
    def without(self, contexts: Sequence[Context], feature: int) -> Tensor:
        """Return the downstream activations in copies of contexts without a feature, [copies, context_size, d_sae]."""
        tokens = torch.stack([context.tokens for context in contexts])
        given = {
            self._entry: torch.stack([context.at[self._entry] for context in contexts]),
            self._up.hook: self._removed(contexts, feature),
        }
        read = self._model.continued(tokens, given, self._down.hook)
        return encoded(self._down, read.flatten(0, 1), tf32=self._tf32).unflatten(0, read.shape[:2])

    def _removed(self, contexts: Sequence[Context], feature: int) -> Tensor:
        """Return what the upstream SAE reads, [copies, context_size, d_in], without a feature.

        Where the feature is not active, it is what the SAE read, to the bit.
        """
        residual = torch.stack([context.at[self._up.hook] for context in contexts])
        fires = np.stack([column(context.activations(self._up), feature) > 0 for context in contexts])
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
        activations = encoded(self._up, inputs, tf32=self._tf32)
        whole = sae.decode(activations)
        activations[:, feature] = 0.0
        sae.run_time_activation_norm_fn_in(inputs)  # an SAE that normalises forgets how when it decodes
        return inputs + (sae.decode(activations) - whole)  # SAE(x without the feature) + the error, which stays


def column(rows: SparseRows, feature: int) -> NDArray[np.float32]:
    """Return the activations of one feature, [tokens]."""
    values = np.zeros(len(rows), np.float32)
    here = rows.indices == feature
    values[rows.row_of[here]] = rows.values[here]
    return values
