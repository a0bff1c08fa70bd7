"""A prompt against the run's own activations, and against transformers and dense SAEs."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from sae_lens import SAE
from tinyrun import HOOKS, tiny_config
from toygraph import make_run
from transformers import AutoModelForCausalLM

from saedb.ingest.activations import ActivationStore
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.pipeline import ingest
from saedb.ingest.prompts.activations import PromptActivations
from saedb.ingest.prompts.reader import PromptReader
from saedb.ingest.rundir import FEATURES_FILE, TOKENS_FILE, RunDirectory
from saedb.ingest.tables import FEATURES, TOKENS

SAES = ("0-saes", "1-saes", "2-saes")
TEXT = "the cat sat on the mat and"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("prompt")
    return ingest(tiny_config(folder), folder / "run")


@pytest.fixture(scope="module")
def reader(run: RunDirectory) -> PromptReader:
    return PromptReader.open(run)


@pytest.fixture
def own(run: RunDirectory, tmp_path: Path) -> RunDirectory:
    """The run in a folder of its own, to be spoilt, with its model and SAEs."""
    shutil.copytree(run.path.parent, tmp_path / "own")
    found = RunDirectory.open(tmp_path / "own/run")
    inputs, model = [str(tmp_path / "own/saes")], str(tmp_path / "own/model")
    found.update(config={**found.record.config, "inputs": inputs, "model": model})
    return found


def dense(found: PromptActivations, sae: str) -> np.ndarray:
    rows = found.rows[sae]
    result = np.zeros((len(rows), rows.width), np.float32)
    result[rows.row_of, rows.indices] = rows.values
    return result


def words(tokens: list[int]) -> str:
    return " ".join(tiny.tokenizer().convert_ids_to_tokens(tokens))


def test_a_context_of_the_run_has_the_activations_of_the_store(run: RunDirectory, reader: PromptReader) -> None:
    store = ActivationStore.of_run(run)
    rows = run.read(TOKENS, TOKENS_FILE)
    tokens = rows["token"].to_numpy().reshape(-1, tiny.CONTEXT_SIZE)
    counted = rows["counted"].to_numpy().reshape(tokens.shape)
    whole = [context for context in range(32) if not np.isin(tokens[context, 1:], [0, 1]).any()]
    assert len(whole) > 3
    for context in whole:
        found = reader.read(words(tokens[context, 1:].tolist()))
        assert found.counted == tuple(np.flatnonzero(counted[context]))
        for sae in SAES:
            first = context * tiny.CONTEXT_SIZE
            stored = store.rows(sae, 0).stretch(slice(first, first + tiny.CONTEXT_SIZE))
            expected = np.zeros((tiny.CONTEXT_SIZE, stored.width), np.float32)
            expected[stored.row_of, stored.indices] = stored.values
            # the run read sixteen contexts at once
            np.testing.assert_allclose(dense(found, sae), expected, rtol=1e-5, atol=1e-5)


def test_any_text_has_what_transformers_and_a_dense_sae_make_of_it(run: RunDirectory, reader: PromptReader) -> None:
    found = reader.read(TEXT)
    model = AutoModelForCausalLM.from_pretrained(run.record.config["model"])
    ids = torch.tensor([[0, *tiny.tokenizer()(TEXT, add_special_tokens=False)["input_ids"]]])
    with torch.no_grad():
        residuals = model(ids, output_hidden_states=True).hidden_states
        for block, sae in enumerate(SAES):
            folder = Path(run.record.config["inputs"][0]) / f"layer{block}"
            expected = SAE.load_from_disk(folder).encode(residuals[block][0])
            np.testing.assert_allclose(dense(found, sae), expected.numpy(), rtol=1e-4, atol=1e-5)
            assert dense(found, sae).any()


def test_what_is_active_is_above_the_threshold_of_the_run_on_tokens_that_count(
    run: RunDirectory, reader: PromptReader
) -> None:
    found = reader.read(TEXT)
    features = run.read(FEATURES, FEATURES_FILE).to_pylist()
    for threshold in (None, 0.0, 0.5):
        expected: list[tuple[str, int, float]] = []
        for sae in SAES:
            values = dense(found, sae)
            for position in found.counted:
                for row in (row for row in features if row["sae"] == sae):
                    bound = row["threshold"] if threshold is None else threshold * row["max"]
                    if values[position, row["index"]] > bound:
                        expected.append((row["id"], position, float(values[position, row["index"]])))
        prompt = found.prompt(threshold=threshold)
        active = [*zip(prompt.features, prompt.positions, prompt.activations, strict=True)]
        assert active == expected
        assert active
    assert len(found.prompt(threshold=0.0).features) > len(found.prompt().features)


def test_tokens_are_parts_of_the_text_and_bos_and_special_ones_do_not_count(reader: PromptReader) -> None:
    found = reader.read("the </s> dog")
    assert [token.strip() for token in found.tokens] == ["<s>", "the", "</s>", "dog"]
    assert found.left_out == ("special token", None, "special token", None)
    assert found.counted == (1, 3)
    assert reader.read("<s> the dog").tokens == reader.read("the dog").tokens


def test_attention_sinks_by_the_medians_of_the_run_do_not_count(run: RunDirectory) -> None:
    model = AutoModelForCausalLM.from_pretrained(run.record.config["model"])
    ids = torch.tensor([[0, *tiny.tokenizer()(TEXT, add_special_tokens=False)["input_ids"]]])
    with torch.no_grad():
        norms = model(ids, output_hidden_states=True).hidden_states[2][0].norm(dim=-1).numpy()
    bound = float(np.sort(norms[1:])[-2:].mean())
    assert run.record.medians is not None
    before = run.record.medians
    run.record = type(run.record)(**{**vars_of(run), "medians": {**before, HOOKS[2]: bound / 10}})
    try:
        found = PromptReader.open(run).read(TEXT)
    finally:
        run.record = type(run.record)(**{**vars_of(run), "medians": before})
    sink = 1 + int(norms[1:].argmax())
    assert found.left_out[sink] == "outlier norm"
    assert set(found.counted) == set(range(1, len(norms))) - {sink}
    assert sink not in found.prompt(threshold=0.0).positions


def vars_of(run: RunDirectory) -> dict[str, Any]:
    return {name: getattr(run.record, name) for name in run.record.__dataclass_fields__}


def test_where_all_tokens_count_bos_does(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    run = ingest(type(config)(**{**vars_of_config(config), "count_all": True}), tmp_path / "run")
    assert run.record.medians is None
    found = PromptReader.open(run).read("</s>")
    assert found.left_out == (None, None)
    assert set(found.prompt().positions) == {0, 1}


def vars_of_config(config: Any) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the prompt is empty; write some words"),
        (" \n\t", "the prompt is empty"),
        ("<s>", "the prompt '<s>' has no token that counts"),
        ("</s> </s>", "has no token that counts"),
        ("the " * 12, "the prompt has 13 tokens, BOS among them, and the SAEs of run run read 12 at once; shorten it"),
        ("\udcff", "is no valid text"),
    ],
)
def test_a_text_that_cannot_be_read_says_why(reader: PromptReader, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        reader.read(text)


def test_a_text_may_fill_a_context(reader: PromptReader) -> None:
    assert len(reader.read("the " * 11).tokens) == tiny.CONTEXT_SIZE


def test_one_reader_serves_several_threads(reader: PromptReader) -> None:
    texts = [f"the {a} sat on {b}" for a in tiny.WORDS for b in tiny.WORDS]
    alone = [reader.read(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = [*pool.map(reader.read, texts)]
    for one, other in zip(alone, together, strict=True):
        assert one.tokens == other.tokens
        for sae in SAES:
            np.testing.assert_array_equal(dense(one, sae), dense(other, sae))


def test_saes_that_changed_since_the_run_are_refused(own: RunDirectory, tmp_path: Path) -> None:
    tiny.save_sae(tmp_path / "own/saes/layer1", HOOKS[1], settings={"apply_b_dec_to_input": False})
    PromptReader.open(own)  # the same weights
    sae = SAE.load_from_disk(tmp_path / "own/saes/layer1")
    sae.b_dec.data += 1
    sae.save_model(tmp_path / "own/saes/layer1")
    with pytest.raises(
        RunError, match=r"the SAE 1-saes in .*layer1 has changed since run run was computed; put the old"
    ):
        PromptReader.open(own)


def test_saes_that_are_missing_are_named(own: RunDirectory, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "own/saes/layer2")
    with pytest.raises(RunError, match="the SAEs 0-saes, 1-saes are where run run had 0-saes, 1-saes, 2-saes"):
        PromptReader.open(own)
    shutil.rmtree(tmp_path / "own/saes")
    with pytest.raises(InputError, match=r"this needs the SAEs and the model of run run, and .*saes is not on this"):
        PromptReader.open(own)


def test_a_model_that_changed_or_is_missing_is_named(own: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "own/model/config.json").write_text("{}")
    with pytest.raises(RunError, match=r"the model in .*model has changed since run run was computed"):
        PromptReader.open(own)
    shutil.rmtree(tmp_path / "own/model")
    with pytest.raises(InputError, match="model is not on this machine"):
        PromptReader.open(own)


def test_an_import_has_no_model_and_an_unfinished_run_no_thresholds(own: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run imported was imported, and edges do not tell which features"):
        PromptReader.open(make_run(tmp_path, "imported"))
    own.update(status="computing")
    with pytest.raises(RunError, match="run run is not complete"):
        PromptReader.open(own)
