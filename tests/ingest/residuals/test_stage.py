"""Recovery and copies of a run against dense NumPy on the model's own hidden states, and passes that were stopped."""

import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import killed
import numpy as np
import pytest
import tiny
import torch
from numpy.typing import NDArray
from residualrun import TABLES, contents, frame, killed_while, measured
from sae_lens import SAE
from tinyrun import HOOKS, tiny_config
from toygraph import make_run
from transformers import AutoModelForCausalLM

from saedb.ingest.errors import InputError, RunError
from saedb.ingest.failpoints import VARIABLE
from saedb.ingest.pipeline import ingest
from saedb.ingest.progress import silent
from saedb.ingest.prompts.loading import loaded
from saedb.ingest.residuals import origin
from saedb.ingest.residuals.directions import random_directions
from saedb.ingest.residuals.heatmaps import BINS
from saedb.ingest.residuals.settings import ResidualSettings
from saedb.ingest.residuals.stage import Residuals
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.stages import Stages

SAES = ("0-saes", "1-saes", "2-saes")
KINDS: dict[str, dict[str, Any]] = {
    **{name: {"settings": {"normalize_activations": name}} for name in ("none", "layer_norm", "constant_norm_rescale")},
    "rescaled": {"architecture": "topk", "settings": {"rescale_acts_by_decoder_norm": True, "k": 8}},
}
"""SAEs, by what sets them apart in the length of what a feature adds."""


def made(folder: Path, kind: str = "none") -> RunDirectory:
    config = tiny_config(folder)
    for number, hook in enumerate(HOOKS):
        tiny.save_sae(folder / f"saes/layer{number}", hook, **KINDS[kind])
    return ingest(config, folder / "run")


@pytest.fixture(scope="module", params=list(KINDS))
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    run = made(tmp_path_factory.mktemp("residuals"), request.param)
    measured(run)
    return run


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run that nothing was measured of."""
    return made(tmp_path_factory.mktemp("plain"))


@pytest.fixture
def own(plain: RunDirectory, tmp_path: Path) -> RunDirectory:
    """That run in a folder of its own."""
    shutil.copytree(plain.path, tmp_path / "run")
    return RunDirectory.open(tmp_path / "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """What transformers and the SAEs' own code give on the counted tokens of a run, by layer."""

    saes: list[SAE[Any]]
    inputs: list[NDArray[np.float64]]
    activations: list[NDArray[np.float64]]
    errors: list[NDArray[np.float64]]
    lengths: list[NDArray[np.float64]]
    """Of what each feature adds to the reconstruction, found by leaving it out, [tokens, d_sae]."""


def dense(run: RunDirectory) -> Dense:
    tokens = frame(run, "tokens")
    ids = torch.tensor(tokens["token"].to_numpy().reshape(-1, tiny.CONTEXT_SIZE).astype(np.int64))
    counted = torch.tensor(tokens["counted"].to_numpy().copy())
    model = AutoModelForCausalLM.from_pretrained(run.record.config["model"])
    saes = [SAE.load_from_disk(str(run.path.parent / f"saes/layer{n}")).eval() for n in range(3)]
    with torch.no_grad():
        states = model(ids, output_hidden_states=True).hidden_states
        inputs = [states[n].flatten(0, 1)[counted] for n in range(3)]
        activations = [sae.encode(x) for sae, x in zip(saes, inputs, strict=True)]
        errors = []
        lengths = []
        for sae, x, a in zip(saes, inputs, activations, strict=True):
            sae.encode(x)
            whole = sae.decode(a)
            errors.append((x - whole).double().numpy())
            lengths.append(np.zeros(a.shape))
            for feature in range(a.shape[1]):
                without = a.clone()
                without[:, feature] = 0
                sae.encode(x)
                lengths[-1][:, feature] = (whole - sae.decode(without)).norm(dim=1).double().numpy()
    doubled = [[part.double().numpy() for part in parts] for parts in (inputs, activations)]
    return Dense(saes=saes, inputs=doubled[0], activations=doubled[1], errors=errors, lengths=lengths)


def regression(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return ratio, slope and correlation; NaN where x does not vary."""
    if len(x) < 2 or np.ptp(x) < 1e-5 * x.max():
        return (y.sum() / x.sum() if x.sum() else np.nan), np.nan, np.nan
    return y.sum() / x.sum(), np.polyfit(x, y, 1)[0], np.corrcoef(x, y)[0, 1]


def test_recovery_is_that_of_dense_numpy(run: RunDirectory) -> None:
    of = dense(run)
    rows, features = frame(run, "recovery"), frame(run, "features").set_index("id")
    compared = 0
    for pair, (u, d) in enumerate(((0, 1), (1, 2))):
        decoder = of.saes[u].W_dec.detach().numpy()
        units = decoder / np.linalg.norm(decoder, axis=1, keepdims=True)
        random = random_directions(decoder, 0, pair)
        for row in rows[rows["sae"] == SAES[u]].to_dict("records"):
            index = features.loc[row["feature"], "index"]
            largest = features.loc[row["feature"], "max"]
            active = of.activations[u][:, index] > 0.1 * largest
            assert row["tokens"] == active.sum() * (largest > 0)
            if not row["tokens"]:
                assert np.isnan([row[name] for name in ("mean", "recovered", "slope", "control")]).all()
                continue
            x = of.lengths[u][active, index]
            own = regression(x, of.errors[d][active] @ units[index])
            chance = regression(x, of.errors[d][active] @ random[index])
            found = [row[name] for name in ("recovered", "slope", "correlation")]
            control = [row[name] for name in ("control", "control_slope", "control_correlation")]
            np.testing.assert_allclose([*found, *control], [*own, *chance], rtol=2e-3, atol=2e-3)
            assert row["mean"] == pytest.approx(x.mean(), rel=1e-3)
            compared += 1
    assert compared > 20


def test_groups_follow_the_edges(run: RunDirectory) -> None:
    features = frame(run, "features").set_index("id")
    seen = set()
    for u, d in (SAES[:2], SAES[1:]):
        edges = frame(run, f"edges/pair={u}--{d}/edges")
        rows = frame(run, "recovery")
        for row in rows[rows["sae"] == u].to_dict("records"):
            mine = edges[edges["source"] == row["feature"]]
            best = mine["necessity"].max()
            assert row["necessity"] == pytest.approx(best, nan_ok=True)
            state = features.loc[row["feature"], "state_out"]
            passed = "passed_through" if mine["pearson"].max() >= 0.95 else "other"
            expected = state if state in ("dead", "rare") else passed if best > 0.4 else "low_necessity"
            assert row["feature_group"] == expected
            seen.add(expected)
    assert {"low_necessity", "other"} <= seen


def test_copies_are_those_of_dense_numpy(run: RunDirectory) -> None:
    of = dense(run)
    rows = frame(run, "copies")
    for u, d in ((0, 1), (1, 2)):
        with torch.no_grad():
            copies = of.saes[d].encode(torch.tensor(of.inputs[u], dtype=torch.float32)).double().numpy()
        for index, row in enumerate(rows[rows["sae"] == SAES[d]].to_dict("records")):
            a, b = of.activations[d][:, index], copies[:, index]
            with np.errstate(invalid="ignore", divide="ignore"):
                expected = [np.corrcoef(a, b)[0, 1] if np.ptp(b) and np.ptp(a) else np.nan, b.sum() / a.sum()]
            np.testing.assert_allclose([row["copied"], row["ratio"]], expected, rtol=1e-3, atol=1e-4)
            assert row["positive"] == (b > 0).sum()
            assert row["tokens"] == len(a)


def count(x: NDArray[np.float64], y: NDArray[np.float64], cell: Any, by: float) -> int:
    """Return the points in a cell that is so much smaller at each end: what lies on one is in either cell."""
    inside = (x >= cell["x_low"] + by) & (x <= cell["x_high"] - by)
    return int((inside & (y >= cell["y_low"] + by) & (y <= cell["y_high"] - by)).sum())


def test_heat_maps_are_those_of_dense_numpy(run: RunDirectory) -> None:
    of = dense(run)
    maps, recovery = frame(run, "heatmaps"), frame(run, "recovery")
    features = frame(run, "features").set_index("id")
    for u, d in ((0, 1), (1, 2)):
        decoder = of.saes[u].W_dec.detach().numpy()
        units = decoder / np.linalg.norm(decoder, axis=1, keepdims=True)
        cells = maps[(maps["sae"] == SAES[u]) & (maps["directions"] == "low_necessity")]
        low = recovery[(recovery["sae"] == SAES[u]) & (recovery["feature_group"] == "low_necessity")]["feature"]
        x, y = [], []
        for feature in low:
            index = features.loc[feature, "index"]
            active = of.activations[u][:, index] > 0.1 * features.loc[feature, "max"]
            x.append(of.lengths[u][active, index])
            y.append(of.errors[d][active] @ units[index])
        for cell in cells.nlargest(20, "count").to_dict("records"):
            strictly, loosely = (count(np.concatenate(x), np.concatenate(y), cell, by) for by in (1e-4, -1e-4))
            assert strictly <= cell["count"] <= loosely
        assert cells["count"].sum() + cells["outside"].iloc[0] == len(np.concatenate(x))
        width = cells["x_high"].max() / BINS
        np.testing.assert_allclose(cells["x_high"] - cells["x_low"], width, rtol=1e-6)


def test_the_maps_of_random_directions_have_as_many_points_as_those_of_low_necessity(run: RunDirectory) -> None:
    maps = frame(run, "heatmaps").groupby(["sae", "directions"]).agg({"count": "sum", "outside": "first"}).sum(axis=1)
    for sae in SAES[:2]:
        assert maps[sae, "random"] == maps[sae, "low_necessity"]


def test_what_is_there_is_not_measured_again_and_other_settings_are(own: RunDirectory) -> None:
    assert not origin.is_done(own, ResidualSettings())
    record = measured(own)
    assert origin.is_done(own, ResidualSettings())
    assert not origin.is_done(own, ResidualSettings(seed=1))
    assert not origin.is_done(own, ResidualSettings(tokens=100))
    before = contents(own)
    assert record.tokens == frame(own, "tokens")["counted"].sum()
    assert measured(own, seed=1).settings["seed"] == 1
    assert contents(own)["copies"] == before["copies"]
    assert contents(own)["recovery"] != before["recovery"]
    assert RunDirectory.open(own.path).record.residuals == own.record.residuals


def test_some_tokens_are_spread_over_the_text(own: RunDirectory) -> None:
    record = measured(own, tokens=240)
    tokens = frame(own, "tokens").groupby("context")["counted"].sum().to_numpy()
    chosen = np.linspace(0, len(tokens) - 1, 20).round().astype(int)
    assert record.tokens == tokens[chosen].sum()
    assert set(frame(own, "copies")["tokens"]) == {record.tokens}


def test_smaller_batches_give_the_same_numbers(own: RunDirectory) -> None:
    measured(own)
    first = {name: frame(own, name) for name in ("recovery", "copies")}
    own.record = replace(own.record, config={**own.record.config, "batch_contexts": 3, "shard_contexts": 7})
    Residuals(own, Stages(silent), loaded(own), ResidualSettings()).write()
    for name, before in first.items():
        after = frame(own, name)
        for column in before.select_dtypes("float"):
            np.testing.assert_allclose(after[column], before[column], rtol=1e-4, atol=1e-5, err_msg=column)


@pytest.mark.parametrize(
    "point",
    [
        "table written:1",
        "table renamed:2",
        "table renamed:5",
        "record renamed:1",
        "table renamed:6",
    ],
)
def test_a_pass_that_was_killed_goes_on_and_ends_with_the_same_bytes(
    own: RunDirectory, plain: RunDirectory, tmp_path: Path, point: str
) -> None:
    undisturbed = RunDirectory.open(shutil.copytree(plain.path, tmp_path / "undisturbed/run"))
    measured(undisturbed)
    assert killed.run(killed_while, own.path, environment={VARIABLE: point}) == -signal.SIGKILL
    own = RunDirectory.open(own.path)
    starts: list[int] = []

    def report(stage: str, done: int, total: int | None) -> None:
        del total
        if stage == "residuals":
            starts.append(done)

    measured(own, report)
    assert contents(own) == contents(undisturbed)
    assert own.record.residuals == undisturbed.record.residuals
    assert own.content_hash == undisturbed.content_hash
    assert not [*(own.path / "residuals").iterdir()]
    assert (starts[1] > 0) == (point != "table written:1")


def test_a_damaged_checkpoint_is_measured_again(own: RunDirectory) -> None:
    assert killed.run(killed_while, own.path, environment={VARIABLE: "table renamed:2"}) == -signal.SIGKILL
    (own.path / "residuals/unfinished.npz").write_bytes(b"nothing")
    measured(RunDirectory.open(own.path))
    assert {name: (own.path / f"{name}.parquet").exists() for name in TABLES} == dict.fromkeys(TABLES, True)


def test_saes_of_other_places_than_the_residual_stream_are_refused(own: RunDirectory) -> None:
    first, *others = own.record.saes
    own.record = replace(own.record, saes=(replace(first, hook="blocks.0.hook_mlp_out"), *others))
    with pytest.raises(InputError, match=r"the SAE 0-saes of run run reads blocks.0.hook_mlp_out, and recovery and"):
        origin.check(own)
    own.record = replace(own.record, saes=(replace(first, d_in=8), *others))
    with pytest.raises(InputError, match="the SAEs 0-saes and 1-saes of run run read 8 and 16 values"):
        origin.check(own)


def test_an_import_has_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was imported, and edges do not tell which features an SAE leaves over"):
        origin.check(make_run(tmp_path, "imported"))


def test_a_run_that_says_it_has_residuals_lists_their_tables(own: RunDirectory) -> None:
    measured(own)
    (own.path / "run.json").write_text((own.path / "run.json").read_text().replace('"copies.parquet"', '"x.parquet"'))
    with pytest.raises(RunError, match=r"it does not list copies.parquet"):
        RunDirectory.open(own.path)
