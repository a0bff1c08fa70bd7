from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from saedb.ingest.config import DecoderConfig
from saedb.ingest.datafree import relate
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory, edges_file
from saedb.ingest.tables import EDGES, FEATURES

HOOKS = [f"blocks.{block}.hook_resid_pre" for block in range(3)]


def save_saes(parent: Path, *hooks: str, **metadata: Any) -> Path:
    for number, hook in enumerate(hooks or HOOKS):
        tiny.save_sae(parent / f"sae{number}", hook, **metadata)
    return parent


def config(saes: Path, **settings: Any) -> DecoderConfig:
    return DecoderConfig(inputs=(str(saes),), **settings)


def decoder(folder: Path) -> np.ndarray:
    return load_file(folder / "sae_weights.safetensors")["W_dec"].numpy().astype(np.float64)


def pairs(run: RunDirectory, u: str, d: str) -> dict[tuple[int, int], float]:
    table = run.read(EDGES, edges_file(u, d))
    ends = ([int(id_.rpartition("/")[2]) for id_ in table[end].to_pylist()] for end in ("source", "target"))
    return dict(zip(zip(*ends, strict=True), table["decoder_cosine"].to_pylist(), strict=True))


def contents(run: RunDirectory) -> dict[str, str]:
    return {name: file.sha256 for name, file in run.record.files.items()}


def test_edges_are_the_pairs_of_near_decoder_rows_and_nothing_else_is_known(tmp_path: Path) -> None:
    saes = save_saes(tmp_path / "saes")
    run = relate(config(saes, min_decoder_cosine=0.3, nearest_decoders=24), tmp_path / "run")
    up, down = (decoder(saes / f"sae{n}") for n in (0, 1))
    cosines = (up / np.linalg.norm(up, axis=1)[:, None]) @ (down / np.linalg.norm(down, axis=1)[:, None]).T
    found = pairs(run, "0-saes", "1-saes")
    assert len(found) > 20
    assert list(found) == [(int(u), int(d)) for u, d in np.argwhere(cosines >= 0.3)]
    np.testing.assert_allclose(list(found.values()), cosines[cosines >= 0.3], rtol=1e-12)
    edges = run.read(EDGES, edges_file("0-saes", "1-saes")).to_pandas()
    assert edges.drop(columns=["source", "target", "decoder_cosine"]).isna().all(axis=None)
    features = run.read(FEATURES, FEATURES_FILE).to_pandas()
    assert len(features) == 3 * 24
    assert features.drop(columns=["id", "sae", "layer", "depth", "index"]).isna().all(axis=None)
    record = run.record
    assert (record.kind, record.status, record.tokens, record.dataset) == ("decoders", "complete", None, None)
    assert record.pairs == (("0-saes", "1-saes"), ("1-saes", "2-saes"))
    assert [sae.hook for sae in record.saes] == HOOKS
    assert sorted(file.name for file in (run.path / "directions").iterdir()) == [f"{n}-saes.npz" for n in range(3)]


def test_neither_a_model_nor_a_text_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("without text")

    for name in ("saedb.ingest.model.load_model", "saedb.ingest.text.documents"):
        monkeypatch.setattr(name, refused)
    assert relate(config(save_saes(tmp_path / "saes")), tmp_path / "run").record.status == "complete"


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("standard", {}),
        ("jumprelu", {}),
        ("gated", {}),
        ("topk", {}),
        ("standard", {"normalize_activations": "layer_norm"}),
    ],
)
def test_no_scale_of_an_sae_changes_an_edge(tmp_path: Path, architecture: str, settings: dict[str, str]) -> None:
    """Rows of other norms, as before SAELens folds them, and a factor on all of what the SAE reads and writes."""
    saes = save_saes(tmp_path / "a/s", architecture=architecture, settings=settings)
    plain = relate(config(saes, min_decoder_cosine=0.3), tmp_path / "plain")
    scaled = save_saes(tmp_path / "b/s", architecture=architecture, settings=settings)
    for number, file in enumerate(sorted(scaled.rglob("*.safetensors"))):
        weights = load_file(file)
        weights["W_dec"] *= 2.0 ** torch.arange(-3.0, 5.0).repeat(3)[:, None] * 4.0**number
        weights["b_dec"] += 3.0
        save_file(weights, file)
    other = relate(config(scaled, min_decoder_cosine=0.3), tmp_path / "scaled")
    for name in plain.edge_files:
        assert plain.read(EDGES, name).equals(other.read(EDGES, name))


def test_a_run_stopped_in_its_second_pair_keeps_the_first_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    given = config(save_saes(tmp_path / "saes"))
    whole = relate(given, tmp_path / "whole" / "run")

    def stop(stage: str, done: int, total: int | None) -> None:
        if (stage, done) == ("decoder cosines", 48):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        relate(given, tmp_path / "run", stop)
    begun = RunDirectory.open(tmp_path / "run")
    assert list(begun.record.files) == [FEATURES_FILE, edges_file("0-saes", "1-saes")]
    kept = (begun.path / edges_file("0-saes", "1-saes")).stat().st_mtime_ns
    run = relate(given, tmp_path / "run")
    assert contents(run) == contents(whole)
    assert (run.path / edges_file("0-saes", "1-saes")).stat().st_mtime_ns == kept


def test_a_complete_run_is_returned_and_one_of_other_settings_or_saes_refused(tmp_path: Path) -> None:
    saes = save_saes(tmp_path / "saes")
    run = relate(config(saes), tmp_path / "run")
    assert relate(config(saes, device="cpu"), tmp_path / "run").record == run.record
    with pytest.raises(RunError, match=r"min_decoder_cosine: 0\.4 there, 0\.5 here\); choose another name"):
        relate(config(saes, min_decoder_cosine=0.5), tmp_path / "run")
    tiny.save_sae(saes / "sae1", HOOKS[2])
    with pytest.raises(RunError, match="the SAEs have changed"):
        relate(config(saes), tmp_path / "run")


@pytest.mark.parametrize(
    ("hooks", "message"),
    [
        (("blocks.0.attn.hook_z", "blocks.1.attn.hook_z"), "write to two spaces"),
        (("blocks.0.ln2.hook_normalized", "blocks.1.ln2.hook_normalized"), "write to two spaces"),
        (("blocks.0.hook_resid_pre", "blocks.1.mlp.hook_post"), "16 and 64 values: no cosine"),
        (("blocks.0.hook_resid_pre",), "there is only one SAE"),
    ],
)
def test_decoders_that_cannot_be_compared_are_an_input_error(
    tmp_path: Path, hooks: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        relate(config(save_saes(tmp_path / "saes", *hooks)), tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_what_a_sublayer_adds_is_compared_with_the_residual_stream(tmp_path: Path) -> None:
    saes = save_saes(tmp_path / "saes", "blocks.0.hook_mlp_out", "blocks.1.hook_resid_pre")
    assert relate(config(saes), tmp_path / "run").record.pairs == (("0-saes", "1-saes"),)


@pytest.mark.parametrize(("name", "value"), [("min_decoder_cosine", 0.0), ("nearest_decoders", 0), ("inputs", ())])
def test_a_value_out_of_range_is_named(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name if name != "inputs" else "no SAEs named"):
        DecoderConfig(**{"inputs": ("demo",), name: value})
