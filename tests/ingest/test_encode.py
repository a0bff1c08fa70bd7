from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from planted import dense_of

from saedb.ingest import encode as encode_module
from saedb.ingest import model, saes
from saedb.ingest.contexts import special_tokens
from saedb.ingest.encode import Encoder, LoadedSae, encode, positive
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


def test_positive_finds_what_is_above_zero_by_token_and_feature() -> None:
    activations = torch.tensor([[0.0, 2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 3.0]])
    assert positive(activations).tolist() == [[0, 2, 2], [1, 0, 2]]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("tiny")
    tiny.save_model(folder / "model")
    for number, hook in enumerate(HOOKS):
        tiny.save_sae(folder / "saes" / f"layer{number}", hook)
    found = saes.find([str(folder / "saes")])
    language_model = model.load_model(found, str(folder / "model"))
    loaded = [LoadedSae(id=s.id, hook=s.hook, sae=saes.load(s)) for s in found.sources]
    return Encoder(language_model, loaded, special_tokens(language_model.tokenizer), 3)


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


def test_the_quality_of_a_shard_is_that_of_its_tiles(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    _, whole = encoder.shard(TOKENS, None, lambda _: None)
    monkeypatch.setattr(encode_module, "TILE", 5)
    _, tiled = encoder.shard(TOKENS, None, lambda _: None)

    def figures(sums: QualitySums) -> tuple[float | None, float | None]:
        return sums.l0, sums.explained_variance

    for sae, sums in whole.quality.items():
        assert figures(tiled.quality[sae]) == pytest.approx(figures(sums), rel=1e-5)
