import pytest
import torch
from pydantic import TypeAdapter
from sae_lens import SAE
from safetensors.torch import load_file

from saedb.ingest.demo.card import card, table
from saedb.ingest.demo.model import MODEL_NAME
from saedb.ingest.demo.quality import Quality
from saedb.ingest.demo.recipe import CARD, LAYERS, QUALITY, SAES, hook_name

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def quality() -> Quality:
    return TypeAdapter(Quality).validate_json(QUALITY.read_bytes())


@pytest.mark.parametrize("layer", LAYERS)
def test_each_sae_loads_in_float32_and_says_what_it_was_trained_on(layer: int, quality: Quality) -> None:
    sae = SAE.load_from_disk(SAES / hook_name(layer))
    assert {value.dtype for value in sae.state_dict().values()} == {torch.float32}
    assert (sae.cfg.d_in, sae.cfg.d_sae) == (576, quality.recipe.d_sae)
    assert sae.cfg.metadata.model_name == MODEL_NAME
    assert sae.cfg.metadata.model_from_pretrained_kwargs == {}
    assert sae.cfg.metadata.hook_name == hook_name(layer)
    assert (sae.cfg.metadata.context_size, sae.cfg.metadata.prepend_bos) == (128, True)
    assert sae.cfg.metadata.seed == quality.recipe.seed + layer
    assert sae.cfg.metadata.unique_training_tokens == quality.train_tokens


@pytest.mark.parametrize("layer", LAYERS)
def test_decoder_rows_have_length_one(layer: int) -> None:
    lengths = load_file(SAES / hook_name(layer) / "sae_weights.safetensors")["W_dec"].float().norm(dim=1)
    assert torch.allclose(lengths, torch.ones_like(lengths), atol=1e-3)


def test_there_is_one_folder_per_consecutive_layer_and_all_together_are_at_most_25_megabytes() -> None:
    folders = {path.name for path in SAES.iterdir() if path.is_dir()}
    assert folders == {f"blocks.{layer}.hook_resid_pre" for layer in range(11, 18)}
    assert sum(path.stat().st_size for path in SAES.rglob("*") if path.is_file()) <= 25 * MEGABYTE


def test_the_card_is_the_one_of_the_stored_figures(quality: Quality) -> None:
    assert CARD.read_text(encoding="utf-8") == card(quality)
    assert [row.layer for row in quality.layers] == [*LAYERS]
    assert table(quality) in card(quality)


def test_the_stored_figures_are_at_least_those_promised(quality: Quality) -> None:
    for row in quality.layers:
        assert row.tokens >= 150_000
        assert row.explained_variance > 0.55
        assert row.dead < 0.01
        assert row.ce_clean < row.ce_sae < row.ce_zero
