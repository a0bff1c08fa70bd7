import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
from delphicache import ONE, TOKENS, flat, one_cache, random_latents, sae_set, save_cache
from planted import dense_of
from safetensors.numpy import load_file, save_file

from saedb.ingest.delphi import as_contexts, open_cache
from saedb.ingest.errors import InputError

ALL = slice(None)
TWO = sae_set("blocks.5.hook_resid_post", "blocks.6.hook_resid_post")


def test_rows_are_the_latents_that_were_cached(tmp_path: Path) -> None:
    latents = {f"{n}-a": random_latents(seed=n) for n in range(2)}
    save_cache(tmp_path / "layers.5", latents["0-a"], TOKENS)
    save_cache(tmp_path / "layers.6", latents["1-a"], TOKENS, splits=1)
    cache = open_cache(tmp_path, TWO)
    for sae, dense in latents.items():
        rows = cache.rows(sae, ALL)
        np.testing.assert_array_equal(dense_of(rows), flat(dense))
        assert (rows.width, rows.values.dtype, rows.indices.dtype) == (24, np.float32, np.uint16)


def test_columns_ascend_within_a_row_over_all_files(tmp_path: Path) -> None:
    one_cache(tmp_path)
    rows = open_cache(tmp_path, ONE).rows("0-a", ALL)
    np.testing.assert_array_equal(np.lexsort((rows.indices, rows.row_of)), np.arange(len(rows.indices)))


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_slices_of_contexts_make_up_the_whole(tmp_path: Path, step: int) -> None:
    latents = random_latents()
    latents[2] = 0.0
    latents[4, :, 8:16] = 0.0  # nothing for the second file
    save_cache(tmp_path / "layers.5", latents, TOKENS)
    cache = open_cache(tmp_path, ONE)
    parts = [cache.rows("0-a", slice(start, start + step)) for start in range(0, 7, step)]
    np.testing.assert_array_equal(np.concatenate([dense_of(part) for part in parts]), flat(latents))


def test_the_text_and_its_shape_come_from_the_cache(tmp_path: Path) -> None:
    save_cache(tmp_path / "layers.5", random_latents(), TOKENS, config={"dataset_repo": "some/text", "ctx_len": 9})
    cache = open_cache(tmp_path, ONE)
    assert cache.tokens is not None
    np.testing.assert_array_equal(cache.tokens, TOKENS)
    assert cache.tokens.dtype == np.int32
    assert (cache.contexts, cache.context_size, cache.dataset) == (7, 5, "some/text")


def test_contexts_without_any_activation_at_the_end_are_kept(tmp_path: Path) -> None:
    latents = random_latents()
    latents[5:] = 0.0
    save_cache(tmp_path / "layers.5", latents, TOKENS)
    assert len(open_cache(tmp_path, ONE).rows("0-a", ALL)) == 35


@pytest.mark.parametrize("name", ["ctx_len", "cache_ctx_len"])
def test_a_cache_without_tokens_takes_its_shape_from_config_and_activations(tmp_path: Path, name: str) -> None:
    save_cache(tmp_path / "layers.5", random_latents(), None, config={name: 5})
    cache = open_cache(tmp_path, ONE)
    assert cache.tokens is None
    assert (cache.contexts, cache.context_size) == (7, 5)
    cache.check_shape(np.zeros((7, 5), np.int32))
    with pytest.raises(
        InputError, match=r"text has 8 contexts of 5 tokens, .* has 7 of 5 and no tokens; cache .* with"
    ):
        cache.check_shape(np.zeros((8, 5), np.int32))
    with pytest.raises(InputError, match="text has 7 contexts of 6 tokens"):
        cache.check_shape(np.zeros((7, 6), np.int32))


def test_l0_is_the_mean_number_of_cached_activations(tmp_path: Path) -> None:
    one_cache(tmp_path)
    assert open_cache(tmp_path, ONE).l0("0-a") == pytest.approx((random_latents() > 0).sum() / 35)


@pytest.mark.parametrize(
    ("folder", "hook"),
    [
        ("layers.5", "blocks.5.hook_resid_post"),
        ("layers.5", "blocks.6.hook_resid_pre"),
        ("model.layers.5", "blocks.5.hook_resid_post"),
        (".gpt_neox.layers.5", "blocks.5.hook_resid_post"),
        ("transformer.h.11", "blocks.11.hook_resid_post"),
        ("encoder.layer.0", "blocks.0.hook_resid_post"),
        ("gpt_neox.layers.3.mlp", "blocks.3.hook_mlp_out"),
        ("layers.3.post_feedforward_layernorm", "blocks.3.hook_mlp_out"),
        ("h.4.attn", "blocks.4.hook_attn_out"),
        ("gpt_neox.layers.3.attention", "blocks.3.hook_attn_out"),
        ("model.layers.3.self_attn", "blocks.3.hook_attn_out"),
        ("blocks.2.attn.hook_z", "blocks.2.attn.hook_z"),
        ("0-a", "blocks.2.hook_resid_mid"),
    ],
)
def test_a_folder_is_matched_by_module_hook_or_sae(tmp_path: Path, folder: str, hook: str) -> None:
    for name in (folder, "layers.9", "layers.9.mlp", "layers.9.attn"):
        save_cache(tmp_path / name, random_latents(), TOKENS)
    cache = open_cache(tmp_path, sae_set(hook))
    assert {file.path.parent.name for file in cache.files["0-a"]} == {folder}


def test_a_folder_named_by_the_sae_is_preferred_to_one_named_by_a_module(tmp_path: Path) -> None:
    for name in ("layers.5", "model.layers.5", "0-a"):
        save_cache(tmp_path / name, random_latents(), TOKENS)
    assert open_cache(tmp_path, ONE).files["0-a"][0].path.parent.name == "0-a"


def test_the_folder_of_a_run_of_delphi_is_understood(tmp_path: Path) -> None:
    one_cache(tmp_path / "latents")
    (tmp_path / "log").mkdir()
    assert open_cache(tmp_path, ONE).contexts == 7


def test_an_sae_without_a_folder_is_named_with_those_there(tmp_path: Path) -> None:
    for name in ("layers.5", "layers.7", "layers.6.mlp", "layers.6.act"):
        save_cache(tmp_path / name, random_latents(), TOKENS)
    with pytest.raises(
        InputError,
        match=r"has layers\.5, layers\.6\.act, layers\.6\.mlp, layers\.7, none of them known to be for the SAE 1-a"
        r" \(blocks\.7\.hook_resid_pre\); name the folder of its cache 1-a",
    ):
        open_cache(tmp_path, sae_set("blocks.5.hook_resid_post", "blocks.7.hook_resid_pre"))


def test_several_folders_for_an_sae_are_named(tmp_path: Path) -> None:
    for name in ("layers.5", "model.layers.5"):
        save_cache(tmp_path / name, random_latents(), TOKENS)
    with pytest.raises(InputError, match=r"has layers\.5, model\.layers\.5 for the SAE 0-a .*; name the folder"):
        open_cache(tmp_path, ONE)


def test_one_folder_for_two_saes_is_refused(tmp_path: Path) -> None:
    one_cache(tmp_path)
    found = sae_set("blocks.5.hook_resid_post", "blocks.6.hook_resid_pre")
    with pytest.raises(InputError, match=r"layers\.5 fits two SAEs, 0-a and 1-a; name the folders by SAE ids"):
        open_cache(tmp_path, found)


def test_a_path_that_holds_no_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder .*/none; give one that delphi cached"):
        open_cache(tmp_path / "none", ONE)
    with pytest.raises(InputError, match=r"has no folder with files like 0_1023\.safetensors"):
        open_cache(tmp_path, ONE)
    folder = one_cache(tmp_path)
    with pytest.raises(InputError, match=r"layers\.5 is the cache of one hook point; give the folder that it is in"):
        open_cache(folder, ONE)
    with pytest.raises(InputError, match=r"no folder .*0_7\.safetensors"):
        open_cache(folder / "0_7.safetensors", ONE)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-7]), r"8_15\.safetensors cannot be read \("),
        (lambda file: file.write_bytes(b""), r"8_15\.safetensors cannot be read \("),
        (lambda file: file.write_bytes(b"\0" * 100), r"8_15\.safetensors cannot be read \("),
        (lambda file: file.unlink(), r"layers\.5 has no file for latent 8; cache the activations again into an empty"),
        (lambda file: file.rename(file.with_name("7_14.safetensors")), r"has two files for latent 7; cache"),
    ],
)
def test_a_missing_or_damaged_file_is_one_line(tmp_path: Path, damage: Callable[[Path], object], said: str) -> None:
    damage(one_cache(tmp_path) / "8_15.safetensors")
    with pytest.raises(InputError, match=said) as raised:
        open_cache(tmp_path, ONE)
    assert "\n" not in str(raised.value)


def test_a_cache_of_another_width_is_refused(tmp_path: Path) -> None:
    one_cache(tmp_path)
    with pytest.raises(InputError, match=r"layers\.5 has 24 latents, the SAE 0-a has 32; give the SAE that was cached"):
        open_cache(tmp_path, sae_set("blocks.5.hook_resid_post", d_sae=32))


def test_hook_points_cached_on_different_texts_are_refused(tmp_path: Path) -> None:
    one_cache(tmp_path)
    save_cache(tmp_path / "layers.6", random_latents(), TOKENS[::-1].copy())
    with pytest.raises(
        InputError, match=r"layers\.6/.* is of another text than .*layers\.5/.*; cache all hook points on"
    ):
        open_cache(tmp_path, TWO)
    save_cache(tmp_path / "layers.6", random_latents(), None)
    with pytest.raises(
        InputError, match=r"layers\.5/.* has tokens, .*layers\.6/.* has none; cache all hook points alike"
    ):
        open_cache(tmp_path, TWO)


def test_more_contexts_than_tokens_are_refused(tmp_path: Path) -> None:
    save_cache(tmp_path / "layers.5", random_latents(), TOKENS[:6])
    with pytest.raises(InputError, match=r"has context 6, its tokens are 6 contexts; cache"):
        open_cache(tmp_path, ONE)


@pytest.mark.parametrize(
    ("configs", "said"),
    [
        (({}, {}), "no context size in its config.json"),
        (({"ctx_len": 0}, {"ctx_len": "5"}), "no context size in its config.json"),
        (({"ctx_len": 5}, {"cache_ctx_len": 6}), "the context sizes 5, 6 in its config.json"),
    ],
)
def test_a_cache_with_neither_tokens_nor_one_context_size_is_refused(
    tmp_path: Path, configs: tuple[dict, dict], said: str
) -> None:
    for number, config in enumerate(configs):
        save_cache(tmp_path / f"layers.{5 + number}", random_latents(), None, config=config)
    with pytest.raises(InputError, match=rf"has no tokens, and {said}; cache the activations again, with save_tokens"):
        open_cache(tmp_path, TWO)


@pytest.mark.parametrize(("content", "said"), [("{", "cannot be read"), (json.dumps([1]), "is not a JSON object")])
def test_a_damaged_config_is_one_line(tmp_path: Path, content: str, said: str) -> None:
    (one_cache(tmp_path) / "config.json").write_text(content)
    with pytest.raises(InputError, match=rf"config\.json {said}"):
        open_cache(tmp_path, ONE)


def test_a_cache_without_any_activation_or_token_is_refused(tmp_path: Path) -> None:
    save_cache(tmp_path / "layers.5", np.zeros((7, 5, 24), np.float32), None, config={"ctx_len": 5})
    with pytest.raises(InputError, match="has no activations; cache"):
        open_cache(tmp_path, ONE)


def test_an_activation_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = one_cache(tmp_path) / "8_15.safetensors"
    tensors = load_file(file)
    doubled = {name: np.repeat(tensors[name], 2, axis=0) for name in ("locations", "activations")}
    save_file(tensors | doubled, file)
    with pytest.raises(InputError, match=r"layers\.5 has two activations of one latent on one token; cache"):
        open_cache(tmp_path, ONE).rows("0-a", ALL)


BOS, EOS = 0, 1


def test_documents_lie_between_eos_tokens() -> None:
    tokens = np.array([[EOS, 3, 4, EOS], [5, 6, EOS, EOS], [7, EOS, BOS, 8]], np.int32)
    found = as_contexts(tokens, tiny.tokenizer())
    assert found.documents.tolist() == [[-1, 0, 0, -1], [1, 1, -1, -1], [2, -1, -1, 3]]
    assert found.document_ids == ("cached:0", "cached:1", "cached:2", "cached:3")
    assert found.tokens is tokens
    assert not found.prepend_bos


def test_a_document_goes_on_in_the_next_context() -> None:
    tokens = np.array([[BOS, 3, EOS, 4], [BOS, 5, 6, 7], [BOS, 8, EOS, 9]], np.int32)
    found = as_contexts(tokens, tiny.tokenizer())
    assert found.documents[:2].tolist() == [[-1, 0, -1, 1], [-1, 1, 1, 1]]
    assert found.prepend_bos


def test_a_document_over_the_middle_of_the_text_is_one_in_each_half() -> None:
    tokens = np.array([[BOS, 3, EOS, 4], [BOS, 5, 6, 7], [BOS, 8, EOS, 9]], np.int32)
    found = as_contexts(tokens, tiny.tokenizer())
    assert found.documents[2].tolist() == [-1, 2, -1, 3]
    assert found.halves.tolist() == [0, 0, 1, 1]
    assert found.first_half_contexts == 2


def test_each_context_is_a_document_where_no_eos_is() -> None:
    found = as_contexts(np.array([[3, 4], [5, 6], [7, 8]], np.int32), tiny.tokenizer())
    assert found.documents.tolist() == [[0, 0], [1, 1], [2, 2]]


@pytest.mark.parametrize("token", [-3, 20])
def test_a_token_beyond_the_vocabulary_is_named(token: int) -> None:
    with pytest.raises(InputError, match=rf"has token {token}, the model's vocabulary has 20; give the model"):
        as_contexts(np.array([[3, token]], np.int32), tiny.tokenizer())
