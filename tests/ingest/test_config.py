import json
from typing import Any

import pytest

from saedb.ingest.config import PRESETS, IngestConfig
from saedb.ingest.errors import InputError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokens", 0),
        ("context_size", 1),
        ("relative_threshold", 1.0),
        ("relative_threshold", -0.1),
        ("relative_threshold", float("nan")),
        ("min_similarity", 0.0),
        ("min_similarity", 1.1),
        ("min_support", -1),
        ("min_documents", -1),
        ("min_lift", float("inf")),
        ("min_excess", 1.5),
        ("vanishing", 0.05),
        ("vanishing", 0.96),
        ("passed_through", 1.01),
        ("examples", 0),
        ("batch_contexts", 0),
        ("shard_contexts", 0),
        ("device", "tpu"),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        IngestConfig(inputs=("demo",), **{name: value})
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_input_is_an_error() -> None:
    with pytest.raises(InputError, match="no SAEs named"):
        IngestConfig(inputs=())


def test_the_papers_settings_count_everything_above_a_tenth() -> None:
    paper = IngestConfig(inputs=("gpt2-small-res-jb",), **PRESETS["paper"])
    assert paper.count_all
    assert paper.min_similarity > 0.1
    assert paper.min_similarity == pytest.approx(0.1)
    assert (paper.min_support, paper.min_documents, paper.min_lift) == (0, 0, 0)


def test_settings_are_json_and_leave_out_what_changes_no_table() -> None:
    config = IngestConfig(inputs=("a", "b"), keep_activations=False)
    assert json.loads(json.dumps(config.settings())) == config.settings()
    assert config.settings() == IngestConfig(inputs=("a", "b")).settings()
