"""`ingest` as a whole: on a tiny random model and SAEs, and on the demo's."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from planted import dense_of, dense_statistics
from tinyrun import HOOKS, tiny_config

from saedb.ingest import beginning, saes
from saedb.ingest.activations import ActivationStore
from saedb.ingest.config import IngestConfig
from saedb.ingest.directions import read_directions
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.feature_examples import examples_of
from saedb.ingest.materials import gather
from saedb.ingest.measures import MEASURES
from saedb.ingest.pipeline import ingest
from saedb.ingest.progress import silent
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.stages import Stages


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> IngestConfig:
    return tiny_config(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def run(config: IngestConfig, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return ingest(config, tmp_path_factory.mktemp("runs") / "tiny")


def table(run: RunDirectory, name: str) -> pd.DataFrame:
    return pd.read_parquet(run.path / name, partitioning=None)


def activations(run: RunDirectory, config: IngestConfig) -> dict[str, np.ndarray]:
    """Return the activations on counted tokens by transformers' and SAELens' own code, [tokens, d_sae] by SAE id."""
    from transformers import AutoModelForCausalLM

    tokens = table(run, "tokens.parquet")
    model = AutoModelForCausalLM.from_pretrained(config.model).eval()
    with torch.inference_mode():
        contexts = torch.tensor(tokens["token"].to_numpy().reshape(-1, tiny.CONTEXT_SIZE))
        hidden = model(contexts, output_hidden_states=True).hidden_states
        found = saes.find(config.inputs)
        return {
            source.id: saes.load(source).encode(hidden[source.layer].flatten(0, 1)).numpy()[tokens["counted"]]
            for source in found.sources
        }


def test_the_tables_hold_what_transformers_and_saelens_and_numpy_compute(
    run: RunDirectory, config: IngestConfig
) -> None:
    dense = activations(run, config)
    tokens, features = table(run, "tokens.parquet"), table(run, "features.parquet")
    documents = tokens["document"].to_numpy()[tokens["counted"]]
    for u, d in run.record.pairs:
        edges = table(run, f"edges/pair={u}--{d}/edges.parquet")
        statistics = dense_statistics(dense[u], dense[d], documents)
        width = dense[d].shape[1]
        numbers = [edges[end].str.rpartition("/")[2].astype(int) for end in ("source", "target")]
        cells = (numbers[0] * width + numbers[1]).to_numpy()
        assert len(edges) > 100
        for measure in MEASURES:
            if measure.name != "decoder_cosine":
                expected = measure.values(statistics)[cells]
                np.testing.assert_allclose(edges[measure.name], expected, rtol=2e-3, atol=2e-3)
    for sae, values in dense.items():
        rows = features[features["sae"] == sae]
        np.testing.assert_allclose(rows["max"], values.max(axis=0).clip(0), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(rows["n_positive"], (values > 0).sum(axis=0), atol=2)


def test_the_record_says_what_was_read_and_how_good_the_saes_are(run: RunDirectory, config: IngestConfig) -> None:
    record = RunDirectory.open(run.path).record
    tokens = table(run, "tokens.parquet")
    assert record.status == "complete"
    assert record.tokens is not None
    assert record.tokens.read == len(tokens) == 1200
    assert record.tokens.counted == tokens["counted"].sum()
    assert (record.tokens.context_size, record.tokens.prepend_bos) == (tiny.CONTEXT_SIZE, True)
    assert record.tokens.counted + sum(record.tokens.left_out.values()) == 1200
    assert [s.id for s in record.saes] == ["0-saes", "1-saes", "2-saes"]
    assert record.pairs == (("0-saes", "1-saes"), ("1-saes", "2-saes"))
    assert all(s.l0 and s.explained_variance is not None and s.dead is not None and s.sha256 for s in record.saes)
    assert len(record.warnings) == 3, "random SAEs explain nothing, and the record says so"
    assert {"encode", "edges", "labels"} <= record.timings.keys()
    assert record.config["min_support"] == config.min_support


def test_documents_are_traced_to_their_lines(run: RunDirectory) -> None:
    tokens, documents = table(run, "tokens.parquet"), table(run, "documents.parquet")
    assert documents["document"].tolist() == list(range(tokens["document"].max() + 1))
    assert documents["id"].is_unique
    for _, ids in documents.groupby("half")["id"]:
        lines = ids.str.removeprefix("text.jsonl:").astype(int)
        assert lines.is_monotonic_increasing


def test_features_of_few_documents_are_rare_and_neither_appear_nor_disappear(
    config: IngestConfig, tmp_path: Path
) -> None:
    run = ingest(changed(config, tokens=120, min_support=0, min_documents=50), tmp_path / "tiny")
    features = table(run, "features.parquet")
    assert set(features["state_in"]) | set(features["state_out"]) <= {"rare", "dead"}
    assert any("documents, and the support of an edge must come from 50" in line for line in run.record.warnings)
    assert any("--min-documents" in line for line in run.record.warnings)


def test_one_sae_alone_is_a_warning(config: IngestConfig, tmp_path: Path) -> None:
    run = ingest(changed(config, tokens=120, layers="1"), tmp_path / "tiny")
    assert run.record.pairs == ()
    assert any(line.startswith("1-saes is the only SAE") for line in run.record.warnings)


def test_features_have_states_labels_and_examples(run: RunDirectory) -> None:
    features, examples = table(run, "features.parquet"), table(run, "examples.parquet")
    alive = features[features["n_positive"] > 0]
    assert len(features) == 3 * 24
    assert features["id"].is_unique
    assert features[features["layer"] == 0]["state_in"].isin(["dead", "rare"]).sum() == (
        features[features["layer"] == 0]["state_in"].notna().sum()
    )
    assert features[features["layer"] == 1]["state_in"].notna().all()
    assert features[features["layer"] == 1]["state_out"].notna().all()
    assert alive["label"].notna().all()
    assert (alive["label"].str.len() <= 60).all()
    assert (alive["promoted_tokens"].str.len() > 0).all()
    assert (alive["examples"].str.len() > 0).all()
    assert set(examples["feature"]) == set(alive["id"])
    assert not examples.duplicated(["feature", "context"]).any()
    best = examples[examples["rank"] == 0].set_index("feature")["activation"]
    np.testing.assert_array_equal(best, alive.set_index("id")["max"].loc[best.index])
    assert alive["histogram"].map(sum).tolist() == alive["n_positive"].tolist()
    assert features[features["n_positive"] == 0]["histogram"].isna().all()


def test_the_tokens_of_examples_are_the_text_with_the_activations_of_the_store(run: RunDirectory) -> None:
    tokens, store = table(run, "tokens.parquet")["token"].to_numpy(), ActivationStore.of_run(run)
    dense = {
        sae.id: np.concatenate([dense_of(store.rows(sae.id, shard)) for shard in store.shards])
        for sae in run.record.saes
    }
    words = tiny.tokenizer()
    for feature in table(run, "features.parquet").itertuples():
        for example in examples_of(run, feature.id):
            first = example.context * tiny.CONTEXT_SIZE + example.position - example.at
            window = slice(first, first + len(example.tokens))
            assert "".join(example.tokens) == words.decode(tokens[window])
            assert list(example.activations) == dense[feature.sae][window, feature.index].tolist()


def contents(run: RunDirectory) -> dict[str, bytes]:
    return {str(file.relative_to(run.path)): file.read_bytes() for file in sorted(run.path.rglob("*.parquet"))}


class Stop:
    """Interrupts the `number`-th report of a stage."""

    def __init__(self, stage: str, number: int) -> None:
        self._stage, self._left = stage, number

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        self._left -= stage == self._stage
        if self._left == 0:
            raise KeyboardInterrupt


STAGES = ["load SAEs", "load model", "tokenise", "calibrate", "encode", "statistics", "edges", "examples", "labels"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_interrupted_anywhere_goes_on_and_ends_with_the_same_bytes(
    run: RunDirectory, config: IngestConfig, tmp_path: Path, stage: str
) -> None:
    path = tmp_path / "tiny"
    with pytest.raises(KeyboardInterrupt):
        ingest(config, path, Stop(stage, 2))
    if (path / "run.json").exists():
        assert RunDirectory.open(path).record.status == "computing"
    assert contents(ingest(config, path)) == contents(run)


def test_what_is_finished_is_not_computed_again(config: IngestConfig, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ingest(config, tmp_path / "tiny", Stop("labels", 2))
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.npy")}
    seen: set[str] = set()
    ingest(config, tmp_path / "tiny", lambda stage, done, total: seen.add(stage))
    assert "encode" not in seen
    assert {"edges", "examples"}.isdisjoint(seen)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.npy")} == before


def changed(config: IngestConfig, **settings: Any) -> IngestConfig:
    from dataclasses import replace

    return replace(config, **settings)


def test_a_complete_run_is_returned_as_it_is(run: RunDirectory, config: IngestConfig) -> None:
    def refuse(stage: str, done: int, total: int | None) -> None:
        raise AssertionError(stage)

    assert ingest(config, run.path, refuse).record == RunDirectory.open(run.path).record


def test_a_run_of_other_settings_is_refused_with_what_differs(run: RunDirectory, config: IngestConfig) -> None:
    with pytest.raises(RunError, match=r"min_support: 10 there, 7 here.*--run"):
        ingest(changed(config, min_support=7), run.path)


def test_every_setting_that_differs_is_named_and_those_that_change_no_table_are_not(
    run: RunDirectory, config: IngestConfig
) -> None:
    other = changed(config, tokens=1300, bootstrap=5, pairs="0:2", memory="3GB", keep_activations=False)
    with pytest.raises(RunError) as caught:
        ingest(other, run.path)
    assert str(caught.value) == (
        f"{run.path} was made with other settings (bootstrap: 0 there, 5 here, pairs: None there, 0:2 here,"
        " tokens: 1200 there, 1300 here); choose another name with --run"
    )


def lines(number: int) -> str:
    words = random.Random(number)
    return "\n".join(json.dumps({"text": " ".join(words.choices(tiny.WORDS, k=20))}) for _ in range(20))


def test_a_complete_run_of_text_edited_since_is_refused(config: IngestConfig, tmp_path: Path) -> None:
    text = tmp_path / "text.jsonl"
    text.write_text(lines(0))
    own = changed(config, dataset=str(text), tokens=120)
    ingest(own, tmp_path / "tiny")
    assert ingest(own, tmp_path / "tiny").record.status == "complete"
    text.write_text(lines(1))
    with pytest.raises(RunError, match=r"other settings \(dataset: contents changed\); choose another name with --run"):
        ingest(own, tmp_path / "tiny")
    text.unlink()
    with pytest.raises(RunError, match=r"dataset: no longer there"):
        ingest(own, tmp_path / "tiny")


def test_the_same_relative_paths_of_another_project_are_refused(
    config: IngestConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for project in ("one", "two"):
        (tmp_path / project).mkdir()
        (tmp_path / project / "text.jsonl").write_text(lines(0))
    own = changed(config, dataset="text.jsonl", tokens=120)
    monkeypatch.chdir(tmp_path / "one")
    run = ingest(own, tmp_path / "tiny")
    assert run.record.dataset == run.record.config["dataset"] == str((tmp_path / "one/text.jsonl").resolve())
    monkeypatch.chdir(tmp_path / "two")
    with pytest.raises(RunError, match=r"dataset: .*one/text\.jsonl there, .*two/text\.jsonl here"):
        ingest(own, tmp_path / "tiny")


def test_saes_that_changed_since_are_refused(config: IngestConfig, tmp_path: Path) -> None:
    folder = tmp_path / "saes"
    for number, hook in enumerate(HOOKS):
        tiny.save_sae(folder / f"layer{number}", hook)
    own = changed(config, inputs=(str(folder),))
    with pytest.raises(KeyboardInterrupt):
        ingest(own, tmp_path / "tiny", Stop("encode", 2))
    (folder / "layer1").rename(tmp_path / "old")
    tiny.save_sae(tmp_path / "another", HOOKS[1])
    (tmp_path / "another").rename(folder / "layer1")
    with pytest.raises(RunError, match="inputs: contents changed"):
        ingest(own, tmp_path / "tiny")
    materials = gather(own, "cpu", Stages(silent))  # as with a release, whose files are not compared
    with pytest.raises(RunError, match="the SAEs 1-saes are not those of"):
        beginning.go_on(RunDirectory.open(tmp_path / "tiny"), materials)


def test_bad_input_leaves_no_run(config: IngestConfig, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        ingest(changed(config, dataset=str(tmp_path / "nothing.txt")), tmp_path / "tiny")
    assert not (tmp_path / "tiny").exists()


def test_activations_are_dropped_where_they_are_not_kept(
    run: RunDirectory, config: IngestConfig, tmp_path: Path
) -> None:
    dropped = ingest(changed(config, keep_activations=False), tmp_path / "tiny")
    assert not (dropped.path / "activations").exists()
    assert contents(dropped) == contents(run)
    assert all(read_directions(dropped, sae.id) is not None for sae in dropped.record.saes)


def test_the_directions_of_the_decoders_are_kept(run: RunDirectory, config: IngestConfig) -> None:
    for sae in gather(config, "cpu", Stages(silent)).saes:
        decoder = sae.sae.W_dec.detach().numpy()
        found = read_directions(run, sae.id)
        assert found is not None
        np.testing.assert_allclose(found, decoder / np.linalg.norm(decoder, axis=1, keepdims=True), atol=1e-3)


def full_gpu(*_: Any, **__: Any) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee documentation")


@pytest.mark.parametrize("where", ["sae_lens.SAE.load_from_disk", "saedb.ingest.encode.Encoder.shard"])
def test_a_full_gpu_is_one_line(
    config: IngestConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(where, full_gpu)  # most machines that run tests have no GPU
    with pytest.raises(RunError, match=r"^the GPU's memory is full, however little .*, or use --device cpu$"):
        ingest(config, tmp_path / "tiny")


def test_too_little_room_is_noticed_before_encoding(
    config: IngestConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage: Callable[[Any], Any] = lambda _: type("Usage", (), {"free": 1000})()  # noqa: E731
    monkeypatch.setattr("shutil.disk_usage", usage)
    with pytest.raises(RunError, match=r"GB are needed at .*tiny, 0\.0 GB are free; make room"):
        ingest(config, tmp_path / "tiny")
    assert not (tmp_path / "tiny" / "activations").exists()


@pytest.mark.slow
def test_the_demo_finds_features_that_pass_through(tmp_path: Path) -> None:
    run = ingest(IngestConfig(inputs=("demo",), dataset="demo", tokens=6400), tmp_path / "demo", silent)
    features = table(run, "features.parquet")
    assert len(run.record.saes) == 7
    assert not run.record.warnings
    assert all(s.explained_variance and s.explained_variance > 0.5 for s in run.record.saes)
    for u, d in run.record.pairs:
        edges = table(run, f"edges/pair={u}--{d}/edges.parquet")
        assert (edges["pearson"] >= 0.95).sum() > 50
    assert (features["state_out"] == "passed_through").sum() > 300
