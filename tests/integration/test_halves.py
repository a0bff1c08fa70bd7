"""The two halves of the text in the tables of a run, and texts that are too short for what is asked of them."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from tinyrun import make_inputs

from saedb.ingest.config import IngestConfig
from saedb.ingest.pipeline import ingest
from saedb.ingest.rundir import RunDirectory


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> IngestConfig:
    folder = tmp_path_factory.mktemp("tiny")
    make_inputs(folder)
    return IngestConfig(
        inputs=(str(folder / "saes"),), model=str(folder / "model"), dataset=str(folder / "text.jsonl"), tokens=1200
    )


def table(run: RunDirectory, name: str) -> pd.DataFrame:
    return pd.read_parquet(run.path / name)


def test_no_context_has_documents_of_both_halves(config: IngestConfig, tmp_path: Path) -> None:
    run = ingest(config, tmp_path / "tiny")
    tokens = table(run, "tokens.parquet").merge(table(run, "documents.parquet"), on="document")
    halves = tokens.groupby("context")["half"].agg(["min", "max"])
    assert (halves["min"] == halves["max"]).all()
    assert halves["min"].is_monotonic_increasing
    assert halves["min"].value_counts().to_dict() == {0: 50, 1: 50}
    assert tokens["document"].is_monotonic_increasing


def test_without_halves_contexts_are_in_the_order_of_the_text(config: IngestConfig, tmp_path: Path) -> None:
    run = ingest(replace(config, tokens=240, halves=False), tmp_path / "tiny")
    documents = table(run, "documents.parquet")
    assert documents["id"].tolist() == [f"text.jsonl:{number}" for number in range(1, len(documents) + 1)]
    assert set(documents["half"]) == {0}
    assert not any("halves" in line for line in run.record.warnings)


def test_a_text_shorter_than_asked_for_is_used_as_it_is_with_a_warning(config: IngestConfig, tmp_path: Path) -> None:
    run = ingest(replace(config, tokens=1_000_000, shard_contexts=1000), tmp_path / "tiny")
    read = len(table(run, "tokens.parquet"))
    assert 1200 < read < 4000
    assert run.record.tokens is not None
    assert run.record.tokens.read == read
    assert f"the text has only {read:,} of the 1,000,000 tokens asked for" in run.record.warnings
    assert table(run, "documents.parquet")["half"].nunique() == 2


def test_a_text_of_one_document_is_a_warning(config: IngestConfig, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("the cat sat on the mat . " * 20)
    run = ingest(replace(config, dataset=str(tmp_path / "one.txt")), tmp_path / "tiny")
    assert table(run, "documents.parquet").to_dict("records") == [{"document": 0, "id": "one.txt", "half": 0}]
    assert any(
        line.startswith("the text is too short, or of too few documents, for two halves")
        for line in run.record.warnings
    )
