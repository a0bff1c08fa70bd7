import numpy as np

from saedb.ingest.features import best_pearson, short_examples
from saedb.ingest.tables import EDGES, EXAMPLES, rows

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
    np.testing.assert_array_equal(best_pearson(edges, "source", IDS), [0.7, np.nan, np.nan])


def test_without_edges_no_feature_has_a_best_correlation() -> None:
    edges = rows(EDGES, {"source": [], "target": []})
    assert np.isnan(best_pearson(edges, "target", IDS)).all()


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
            "before": [" a\n\nbig", "the", "", "never"],
            "token": [" cat", "ing", "\n", "shown"],
            "after": [" sat.\nIt", "", "x", ""],
        },
    )
    assert short_examples(examples) == {"m/0-a/1": ["a big [[cat]] sat. It", "the[[ing]]", "[[↵]]x"]}
