"""Which label is preferred, and what an import does to those that were there."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from handmade import handmade, ids
from hypothesis import given, settings
from hypothesis import strategies as st

from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.labelling.table import Labels
from saedb.ingest.rundir import RunDirectory

OLD, NEW = "2026-01-02T00:00:00+00:00", "2026-01-03T00:00:00+00:00"
FEATURES = pa.chunked_array([[f"m/0-a/{n}" for n in range(5)]])


def label(text: str, source: str = "ours", feature: int = 0, **other: Any) -> dict[str, Any]:
    return {"feature": f"m/0-a/{feature}", "text": text, "source": source, "imported": OLD, **other}


def rows_of(*labels: dict[str, Any]) -> pa.Table:
    names = [column.name for column in tables.LABELS.columns]
    columns = {name: [row.get(name) for row in labels] for name in names}
    return tables.rows(tables.LABELS, columns | {"rank": [0] * len(labels), "preference": [[]] * len(labels)})


def of(*labels: dict[str, Any]) -> Labels:
    return Labels(tables.LABELS.schema.empty_table(), FEATURES).merged(rows_of(*labels))


def texts(labels: Labels, feature: int = 0) -> list[str]:
    return [row["text"] for row in labels.rows.to_pylist() if row["feature"] == f"m/0-a/{feature}"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (label("imported"), label("automatic", "auto", score=1.0, imported=NEW)),
        (label("high", score=0.9, author="x"), label("low", score=0.1, imported=NEW)),
        (label("any", score=-1.0, author="x"), label("none", imported=NEW)),
        (label("new", imported=NEW, author="x"), label("old")),
        (label("a", author="z"), label("b", author="a")),
        (label("same", "a"), label("same", "b")),
        (label("same", author="a"), label("same")),
    ],
)
def test_each_step_of_the_rule_decides(first: dict[str, Any], second: dict[str, Any]) -> None:
    for order in ((first, second), (second, first)):
        found = of(*order).rows.select(["text", "source", "author", "rank"]).to_pylist()
        assert [(r["text"], r["source"], r["author"]) for r in found] == [
            (r["text"], r["source"], r.get("author")) for r in (first, second)
        ]
        assert [r["rank"] for r in found] == [0, 1]


def test_what_is_asked_for_comes_before_all_else_in_its_order() -> None:
    labels = of(
        label("automatic", "auto"),
        label("scored", "neuronpedia", author="o3", score=1.0),
        label("mini", "neuronpedia", author="gpt-4o-mini"),
        label("ours"),
    )
    assert texts(labels)[0] == "scored"
    asked = labels.preferring(["auto", "neuronpedia:gpt-4o-mini", "ours"])
    assert texts(asked) == ["automatic", "mini", "ours", "scored"]
    assert texts(asked.merged(rows_of(label("mine", "ours", author="me", score=2.0))))[2:] == ["mine", "ours", "scored"]
    assert texts(asked.preferring([])) == texts(labels)
    assert texts(labels.preferring(["neuronpedia:gpt-4o-mini", "neuronpedia"]))[:2] == ["mini", "scored"]
    assert asked.without("ours").preference == ["auto", "neuronpedia:gpt-4o-mini"]
    with pytest.raises(
        InputError, match=r"no labels of 'neuronpedia:gpt' to prefer; there are those of auto, neuronpedia"
    ):
        labels.preferring(["neuronpedia:gpt"])


def test_a_label_takes_the_place_of_those_of_the_same_source_author_and_method() -> None:
    labels = of(label("a", author="x"), label("b", author="x"), label("c", method="y"), label("d", feature=1))
    after = labels.merged(rows_of(label("e", author="x", imported=NEW), label("f", author="x", imported=NEW)))
    assert sorted(texts(after)) == ["c", "e", "f"]
    assert texts(after, 1) == ["d"]


def test_the_same_again_changes_nothing_and_a_text_counts_once() -> None:
    again = [label("a", imported=NEW), label("a", imported=NEW), label("b", feature=3, score=0.5, imported=NEW)]
    labels = of(label("a"), label("b", feature=3, score=0.5), label("c", "other"))
    assert labels.merged(rows_of(*again)).rows.equals(labels.rows)
    assert not labels.merged(rows_of(label("a", score=0.1, imported=NEW))).rows.equals(labels.rows)


LABELS = st.builds(
    label,
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["auto", "ours", "neuronpedia"]),
    st.integers(0, 4),
    author=st.sampled_from([None, "x", "y"]),
    method=st.sampled_from([None, "t"]),
    score=st.sampled_from([None, 0.0, 0.5, float("nan")]),
    imported=st.sampled_from([OLD, NEW]),
)


@settings(deadline=None)
@given(st.lists(LABELS, max_size=25), st.permutations(["auto", "ours", "neuronpedia:x"]), st.randoms())
def test_the_order_is_that_of_the_rule_whatever_the_order_of_the_rows(
    labels: list[dict[str, Any]], preference: list[str], random: Any
) -> None:
    distinct = list({(r["feature"], r["text"], r["source"], r["author"], r["method"]): r for r in labels}.values())

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        named = [row["source"], f"{row['source']}:{row['author']}"]
        place = min((preference.index(name) for name in named if name in preference), default=3)
        score = row["score"] if row["score"] == row["score"] else None
        names = tuple((value is None, value or "") for value in (row["author"], row["method"]))
        newest = [-ord(character) for character in row["imported"]]
        auto = row["source"] == "auto"
        return row["feature"], place, auto, score is None, -(score or 0.0), newest, row["text"], row["source"], *names

    expected = [(r["feature"], r["text"], r["source"], r["author"], r["method"]) for r in sorted(distinct, key=key)]
    random.shuffle(distinct)
    everyone = [label("z", source, author=author) for source in ("auto", "ours", "neuronpedia") for author in ("x",)]
    known = of(*everyone).preferring(preference).rows
    found = Labels(known, FEATURES).merged(rows_of(*distinct)) if distinct else Labels(known, FEATURES)
    kept = [r for r in found.rows.to_pylist() if r["text"] != "z"]
    assert [(r["feature"], r["text"], r["source"], r["author"], r["method"]) for r in kept] == expected
    by_feature: dict[str, list[int]] = {}
    for row in found.rows.to_pylist():
        by_feature.setdefault(row["feature"], []).append(row["rank"])
    assert all(ranks == list(range(len(ranks))) for ranks in by_feature.values())


def test_a_run_without_imported_labels_has_its_automatic_ones(tmp_path: Path) -> None:
    run = handmade(tmp_path, "run", found=False)
    labels = Labels.of(run)
    own = {r["id"]: r["label"] for r in run.read(tables.FEATURES, rundir.FEATURES_FILE).to_pylist() if r["label"]}
    assert {r["feature"]: r["text"] for r in labels.rows.to_pylist()} == own
    assert {(r["source"], r["author"], r["imported"]) for r in labels.rows.to_pylist()} == {
        ("auto", None, run.record.created)
    }
    assert labels.labelled == len(own)


def test_shown_labels_are_by_feature_with_their_sources_in_words() -> None:
    shown = of(
        label("a", "neuronpedia", author="m", method="t"), label("b", "auto"), label("c", author="Ann", feature=3)
    ).shown()
    assert shown.label.to_pylist() == ["a", None, None, "c", None]
    assert shown.source.to_pylist() == ["neuronpedia m (t)", None, None, "ours Ann", None]
    assert shown.labels.to_pylist() == [["a", "b"], None, None, ["c"], None]
    assert shown.sources.to_pylist() == [["neuronpedia m (t)", "auto"], None, None, ["ours Ann"], None]


def test_sources_are_counted(tmp_path: Path) -> None:
    labels = of(label("a", author="x"), label("b", author="x"), label("c", "auto"), label("d", "auto", feature=1))
    found = [(r["source"], r["author"], r["labels"], r["features"], r["preferred"]) for r in labels.by_source()]
    assert found == [("auto", None, 2, 2, 1), ("ours", "x", 2, 1, 1)]
    assert of().by_source() == []


def test_a_table_that_a_killed_process_had_not_recorded_is_adopted(tmp_path: Path) -> None:
    run = handmade(tmp_path, "run", found=False)
    Labels.of(run).merged(rows_of(label("a"))).preferring(["ours"]).write(run)
    files = {name: entry for name, entry in run.record.files.items() if name != rundir.LABELS_FILE}
    content = run.content_hash
    run.update(files=files)
    again = RunDirectory.open(run.path)
    with again.writing():
        assert again.content_hash == content
        assert Labels.of(again).preference == ["ours"]
        assert ids("0-a")[0] in Labels.of(again).features
