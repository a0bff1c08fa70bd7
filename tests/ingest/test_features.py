from pathlib import Path

import numpy as np
import pytest

from saedb.ingest.features import best_on_edges, feature_ids, feature_rows, short_examples
from saedb.ingest.labels import TopWords
from saedb.ingest.sources import Folder, SaeSource
from saedb.ingest.statistics import FeatureStatistics, Moments
from saedb.ingest.tables import BINS, EDGES, EXAMPLES, rows

NO_WORDS = TopWords(words=(), shares=())
IDS = np.array(["m/0-a/0", "m/0-a/1", "m/0-a/2"], dtype=object)


def test_the_best_correlation_is_the_highest_over_a_features_edges() -> None:
    edges = rows(
        EDGES,
        {
            "source": ["m/0-a/0", "m/0-a/0", "m/0-a/2"],
            "target": ["m/1-a/0", "m/1-a/1", "m/1-a/1"],
            "pearson": [0.2, 0.7, float("nan")],
        },
    )
    for parts in ([edges], [edges.slice(0, 1), edges.slice(1)], [edges.slice(1), edges.slice(0, 0), edges.slice(0, 1)]):
        np.testing.assert_array_equal(best_on_edges(parts, "source", "pearson", IDS), [0.7, np.nan, np.nan])


def test_without_edges_no_feature_has_a_best_correlation() -> None:
    edges = rows(EDGES, {"source": [], "target": []})
    assert np.isnan(best_on_edges([edges], "target", "pearson", IDS)).all()
    assert np.isnan(best_on_edges([], "target", "pearson", IDS)).all()


def test_short_examples_are_the_first_three_on_one_line_with_the_token_marked() -> None:
    count = 4
    examples = rows(
        EXAMPLES,
        {
            "feature": ["m/0-a/1"] * count,
            "rank": list(range(count)),
            "document": [0] * count,
            "context": list(range(count)),
            "position": [1] * count,
            "activation": [1.0] * count,
            "tokens": [
                [" left", *[" a"] * 10, "\n\n", "big", " cat", *[" sat"] * 5, ".\nIt", " too"],
                ["the", "ing"],
                ["\n", "x"],
                ["never", "shown"],
            ],
            "activations": [[0.0], [0.0], [0.0], [0.0]],
            "at": [13, 1, 0, 1],
        },
    )
    for parts in ([examples], [examples.slice(0, 2), examples.slice(2)]):
        assert short_examples(parts) == {"m/0-a/1": [f"{'a ' * 10}big [[cat]]{' sat' * 5}. It", "the[[ing]]", "[[↵]]x"]}


def source(neuronpedia_id: str | None) -> SaeSource:
    return SaeSource(
        location=Folder(path=Path("a")),
        layer=6,
        set="mine",
        hook="blocks.6.hook_resid_pre",
        d_in=4,
        d_sae=2,
        architecture="standard",
        model_name="gpt2",
        neuronpedia_id=neuronpedia_id,
    )


@pytest.mark.parametrize(
    ("neuronpedia_id", "urls"),
    [
        (None, [None, None]),
        ("gpt2-small/6-res-jb", [f"https://www.neuronpedia.org/gpt2-small/6-res-jb/{index}" for index in range(2)]),
    ],
)
def test_a_feature_has_the_url_of_its_page_where_neuronpedia_has_one(
    neuronpedia_id: str | None, urls: list[str | None]
) -> None:
    counts, sums, none = np.zeros(2, np.int64), np.zeros(2), np.full(2, None, dtype=object)
    half = Moments(tokens=2, n_active=counts, sum=sums, squares=sums, rounded=sums)
    statistics = FeatureStatistics(
        tokens=4,
        rounded=sums,
        numbers=counts,
        halves=(half, half),
        n_positive=counts,
        n_active=counts,
        n_documents=counts,
        sum=sums,
        squares=sums,
        max=sums,
        histogram=np.zeros((2, BINS), np.int64),
        threshold=sums,
        positional=sums > 0,
    )
    found = feature_rows(
        source(neuronpedia_id),
        feature_ids("gpt2-small", source(neuronpedia_id)),
        statistics,
        state_in=none,
        state_out=none,
        best_in=np.full(2, np.nan),
        best_out=np.full(2, np.nan),
        top=[NO_WORDS] * 2,
        promoted=[(), ()],
        examples=[(), ()],
        whole={},
    )
    assert found["url"].to_pylist() == urls
