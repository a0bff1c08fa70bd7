"""What decides the demo's SAEs: hooks, text, sizes and seeds. Changing a value makes new SAEs."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

SAES = Path(__file__).parent / "saes"
"""One folder per hook, in SAELens' format."""

QUALITY = SAES / "quality.json"
"""What the model card says in numbers, per layer, measured on the saved weights."""

CARD = Path(__file__).with_name("MODEL_CARD.md")

LAYERS = range(11, 18)
"""The longest stretch without attention sinks on ordinary tokens: below, ' the' is one; above was not tried."""


def hook_name(layer: int) -> str:
    """Return the hook of one layer's SAE, which is also the name of its folder."""
    return f"blocks.{layer}.hook_resid_pre"


HOOKS = tuple(hook_name(layer) for layer in LAYERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Settings of the training. Seeds are per layer: an SAE never starts from its neighbour's weights."""

    d_sae: int = 1024
    train_contexts: int = 2100
    """Of 127 tokens each; drawn from all training documents."""
    heldout_contexts: int = 1300
    epochs: int = 4
    batch_size: int = 2048
    lr: float = 2e-3
    lr_warm_up_steps: int = 40
    l1_coefficient: float = 5.0
    l1_warm_up_steps: int = 100
    seed: int = 1000
    """The seed of a layer's SAE (weights and order of tokens) is this plus the number of the layer."""

    def digest(self) -> str:
        """Return a short name for exactly these settings."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:12]
