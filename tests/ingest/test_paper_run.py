"""The paper's run, from its names on the hub to its numbers, with small files in the hub's formats.

SAEs and model lie in the hub's cache as if they had been downloaded; of the dataset only the download is faked.
"""

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from click.testing import CliRunner
from planted import dense_statistics
from safetensors.torch import load_file
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast

from saedb.cli.main import main
from saedb.ingest.measures import BY_NAME
from saedb.ingest.rundir import RunDirectory

TOKENS = 900
COMMAND = ("ingest", "gpt2-small-res-jb", "--preset", "paper", "--layers", "0-2", "--run", "paper", "--no-load")


def texts(count: int = 60) -> list[str]:
    random = np.random.default_rng(0)
    return [" ".join(random.choice(tiny.WORDS, random.integers(3, 40))) for _ in range(count)]


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer that begins and ends a text with one token, as GPT-2's does, and pads with it."""
    words = tiny.tokenizer()
    words.eos_token = words.pad_token = words.bos_token
    return words


@pytest.fixture
def hub(cached_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the model into the hub's cache beside the SAEs, the dataset into a file; return the SAEs' folder."""
    model = tiny.cached_repository(cached_release.parents[2], "gpt2")
    tiny.save_model(model, "gpt2")
    words = tokenizer()
    words.pad_token = None
    words.save_pretrained(model)
    pd.DataFrame({"text": texts(), "meta": "{}"}).to_parquet(tmp_path / "train.parquet")
    load = datasets.load_dataset

    def fetched(name: str, configuration: str | None, *, split: str, revision: str | None, streaming: bool) -> Any:
        assert (name, configuration, split, revision) == ("NeelNanda/pile-10k", None, "train", None)
        return load("parquet", data_files=str(tmp_path / "train.parquet"), split=split, streaming=streaming)

    monkeypatch.setattr(datasets, "load_dataset", fetched)
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    return cached_release


def rows_of_the_paper() -> np.ndarray:
    """Return the rows that TransformerLens 2 makes, where EOS is the padding: no mark stands between documents."""
    words = tokenizer()
    text = "<s>".join(texts())
    each = (len(text) - 1) // 20 + 1
    pieces = words([text[n * each : (n + 1) * each] for n in range(20)])["input_ids"]
    flat = [token for piece in pieces for token in piece if token != words.eos_token_id]
    length, count = tiny.CONTEXT_SIZE - 1, -(-TOKENS // tiny.CONTEXT_SIZE)
    return np.array([[0, *flat[n * length : (n + 1) * length]] for n in range(count)])


def activations(hub: Path, rows: np.ndarray) -> list[np.ndarray]:
    """Return the activations of each layer on every token, by transformers and the formula of a ReLU SAE."""
    model = GPT2LMHeadModel.from_pretrained(next(hub.parents[2].glob("models--gpt2/snapshots/*"))).eval()
    with torch.inference_mode():
        hidden = model(torch.tensor(rows), output_hidden_states=True).hidden_states
        found: list[np.ndarray] = []
        for block in range(3):
            x = hidden[block] - hidden[block].mean(dim=-1, keepdim=True)
            weights = load_file(hub / f"blocks.{block}.hook_resid_pre" / "sae_weights.safetensors")
            a = ((x - weights["b_dec"]) @ weights["W_enc"] + weights["b_enc"]).relu()
            found.append(a.flatten(0, 1).numpy())
    return found


def test_the_command_of_the_docs_gives_the_papers_numbers_of_small_files(hub: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [*COMMAND, "--tokens", str(TOKENS)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    run = RunDirectory.open(tmp_path / "runs/paper")
    assert [sae.id for sae in run.record.saes] == ["0-res-jb", "1-res-jb", "2-res-jb"]
    assert run.record.model == "gpt2-small"
    assert run.record.dataset == "NeelNanda/pile-10k"

    rows = rows_of_the_paper()
    tokens = pd.read_parquet(run.path / "tokens.parquet")
    np.testing.assert_array_equal(tokens["token"].to_numpy().reshape(rows.shape), rows)
    assert tokens["counted"].all()
    assert run.record.tokens is not None
    assert (run.record.tokens.counted, run.record.tokens.context_size) == (rows.size, tiny.CONTEXT_SIZE)

    expected = activations(hub, rows)
    features = pd.read_parquet(run.path / "features.parquet")
    for layer, dense in enumerate(expected):
        found = features[features["layer"] == layer]
        np.testing.assert_array_equal(found["n_positive"], (dense > 0).sum(axis=0))
        np.testing.assert_allclose(found["max"], dense.max(axis=0), rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(found["n_active"], (dense > 0.2 * dense.max(axis=0)).sum(axis=0))
        assert set(found["state_in"].dropna()) <= {"passed_through", "appearing"}
        assert set(found["state_out"].dropna()) <= {"passed_through", "disappearing"}
        assert found["state_out"].notna().all() == (layer < 2)

    for layer in (0, 1):
        check_edges(run, layer, expected[layer], expected[layer + 1])


def check_edges(run: RunDirectory, layer: int, upstream: np.ndarray, downstream: np.ndarray) -> None:
    """Check that a pair is an edge where a measure is above 0.1, and has the paper's values."""
    dense = dense_statistics(upstream, downstream, np.zeros(len(upstream), np.int32))
    measures = {name: BY_NAME[name].values(dense) for name in ("pearson", "jaccard", "necessity", "sufficiency")}
    above = np.any([value > 0.1 for value in measures.values()], axis=0)
    name = f"edges/pair={layer}-res-jb--{layer + 1}-res-jb/edges.parquet"
    edges = pd.read_parquet(run.path / name, partitioning=None)
    ends = [edges[end].str.rpartition("/")[2].astype(int) for end in ("source", "target")]
    places = 24 * ends[0].to_numpy() + ends[1].to_numpy()
    np.testing.assert_array_equal(places, np.flatnonzero(above))
    for measure, values in measures.items():
        np.testing.assert_allclose(edges[measure], values[places], rtol=1e-3, atol=1e-4, err_msg=measure)


def test_a_model_whose_weights_are_not_centred_would_not_do(hub: Path) -> None:
    """The check of the values can fail: without the release's own arguments the activations are others."""
    rows = rows_of_the_paper()
    model = GPT2LMHeadModel.from_pretrained(next(hub.parents[2].glob("models--gpt2/snapshots/*"))).eval()
    with torch.inference_mode():
        means = model(torch.tensor(rows), output_hidden_states=True).hidden_states[1].mean(dim=-1)
    assert means.abs().max() > 0.05
