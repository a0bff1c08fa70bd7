"""The figure of what each layer passes on: a band is as wide at each end as there are features."""

from dataclasses import replace

import pytest

from saedb.cli.browser.flow import (
    APPEARING,
    DISAPPEARING,
    LAYER,
    PASSED,
    SILENT,
    TRANSFORMED,
    Band,
    bands,
    drawn,
    said,
)
from saedb.cypher.explore.flow import Layer

FIRST = Layer(
    sae="0-res", layer=0, hook=None, features=10, dead=1, rare=1, l0=None, explained_variance=None,
    passed_in=None, transformed_in=None, appearing=None, passed_on=3, transformed=4, disappearing=1, edges_out=9,
    following=("1-res",),
)  # fmt: skip
SECOND = Layer(
    sae="1-res", layer=1, hook=None, features=10, dead=0, rare=2, l0=None, explained_variance=None,
    passed_in=2, transformed_in=5, appearing=1, passed_on=None, transformed=None, disappearing=None, edges_out=None,
    following=(),
)  # fmt: skip


def _by_state(found: list[Band]) -> dict[tuple[str, str], Band]:
    return {(band.sae, band.state): band for band in found}


def _width(span: tuple[float, float]) -> float:
    return span[1] - span[0]


def test_every_feature_of_a_layer_leaves_it_once() -> None:
    found = _by_state(bands([FIRST, SECOND]))
    states = (PASSED, TRANSFORMED, DISAPPEARING, SILENT)
    assert [found["0-res", state].features for state in states] == [3, 4, 1, 2]
    spans = sorted(found["0-res", state].left for state in states)
    assert spans == [(0, 2), (2, 3), (3, 7), (7, 10)]


def test_every_feature_of_a_layer_comes_into_it_once_but_the_silent_ones() -> None:
    found = _by_state(bands([FIRST, SECOND]))
    comes = [found["1-res", APPEARING].right, found["0-res", PASSED].right, found["0-res", TRANSFORMED].right]
    assert comes == [(9, 10), (7, 9), (2, 7)]


def test_a_band_has_at_each_end_the_features_of_that_layer() -> None:
    band = _by_state(bands([FIRST, SECOND]))["0-res", PASSED]
    assert (_width(band.left), _width(band.right)) == (3, 2)
    assert said(band) == "0-res: 3 passed on; 2 of the next layer come from there"


def test_what_is_silent_is_drawn_where_nothing_was_compared_too() -> None:
    assert _by_state(bands([SECOND]))["1-res", SILENT].features == 2


def test_dead_and_rare_features_that_are_counted_are_not_drawn_apart() -> None:
    counted = replace(FIRST, disappearing=3)  # the one that disappears, and both that are silent
    found = _by_state(bands([counted, SECOND]))
    assert ("0-res", SILENT) not in found
    assert found["0-res", DISAPPEARING].left == (0, 3)


def test_a_run_that_says_nothing_of_its_features_is_only_layers() -> None:
    unknown = dict.fromkeys(("dead", "rare", "passed_on", "transformed", "disappearing", "passed_in", "appearing"))
    found = bands([replace(FIRST, **unknown), replace(SECOND, **unknown, transformed_in=None)])
    assert {band.state for band in found} == {LAYER}


def test_a_layer_that_was_compared_with_one_further_on_is_joined_with_it() -> None:
    between = replace(SECOND, sae="1-mlp", passed_in=None, transformed_in=None, appearing=None)
    found = _by_state(bands([FIRST, between, SECOND]))
    assert found["0-res", PASSED].end == pytest.approx(2, abs=0.1)


def test_the_figure_names_each_state_once_and_gives_clicks_an_address() -> None:
    found = bands([FIRST, SECOND])
    figure = drawn(found, [f"/{place}" for place in range(len(found))])
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(named) == sorted({trace.name for trace in figure.data} - {"features"})
    assert [trace.customdata for trace in figure.data] == [(f"/{place}",) for place in range(len(found))]
