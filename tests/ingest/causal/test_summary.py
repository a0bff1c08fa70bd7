import numpy as np
import pandas as pd
import pytest

from saedb.ingest.causal.asked import in_table
from saedb.ingest.causal.effects import share
from saedb.ingest.causal.summary import by_tenth, clear, of_one_kind, ranked
from saedb.ingest.errors import InputError


def test_effects_are_summed_up_by_tenth_of_a_measure() -> None:
    effects = pd.DataFrame(
        {
            "jaccard": [0.05, 0.09, 0.31, 1.0, 0.95, np.nan, 0.5],
            "effect": [0.0, 0.2, 0.4, 1.0, 0.8, 0.7, np.nan],
            "effect_control": [0.1, 0.3, np.nan, 0.0, 0.2, 0.0, 0.0],
            "effect_z": [-1.0, 2.5, np.nan, 9.0, 1.9, 9.0, np.nan],
            "effect_documents": [20, 20, 1, 3, 20, 20, 0],
            "effect_controls": [8] * 7,
            "effect_change": [0.0, 1.0, 2.0, 3.0, 5.0, 9.0, 9.0],
            "effect_paper": [0.0, 0.5, 1.0, 1.0, 2.0, 9.0, 9.0],
        }
    )
    found = by_tenth(effects, "jaccard")

    assert found["from"].tolist() == pytest.approx([0.0, 0.3, 0.9])
    assert found["edges"].tolist() == [2, 1, 2], "an edge without the measure, and one without an effect, count nowhere"
    assert found["effect"].tolist() == pytest.approx([0.1, 0.4, 0.9])
    assert found["control"].tolist() == pytest.approx([0.2, np.nan, 0.1], nan_ok=True)
    assert found["clear"].tolist() == pytest.approx([0.5, np.nan, 0.5], nan_ok=True)
    assert found["paper"].tolist() == pytest.approx([0.25, 1.0, 1.5])


def test_what_is_clear_of_few_documents_is_so_no_more_often_by_chance() -> None:
    random = np.random.default_rng(0)

    def judged(documents: int) -> tuple[float, bool]:
        """Return z of an effect that is its control's, and whether it is clear."""
        drawn = [random.gamma(4.0, 1.0, count) for count in (documents, 8)]
        (effect, se), (control, control_se) = (
            share(clean * random.normal(0.1, 0.2, len(clean)), clean) for clean in drawn
        )
        z = (effect - control) / float(np.hypot(se, control_se))
        return z, bool(clear([z], [documents], [8])[0])

    for documents, by_errors in ((2, 0.08), (3, 0.06), (6, 0.03)):
        z, is_clear = np.array([judged(documents) for _ in range(3000)]).T
        assert (z >= 2).mean() > by_errors
        assert is_clear.mean() < 0.025
    assert clear([13.0, 15.0, 4.0, 5.0, 2.3, 2.5, np.nan], [2, 2, 3, 3, 99, 99, 1], [8] * 7)[:6].tolist() == [0, 1] * 3
    assert np.isnan(clear([np.nan], [1], [8])).all()


def test_effects_of_other_settings_are_not_averaged_with_the_most() -> None:
    effects = pd.DataFrame({"effect": [0.1, 0.2, np.nan, np.nan, 0.5], "settings": ["b", "b", "a", "a", "a"]})

    assert of_one_kind(effects)["effect"].tolist() == [0.1, 0.2]
    assert of_one_kind(effects.head(0)).empty


def test_effects_of_few_documents_are_not_ranked() -> None:
    assert ranked(pd.Series([0.1, np.nan, 0.0]), pd.Series([3, 1, 2])).tolist() == [True, False, False]


def test_a_table_of_edges_is_what_a_query_prints() -> None:
    csv = "source,source_label,target\nm/0-a/1,x,m/1-a/2\n0/3,,1/4\n"
    assert in_table(csv, "it") == [("m/0-a/1", "m/1-a/2"), ("0/3", "1/4")]
    assert in_table('[{"source": "0/3", "target": "1/4", "value": 1}]', "it") == [("0/3", "1/4")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it names no edge"),
        ("[]", "it names no edge"),
        ("a,b\n1,2\n", "it has no columns source and target"),
        ("[1]", "it is neither CSV nor a JSON list of objects"),
        ("[{", "it is neither CSV nor a JSON list of objects"),
    ],
)
def test_another_table_says_what_is_missing(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        in_table(text, "it")
