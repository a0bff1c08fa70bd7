from typing import Any

import numpy as np
import pandas as pd
import pytest

from saedb.cypher.comparison import NAMES, Comparison
from saedb.cypher.definitions import MEANINGS, warnings
from saedb.cypher.transitions import counts_by_sae, in_one_list, transitions
from saedb.ingest.config import IngestConfig

FEATURES = 40


def random_edges(seed: int, count: int = 300) -> pd.DataFrame:
    """Return edges from the first half of the features to the second, with gaps in the measures."""
    random = np.random.default_rng(seed)
    half = FEATURES // 2
    ends = np.unique(np.stack([random.integers(0, half, count), random.integers(half, FEATURES, count)], 1), axis=0)
    values = np.round(random.random((len(ends), len(NAMES))), 1)  # many equal ones
    values[random.random(values.shape) < 0.2] = np.nan
    return pd.DataFrame({"u": ends[:, 0], "d": ends[:, 1], **dict(zip(NAMES, values.T, strict=True))})


def compared(*parts: tuple[pd.DataFrame, pd.DataFrame], common: Any = True) -> Comparison:
    sae = np.repeat([0, 1], FEATURES // 2)
    matrix = np.full((2, 2), common)
    comparison = Comparison(measure="pearson", threshold=0.5, limit=7, sae=sae, common=matrix)
    for part in parts:
        comparison.add(*part)
    return comparison


def test_edges_read_in_parts_are_compared_as_if_at_once() -> None:
    a, b = random_edges(0), random_edges(1)
    whole = compared((a, b))
    in_parts = compared(*((a[a["u"] % 3 == k], b[b["u"] % 3 == k]) for k in (2, 0, 1)))
    assert in_parts.counts == whole.counts
    assert in_parts.known == whole.known
    pd.testing.assert_frame_equal(in_parts.moves_table(), whole.moves_table())
    for kind, edges in whole.best.items():
        assert len(edges) == 7
        pd.testing.assert_frame_equal(in_parts.best[kind], edges)


def test_of_equal_edges_the_first_are_kept_as_examples() -> None:
    a, b = random_edges(0), random_edges(1)
    lost = compared((a, b)).best["lost"]
    found = {(u, d): value for u, d, value in zip(a["u"], a["d"], a["pearson"], strict=True) if value >= 0.5}
    there = set(zip(b["u"], b["d"], b["pearson"] >= 0.5, strict=True))
    expected = sorted((-value, *ends) for ends, value in found.items() if (*ends, True) not in there)[:7]
    assert list(zip(-lost["a"], lost["u"], lost["d"], strict=True)) == expected


def test_edges_of_saes_that_one_run_did_not_compare_are_neither_lost_nor_gained() -> None:
    comparison = compared((random_edges(0), random_edges(1)[:0]), (random_edges(0)[:0], random_edges(1)), common=False)
    assert {change for change, _ in comparison.counts} == {"only_a", "only_b"}
    assert all(comparison.best[kind].empty for kind in ("kept", "lost", "gained", "moved"))


def test_no_edges_at_all_give_empty_tables_with_their_columns() -> None:
    none = random_edges(0)[:0]
    comparison = compared((none, none))
    assert list(comparison.counts_table().columns) == ["change", "elsewhere", "edges"]
    assert comparison.moves_table().empty
    assert list(comparison.best["lost"].columns)[:5] == ["u", "d", "a", "b", "elsewhere"]


def features(ids: list[str], states: list[str | None]) -> pd.DataFrame:
    layers = [int(id_[0]) for id_ in ids]
    return pd.DataFrame(
        {
            "id": ids,
            "sae": [f"{layer}-s" for layer in layers],
            "depth": layers,
            "index": [int(id_[2:]) for id_ in ids],
            "state_in": pd.Series([None] * len(ids), dtype=object),
            "state_out": pd.Series(states, dtype=object),
        }
    )


def test_features_of_both_runs_make_one_list_by_depth_and_index() -> None:
    one = in_one_list(features(["1/0", "0/10", "0/2"], [None] * 3), features(["0/2", "2/0", "0/3"], [None] * 3))
    assert one["id"].tolist() == ["0/2", "0/3", "0/10", "1/0", "2/0"]
    assert one["in_a"].tolist() == [True, False, True, True, False]
    counts = counts_by_sae(one).set_index("sae")
    assert counts.loc["0-s"].tolist() == [1, 1, 1]
    assert counts.loc[["1-s", "2-s"], "both"].tolist() == [0, 0]


def test_each_transition_has_an_example_before_one_has_two() -> None:
    ids = [f"0/{i}" for i in range(6)]
    before = features(ids, ["dead", "dead", "dead", "rare", "rare", None])
    after = features(ids, ["rare", "rare", "rare", "dead", "rare", "dead"])
    counts, examples = transitions(in_one_list(before, after), limit=3)
    assert list(counts.itertuples(index=False, name=None)) == [
        ("state_out", "dead", "rare", 3),
        ("state_out", "rare", "dead", 1),
    ]
    assert examples["feature"].tolist() == ["0/0", "0/3", "0/1"]


def run(name: str, kind: str = "ingest", tokens: int | None = 100, **config: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, "tokens": tokens, "config": config}


def test_runs_of_equal_settings_have_no_warning() -> None:
    settings = IngestConfig(inputs=("demo",)).settings()
    assert list(warnings(run("a", **settings), run("b", **settings))) == []
    assert MEANINGS.keys() <= settings.keys()


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_each_setting_that_matters_is_named_with_what_it_means(name: str) -> None:
    (line,) = warnings(run("a", **{name: 1}), run("b", **{name: 2}))
    assert line == f"{name}: 1 in a, 2 in b; {MEANINGS[name]}"


def test_a_file_of_the_same_name_may_hold_something_else() -> None:
    a, b = (run(name, dataset="/text.jsonl", local={"dataset": name}) for name in "ab")
    (line,) = warnings(a, b)
    assert line.startswith("dataset: /text.jsonl held something else for b; another text was read")


def test_of_imports_it_is_said_what_is_not_known() -> None:
    (line,) = warnings(run("a"), run("b", kind="import", tokens=None))
    assert line.startswith("b is an import")
    assert list(warnings(run("a", "import", files=[["x", "1"]]), run("b", "import", files=[["x", "1"]]))) == []
    assert len(list(warnings(run("a", "import", files=[["x", "1"]]), run("b", "import", files=[["x", "2"]])))) == 1
