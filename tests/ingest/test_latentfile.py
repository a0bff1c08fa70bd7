from pathlib import Path

import numpy as np
import pytest
import torch
from delphicache import ONE, TOKENS, flat, one_cache, random_latents, sae_set, save_cache
from numpy.typing import NDArray
from planted import dense_of
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch_file

from saedb.ingest.delphi import Cache, open_cache
from saedb.ingest.errors import InputError

ALL = slice(None)


def rewrite(file: Path, **tensors: NDArray) -> None:
    """Change tensors of a file."""
    save_file(load_file(file) | tensors, file)


def test_negative_activations_and_zeros_are_left_out(tmp_path: Path) -> None:
    latents = random_latents()
    negative = latents.copy()
    negative[::2] *= -1.0
    save_cache(tmp_path / "layers.5", negative, TOKENS)
    file = tmp_path / "layers.5" / "0_7.safetensors"
    values = load_file(file)["activations"]
    values[-1] = 0.0
    rewrite(file, activations=values)
    rows = open_cache(tmp_path, ONE).rows("0-a", ALL)
    assert (rows.values > 0).all()
    expected = np.maximum(negative, 0.0)
    last = tuple(np.argwhere(negative[:, :, :8])[-1])
    expected[last] = 0.0
    np.testing.assert_array_equal(dense_of(rows), flat(expected))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("integers", [torch.uint16, torch.uint32, torch.int32, torch.int64])
def test_every_type_of_number_is_read(tmp_path: Path, dtype: torch.dtype, integers: torch.dtype) -> None:
    latents = torch.tensor(random_latents(d_sae=4)).to(dtype)
    locations = torch.nonzero(latents).contiguous()
    tensors = {"locations": locations.to(integers), "activations": latents[tuple(locations.T)].contiguous()}
    (tmp_path / "layers.5").mkdir()
    save_torch_file(tensors | {"tokens": torch.tensor(TOKENS)}, tmp_path / "layers.5" / "0_3.safetensors")
    rows = open_cache(tmp_path, sae_set("blocks.5.hook_resid_post", d_sae=4)).rows("0-a", ALL)
    np.testing.assert_array_equal(dense_of(rows), flat(latents.float().numpy()))


def test_wide_saes_and_long_texts_are_read(tmp_path: Path) -> None:
    latents = np.zeros((70_000, 2, 3), np.float32)
    latents[[0, 65_535, 65_536, 69_999], [1, 0, 1, 1], [0, 1, 2, 2]] = [1.0, 2.0, 3.0, 4.0]
    save_cache(tmp_path / "layers.5", latents, np.zeros((70_000, 2), np.int64), splits=2)
    cache = open_cache(tmp_path, sae_set("blocks.5.hook_resid_post", d_sae=3))
    rows = cache.rows("0-a", slice(65_000, 70_000))
    assert (rows.row_of + 130_000).tolist() == [131_070, 131_073, 139_999]
    assert rows.indices.tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    "tensors",
    [
        {"activations": np.ones(3, np.float16)},
        {"locations": np.zeros((3, 3), np.uint16)},
        {"locations": np.zeros((3, 3), np.uint16), "activations": np.ones(4, np.float16)},
        {"locations": np.zeros((3, 3), np.uint16), "activations": np.ones(4, np.float16), "tokens": TOKENS},
        {"locations": np.zeros((3, 2), np.uint16), "activations": np.ones(3, np.float16)},
        {"locations": np.zeros(3, np.uint16), "activations": np.ones((), np.float16)},
        {"locations": np.zeros((1, 3), np.uint16), "activations": np.ones(1, np.float16), "tokens": np.zeros(35)},
    ],
)
def test_a_file_of_other_tensors_is_refused(tmp_path: Path, tensors: dict[str, NDArray]) -> None:
    save_file(tensors, one_cache(tmp_path) / "8_15.safetensors")
    with pytest.raises(
        InputError, match=r"8_15\.safetensors has .*, it should have locations \[n, 3\] and activations"
    ):
        open_cache(tmp_path, ONE)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_an_activation_that_is_not_finite_is_named_with_its_place(tmp_path: Path, value: float) -> None:
    file = one_cache(tmp_path) / "8_15.safetensors"
    tensors = load_file(file)
    context, position, latent = tensors["locations"][4]
    tensors["activations"][4] = value
    save_file(tensors, file)
    with pytest.raises(
        InputError,
        match=rf"8_15\.safetensors has the activation {value} at context {context}, position {position},"
        rf" latent {latent + 8}; half precision ends at 65,504: .*cache",
    ):
        open_cache(tmp_path, ONE).rows("0-a", ALL)


def test_only_the_contexts_asked_for_are_read(tmp_path: Path) -> None:
    file = one_cache(tmp_path) / "8_15.safetensors"
    values = load_file(file)["activations"]
    values[-1] = np.inf
    rewrite(file, activations=values)
    rows = open_cache(tmp_path, ONE).rows("0-a", slice(2, 4))
    np.testing.assert_array_equal(dense_of(rows), flat(random_latents()[2:4]))


def every_row(cache: Cache) -> None:
    for context in range(cache.contexts):
        cache.rows("0-a", slice(context, context + 1))


@pytest.mark.parametrize(("column", "value", "at"), [(1, 5, "position 5"), (1, -1, "position -1"), (2, 8, "latent 16")])
def test_an_activation_of_no_token_or_latent_is_named_with_its_place(
    tmp_path: Path, column: int, value: int, at: str
) -> None:
    file = one_cache(tmp_path) / "8_15.safetensors"
    locations = load_file(file)["locations"].astype(np.int64)
    locations[len(locations) // 2, column] = value
    rewrite(file, locations=locations)
    with pytest.raises(InputError, match=rf"8_15\.safetensors is damaged or not in the order of contexts \(at .*{at}"):
        every_row(open_cache(tmp_path, ONE))


@pytest.mark.parametrize("place", [10, 19, 30])
@pytest.mark.parametrize("context", [-1, 0, 6, 7, 99])
def test_an_entry_of_another_context_never_passes_unseen(tmp_path: Path, context: int, place: int) -> None:
    file = one_cache(tmp_path) / "8_15.safetensors"
    locations = load_file(file)["locations"].astype(np.int64)
    locations[place, 0] = context
    rewrite(file, locations=locations)
    with pytest.raises(InputError, match=r"8_15\.safetensors is damaged or not in the order of contexts"):
        every_row(open_cache(tmp_path, ONE))


@pytest.mark.parametrize("seed", range(20))
def test_a_file_in_another_order_never_passes_unseen(tmp_path: Path, seed: int) -> None:
    file = one_cache(tmp_path) / "8_15.safetensors"
    tensors = load_file(file)
    order = np.random.default_rng(seed).permutation(len(tensors["activations"]))
    save_file({**tensors, "locations": tensors["locations"][order]}, file)
    with pytest.raises(InputError, match="not in the order of contexts"):
        every_row(open_cache(tmp_path, ONE))


def test_order_within_a_context_is_free(tmp_path: Path) -> None:
    latents = random_latents()
    folder = one_cache(tmp_path)
    for file in folder.glob("*.safetensors"):
        tensors = load_file(file)
        locations = tensors["locations"]
        order = np.lexsort((locations[:, 1], locations[:, 2], locations[:, 0]))
        save_file(tensors | {n: tensors[n][order] for n in ("locations", "activations")}, file)
    np.testing.assert_array_equal(dense_of(open_cache(tmp_path, ONE).rows("0-a", ALL)), flat(latents))
