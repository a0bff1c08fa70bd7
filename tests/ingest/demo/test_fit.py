from pathlib import Path

import numpy as np
import pytest
import torch
from sae_lens import SAE
from safetensors.torch import load_file

from saedb.ingest.demo.activations import Activations
from saedb.ingest.demo.fit import train
from saedb.ingest.demo.quality import reconstruction
from saedb.ingest.demo.recipe import Recipe, hook_name

LAYER = 11
RECIPE = Recipe(d_sae=16, epochs=40, batch_size=64, lr=1e-2, l1_coefficient=0.5)


@pytest.fixture
def activations(tmp_path: Path) -> Activations:
    """Sixteen directions of 12 dimensions, two of them on each token; one token in eight does not count."""
    generator = np.random.default_rng(0)
    directions = generator.normal(size=(16, 12))
    on = generator.random((128 * 8, 16)) < 2 / 16
    stream = (on * generator.uniform(5, 10, on.shape)) @ directions
    counted = np.ones((128, 8), dtype=np.bool_)
    counted[:, 0] = False
    stream[::8] = 1e4  # what does not count would drown the rest
    np.save(tmp_path / f"{hook_name(LAYER)}.npy", stream.reshape(128, 8, 12).astype(np.float16))
    return Activations(tokens=np.zeros((128, 8), dtype=np.int32), counted=counted, folder=tmp_path)


def test_a_trained_sae_explains_its_counted_tokens_and_is_saved_in_float16(
    activations: Activations, tmp_path: Path
) -> None:
    folder = tmp_path / "sae"
    train(RECIPE, activations, LAYER, folder)
    sae = SAE.load_from_disk(folder)
    explained_variance, _, _ = reconstruction(sae, activations.at(LAYER))
    assert explained_variance > 0.8
    assert {value.dtype for value in load_file(folder / "sae_weights.safetensors").values()} == {torch.float16}
    assert {value.dtype for value in sae.state_dict().values()} == {torch.float32}


def test_training_again_gives_the_same_weights_and_another_layer_other_ones(
    activations: Activations, tmp_path: Path
) -> None:
    np.save(tmp_path / f"{hook_name(12)}.npy", np.load(tmp_path / f"{hook_name(LAYER)}.npy"))
    recipe = Recipe(d_sae=16, epochs=2, batch_size=64)
    for name, layer in (("first", LAYER), ("second", LAYER), ("other", 12)):
        train(recipe, activations, layer, tmp_path / name)
    first, second, other = (
        load_file(tmp_path / name / "sae_weights.safetensors")["W_enc"] for name in ("first", "second", "other")
    )
    assert torch.equal(first, second)
    assert (first - other).norm() > 0.5 * first.norm()


def test_an_sae_that_is_there_is_not_trained_again(activations: Activations, tmp_path: Path) -> None:
    folder = tmp_path / "sae"
    folder.mkdir()
    train(RECIPE, activations, LAYER, folder)
    assert list(folder.iterdir()) == []
