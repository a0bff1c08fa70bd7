import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from sae_lens import SAE
from safetensors.torch import load_file, save_file

from saedb.ingest import saes
from saedb.ingest.errors import DownloadError, InputError
from saedb.ingest.sources import Folder, Release, SaeSet

HOOKS = [f"blocks.{block}.hook_resid_pre" for block in range(3)]


def save_set(parent: Path, *, names: str = "zyx", **metadata: Any) -> Path:
    """Save three SAEs under names whose order is not that of their hooks."""
    for name, hook in zip(names, HOOKS, strict=True):
        tiny.save_sae(parent / name, hook, **metadata)
    return parent


def ids(found: SaeSet) -> list[str]:
    return [source.id for source in found.sources]


def find_error(*inputs: Path | str, **options: str) -> str:
    with pytest.raises(InputError) as caught:
        saes.find([str(name) for name in inputs], **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_local_saes_are_ordered_by_the_depth_of_their_hook(tmp_path: Path) -> None:
    found = saes.find([str(save_set(tmp_path / "mine"))])
    assert ids(found) == ["0-mine", "1-mine", "2-mine"]
    assert found.hooks == tuple(HOOKS)
    assert [source.depth for source in found.sources] == [0, 1, 2]
    assert [(a.id, b.id) for a, b in found.pairs] == [("0-mine", "1-mine"), ("1-mine", "2-mine")]
    assert (found.model, found.model_to_load, found.missing) == ("tiny", "tiny", ())
    assert (found.context_size, found.prepend_bos) == (tiny.CONTEXT_SIZE, True)
    first = found.sources[0]
    assert first.location == Folder(path=(tmp_path / "mine/z").resolve())
    assert (first.d_in, first.d_sae, first.architecture, first.neuronpedia_id) == (tiny.D_MODEL, 24, "standard", None)


def test_folders_may_be_given_one_by_one_and_the_set_named(tmp_path: Path) -> None:
    save_set(tmp_path)
    found = saes.find([str(tmp_path / "x"), str(tmp_path / "z")], set_name="res-mine")
    assert ids(found) == ["0-res-mine", "2-res-mine"]
    assert found.missing == (1,)
    assert [(a.id, b.id) for a, b in found.pairs] == [("0-res-mine", "2-res-mine")]


def test_sites_of_one_block_are_ordered_too(tmp_path: Path) -> None:
    for name, site in (("a", "hook_resid_post"), ("b", "hook_mlp_out"), ("c", "hook_resid_pre")):
        tiny.save_sae(tmp_path / name / "one", f"blocks.1.{site}")
    found = saes.find([str(tmp_path / name / "one") for name in "abc"])
    assert ids(found) == ["1-c", "1-b", "1-a"]


def test_layers_and_a_glob_choose_among_folders(tmp_path: Path) -> None:
    save_set(tmp_path / "s")
    assert ids(saes.find([str(tmp_path / "s")], layers="0,2")) == ["0-s", "2-s"]
    assert ids(saes.find([str(tmp_path / "s")], layers="1-9")) == ["1-s", "2-s"]
    assert ids(saes.find([str(tmp_path / "s")], saes_glob="[yz]")) == ["0-s", "1-s"]


def test_the_models_name_in_ids_has_no_slash(tmp_path: Path) -> None:
    assert saes.find([str(save_set(tmp_path, model_name="owner/Model 1.5"))]).model == "Model-1.5"


def test_a_neuronpedia_id_in_the_metadata_names_layer_set_and_model(tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "a", HOOKS[1], neuronpedia_id="gpt2-small/7-res-jb")
    found = saes.find([str(tmp_path / "a")])
    assert (found.model, ids(found)) == ("gpt2-small", ["7-res-jb"])


@pytest.mark.parametrize("layers", ["", "a", "3-", "1;2", "-1"])
def test_layers_that_cannot_be_read_are_an_input_error(layers: str) -> None:
    assert "write them like 4-8" in find_error("demo", layers=layers)


def test_layers_that_are_not_there_are_named(tmp_path: Path) -> None:
    assert find_error(save_set(tmp_path), layers="7-9") == "no SAE of layers 7-9; there are layers 0, 1, 2"


def test_a_folder_without_cfg_json_is_an_input_error(tmp_path: Path) -> None:
    assert "no cfg.json in" in find_error(tmp_path)
    assert "no folder" in find_error(tmp_path / "missing")
    assert "is called like 'w*'; there are x, y, z" in find_error(save_set(tmp_path), saes_glob="w*")


def truncate(folder: Path) -> None:
    file = folder / "sae_weights.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def no_weights(folder: Path) -> None:
    (folder / "sae_weights.safetensors").unlink()


def other_weights(folder: Path) -> None:
    save_file({"W_dec": torch.zeros(3, 4)}, folder / "sae_weights.safetensors")


def not_json(folder: Path) -> None:
    (folder / "cfg.json").write_text("{")


def binary(folder: Path) -> None:
    (folder / "cfg.json").write_bytes(b"\xff\xfe\x00")


def a_list(folder: Path) -> None:
    (folder / "cfg.json").write_text("[]")


def edited(**fields: Any) -> Callable[[Path], None]:
    return lambda folder: tiny.edit_config(folder, **fields)


def without_metadata(field: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        config = json.loads((folder / "cfg.json").read_text())
        del config["metadata"][field]
        (folder / "cfg.json").write_text(json.dumps(config))

    return damage


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "is damaged"),
        (no_weights, "is missing"),
        (other_weights, "W_dec is [3, 4], cfg.json says [24, 16]"),
        (not_json, "is not JSON"),
        (binary, "is not JSON"),
        (a_list, "is not a JSON object"),
        (edited(d_in=None), "d_in in its cfg.json"),
        (edited(d_sae="many"), "d_sae in its cfg.json"),
        (edited(architecture="nonsense"), "unknown architecture 'nonsense'"),
        (edited(architecture="transcoder"), "does not rebuild what it reads"),
        (edited(architecture="abstopk"), "abstopk, which has activations below 0"),
        (edited(architecture="temporal"), "temporal, which encodes a token by the ones before it"),
        (edited(normalize_activations="expected_average_only_in"), "is a training checkpoint"),
        (edited(normalize_activations="covariance_whitening"), "is a training checkpoint"),
        (edited(metadata=None), "cfg.json"),
        (without_metadata("hook_name"), "metadata.hook_name in its cfg.json"),
        (without_metadata("model_name"), "metadata.model_name in its cfg.json"),
    ],
)
def test_a_damaged_folder_is_an_input_error(tmp_path: Path, damage: Callable[[Path], None], message: str) -> None:
    save_set(tmp_path)
    damage(tmp_path / "y")
    found = find_error(tmp_path)
    assert message in found
    assert str(tmp_path / "y") in found


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"model_name": "other"}, "differ in the model: tiny of"),
        ({"model_from_pretrained_kwargs": {"center_writing_weights": True}}, "differ in how the model is set up"),
        ({"context_size": 99}, "differ in the context size: 12 of"),
        ({"prepend_bos": False}, "differ in whether contexts start with BOS: True of"),
        ({"hook_head_index": 1}, "reads one attention head"),
    ],
)
@pytest.mark.filterwarnings(r"ignore:\s*This SAE has non-empty model_from_pretrained_kwargs")  # it is what is tested
def test_saes_that_do_not_fit_together_are_an_input_error(
    tmp_path: Path, metadata: dict[str, Any], message: str
) -> None:
    tiny.save_sae(tmp_path / "a", HOOKS[0])
    tiny.save_sae(tmp_path / "b", HOOKS[1], **metadata)
    assert message in find_error(tmp_path)


def test_metadata_that_is_not_stated_fits_with_any(tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "a", HOOKS[0], context_size=None, prepend_bos=None)
    tiny.save_sae(tmp_path / "b", HOOKS[1], prepend_bos=False)
    found = saes.find([str(tmp_path)])
    assert (found.context_size, found.prepend_bos) == (tiny.CONTEXT_SIZE, False)


def test_saes_of_one_layer_and_set_are_an_input_error(tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "mine/a", HOOKS[0])
    tiny.save_sae(tmp_path / "mine/b", HOOKS[0])
    assert "2 SAEs have the same layer and set, 0-mine: " in find_error(tmp_path / "mine")


def test_saes_may_differ_in_the_size_of_what_they_read(tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "a", "blocks.0.mlp.hook_post")
    tiny.save_sae(tmp_path / "b", HOOKS[1], d_sae=40)
    found = saes.find([str(tmp_path)])
    assert [(source.d_in, source.d_sae) for source in found.sources] == [(64, 24), (16, 40)]


def test_an_sae_of_the_embedding_comes_first_and_is_of_layer_0(tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "blocks/a", HOOKS[0])
    tiny.save_sae(tmp_path / "words/a", "hook_embed")
    found = saes.find([str(tmp_path / "blocks"), str(tmp_path / "words")])
    assert [(source.id, source.depth) for source in found.sources] == [("0-words", 0), ("0-blocks", 1)]


def test_an_unknown_release_is_answered_with_near_ones() -> None:
    assert find_error("gpt2-small-res-jbb").startswith(
        "'gpt2-small-res-jbb' is no SAELens release and no folder; near it are gpt2-small-res-jb,"
    )


def test_an_unknown_sae_id_is_answered_with_near_ones() -> None:
    found = find_error("gpt2-small-res-jb", saes_glob="blocks.5.hook_resid_preX")
    assert "is called like 'blocks.5.hook_resid_preX'; near it are blocks.5.hook_resid_pre," in found


def test_layers_that_a_release_does_not_have_are_named() -> None:
    assert find_error("gpt2-small-res-jb", layers="40").endswith("it has 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12")


def test_a_release_is_found_with_what_sae_lens_knows_of_it(cached_release: Path) -> None:
    found = saes.find(["gpt2-small-res-jb"])
    assert found.model == found.model_to_load == "gpt2-small"
    assert ids(found) == [f"{layer}-res-jb" for layer in range(13)]
    sixth = found.sources[6]
    assert (sixth.hook, sixth.neuronpedia_id, sixth.expected_l0) == (
        "blocks.6.hook_resid_pre",
        "gpt2-small/6-res-jb",
        51.0,
    )
    assert sixth.model_kwargs == {"center_writing_weights": True}
    assert (sixth.context_size, sixth.prepend_bos, sixth.dataset) == (12, True, "Skylion007/openwebtext")
    assert isinstance(sixth.location, Release)
    assert str(sixth.location) == "gpt2-small-res-jb/blocks.6.hook_resid_pre"


def test_a_release_whose_factor_of_normalisation_is_unknown_is_an_input_error(cached_release: Path) -> None:
    tiny.edit_config(cached_release / "blocks.6.hook_resid_pre", normalize_activations="expected_average_only_in")
    found = find_error("gpt2-small-res-jb", layers="6")
    assert "gpt2-small-res-jb/blocks.6.hook_resid_pre is a training checkpoint: the factor of expected_average" in found


def test_layers_and_a_glob_choose_among_the_saes_of_a_release(cached_release: Path) -> None:
    assert ids(saes.find(["gpt2-small-res-jb"], layers="4-6")) == ["4-res-jb", "5-res-jb", "6-res-jb"]
    assert ids(saes.find(["gpt2-small-res-jb"], saes_glob="blocks.1[01].hook_resid_pre")) == ["10-res-jb", "11-res-jb"]


def test_a_release_is_loaded_as_the_folder_that_it_was_fetched_to(cached_release: Path) -> None:
    source = saes.find(["gpt2-small-res-jb"], layers="6").sources[0]
    local = saes.find([str(cached_release / "blocks.6.hook_resid_pre")]).sources[0]
    assert saes.weights_hash(saes.load(source)) == saes.weights_hash(saes.load(local))


def test_a_release_that_cannot_be_fetched_says_what_was_missing(unreachable_hub: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        saes.find(["gpt2-small-res-jb"], layers="4-6")
    assert str(caught.value) == (
        "cannot fetch blocks.4.hook_resid_pre/cfg.json and blocks.4.hook_resid_pre/sae_weights.safetensors, and those "
        "of 2 more SAEs, from jbloom/GPT2-Small-SAEs-Reformatted: http://127.0.0.1:9 cannot be reached; or give "
        "folders of SAEs as SAELens saves them, made where there is a network"
    )


def test_weights_that_cannot_be_fetched_say_what_was_missing(cached_release: Path) -> None:
    (cached_release / "blocks.6.hook_resid_pre/sae_weights.safetensors").unlink()
    source = saes.find(["gpt2-small-res-jb"], layers="6").sources[0]
    with pytest.raises(DownloadError, match=r"cannot fetch blocks.6.hook_resid_pre/cfg.json and .*cannot be reached"):
        saes.load(source)


@pytest.mark.parametrize("architecture", ["standard", "jumprelu", "gated", "topk"])
def test_a_loaded_sae_encodes_as_the_one_that_was_saved(tmp_path: Path, architecture: str) -> None:
    saved = tiny.save_sae(tmp_path / "a", HOOKS[0], architecture=architecture)
    loaded = saes.load(saes.find([str(tmp_path / "a")]).sources[0])
    x = torch.randn(7, tiny.D_MODEL)
    torch.testing.assert_close(loaded.encode(x), saved.encode(x))
    assert not loaded.training
    assert not any(weights.requires_grad for weights in loaded.parameters())


def test_weights_in_half_precision_are_loaded_in_single(tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "a", HOOKS[0])
    file = tmp_path / "a/sae_weights.safetensors"
    halves = {name: weights.half() for name, weights in load_file(file).items()}
    save_file(halves, file)
    tiny.edit_config(tmp_path / "a", dtype="float16")
    loaded = saes.load(saes.find([str(tmp_path / "a")]).sources[0])
    assert loaded.W_enc.dtype == loaded.b_dec.dtype == torch.float32
    assert torch.equal(loaded.W_dec, halves["W_dec"].float())


@pytest.mark.filterwarnings(r"ignore:\s*This SAE has non-empty model_from_pretrained_kwargs")  # when it is saved
def test_loading_does_not_warn_of_model_arguments_that_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tiny.save_sae(tmp_path / "a", HOOKS[0], model_from_pretrained_kwargs={"center_writing_weights": True})
    assert isinstance(saes.load(saes.find([str(tmp_path / "a")]).sources[0]), SAE)
    assert not caplog.records


def test_a_missing_tensor_is_an_input_error(tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "a", HOOKS[0])
    file = tmp_path / "a/sae_weights.safetensors"
    save_file({name: weights for name, weights in load_file(file).items() if name != "b_enc"}, file)
    with pytest.raises(InputError, match=r"do not load \(.*b_enc.*\); save"):
        saes.load(saes.find([str(tmp_path / "a")]).sources[0])


def test_weights_that_are_not_finite_are_an_input_error(tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "a", HOOKS[0])
    file = tmp_path / "a/sae_weights.safetensors"
    save_file(load_file(file) | {"b_enc": torch.full((24,), torch.nan)}, file)
    with pytest.raises(InputError, match="b_enc has values that are not finite"):
        saes.load(saes.find([str(tmp_path / "a")]).sources[0])


def test_the_hash_is_that_of_the_weights(tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "one/a", HOOKS[0])
    tiny.save_sae(tmp_path / "two/a", HOOKS[0])
    tiny.save_sae(tmp_path / "two/b", HOOKS[1])
    one, two, other = (
        saes.weights_hash(saes.load(saes.find([str(tmp_path / name)]).sources[0]))
        for name in ("one/a", "two/a", "two/b")
    )
    assert one == two != other
