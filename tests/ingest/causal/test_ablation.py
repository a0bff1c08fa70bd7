"""Features that are known to cause others, or only to meet them, taken out of a model made by hand."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import causalmodel
import numpy as np
import pandas as pd
import pytest
import tiny
import tinyrun
import torch
from causalmodel import CARRIED, CAUSE, COMPANION, OTHER, OTHER_CARRIED, SUM

from saedb.ingest import precision, saes, tables
from saedb.ingest.causal import choosing, stage
from saedb.ingest.causal.found import Effects
from saedb.ingest.causal.intervention import Intervention
from saedb.ingest.causal.reading import Contexts
from saedb.ingest.causal.settings import AblationSettings
from saedb.ingest.causal.stage import Ablation
from saedb.ingest.encode import LoadedSae
from saedb.ingest.errors import InputError
from saedb.ingest.model import LanguageModel, load_model
from saedb.ingest.pipeline import ingest
from saedb.ingest.rundir import EFFECTS_FILE, FEATURES_FILE, RunDirectory, edges_file
from saedb.ingest.stages import Stages

ALL = AblationSettings(contexts=1000)


class Parts:
    """A run with its model and SAEs."""

    def __init__(self, run: RunDirectory) -> None:
        config = run.record.config
        found = saes.find(config["inputs"])
        self.run = run
        self.model = load_model(found, config["model"])
        self.saes = {s.id: LoadedSae(id=s.id, hook=s.hook, sae=saes.load(s, "cpu")) for s in found.sources}

    def ablate(self, edges: list[tuple[str, str]], settings: AblationSettings = ALL) -> pd.DataFrame:
        with self.run.writing():
            Ablation(self.run, Stages(lambda *_: None), self.model, self.saes, settings).write(edges)
        return self.run.read(tables.EFFECTS, EFFECTS_FILE).to_pandas().set_index(["source", "target"])


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("causal")
    return Parts(ingest(causalmodel.config(folder), folder / "run"))


@pytest.fixture(scope="module")
def random_run(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("random")
    return Parts(ingest(tinyrun.tiny_config(folder), folder / "run"))


@pytest.fixture(scope="module", params=["none", "layer_norm", "constant_norm_rescale"])
def normalising(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """A run whose SAEs normalise what they read, each token by its own size."""
    folder = tmp_path_factory.mktemp("normalising")
    config = tinyrun.tiny_config(folder)
    for number, hook in enumerate(tinyrun.HOOKS):
        tiny.save_sae(folder / f"saes/layer{number}", hook, settings={"normalize_activations": request.param})
    return Parts(ingest(config, folder / "run"))


def edge(parts: Parts, source: int, target: int) -> tuple[str, str]:
    (u, d), model = parts.run.record.pairs[0], parts.run.record.model
    return f"{model}/{u}/{source}", f"{model}/{d}/{target}"


def test_what_causes_a_feature_takes_all_of_it_and_what_only_meets_it_nothing(by_hand: Parts) -> None:
    causal, spurious, other = edge(by_hand, CAUSE, CARRIED), edge(by_hand, COMPANION, CARRIED), (OTHER, OTHER_CARRIED)
    found = by_hand.ablate([causal, spurious, edge(by_hand, *other)])

    assert found.loc[causal, "effect"] == pytest.approx(1.0)
    assert found.loc[spurious, "effect"] == pytest.approx(0.0, abs=1e-6)
    assert found.loc[edge(by_hand, *other), "effect"] == pytest.approx(1.0)
    u, d = by_hand.run.record.pairs[0]
    edges = by_hand.run.read(tables.EDGES, edges_file(u, d)).to_pandas().set_index(["source", "target"])
    assert edges.loc[spurious, "necessity"] > 0.3, "they meet, and more than by chance"
    assert edges.loc[spurious, "sufficiency"] == 1.0


def test_a_feature_that_adds_half_takes_half(by_hand: Parts) -> None:
    companion, cause = edge(by_hand, COMPANION, SUM), edge(by_hand, CAUSE, SUM)
    found = by_hand.ablate([companion, cause])

    assert found.loc[companion, "effect"] == pytest.approx(0.5)  # of a cat, whose two directions count alike
    assert found.loc[cause, "effect"] > 0.5  # and all of a dog
    assert found.loc[companion, "effect_change"] == pytest.approx(causalmodel.SIZE)


def test_tokens_and_documents_are_those_with_both_active(by_hand: Parts) -> None:
    spurious = edge(by_hand, COMPANION, CARRIED)
    found = by_hand.ablate([spurious])

    u, d = by_hand.run.record.pairs[0]
    edges = by_hand.run.read(tables.EDGES, edges_file(u, d)).to_pandas().set_index(["source", "target"])
    assert found.loc[spurious, "effect_tokens"] == edges.loc[spurious, "support"]
    assert found.loc[spurious, "effect_documents"] == edges.loc[spurious, "support_docs"]


def test_the_paper_counts_tokens_without_the_upstream_feature(by_hand: Parts) -> None:
    companion = edge(by_hand, COMPANION, SUM)
    found = by_hand.ablate([companion])

    # SUM is on cats and dogs, COMPANION on cats: a cat loses half of it, a dog nothing
    u, d = by_hand.run.record.pairs[0]
    edges = by_hand.run.read(tables.EDGES, edges_file(u, d)).to_pandas().set_index(["source", "target"])
    assert found.loc[companion, "effect_paper"] == pytest.approx(causalmodel.SIZE * edges.loc[companion, "necessity"])


def test_the_paper_counts_by_maxima_that_a_run_was_given(tmp_path: Path) -> None:
    config = causalmodel.config(tmp_path)
    own = ingest(config, tmp_path / "own").read(tables.FEATURES, FEATURES_FILE).to_pandas()
    own["max"] = 150 * causalmodel.SIZE  # a hundredth is above what a dog gives, and below what a cat does
    own[["id", "max"]].to_csv(tmp_path / "maxima.csv", index=False)
    given = replace(config, relative_threshold=0.001, max_activations=str(tmp_path / "maxima.csv"))
    parts = Parts(ingest(given, tmp_path / "run"))

    companion = edge(parts, COMPANION, SUM)
    assert parts.ablate([companion]).loc[companion, "effect_paper"] == pytest.approx(causalmodel.SIZE)


def test_what_has_no_edge_is_the_control(by_hand: Parts) -> None:
    found = by_hand.ablate([edge(by_hand, CAUSE, CARRIED)])

    row = found.loc[edge(by_hand, CAUSE, CARRIED)]
    # every feature that fires with it has an edge from it
    assert row["effect_controls"] == 0
    assert np.isnan(row["effect_control"])


def test_the_decoder_direction_does_the_same_where_reading_and_writing_are_one(by_hand: Parts) -> None:
    edges = [edge(by_hand, CAUSE, CARRIED), edge(by_hand, COMPANION, CARRIED), edge(by_hand, COMPANION, SUM)]
    found = by_hand.ablate(edges, AblationSettings(contexts=1000, direction="decoder"))

    assert [found.loc[e, "effect"] for e in edges] == pytest.approx([1.0, 0.0, 0.5], abs=1e-6)
    assert set(found.loc[edges, "effect_direction"]) == {"decoder"}


def test_copies_in_batches_give_what_single_ones_give(random_run: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = choosing.sample(random_run.run, "jaccard", 3, 0)
    assert len(edges) > 10
    together = random_run.ablate(edges, AblationSettings(contexts=9))
    monkeypatch.setattr(stage, "_COPIES", {"cpu": 1})
    one_by_one = random_run.ablate(edges, AblationSettings(contexts=9, controls=7))  # other settings: computed anew

    columns = ["effect", "effect_se", "effect_change", "effect_paper", "effect_tokens", "effect_documents"]
    pd.testing.assert_frame_equal(together[columns], one_by_one[columns], rtol=1e-4, atol=1e-5)
    assert (together["effect_tokens"] > 0).sum() > 10


def test_an_intervention_equals_the_whole_model_with_the_feature_set_to_zero(normalising: Parts) -> None:
    parts = normalising
    tokens = parts.run.read(tables.TOKENS, "tokens.parquet")["token"].to_numpy().reshape(-1, 12)[:20]
    for u, d in parts.run.record.pairs:
        up, down = parts.saes[u], parts.saes[d]
        intervention = Intervention(parts.model, up, down)
        contexts = Contexts(parts.model, intervention.hooks, tokens).of(range(len(tokens)))
        found = intervention.without(contexts, 3)

        def replaced(value: torch.Tensor, hook: object, up: LoadedSae = up) -> torch.Tensor:
            del hook
            error = value - up.sae.decode(up.sae.encode(value))
            activations = up.sae.encode(value)  # again: what it normalises by is kept for one decoding
            activations[..., 3] = 0.0
            return up.sae.decode(activations) + error

        bridge = parts.model._model
        with torch.no_grad(), bridge.hooks(fwd_hooks=[(up.hook, replaced)]):
            _, cache = bridge.run_with_cache(torch.from_numpy(tokens.astype(np.int64)), prepend_bos=False)
        expected = down.sae.encode(cache[down.hook])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(found, down.sae.encode(torch.stack([c.at[down.hook] for c in contexts])), atol=1e-2)


def test_the_model_is_as_before_after_an_intervention(random_run: Parts) -> None:
    tokens = torch.arange(3, 15)[None]
    before = random_run.model.residuals(tokens)
    up, down = random_run.saes.values().__iter__(), list(random_run.saes.values())[-1]
    intervention = Intervention(random_run.model, list(up)[1], down)
    read = Contexts(random_run.model, intervention.hooks, tokens.numpy().astype(np.int32))
    intervention.without(read.of([0]), 0)

    for hook, values in random_run.model.residuals(tokens).items():
        assert torch.equal(values, before[hook]), hook


def test_an_interrupted_ablation_goes_on_and_ends_the_same(random_run: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = choosing.sample(random_run.run, "jaccard", 2, 1)
    settings = AblationSettings(contexts=5, controls=3)
    whole = random_run.ablate(edges, settings)
    forget(random_run.run)
    monkeypatch.setattr(stage, "_KEPT_EVERY", 2)
    asked: list[int] = []
    with stopped_after(5, asked, monkeypatch), pytest.raises(KeyboardInterrupt):
        random_run.ablate(edges, settings)
    assert EFFECTS_FILE not in random_run.run.record.files, "the run is as it was until all is done"
    again = random_run.ablate(edges, settings)

    pd.testing.assert_frame_equal(again.loc[edges], whole.loc[edges])
    count = len({source for source, _ in edges})
    assert len(asked) < 5 + count, "what was done is not done again"


def forget(run: RunDirectory) -> None:
    (run.path / EFFECTS_FILE).unlink()
    run.update(files={name: file for name, file in run.record.files.items() if name != EFFECTS_FILE})


@contextmanager
def stopped_after(features: int, asked: list[int], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Raise Ctrl-C at a feature, within the block."""
    measure = stage.Measuring.measure

    def counted(self: stage.Measuring, task: object, *rest: object) -> object:
        if len(asked) == features:
            raise KeyboardInterrupt
        asked.append(1)
        return measure(self, task, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(stage.Measuring, "measure", counted)
        yield


def test_edges_that_are_done_are_not_computed_again(by_hand: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand.ablate([edge(by_hand, CAUSE, CARRIED)])

    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(stage.Measuring, "measure", fail)
    by_hand.ablate([edge(by_hand, CAUSE, CARRIED)])
    with pytest.raises(AssertionError):
        by_hand.ablate([edge(by_hand, CAUSE, CARRIED)], replace(ALL, seed=1))


@pytest.mark.parametrize(("source", "target", "message"), [("cat", 0, "no feature"), (0, "dog", "no feature")])
def test_features_of_no_run_are_refused(by_hand: Parts, source: object, target: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        by_hand.ablate([edge(by_hand, source, target)])  # type: ignore[arg-type]


def test_edges_against_the_depth_are_refused(by_hand: Parts) -> None:
    source, target = edge(by_hand, CAUSE, CARRIED)
    with pytest.raises(InputError, match="has no edge from"):
        by_hand.ablate([(target, source)])


def test_features_that_have_no_edge_are_refused(by_hand: Parts) -> None:
    with pytest.raises(InputError, match=r"has no edge from .*/2 to .*/0; see: saedb query neighbours"):
        by_hand.ablate([edge(by_hand, CAUSE, CARRIED), edge(by_hand, OTHER, CARRIED)])


def test_effects_of_another_device_are_others(by_hand: Parts) -> None:
    cpu, cuda = (Effects(by_hand.run, ALL, device) for device in ("cpu", "cuda"))
    by_hand.ablate([edge(by_hand, CAUSE, CARRIED)])

    assert edge(by_hand, CAUSE, CARRIED) in cpu.recorded
    assert not cuda.recorded


def test_encoders_multiply_in_the_precision_of_the_run(random_run: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    matrix_products = precision.matrix_products

    def noted(*, tf32: bool) -> AbstractContextManager[None]:
        asked.append(tf32)
        return matrix_products(tf32=tf32)

    monkeypatch.setattr(precision, "matrix_products", noted)
    up, down, _ = random_run.saes.values()
    intervention = Intervention(random_run.model, up, down, tf32=True)
    tokens = np.arange(3, 15, dtype=np.int32)[None]
    contexts = Contexts(random_run.model, intervention.hooks, tokens, tf32=True).of([0])
    feature = int(contexts[0].activations(up).indices[0])
    contexts[0].activations(down)
    intervention.without(contexts, feature)

    assert asked == [True] * 4, "of both SAEs: as the text is, and without the feature"


def test_settings_are_checked() -> None:
    with pytest.raises(InputError, match="no direction 'up'"):
        AblationSettings(direction="up")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="0 contexts"):
        AblationSettings(contexts=0)


def test_only_the_residual_stream_can_be_changed(random_run: Parts) -> None:
    up, down, _ = random_run.saes.values()
    inside = LoadedSae(id="0-z", hook="blocks.0.attn.hook_z", sae=up.sae)
    model: LanguageModel = random_run.model
    with pytest.raises(InputError, match="0-z reads"):
        Intervention(model, inside, down)


def test_a_larger_sample_has_the_smaller_one(random_run: Parts) -> None:
    small, large = (choosing.sample(random_run.run, "jaccard", count, 3) for count in (2, 5))
    assert set(small) < set(large)
    with pytest.raises(InputError, match="no tenths of 'lift'"):
        choosing.sample(random_run.run, "lift", 1, 0)


def test_a_sample_of_contexts_stands_for_all(random_run: Parts) -> None:
    edges = choosing.sample(random_run.run, "jaccard", 6, 0)
    whole = random_run.ablate(edges).loc[edges]
    drawn = [random_run.ablate(edges, AblationSettings(contexts=40, seed=seed)).loc[edges] for seed in range(3)]

    assert (whole["effect_share"] == 1).all()
    shares = pd.concat([one["effect_share"] for one in drawn])
    assert 0 < shares.min() < 1
    # over features, drawing evens out: neither the paper's sum nor the share is off to one side
    for column in ("effect_paper", "effect"):
        means = [one[column].mean() for one in drawn]
        assert np.mean(means) == pytest.approx(whole[column].mean(), rel=0.15), column
