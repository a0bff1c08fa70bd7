"""How good the saved SAEs are, on counted tokens of held-out documents.

1. Explained variance, L0 and the share of dead features, by the code that measures the SAEs of every run.
2. Cross-entropy of the model's next-token predictions: as it is (clean), with the stream at the SAE's hook replaced by
   the reconstruction, and with it replaced by zeros. Only counted tokens are replaced and only predictions made on
   them are averaged: the attention sinks stay as they are in all three.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sae_lens import SAE
from torch.nn.functional import cross_entropy
from transformer_lens.hook_points import HookPoint
from transformer_lens.model_bridge import TransformerBridge

from saedb.ingest.demo.activations import Activations
from saedb.ingest.demo.recipe import LAYERS, Recipe, hook_name
from saedb.ingest.encode import encode
from saedb.ingest.quality import QualitySums

_CE_CONTEXTS = 64
_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerQuality:
    """What one SAE does on held-out text."""

    layer: int
    tokens: int
    explained_variance: float
    """1 - sum |x - x_hat|^2 / sum |x - mean|^2."""
    l0: float
    dead: float
    """Share of features that never fire."""
    ce_tokens: int
    ce_clean: float
    """Nats per token, like the next two."""
    ce_sae: float
    ce_zero: float
    ce_recovered: float
    """(zero - sae) / (zero - clean)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """The figures of the model card, and what they depend on."""

    recipe: Recipe
    train_documents: int
    train_tokens: int
    """Different tokens that the SAEs were trained on, each ``recipe.epochs`` times."""
    heldout_documents: int
    heldout_left_out: float
    """Share of the held-out tokens that are not counted."""
    layers: tuple[LayerQuality, ...]


def measure(model: TransformerBridge, sae: SAE, heldout: Activations, layer: int, ce_clean: float) -> LayerQuality:
    """Return the quality of a layer's SAE; ``ce_clean`` is `clean_cross_entropy`'s."""
    stream = heldout.at(layer)
    explained_variance, l0, dead = reconstruction(sae, stream)
    ce_sae = _cross_entropy(model, heldout, layer, sae)
    ce_zero = _cross_entropy(model, heldout, layer, torch.zeros_like)
    return LayerQuality(
        layer=layer,
        tokens=len(stream),
        explained_variance=explained_variance,
        l0=l0,
        dead=dead,
        ce_tokens=int(heldout.counted[:_CE_CONTEXTS, :-1].sum()),
        ce_clean=ce_clean,
        ce_sae=ce_sae,
        ce_zero=ce_zero,
        ce_recovered=(ce_zero - ce_sae) / (ce_zero - ce_clean),
    )


def clean_cross_entropy(model: TransformerBridge, heldout: Activations) -> float:
    """Return the mean cross-entropy of the untouched model, in nats, on the tokens that `measure` uses for its own."""
    return _cross_entropy(model, heldout, LAYERS[0], lambda stream: stream)


def reconstruction(sae: SAE, stream: npt.NDArray[np.float16]) -> tuple[float, float, float]:
    """Return explained variance, L0 and the share of dead features on ``[token, d_model]``."""
    fired = np.zeros(sae.cfg.d_sae, dtype=np.bool_)
    parts: list[QualitySums] = []
    for rows, sums in encode(sae, torch.from_numpy(stream).float(), np.ones(len(stream), dtype=np.bool_)):
        fired[rows.indices] = True
        parts.append(sums)
    whole = sum(parts[1:], start=parts[0])
    assert whole.explained_variance is not None
    assert whole.l0 is not None
    return whole.explained_variance, whole.l0, 1 - fired.mean().item()


@torch.no_grad()
def _cross_entropy(
    model: TransformerBridge, heldout: Activations, layer: int, replacement: Callable[[torch.Tensor], torch.Tensor]
) -> float:
    """Return the mean cross-entropy of predictions on counted tokens, whose stream at ``layer`` is replaced."""
    losses: list[torch.Tensor] = []
    for start in range(0, _CE_CONTEXTS, _BATCH):
        rows = slice(start, start + _BATCH)
        tokens = torch.from_numpy(heldout.tokens[rows]).long()
        counted = torch.from_numpy(heldout.counted[rows])

        def splice(stream: torch.Tensor, hook: HookPoint, counted: torch.Tensor = counted) -> torch.Tensor:
            del hook
            return torch.where(counted[..., None], replacement(stream), stream)

        logits = model.run_with_hooks(tokens, fwd_hooks=[(hook_name(layer), splice)], return_type="logits")
        made = counted[:, :-1]
        losses.append(cross_entropy(logits[:, :-1][made], tokens[:, 1:][made], reduction="none"))
    return torch.cat(losses).mean().item()
