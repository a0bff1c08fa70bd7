"""The length of what a feature adds to a reconstruction, against SAEs that decode one feature alone."""

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from sae_lens import SAE
from torch import Tensor

from saedb.ingest import saes
from saedb.ingest.residuals.measuring import added_lengths, scale

HOOK = "blocks.1.hook_resid_pre"
NORMALISED = ("none", "layer_norm", "constant_norm_rescale")
CASES: list[tuple[str, dict[str, Any]]] = [
    *(("standard", {"normalize_activations": name}) for name in NORMALISED),
    ("gated", {}),
    ("jumprelu", {}),
    ("matching_pursuit", {}),
    *(
        ("topk", {"rescale_acts_by_decoder_norm": rescale, "normalize_activations": name})
        for rescale in (False, True)
        for name in NORMALISED
    ),
]


def alone(sae: SAE[Any], inputs: Tensor, activations: Tensor) -> Tensor:
    """Return the length of what each feature adds by itself, [tokens, d_sae]."""
    found = torch.zeros_like(activations)
    for feature in range(activations.shape[1]):
        ends = []
        for share in (1.0, 0.0):
            only = torch.zeros_like(activations)
            only[:, feature] = share * activations[:, feature]
            sae.encode(inputs)  # an SAE that normalises keeps how from one call to the next
            ends.append(sae.decode(only))
        found[:, feature] = (ends[0] - ends[1]).norm(dim=1)
    return found


@pytest.mark.parametrize(("architecture", "settings"), CASES)
@torch.inference_mode()
def test_activation_length_and_scale_give_what_a_feature_adds(
    tmp_path: Path, architecture: str, settings: dict[str, Any]
) -> None:
    tiny.save_sae(tmp_path / "sae", HOOK, architecture=architecture, settings=settings)
    sae = saes.load(saes.find([str(tmp_path / "sae")]).sources[0])
    inputs = torch.randn(50, tiny.D_MODEL, generator=torch.Generator().manual_seed(0))
    activations = sae.encode(inputs).clamp(min=0)
    assert (activations > 0).sum() > 50
    found = activations.double() * added_lengths(sae) * scale(sae, inputs).double()[:, None]
    torch.testing.assert_close(found, alone(sae, inputs, activations).double(), rtol=1e-4, atol=1e-4)
