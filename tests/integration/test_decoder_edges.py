"""Edges by the decoders: in an ordinary run beside the rule, and in one without text, on the real server."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tiny
from click.testing import CliRunner, Result
from safetensors.torch import load_file, save_file
from tinyrun import tiny_config

from saedb.cli.main import main
from saedb.cypher.connection import Connection, resolve
from saedb.cypher.removal import drop
from saedb.ingest import saes
from saedb.ingest.pipeline import ingest
from saedb.ingest.rundir import RunDirectory, edges_file


@pytest.fixture
def loaded(home: Path) -> Iterator[Path]:
    """Make the inputs, and drop the runs of these tests in the end."""
    yield home
    with Connection(resolve()) as connection:
        for row in connection.read("MATCH (r:Run) WHERE r.id IN ['both', 'saes-decoders', 'again'] RETURN r.id AS id"):
            drop(connection, row["id"])


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def rows(*arguments: str) -> list[dict[str, Any]]:
    result = command(*arguments, "--output", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def plant(folder: Path) -> None:
    """Let feature 0 of a layer and 1 of the next point the same way, though 1 is never active."""
    files = sorted(folder.rglob("*.safetensors"))
    weights = [load_file(file) for file in files]
    weights[1]["W_dec"][1] = 3.0 * weights[0]["W_dec"][0]
    weights[1]["b_enc"][1] = -1e6
    for file, saved in zip(files, weights, strict=True):
        save_file(saved, file)


def edges(run: RunDirectory) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(run.path / name, partitioning=None) for name in run.edge_files])


def test_pairs_that_hardly_meet_make_no_state(tmp_path: Path) -> None:
    config = replace(tiny_config(tmp_path), min_support=40, min_decoder_cosine=0.01)
    run = ingest(config, tmp_path / "run")
    best = pd.read_parquet(run.path / "features.parquet").set_index("id")["best_out"].dropna()
    meets = edges(run).query("support >= 40").groupby("source")["pearson"].max()
    pd.testing.assert_series_equal(best, meets.loc[best.index], check_names=False)
    assert (edges(run).groupby("source")["pearson"].max()[best.index] > best).any()


def test_pairs_of_near_decoders_are_edges_with_the_measures_of_the_text(tmp_path: Path) -> None:
    config = tiny_config(tmp_path)
    plant(tmp_path / "saes")
    plain = ingest(config, tmp_path / "plain")
    both = ingest(replace(config, min_decoder_cosine=0.4, nearest_decoders=2), tmp_path / "both")
    without, found = edges(plain).set_index(["source", "target"]), edges(both).set_index(["source", "target"])
    more = found.drop(without.index)
    pd.testing.assert_frame_equal(found.loc[without.index], without)
    assert (more["decoder_cosine"] >= 0.4).all()
    assert len(more) > 5
    planted = more.loc[("tiny/0-saes/0", "tiny/1-saes/1")]
    assert planted["decoder_cosine"] == pytest.approx(1.0)
    assert (planted["support"], planted["support_docs"], planted["sufficiency"]) == (0, 0, 0)
    assert np.isnan(planted["pearson"])
    alive = more[more["support"] == 0].drop(index=("tiny/0-saes/0", "tiny/1-saes/1"))
    assert (alive["pearson"].dropna() <= 0).all()
    decoders = [saes.load(source).W_dec.numpy().astype(np.float64) for source in saes.find(config.inputs).sources]
    unit = [rows / np.linalg.norm(rows, axis=1)[:, None] for rows in decoders]
    for number in (0, 1):
        cosines = unit[number] @ unit[number + 1].T
        best = cosines >= np.maximum(0.4, np.sort(cosines, axis=1)[:, [-2]])
        best |= cosines >= np.maximum(0.4, np.sort(cosines, axis=0)[[-2]])
        wanted = {(f"tiny/{number}-saes/{u}", f"tiny/{number + 1}-saes/{d}") for u, d in np.argwhere(best)}
        here = {pair for pair in found.index if pair[0].startswith(f"tiny/{number}-")}
        assert wanted <= here
        assert here - wanted <= set(without.index)


def test_decoders_of_two_spaces_are_a_warning_and_make_no_edge(tmp_path: Path) -> None:
    config = replace(tiny_config(tmp_path, tokens=240), min_decoder_cosine=0.01)
    for number in (1, 2):
        tiny.save_sae(tmp_path / "saes" / f"layer{number}", f"blocks.{number}.attn.hook_z")
    run = ingest(config, tmp_path / "run")
    assert any("decoders make no edge of 0-saes:1-saes, 1-saes:2-saes" in line for line in run.record.warnings)
    assert edges(run)["decoder_cosine"].isna().all()


def test_a_run_without_text_is_loaded_asked_compared_and_packed(loaded: Path) -> None:
    config = tiny_config(loaded)
    plant(loaded / "saes")
    both = ["--min-decoder-cosine", "0.4", "--run", "both", "--model", config.model or "", "--dataset", config.dataset]
    assert command("ingest", *config.inputs, "--tokens", "1200", *both).exit_code == 0
    result = command("decoder-edges", *config.inputs)
    assert result.exit_code == 0, result.output
    assert "saedb query communities --run saes-decoders" in result.stderr
    assert "nothing changed" not in result.stderr
    assert "nothing changed" in command("decoder-edges", *config.inputs).stderr

    at = ("--run", "saes-decoders")
    disagreeing = ("query", "disagreements", "--high", "decoder_cosine", "--low", "sufficiency", "--run", "both")
    assert ("tiny/0-saes/0", "tiny/1-saes/1") in {(r["source"], r["target"]) for r in rows(*disagreeing)}
    top = rows("query", "top-edges", "--measure", "decoder_cosine", *at, "--limit", "1000")
    table = edges(RunDirectory.named("saes-decoders"))
    assert len(top) == (table["decoder_cosine"] >= 0.5).sum()
    assert rows("query", "communities", *at)
    profile = rows("query", "layer-profile", *at)
    assert [row["edges_out"] for row in profile] == [
        len(pd.read_parquet(RunDirectory.named("saes-decoders").path / edges_file(f"{n}-saes", f"{n + 1}-saes")))
        if n < 2
        else None
        for n in range(3)
    ]
    assert all(row["dead"] is row["passed_on"] is None for row in profile)
    first = rows("query", "neighbours", "0/0", "--measure", "decoder_cosine", *at)[0]
    assert first["neighbour"] == "tiny/1-saes/1"
    page = command("feature", "0/0", *at).stdout
    assert page.index("1-saes/1 ") < page.index("1.000")

    for name in ("pass-through", "appearing", "and-gates", "hubs", "dead", "specialisation"):
        assert command("query", name, *at).exit_code == 0
    for name in ("gates", "splits"):
        refused = command(name, "saes-decoders")
        assert (refused.exit_code, "was made without text, and decoders do not tell" in refused.stderr) == (1, True)
    compared = command("diff", "saes-decoders", "both", "--measure", "decoder_cosine", "--threshold", "0.4")
    assert compared.exit_code == 0, compared.output
    assert "saes-decoders was made without text: its edges are the nearest decoders" in compared.stderr
    assert command("export", str(loaded / "out.csv"), *at).exit_code == 0
    assert len(pd.read_csv(loaded / "out.csv")) == len(table)
    assert command("report", "saes-decoders", "--out", str(loaded / "page.html")).exit_code == 0
    assert command("pack", "saes-decoders", "--to", str(loaded / "packed.zip")).exit_code == 0
    assert command("load", str(loaded / "packed.zip"), "--run", "again").exit_code == 0
    assert command("query", "communities", "--run", "again").exit_code == 0
