from pathlib import Path
from typing import Any

import pytest
import sae_lens.load_model
import tiny
import torch
from huggingface_hub import constants
from tiny import Kind
from torch import Tensor
from transformers import PreTrainedModel

from saedb.ingest import model as models
from saedb.ingest import saes
from saedb.ingest.errors import DownloadError, InputError
from saedb.ingest.hooks import SITES
from saedb.ingest.model import LanguageModel
from saedb.ingest.sources import SaeSet

CENTRED = {"center_writing_weights": True}

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*This SAE has non-empty model_from_pretrained_kwargs")
"""SAELens warns when an SAE with model arguments is made; they are what is tested here."""


def save_saes(parent: Path, *hooks: str, kind: Kind = "gpt2", **metadata: Any) -> SaeSet:
    """Save and find an SAE for each hook, each in a set of its own: a set has one SAE a block."""
    folders = [parent / "saes" / str(number) / "sae" for number in range(len(hooks))]
    for folder, hook in zip(folders, hooks, strict=True):
        tiny.save_sae(folder, hook, d_in=tiny.size(hook, kind), **metadata)
    return saes.find([str(folder) for folder in folders])


def load(folder: Path, kind: Kind, *hooks: str, **kwargs: Any) -> tuple[LanguageModel, PreTrainedModel]:
    """Return the model in `folder` as saedb loads it, and as transformers does."""
    plain = tiny.save_model(folder / "model", kind)
    found = save_saes(folder, *hooks, kind=kind, model_from_pretrained_kwargs=kwargs or None)
    return models.load_model(found, str(folder / "model")), plain


def tokens() -> Tensor:
    return torch.randint(3, 20, (4, tiny.CONTEXT_SIZE), generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def hidden_states(plain: PreTrainedModel) -> tuple[Tensor, ...]:
    return plain(tokens(), output_hidden_states=True).hidden_states


def assert_near(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert found.dtype == torch.float32
    assert not found.requires_grad
    assert (found - expected).norm() <= 1e-4 * expected.norm()


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_residuals_equal_the_hidden_states_of_transformers(tmp_path: Path, kind: Kind) -> None:
    hooks = [f"blocks.{block}.hook_resid_pre" for block in range(tiny.BLOCKS)]
    model, plain = load(tmp_path, kind, *hooks)
    found = model.residuals(tokens())
    assert list(found) == hooks
    for hook, expected in zip(hooks, hidden_states(plain), strict=False):
        assert_near(found[hook], expected)


def test_centred_residuals_equal_hidden_states_less_their_mean(tmp_path: Path) -> None:
    hooks = [f"blocks.{block}.hook_resid_pre" for block in range(tiny.BLOCKS)]
    model, plain = load(tmp_path, "gpt2", *hooks, **CENTRED)
    for hook, expected in zip(hooks, hidden_states(plain), strict=False):
        assert_near(model.residuals(tokens())[hook], expected - expected.mean(dim=-1, keepdim=True))


CLASSIC_SITES = [
    "hook_resid_pre",
    "ln1.hook_normalized",
    "attn.hook_q",
    "attn.hook_k",
    "attn.hook_v",
    "attn.hook_z",
    "hook_attn_out",
    "hook_mlp_in",
    "hook_resid_mid",
    "ln2.hook_normalized",
    "mlp.hook_pre",
    "mlp.hook_post",
    "hook_mlp_out",
    "hook_resid_post",
]
"""What a block of GPT-2 has as a HookedTransformer."""


@pytest.mark.filterwarnings("ignore:HookedTransformer:DeprecationWarning")  # SAELens still loads one
@pytest.mark.parametrize("arguments", [{}, CENTRED, {"fold_ln": True}, {**CENTRED, "fold_ln": True}])
def test_a_known_name_gives_what_sae_lens_loads(
    unreachable_hub: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    arguments: dict[str, bool],
) -> None:
    tiny.save_model(tiny.cached_repository(unreachable_hub, "gpt2"), "gpt2")
    hooks = ["hook_embed", *(f"blocks.1.{site}" for site in CLASSIC_SITES), "blocks.2.hook_resid_pre"]
    found = save_saes(tmp_path, *hooks, model_name="gpt2-small", model_from_pretrained_kwargs=arguments)
    model = models.load_model(found)
    assert (capsys.readouterr().out, caplog.records) == ("", [])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # theirs would try the hub for minutes
    theirs = sae_lens.load_model.load_model("HookedTransformer", "gpt2-small", "cpu", arguments)
    theirs.cfg.use_hook_mlp_in = True
    _, cache = theirs.run_with_cache(tokens(), prepend_bos=False)
    residuals = model.residuals(tokens())
    assert list(residuals) == hooks
    for hook, residual in residuals.items():
        assert_near(residual, cache[hook].detach().flatten(start_dim=2))


def test_hooks_inside_a_block_equal_the_modules_of_transformers(tmp_path: Path) -> None:
    sites = ["attn.hook_z", "hook_attn_out", "hook_resid_mid", "hook_mlp_out", "hook_resid_post"]
    model, plain = load(tmp_path, "gpt2", *(f"blocks.1.{site}" for site in sites))
    expected = module_activations(plain)
    found = model.residuals(tokens())
    assert list(found) == [f"blocks.1.{site}" for site in sites]
    for site in sites:
        assert_near(found[f"blocks.1.{site}"], expected[site])


def test_neurons_equal_those_of_transformers(tmp_path: Path) -> None:
    model, plain = load(tmp_path, "gpt2", "blocks.1.mlp.hook_post")
    assert_near(model.residuals(tokens())["blocks.1.mlp.hook_post"], module_activations(plain)["mlp.hook_post"])


POST_NORMS = [site for site in SITES if "_post." in site]
LACKING: dict[Kind, list[str]] = {
    "gpt2": ["attn.hook_rot_q", "attn.hook_rot_k", "mlp.hook_pre_linear", *POST_NORMS],
    "llama": POST_NORMS,
    "gemma": [],
}


@pytest.mark.parametrize("kind", LACKING)
def test_every_site_of_a_block_gives_each_token_a_vector(tmp_path: Path, kind: Kind) -> None:
    hooks = [f"blocks.1.{site}" for site in SITES if site not in LACKING[kind]]
    model, _ = load(tmp_path, kind, "hook_embed", *hooks)
    found = {hook: values.shape for hook, values in model.residuals(tokens()).items()}
    assert list(found) == ["hook_embed", *hooks]
    assert found == {hook: (4, tiny.CONTEXT_SIZE, tiny.size(hook, kind)) for hook in found}


@torch.no_grad()
@pytest.mark.parametrize("kind", LACKING)
def test_sites_are_in_the_order_in_which_a_block_computes_them(tmp_path: Path, kind: Kind) -> None:
    hooks = [f"blocks.1.{site}" for site in SITES if site not in LACKING[kind]]
    model, _ = load(tmp_path, kind, *hooks)
    _, cache = model._model.run_with_cache(tokens(), names_filter=hooks, prepend_bos=False)
    assert [hook for hook in cache if hook in hooks] == hooks


def test_saes_of_one_hook_point_are_given_the_same(tmp_path: Path) -> None:
    model, plain = load(tmp_path, "gpt2", "blocks.1.hook_resid_pre", "blocks.1.hook_resid_pre")
    found = model.residuals(tokens())
    assert list(found) == ["blocks.1.hook_resid_pre"]
    assert_near(found["blocks.1.hook_resid_pre"], hidden_states(plain)[1])


@torch.no_grad()
def module_activations(plain: Any) -> dict[str, Tensor]:
    """Return what plain hooks on the second block of GPT-2 see, by TransformerLens' names."""
    seen: dict[str, Tensor] = {}
    block = plain.transformer.h[1]
    block.attn.c_proj.register_forward_pre_hook(lambda _, inputs: seen.update({"attn.hook_z": inputs[0]}))
    block.attn.c_proj.register_forward_hook(lambda _, __, output: seen.update(hook_attn_out=output))
    block.ln_2.register_forward_pre_hook(lambda _, inputs: seen.update(hook_resid_mid=inputs[0]))
    block.mlp.c_proj.register_forward_pre_hook(lambda _, inputs: seen.update({"mlp.hook_post": inputs[0]}))
    block.mlp.register_forward_hook(lambda _, __, output: seen.update(hook_mlp_out=output))
    seen["hook_resid_post"] = plain(tokens(), output_hidden_states=True).hidden_states[2]
    return seen


@pytest.mark.parametrize(
    ("last", "blocks_run"),
    [
        ("hook_embed", 0),
        ("blocks.0.hook_resid_pre", 0),
        ("blocks.0.ln1.hook_normalized", 1),
        ("blocks.1.hook_resid_pre", 1),
        ("blocks.1.hook_in", 1),
        ("blocks.1.attn.hook_q", 2),
        ("blocks.1.hook_mlp_out", 2),
    ],
)
def test_no_block_is_run_that_no_hook_needs(tmp_path: Path, last: str, blocks_run: int) -> None:
    model, _ = load(tmp_path, "gpt2", last)
    run: list[int] = []
    for number, block in enumerate(model._model.blocks):
        block.register_forward_hook(lambda *_, number=number: run.append(number))
    model.residuals(tokens())
    assert run == list(range(blocks_run))


@torch.no_grad()
def test_an_sae_encodes_the_residuals_as_sae_lens_does(tmp_path: Path) -> None:
    model, plain = load(tmp_path, "gpt2", "blocks.1.hook_resid_pre")
    source = saes.find([str(tmp_path / "saes/0")]).sources[0]
    found = saes.load(source).encode(model.residuals(tokens())[source.hook])
    saved = tiny.save_sae(tmp_path / "saes/0/sae", "blocks.1.hook_resid_pre")
    assert_near(found, saved.encode(hidden_states(plain)[1]))


@torch.no_grad()
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_promoted_tokens_are_those_of_the_logits_without_biases(tmp_path: Path, kind: Kind) -> None:
    model, plain = load(tmp_path, kind, "blocks.1.hook_resid_pre")
    body: Any = plain.base_model
    norm = body.ln_f if kind == "gpt2" else body.norm
    directions = torch.randn(5, tiny.D_MODEL)
    of_unit_size = directions / directions.square().mean(dim=-1, keepdim=True).sqrt()
    head = plain.get_output_embeddings()
    expected = head(norm(of_unit_size)) - head(norm(torch.zeros(1, tiny.D_MODEL)))
    assert_near(model.promoted(directions), expected)
    assert_near(model.promoted(directions / 1000), expected)
    assert not model.promoted(torch.zeros(1, tiny.D_MODEL)).any()


def test_the_tokenizer_is_the_models(tmp_path: Path) -> None:
    model, _ = load(tmp_path, "llama", "blocks.1.hook_resid_pre")
    assert model.tokenizer.convert_ids_to_tokens([0, 3]) == ["<s>", "the"]
    assert (model.d_model, model.device) == (tiny.D_MODEL, torch.device("cpu"))


@pytest.mark.parametrize(
    ("hook", "d_in", "message"),
    [
        ("blocks.3.hook_resid_pre", tiny.D_MODEL, "reads blocks.3.hook_resid_pre, and .* has 3 blocks; see --model"),
        ("blocks.1.hook_resid_pre", 8, "reads 8 values at blocks.1.hook_resid_pre, and .* has 16; see --model"),
        ("blocks.1.attn.hook_z", 8, "reads 8 values at blocks.1.attn.hook_z, and .* has 16; see --model"),
        ("blocks.0.mlp.hook_post", 16, "reads 16 values at blocks.0.mlp.hook_post, and .* has 64; see --model"),
        ("blocks.0.mlp.hook_pre_linear", 64, "reads blocks.0.mlp.hook_pre_linear, which .* does not have; see --model"),
    ],
)
def test_a_model_that_does_not_fit_the_saes_is_an_input_error(
    tmp_path: Path, hook: str, d_in: int, message: str
) -> None:
    tiny.save_model(tmp_path / "model")
    tiny.save_sae(tmp_path / "saes/0", hook, d_in=d_in)
    with pytest.raises(InputError, match=message):
        models.load_model(saes.find([str(tmp_path / "saes")]), str(tmp_path / "model"))


def test_centring_a_model_that_does_not_take_the_mean_out_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"center_writing_weights.*\(its normalisation is RMS\); give") as caught:
        load(tmp_path, "llama", "blocks.1.hook_resid_pre", **CENTRED)
    assert "\n" not in str(caught.value)


def test_folding_the_norms_of_any_model_leaves_its_residuals_as_they_are(tmp_path: Path) -> None:
    model, plain = load(tmp_path, "llama", "blocks.1.hook_resid_pre", fold_ln=True)
    assert_near(model.residuals(tokens())["blocks.1.hook_resid_pre"], hidden_states(plain)[1])


def test_a_folder_without_a_model_is_an_input_error(tmp_path: Path) -> None:
    found = save_saes(tmp_path, "blocks.1.hook_resid_pre")
    with pytest.raises(InputError, match="does not load") as caught:
        models.load_model(found, str(tmp_path))
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"no folder ./missing; give the model's name or its folder with --model"):
        models.load_model(found, "./missing")


def test_damaged_weights_of_a_model_are_an_input_error(tmp_path: Path) -> None:
    found = save_saes(tmp_path, "blocks.1.hook_resid_pre")
    tiny.save_model(tmp_path / "model")
    file = tmp_path / "model/model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="does not load"):
        models.load_model(found, str(tmp_path / "model"))
    file.unlink()
    with pytest.raises(InputError, match="does not load"):
        models.load_model(found, str(tmp_path / "model"))


@pytest.mark.parametrize("name", ["gpt2-small", "owner/unknown-model"])
def test_a_model_that_cannot_be_fetched_says_what_to_give_instead(
    unreachable_hub: Path, tmp_path: Path, name: str
) -> None:
    found = save_saes(tmp_path, "blocks.1.hook_resid_pre", model_name=name)
    with pytest.raises(DownloadError) as caught:
        models.load_model(found)
    assert str(caught.value) == (
        f"cannot fetch the model {name}: http://127.0.0.1:9 cannot be reached; or give its folder, as transformers "
        "saves it, with --model"
    )
