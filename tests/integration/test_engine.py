"""What the edge engine promises of whole runs: the same edges however they are computed, and their evidence."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import delphicache
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import tiny
from planted import dense_of
from tinyrun import tiny_config

from saedb.ingest import saes
from saedb.ingest.activations import ActivationStore
from saedb.ingest.config import IngestConfig
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.measures import BY_NAME, EVIDENCE, MOVES, SELECTING
from saedb.ingest.memory import Memory
from saedb.ingest.pipeline import ingest
from saedb.ingest.rundir import EXAMPLES_FILE, FEATURES_FILE, RunDirectory, edges_file
from saedb.ingest.tables import EDGES, FEATURES

Compute = Callable[..., RunDirectory]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> IngestConfig:
    return tiny_config(tmp_path_factory.mktemp("tiny"), tokens=2400)


@pytest.fixture(scope="module")
def run(config: IngestConfig, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return ingest(config, tmp_path_factory.mktemp("runs") / "plain")


@pytest.fixture
def computed(config: IngestConfig, tmp_path: Path) -> Compute:
    """Return the computation of a run with other settings."""

    def compute(name: str = "other", **settings: object) -> RunDirectory:
        return ingest(replace(config, **settings), tmp_path / name)

    return compute


def edges(run: RunDirectory, pair: tuple[str, str]) -> pd.DataFrame:
    return run.read(EDGES, edges_file(*pair)).to_pandas()


def tables(run: RunDirectory) -> dict[str, bytes]:
    """Return the rows of every edge, feature and example file, whatever the settings in their metadata."""
    names = [*run.edge_files, FEATURES_FILE, EXAMPLES_FILE]
    return {name: pq.read_table(run.path / name, partitioning=None).to_pandas().to_csv() for name in names}


def test_little_memory_gives_the_same_tables(
    run: RunDirectory, computed: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Memory, "left", lambda self: 3000)  # less would be refused: see the test of that
    assert tables(computed()) == tables(run)


def test_too_little_memory_is_one_line_that_says_how_much_is_needed(computed: Compute, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"leave too little of 0\.01 GB of memory; give --memory at least \d+\.\d+GB"):
        computed(memory="10MB")
    assert not (tmp_path / "other").exists(), "it is said before anything is encoded"


@pytest.mark.parametrize("memory", ["much", "8 parrots", "-3GB"])
def test_memory_that_is_no_size_is_refused(computed: Compute, memory: str) -> None:
    with pytest.raises(InputError, match=r"memory is '.*', which is no size; write it like 8GB"):
        computed(memory=memory)


def test_pairs_that_are_no_neighbours_have_edges_and_no_others(run: RunDirectory, computed: Compute) -> None:
    other = computed(pairs="0:2")
    assert other.record.pairs == (("0-saes", "2-saes"),)
    assert len(edges(other, ("0-saes", "2-saes"))) > 0
    features = other.read(FEATURES, FEATURES_FILE).to_pandas()
    assert set(features["sae"]) == {"0-saes", "2-saes"}
    assert features[features["sae"] == "0-saes"]["state_out"].notna().all()
    assert features[features["sae"] == "2-saes"]["state_out"].isna().all()


def test_two_sets_of_saes_on_one_layer_are_a_pair(config: IngestConfig, tmp_path: Path) -> None:
    other = tmp_path / "others"
    tiny.save_sae(other / "layer1", "blocks.1.hook_resid_pre", d_sae=40)
    found = ingest(
        replace(config, inputs=(*config.inputs, str(other)), pairs="1-saes:1-others"), tmp_path / "runs" / "two"
    )
    assert found.record.pairs == (("1-saes", "1-others"),)
    targets = edges(found, ("1-saes", "1-others"))["target"]
    assert targets.str.contains("/1-others/").all()
    assert targets.str.rpartition("/")[2].astype(int).max() >= 24
    assert found.read(FEATURES, FEATURES_FILE).to_pandas()["state_out"].isna().all(), "no layer comes after"


def test_the_halves_of_the_documents_are_told_apart(run: RunDirectory, computed: Compute) -> None:
    halves = computed(split_half=True)
    for pair in run.record.pairs:
        whole, moved = edges(run, pair), edges(halves, pair)
        pd.testing.assert_frame_equal(whole[[m for m in BY_NAME]], moved[[m for m in BY_NAME]])
        assert whole[[e.name for e in EVIDENCE]].isna().all().all()
        for measure in MOVES:
            values = moved[f"{measure.name}_moved"].dropna()
            assert len(values) > 0.9 * len(moved)
            assert (values >= 0).all()
            assert values.max() > 0


def test_intervals_hold_the_value_and_are_wider_for_less_support(computed: Compute) -> None:
    found = computed(bootstrap=200)
    whole = pd.concat([edges(found, pair) for pair in found.record.pairs])
    for name in ("necessity", "sufficiency"):
        known = whole.dropna(subset=[f"{name}_low", f"{name}_high"])
        assert len(known) > 0.9 * len(whole)
        inside = (known[f"{name}_low"] <= known[name] + 1e-6) & (known[name] <= known[f"{name}_high"] + 1e-6)
        assert inside.mean() > 0.98
        width = known[f"{name}_high"] - known[f"{name}_low"]
        middling = known[name].between(0.2, 0.8)
        few = known["support"] < known["support"].median()
        assert width[middling & few].mean() > width[middling & ~few].mean()


def test_chance_gives_fewer_edges_than_the_text(run: RunDirectory) -> None:
    null = run.record.null
    assert null is not None
    assert 0 < null.tokens <= run.record.tokens.counted  # pyright: ignore[reportOptionalMemberAccess]
    assert set(null.rates) == {m.name for m in SELECTING}
    for name in null.rates:
        assert list(null.found[name]) == sorted(null.found[name], reverse=True)
    high = null.values.index(0.9)
    assert null.chance["pearson"][high] == 0 < null.found["pearson"][0]


def test_without_null_tokens_nothing_is_rotated(computed: Compute) -> None:
    assert computed(null_tokens=0).record.null is None


def test_maxima_of_the_same_run_change_nothing_and_of_another_the_thresholds(
    run: RunDirectory, computed: Compute, tmp_path: Path
) -> None:
    assert tables(computed("same", max_from=str(run.path))) == tables(run)
    features = run.read(FEATURES, FEATURES_FILE).to_pandas()
    features[["id"]].assign(max=features["max"] * 2).to_csv(tmp_path / "maxima.csv", index=False)
    doubled = computed("doubled", max_activations=str(tmp_path / "maxima.csv")).read(FEATURES, FEATURES_FILE)
    np.testing.assert_allclose(doubled["threshold"].to_numpy(), 0.4 * features["max"])
    np.testing.assert_array_equal(doubled["max"].to_numpy(), features["max"])
    assert (doubled["n_active"].to_numpy() <= features["n_active"]).all()


def test_activations_cached_by_delphi_give_the_edges_of_their_own_pass(
    config: IngestConfig, run: RunDirectory, computed: Compute, tmp_path: Path
) -> None:
    store = ActivationStore.of_run(run)
    tokens = pd.read_parquet(run.path / "tokens.parquet")["token"].to_numpy().reshape(-1, tiny.CONTEXT_SIZE)
    for source in saes.find(config.inputs).sources:
        dense = np.concatenate([dense_of(store.rows(source.id, shard)) for shard in store.shards])
        latents = dense.reshape(*tokens.shape, -1).astype(np.float32)
        delphicache.save_cache(tmp_path / "cache" / source.id, latents, tokens.astype(np.int64))
    found = computed("cached", activations=str(tmp_path / "cache"), min_documents=0)
    own = computed("own", min_documents=0)
    assert found.record.tokens is not None
    assert found.record.tokens.counted == run.record.tokens.counted  # pyright: ignore[reportOptionalMemberAccess]
    assert any("attention sinks count" in line for line in found.record.warnings)
    assert all(sae.explained_variance is None for sae in found.record.saes)
    for pair in run.record.pairs:
        ours, theirs = (edges(r, pair).set_index(["source", "target"]) for r in (own, found))
        both = ours.merge(theirs, left_index=True, right_index=True, suffixes=("", "_cached"))
        assert len(both) >= 0.99 * max(len(ours), len(theirs)), "half precision moves a few values over thresholds"
        np.testing.assert_allclose(both["pearson"], both["pearson_cached"], atol=2e-3)
