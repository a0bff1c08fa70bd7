"""Gates and splits of a run directory, made from what is on its disk alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from tinyrun import tiny_config

from saedb.ingest.activations import ActivationStore
from saedb.ingest.errors import RunError
from saedb.ingest.memory import Memory
from saedb.ingest.motifs.settings import GateSettings, SplitSettings
from saedb.ingest.motifs.stage import MemoryBoundError, Motifs
from saedb.ingest.pipeline import ingest
from saedb.ingest.progress import silent
from saedb.ingest.rundir import DOCUMENTS_FILE, FEATURES_FILE, GATES_FILE, SPLITS_FILE, TOKENS_FILE, RunDirectory
from saedb.ingest.stages import Stages
from saedb.ingest.tables import DOCUMENTS, FEATURES, GATES, SPLITS, TOKENS

LOOSE = GateSettings(min_f1=0.3, min_gain=0.01, row_support=2, min_necessity=0.2, min_sufficiency=0.2)
WIDE = SplitSettings(min_purity=0.2, min_share=0.02, min_coverage=0.1, max_overlap=0.9, min_support=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = tmp_path_factory.mktemp("motifs")
    return ingest(tiny_config(folder, tokens=3000), folder / "runs" / "tiny")


def motifs(run: RunDirectory, memory: str | None = None) -> Motifs:
    return Motifs.of_run(run, Stages(silent), Memory(memory))


def active(run: RunDirectory) -> dict[str, NDArray[np.bool_]]:
    """Return on which counted tokens each feature is active, [tokens], by its id; read file by file."""
    store, found = ActivationStore.of_run(run), dict[str, NDArray[np.bool_]]()
    counted = run.read(TOKENS, TOKENS_FILE)["counted"].to_numpy()
    features = run.read(FEATURES, FEATURES_FILE).select(["id", "sae", "index", "threshold"]).to_pylist()
    for sae, width in store.widths.items():
        dense = np.zeros((len(counted), width))
        rows = 0
        for shard in store.shards:
            sparse = store.rows(sae, shard)
            dense[rows + sparse.row_of, sparse.indices] = sparse.values
            rows += len(sparse)
        for feature in (f for f in features if f["sae"] == sae):
            found[feature["id"]] = counted & (dense[:, feature["index"]] > feature["threshold"])
    return found


def halves(run: RunDirectory) -> list[NDArray[np.bool_]]:
    """Return which tokens belong to each half of the documents, [tokens]."""
    tokens, half = run.read(TOKENS, TOKENS_FILE), run.read(DOCUMENTS, DOCUMENTS_FILE)["half"].to_numpy()
    document = tokens["document"].to_numpy()
    context = tokens["context"].to_numpy()
    of_context = np.array([half[document[(context == c) & (document >= 0)].max()] for c in range(context[-1] + 1)])
    return [of_context[context] == h for h in (0, 1)]


def test_the_tables_of_gates_are_those_of_the_activations_on_disk(run: RunDirectory) -> None:
    with run.writing():
        record = motifs(run).write_gates(LOOSE)
    rows, is_active, of_half = run.read(GATES, GATES_FILE).to_pylist(), active(run), halves(run)
    assert sum(record.kept.values()) > 20
    counted = run.read(TOKENS, TOKENS_FILE)["counted"].to_numpy()
    for row in rows:
        inputs = np.stack([is_active[u] for u in row["inputs"]])
        number = (inputs * 2 ** np.arange(len(inputs))[::-1, None]).sum(axis=0)
        for half, suffix in ((0, "_chosen"), (1, "")):
            inside = counted & of_half[half]
            on = is_active[row["output"]]
            assert row[f"tokens{suffix}"] == np.bincount(number[inside], minlength=2 ** len(inputs)).tolist()
            assert row[f"active{suffix}"] == np.bincount(number[inside & on], minlength=2 ** len(inputs)).tolist()


def test_scores_and_ids_are_those_of_the_tables(run: RunDirectory) -> None:
    with run.writing():
        motifs(run).write_gates(LOOSE)
    rows = run.read(GATES, GATES_FILE).to_pylist()
    on: dict[str, Callable[[int], list[int]]] = {
        "AND": lambda size: [size - 1],
        "OR": lambda size: [*range(1, size)],
        "AND_NOT": lambda _: [2],
    }
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        combinations = on[row["kind"]](len(row["tokens"]))
        hits, said = (sum(row[name][i] for i in combinations) for name in ("active", "tokens"))
        assert row["precision"] == pytest.approx(hits / said if said else None)
        assert row["recall"] == pytest.approx(hits / sum(row["active"]) if sum(row["active"]) else None)
        assert row["f1"] == pytest.approx(2 * hits / (said + sum(row["active"])) if hits else 0.0)
        assert row["support"] == hits + sum(row["active_chosen"][i] for i in combinations)
        assert row["score"] == min(row["gain"], row["gain_chosen"])
        short = [id_.split("/", 1)[1] for id_ in (row["output"], *row["inputs"])]
        assert row["id"] == f"{short[0]}:{row['kind'].lower().replace('_', '-')}:{'+'.join(short[1:])}"
        assert (row["rank"] is None) == (row["verdict"] != "gate")


def test_gates_of_an_output_and_kind_are_ranked_by_f1(run: RunDirectory) -> None:
    with run.writing():
        motifs(run).write_gates(LOOSE)
    gates = run.read(GATES, GATES_FILE).to_pandas()
    ranked = gates[gates["verdict"] == "gate"].sort_values("rank").groupby(["output", "kind"])
    assert max(len(of) for _, of in ranked) > 1
    for _, of in ranked:
        assert of["rank"].tolist() == list(range(len(of)))
        assert of["f1"].is_monotonic_decreasing


def test_shares_and_coverage_of_splits_are_those_of_the_activations_on_disk(run: RunDirectory) -> None:
    with run.writing():
        record = motifs(run).write_splits(WIDE)
    rows, is_active, of_half = run.read(SPLITS, SPLITS_FILE).to_pylist(), active(run), halves(run)
    assert record.count == len(rows) > 0
    for row in rows:
        children = np.stack([is_active[d] for d in row["children"]])
        parent = is_active[row["parent"]]
        for half, suffix in ((0, "_chosen"), (1, "")):
            inside = parent & of_half[half]
            covered = children[:, inside].sum(axis=0)
            assert row[f"coverage{suffix}"] == pytest.approx((covered > 0).mean())
            assert row[f"overlap{suffix}"] == pytest.approx((covered > 1).sum() / (covered > 0).sum())
        assert row["shares"] == pytest.approx(children[:, parent & of_half[1]].mean(axis=1).tolist())
        assert row["purities"] == pytest.approx([parent[child & of_half[1]].mean() for child in children])
        assert row["support"] == (children.any(axis=0) & parent).sum()


def test_other_settings_replace_the_table_and_the_record_and_encode_nothing(run: RunDirectory) -> None:
    def written() -> tuple[Any, ...]:
        return run.record.gates, run.record.files[GATES_FILE].sha256, run.record.files[FEATURES_FILE].sha256

    with run.writing():
        motifs(run).write_gates(LOOSE)
        before = written()
        shards = {file: file.stat().st_mtime_ns for file in (run.path / "activations").rglob("*.npy")}
        motifs(run).write_gates(GateSettings())
        after = written()
        motifs(run).write_gates(LOOSE)
    assert (after[0] != before[0], after[1] != before[1], after[2] == before[2]) == (True, True, True)
    assert written() == before
    assert shards == {file: file.stat().st_mtime_ns for file in (run.path / "activations").rglob("*.npy")}
    assert RunDirectory.open(run.path).record.gates == before[0]


def test_motifs_found_again_from_the_disk_are_those_that_the_run_found(tmp_path: Path) -> None:
    run = ingest(tiny_config(tmp_path, tokens=1500), tmp_path / "runs" / "tiny")
    found = {name: run.record.files[name] for name in (GATES_FILE, SPLITS_FILE)}
    records = run.record.gates, run.record.splits
    with run.writing():
        assert (motifs(run).write_gates(GateSettings()), motifs(run).write_splits(SplitSettings())) == records
    assert {name: run.record.files[name] for name in found} == found


def test_positional_features_take_part_only_where_they_are_asked_for(run: RunDirectory, tmp_path: Path) -> None:
    features = run.read(FEATURES, FEATURES_FILE)
    column = features.schema.get_field_index("positional")
    marked = features.set_column(column, FEATURES.schema.field("positional"), pa.array([True] * len(features)))
    with run.writing():
        motifs(run).write_gates(LOOSE)
        kept = run.record.gates
        try:
            run.write(FEATURES, FEATURES_FILE, [marked])
            without = motifs(run).write_gates(LOOSE)
            with_them = motifs(run).write_gates(GateSettings(**{**_fields(LOOSE), "positional": True}))
            splits = motifs(run).write_splits(WIDE)
        finally:
            run.write(FEATURES, FEATURES_FILE, [features])
    assert kept is not None
    assert (sum(without.tested.values()), splits.count) == (0, 0)
    assert (with_them.kept, with_them.chance) == (kept.kept, kept.chance)


def _fields(settings: GateSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in GateSettings.__dataclass_fields__}


def test_too_little_memory_is_said_before_anything_is_replaced(run: RunDirectory) -> None:
    class Little(Memory):
        def left(self) -> int:
            return 1000

    before = run.record.files[GATES_FILE]
    with run.writing(), pytest.raises(MemoryBoundError, match=r"need .* GB of memory, .* are left"):
        Motifs.of_run(run, Stages(silent), Little(None)).write_gates(LOOSE)
    assert RunDirectory.open(run.path).record.files[GATES_FILE] == before


def test_a_run_without_activations_is_refused(run: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(json.loads((run.path / "run.json").read_text())))
    with pytest.raises(RunError, match="has no activations; compute the run again under another --run, and keep them"):
        motifs(RunDirectory.open(tmp_path))
