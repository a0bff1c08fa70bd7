"""Every architecture that SAELens loads for inference gives each token what it would have alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from planted import dense_of
from sae_lens import SAE, BatchTopKTrainingSAE
from sae_lens.registry import SAE_CLASS_REGISTRY
from sae_lens.saes.transcoder import Transcoder
from torch import Tensor

from saedb.ingest import metadata, saes
from saedb.ingest.encode import TILE, encode
from saedb.ingest.errors import InputError
from saedb.ingest.sparse import stacked

HOOK = "blocks.1.hook_resid_pre"

ARCHITECTURES = ("standard", "gated", "topk", "jumprelu", "matching_pursuit")

CASES: list[tuple[str, dict[str, Any]]] = [
    *((architecture, {}) for architecture in ARCHITECTURES),
    *((architecture, {"normalize_activations": "layer_norm"}) for architecture in ARCHITECTURES),
    *((architecture, {"normalize_activations": "constant_norm_rescale"}) for architecture in ARCHITECTURES),
    *((architecture, {"apply_b_dec_to_input": False}) for architecture in ARCHITECTURES),
    ("topk", {"rescale_acts_by_decoder_norm": True}),
    ("topk", {"rescale_acts_by_decoder_norm": True, "normalize_activations": "layer_norm"}),
    ("matching_pursuit", {"max_iterations": 3, "stop_on_duplicate_support": False}),
    ("matching_pursuit", {"residual_threshold": 2.0}),
]


def load(folder: Path) -> SAE[Any]:
    return saes.load(saes.find([str(folder)]).sources[0])


def inputs() -> Tensor:
    """Return several tiles, of tokens that differ in size and mean: [tokens, d_in]."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(2 * TILE + 88, tiny.D_MODEL, generator=random)
    return x * torch.rand(len(x), 1, generator=random).add(0.2) + torch.randn(len(x), 1, generator=random)


@torch.inference_mode()
def assert_rows_alone_give_the_same(sae: SAE[Any]) -> None:
    x = inputs()
    counted = np.arange(len(x)) % 3 > 0
    alone, error = [], 0.0
    for row, counts in zip(x.split(1), counted, strict=True):
        alone.append(sae.encode(row))
        error += float((row - sae.decode(alone[-1])).double().square().sum()) * counts
    parts = list(encode(sae, x, counted))
    expected = torch.cat(alone).clamp(min=0).numpy()
    assert (expected > 0).any(axis=1).mean() > 0.5, "the SAE fires"
    np.testing.assert_allclose(dense_of(stacked([rows for rows, _ in parts])), expected, rtol=1e-4, atol=1e-5)
    assert sum(quality.error for _, quality in parts) == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize(("architecture", "settings"), CASES)
def test_a_batch_is_encoded_as_its_rows_alone(tmp_path: Path, architecture: str, settings: dict[str, Any]) -> None:
    tiny.save_sae(tmp_path / "sae", HOOK, architecture=architecture, settings=settings)
    assert_rows_alone_give_the_same(load(tmp_path / "sae"))


def save_batch_top_k(
    folder: Path, threshold: float, *, checkpoint: bool = False, **settings: Any
) -> BatchTopKTrainingSAE:
    """Save a BatchTopK SAE as training does at its end, or as a checkpoint on the way, and return it."""
    known = {"model_name": "tiny", "hook_name": HOOK, "context_size": tiny.CONTEXT_SIZE, "prepend_bos": True}
    config = {"architecture": "batchtopk", "d_in": tiny.D_MODEL, "d_sae": 24, "k": 4, "metadata": known, **settings}
    sae = BatchTopKTrainingSAE.from_dict(config)
    torch.manual_seed(0)
    for weights in sae.parameters():
        weights.data = 0.5 * torch.randn_like(weights)
    sae.topk_threshold = torch.tensor(threshold, dtype=torch.double)
    if checkpoint:
        sae.save_model(folder)
    else:
        sae.save_inference_model(folder)
    return sae.eval()


@pytest.mark.parametrize("rescale", [False, True])
def test_a_batch_top_k_sae_fires_where_its_threshold_says_whatever_the_batch(tmp_path: Path, rescale: bool) -> None:
    trained = save_batch_top_k(tmp_path / "sae", 2.0, rescale_acts_by_decoder_norm=rescale)
    loaded = load(tmp_path / "sae")
    assert_rows_alone_give_the_same(loaded)
    with torch.no_grad():
        _, pre = trained.encode_with_hidden_pre(inputs())
        assert ((loaded.encode(inputs()) > 0) == (pre > 2.0)).all()


@pytest.mark.parametrize("architecture", ["batchtopk", "matryoshka_batchtopk"])
def test_a_checkpoint_of_batch_top_k_is_an_input_error(tmp_path: Path, architecture: str) -> None:
    save_batch_top_k(tmp_path / "sae", 2.0, checkpoint=True)
    tiny.edit_config(tmp_path / "sae", architecture=architecture)
    with pytest.raises(InputError, match=f"sae is a training checkpoint of architecture {architecture}.*inference"):
        saes.find([str(tmp_path / "sae")])


def test_a_batch_top_k_sae_without_a_threshold_is_an_input_error(tmp_path: Path) -> None:
    save_batch_top_k(tmp_path / "sae", 0.0)
    with pytest.raises(InputError, match="sae is a batchtopk SAE whose threshold is 0, so that it would not be sparse"):
        load(tmp_path / "sae")
    tiny.save_sae(tmp_path / "other", HOOK)
    tiny.edit_config(tmp_path / "other", architecture="jumprelu")
    with pytest.raises(InputError, match=r"sae_weights\.safetensors has no threshold"):
        saes.find([str(tmp_path / "other")])


def test_heads_side_by_side_are_what_an_sae_of_heads_is_given(tmp_path: Path) -> None:
    hook = "blocks.1.attn.hook_z"
    tiny.save_sae(tmp_path / "sae", hook, settings={"reshape_activations": "hook_z"})
    tiny.save_sae(tmp_path / "plain/sae", hook)
    assert_rows_alone_give_the_same(load(tmp_path / "sae"))
    assert torch.equal(load(tmp_path / "sae").encode(inputs()), load(tmp_path / "plain/sae").encode(inputs()))


def test_every_architecture_is_tried_here_or_refused() -> None:
    transcoders = {name for name, (kind, _) in SAE_CLASS_REGISTRY.items() if issubclass(kind, Transcoder)}
    assert set(SAE_CLASS_REGISTRY) == set(ARCHITECTURES) | set(metadata.REFUSED) | transcoders
