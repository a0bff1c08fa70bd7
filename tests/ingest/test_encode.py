import random
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from planted import dense_of
from sae_lens import SAE

from saedb.ingest import model, saes
from saedb.ingest.contexts import special_tokens
from saedb.ingest.encode import Encoder, LoadedSae, encode
from saedb.ingest.errors import InputError
from saedb.ingest.quality import QualitySums, total
from saedb.ingest.sparse import stacked

HOOKS = ["blocks.0.hook_resid_pre", "blocks.1.hook_resid_pre", "blocks.2.hook_resid_pre"]


@pytest.mark.parametrize("architecture", ["standard", "gated", "jumprelu", "topk"])
def test_activations_and_quality_are_those_of_saelens_itself(tmp_path: Path, architecture: str) -> None:
    sae = tiny.save_sae(tmp_path / architecture, HOOKS[0], architecture=architecture)
    inputs = torch.randn(600, tiny.D_MODEL, generator=torch.Generator().manual_seed(0))
    counted = np.arange(600) % 3 > 0
    parts = list(encode(sae, inputs, counted))
    with torch.inference_mode():
        expected = sae.encode(inputs)
        difference = (inputs - sae.decode(expected))[counted].double()
    assert len(parts) == 3, "tiles of 256 tokens"
    np.testing.assert_allclose(dense_of(stacked([rows for rows, _ in parts])), expected.clamp(min=0), rtol=1e-5)
    found = total([{"": sums} for _, sums in parts])[""]
    x = inputs[counted].double()
    assert found.l0 == pytest.approx(float((expected[counted] > 0).sum()) / counted.sum())
    variation = (x - x.mean(0)).square().sum()
    assert found.explained_variance == pytest.approx(float(1 - difference.square().sum() / variation), rel=1e-5)


ARCHITECTURES: list[dict[str, Any]] = [
    {"architecture": "standard"},
    {"architecture": "standard", "normalize_activations": "layer_norm"},
    {"architecture": "standard", "normalize_activations": "constant_norm_rescale"},
    {"architecture": "standard", "apply_b_dec_to_input": False},
    {"architecture": "gated"},
    {"architecture": "jumprelu"},
    {"architecture": "topk", "k": 4},
    {"architecture": "topk", "k": 4, "rescale_acts_by_decoder_norm": True},
    {"architecture": "matching_pursuit", "residual_threshold": 0.1, "max_iterations": 4},
]


@pytest.mark.parametrize("config", ARCHITECTURES, ids=lambda config: "-".join(map(str, config.values())))
def test_a_token_is_encoded_alone_as_among_others(config: dict[str, Any]) -> None:
    torch.manual_seed(0)
    sae = SAE.from_dict({"d_in": tiny.D_MODEL, "d_sae": 24, "metadata": {}, **config}).eval()
    for weights in sae.parameters():
        weights.data = 0.5 * torch.randn_like(weights)
    inputs, counted = torch.randn(70, tiny.D_MODEL), np.ones(70, np.bool_)
    tiled, single = (list(encode(sae, inputs, counted, tile=tile)) for tile in (32, 1))
    assert [len(tiled), len(single)] == [3, 70]
    one, many = (dense_of(stacked([rows for rows, _ in parts])) for parts in (single, tiled))
    assert many.any()
    np.testing.assert_allclose(many, one, rtol=1e-4, atol=1e-5)
    alone, among = (total({"": sums} for _, sums in parts)[""] for parts in (single, tiled))
    assert among.explained_variance == pytest.approx(alone.explained_variance, rel=1e-4)


Parts = tuple[model.LanguageModel, list[LoadedSae], frozenset[int]]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("tiny")
    tiny.save_model(folder / "model")
    for number, hook in enumerate(HOOKS):
        tiny.save_sae(folder / "saes" / f"layer{number}", hook)
    found = saes.find([str(folder / "saes")])
    language_model = model.load_model(found, str(folder / "model"))
    loaded = [LoadedSae(id=s.id, hook=s.hook, sae=saes.load(s)) for s in found.sources]
    return language_model, loaded, special_tokens(language_model.tokenizer)


@pytest.fixture
def encoder(parts: Parts) -> Encoder:
    return Encoder(*parts, 3)


TOKENS = np.random.default_rng(0).integers(3, 20, (8, tiny.CONTEXT_SIZE)).astype(np.int32)
TOKENS[:, 0] = 0


def test_a_shard_holds_every_context_and_counts_all_but_the_first_position(encoder: Encoder) -> None:
    done: list[int] = []
    medians = encoder.calibrate(TOKENS, count_all=False).medians
    assert medians is not None
    rows, summary = encoder.shard(TOKENS, {hook: 1e6 * median for hook, median in medians.items()}, done.append)
    assert done == [3, 6, 8]
    assert summary.counted.tolist() == [[False] + [True] * (tiny.CONTEXT_SIZE - 1)] * 8
    assert {sae: len(sparse) for sae, sparse in rows.items()} == dict.fromkeys(rows, TOKENS.size)
    assert {q.tokens for q in summary.quality.values()} == {int(summary.counted.sum())}


def test_an_outlier_at_any_hook_does_not_count_unless_all_tokens_do(encoder: Encoder) -> None:
    medians = encoder.calibrate(TOKENS, count_all=False).medians
    assert medians is not None
    last = {**{hook: 1e6 for hook in medians}, HOOKS[2]: 0.0}
    _, summary = encoder.shard(TOKENS, last, lambda _: None)
    assert not summary.counted.any()
    assert encoder.calibrate(TOKENS, count_all=True).medians is None
    assert encoder.shard(TOKENS, None, lambda _: None)[1].counted.all()


def test_the_quality_of_a_shard_is_that_of_its_tiles(encoder: Encoder, parts: Parts) -> None:
    _, whole = encoder.shard(TOKENS, None, lambda _: None)
    _, tiled = Encoder(*parts, 3, tile=5).shard(TOKENS, None, lambda _: None)

    def figures(sums: QualitySums) -> tuple[float | None, float | None]:
        return sums.l0, sums.explained_variance

    for sae, sums in whole.quality.items():
        assert figures(tiled.quality[sae]) == pytest.approx(figures(sums), rel=1e-5)


def test_a_calibration_measures_l0_on_tokens_of_every_context(encoder: Encoder) -> None:
    found = encoder.calibrate(TOKENS, count_all=True)
    rows, _ = encoder.shard(TOKENS, None, lambda _: None)
    later = np.tile(np.arange(tiny.CONTEXT_SIZE) > 0, len(TOKENS))
    for sae, l0 in found.l0.items():
        assert l0 == pytest.approx(np.diff(rows[sae].indptr)[later].mean())
    assert found.flipped is None


def test_with_tf32_a_calibration_says_how_many_activations_it_flips(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    # no CPU has TF32: an SAE that adds 0.1 where it may stands for it
    for s in parts[1]:
        exact = s.sae.encode
        monkeypatch.setattr(s.sae, "encode", lambda x, exact=exact: (exact(x) - 0.1 * in_tf32()).relu())
    found = Encoder(*parts, 3, tf32=True).calibrate(TOKENS, count_all=True)
    rows, _ = Encoder(*parts, 3).shard(TOKENS[:, 1:], None, lambda _: None)
    less, _ = Encoder(*parts, 3, tf32=True).shard(TOKENS[:, 1:], None, lambda _: None)
    before, after = (sum(len(found.values) for found in made.values()) for made in (rows, less))
    assert 0 < after < before
    assert found.flipped is not None
    assert 0 < found.flipped < 1
    assert found.l0 == Encoder(*parts, 3).calibrate(TOKENS, count_all=True).l0, "L0 is that of float32"


def in_tf32() -> bool:
    return torch.get_float32_matmul_precision() == "high"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e38])
@pytest.mark.parametrize("medians", [None, dict.fromkeys(HOOKS, 1e6)])
def test_a_model_that_gives_no_number_stops_with_hook_point_and_token(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, bad: float, medians: dict[str, float] | None
) -> None:
    residuals = parts[0].residuals

    def damaged(tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        found = residuals(tokens)
        for hook in HOOKS[1:]:
            found[hook][(tokens == 7).nonzero().unbind(1)] = bad
        return found

    monkeypatch.setattr(parts[0], "residuals", damaged)
    tokens = np.where(TOKENS == 7, 8, TOKENS)
    tokens[5, 4] = tokens[5, 9] = tokens[6, 2] = 7
    where = "activations at blocks.1.hook_resid_pre have norm (nan|inf) at position 4 of context"
    encoder = Encoder(*parts, 3)
    with pytest.raises(InputError, match=f"{where} 105; "):
        encoder.shard(tokens, medians, lambda _: None, first=100)
    with pytest.raises(InputError, match=f"{where} 5; "):
        encoder.calibrate(tokens, count_all=medians is None)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_an_sae_that_gives_no_number_stops_with_its_id_and_token(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, bad: float
) -> None:
    done: list[int] = []
    for s in parts[1][1:]:
        monkeypatch.setattr(s.sae, "encode", damaged_encode(s.sae.encode, bad))
    with pytest.raises(
        InputError, match=f"^SAE {parts[1][1].id} gives its feature 3 the value {bad} at position 10 of context 104; "
    ):
        Encoder(*parts, 3, tile=5).shard(TOKENS, None, done.append, first=100)
    assert done == [3]


def damaged_encode(encode: Callable[[Any], Any], bad: float) -> Callable[[Any], Any]:
    """Return the same, except for feature 3 on token 10 of context 4, in tiles of 5 and batches of 3 contexts."""
    calls = count()

    def damaged(x: torch.Tensor) -> torch.Tensor:
        found, call = encode(x), next(calls)
        if call == 8 + 4:  # 36 tokens are 8 tiles, and token 22 of the second batch is in its fifth
            found[2, 3] = bad
        return found

    return damaged


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("failures", [1, 3])
def test_memory_that_runs_out_changes_nothing_but_the_pace(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, seed: int, failures: int
) -> None:
    whole = dict.fromkeys(HOOKS, 1e9)
    integers(parts, monkeypatch)
    calm = Encoder(*parts, 8, tile=128)
    expected, counts = calm.shard(TOKENS, whole, lambda _: None)
    calibration = calm.calibrate(TOKENS, count_all=False)
    # a full GPU cannot be had in a test: model and SAEs fail at some calls, of which nobody knows
    fails = Failures(seed, failures)
    monkeypatch.setattr(parts[0], "residuals", fails.at(parts[0].residuals))
    for s in parts[1]:
        monkeypatch.setattr(s.sae, "encode", fails.at(s.sae.encode))
        monkeypatch.setattr(s.sae, "decode", fails.at(s.sae.decode))
    done: list[int] = []
    encoder = Encoder(*parts, 8, tile=128)
    assert encoder.calibrate(TOKENS, count_all=False) == calibration
    found, summary = encoder.shard(TOKENS, whole, done.append)
    assert not fails.coming
    assert len(encoder.notes) == failures
    assert done == sorted(set(done))
    assert done[-1] == len(TOKENS)
    for sae, rows in expected.items():
        for array in ("indptr", "indices", "values"):
            np.testing.assert_array_equal(getattr(found[sae], array), getattr(rows, array))
        np.testing.assert_array_equal(summary.quality[sae].to_array(), counts.quality[sae].to_array())
    np.testing.assert_array_equal(summary.counted, counts.counted)
    assert summary.left_out == counts.left_out
    assert not calm.notes


def integers(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make residuals and weights whole numbers, so that no rounding depends on how the text is cut."""
    residuals = parts[0].residuals
    monkeypatch.setattr(
        parts[0], "residuals", lambda tokens: {hook: found.round() for hook, found in residuals(tokens).items()}
    )
    for s in parts[1]:
        for weights in s.sae.parameters():
            monkeypatch.setattr(weights, "data", (3 * weights.data).round())


class Failures:
    """Memory runs out at some of the first 11 calls, which a seed chooses; a pass without any makes as many."""

    def __init__(self, seed: int, number: int) -> None:
        self.coming = set(random.Random(seed).sample(range(11), number))
        self._calls = count()

    def at(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def scarce(argument: Any) -> Any:
            call = next(self._calls)
            if call in self.coming:
                self.coming.remove(call)
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return function(argument)

        return scarce
