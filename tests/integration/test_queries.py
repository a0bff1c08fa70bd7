from collections.abc import Iterator
from typing import Any

import pytest
from known_graph import BARE, ids, loaded, rows_of, whole

from saedb.cypher.graph import Graph
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import InputError


@pytest.fixture(scope="module")
def graph(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    with loaded(server, tmp_path_factory.mktemp("runs")) as graph:
        yield graph


def test_pass_through_gives_each_feature_its_best_successor(graph: Graph) -> None:
    assert rows_of(graph, "pass-through", ("source", "target", "pearson")) == [
        (whole("1/2"), whole("2/2"), 1.0),
        (whole("0/0"), whole("1/0"), 0.99),
        (whole("1/0"), whole("2/0"), 0.98),
        (whole("2/0"), whole("3/0"), 0.97),
        (whole("0/1"), whole("1/1"), 0.96),
        (whole("1/1"), whole("2/1"), 0.96),
        (whole("2/2"), whole("3/2"), 0.95),
    ]
    assert rows_of(graph, "pass-through", ("source",), layer=2) == [(whole("2/0"),), (whole("2/2"),)]
    first_word = (whole("0/1"), whole("1/8"), 0.97)
    assert first_word in rows_of(graph, "pass-through", ("source", "target", "pearson"), positional=True)


def test_chains_are_maximal_and_do_not_branch(graph: Graph) -> None:
    courts, rivers, tax = ids("0/0", "1/0", "2/0", "3/0"), ids("0/1", "1/1", "2/1"), ids("1/2", "2/2", "3/2")
    assert rows_of(graph, "pass-through-chains", ("length", "lowest_pearson", "features", "labels")) == [
        (4, 0.97, courts, ["courts"] * 4),
        (3, 0.96, rivers, ["rivers"] * 3),
        (3, 0.95, tax, ["tax"] * 3),
    ]
    assert rows_of(graph, "pass-through-chains", ("weakest", "pearson", "support")) == [
        (ids("2/0", "3/0"), [0.99, 0.98, 0.97], [980, 970, 960]),
        (ids("0/1", "1/1"), [0.96, 0.96], [855, 855]),
        (ids("2/2", "3/2"), [1.0, 0.95], [700, 650]),
    ]


def test_a_link_is_the_best_of_all_that_leave_its_source_and_of_all_that_enter_its_target(graph: Graph) -> None:
    # 0/1 leads best to 1/8, which depends on the position; so no link to 1/1 is left where that counts, too. Into 1/0
    # leads no second link, although that from 0/1 reaches the minimum: 0/0 leads there better.
    found = rows_of(graph, "pass-through-chains", ("features",), positional=True, min_length=2)
    assert found == [
        (ids("0/0", "1/0", "2/0", "3/0"),),
        (ids("1/2", "2/2", "3/2"),),
        (ids("0/1", "1/8"),),
        (ids("1/1", "2/1"),),
    ]


def test_chains_end_where_the_correlation_falls_below_the_minimum(graph: Graph) -> None:
    found = rows_of(graph, "pass-through-chains", ("features",), min_pearson=0.965, min_length=2)
    assert found == [(ids("0/0", "1/0", "2/0", "3/0"),), (ids("1/2", "2/2"),)]


def test_features_appear_that_no_earlier_one_resembles(graph: Graph) -> None:
    columns = ("feature", "active", "best_pearson", "nearest")
    assert rows_of(graph, "appearing", columns) == [
        (whole("1/2"), 700, None, None),
        (whole("3/1"), 650, 0.22, whole("2/3")),
        (whole("1/3"), 600, None, None),
        (whole("1/5"), 500, None, None),
        (whole("2/5"), 450, 0.2, whole("1/5")),
        (whole("1/6"), 60, 0.25, whole("0/3")),
        (whole("2/4"), 40, 0.22, whole("1/4")),
        (whole("2/6"), 30, 0.16, whole("1/5")),
        (whole("3/3"), 20, 0.13, whole("2/5")),
        (whole("3/4"), 10, 0.13, whole("2/5")),
    ]
    assert (whole("1/4"), 80, 0.4, whole("0/2")) in rows_of(graph, "appearing", columns, max_pearson=0.41)
    assert rows_of(graph, "appearing", ("feature",), layer=2) == [(whole("2/5"),), (whole("2/4"),), (whole("2/6"),)]
    assert rows_of(graph, "appearing", ("feature",), layer=0) == []
    bare = [whole(f"1/{index}") for index in (2, 3, 5, 7)]
    assert rows_of(graph, "appearing", ("feature",), layer=1, run=BARE) == [(feature,) for feature in bare]


def test_dead_rare_and_positional_features_appear_only_where_the_paper_counts(graph: Graph) -> None:
    appearing = {feature for (feature,) in rows_of(graph, "appearing", ("feature",), layer=1)}
    paper = {feature for (feature,) in rows_of(graph, "appearing", ("feature",), layer=1, preset="paper")}
    assert paper == appearing | {whole("1/4"), whole("1/7")}
    assert (whole("1/8"),) not in rows_of(graph, "appearing", ("feature",), max_pearson=0.99)
    assert (whole("1/8"),) in rows_of(graph, "appearing", ("feature",), max_pearson=0.99, positional=True)
    assert (whole("0/5"),) in rows_of(graph, "disappearing", ("feature",), layer=0, preset="paper")
    assert rows_of(graph, "disappearing", ("feature", "active"), layer=0, dead_and_rare=True)[-1] == (whole("0/5"), 0)


def test_features_are_transformed_between_the_two_thresholds(graph: Graph) -> None:
    columns = ("feature", "best_pearson", "nearest", "support")
    assert rows_of(graph, "transformed", columns) == [(whole("0/2"), 0.4, whole("1/4"), 76)]
    assert rows_of(graph, "transformed", columns, direction="in") == [(whole("1/4"), 0.4, whole("0/2"), 76)]
    assert rows_of(graph, "transformed", ("feature",), max_pearson=0.4) == []
    assert rows_of(graph, "transformed", ("feature",), min_pearson=0.96, max_pearson=0.98, direction="in") == [
        (whole("3/0"),), (whole("1/1"),), (whole("2/1"),)
    ]  # fmt: skip


def test_features_disappear_that_no_later_one_resembles(graph: Graph) -> None:
    assert rows_of(graph, "disappearing", ("feature", "best_pearson", "nearest")) == [
        (whole("2/1"), 0.11, whole("3/3")),
        (whole("2/3"), 0.22, whole("3/1")),
        (whole("1/3"), 0.21, whole("2/4")),
        (whole("1/5"), 0.2, whole("2/5")),
        (whole("2/5"), 0.13, whole("3/3")),
        (whole("1/4"), 0.22, whole("2/4")),
        (whole("1/6"), None, None),
        (whole("2/4"), 0.12, whole("3/3")),
        (whole("0/3"), 0.25, whole("1/6")),
        (whole("2/6"), None, None),
        (whole("0/4"), 0.24, whole("1/6")),
    ]
    assert rows_of(graph, "disappearing", ("feature",), layer=0, run=BARE) == [(whole("0/5"),)]


def test_communities_are_listed_by_size_or_by_what_they_are_like(graph: Graph) -> None:
    columns = ("community", "label", "size", "first_layer", "last_layer", "coherence")
    courts, tax = (0, "courts", 5, 0, 3, 0.3), (4, "tax", 3, 1, 2, 0.8)
    assert rows_of(graph, "communities", columns) == [courts, tax]
    assert rows_of(graph, "communities", columns, min_size=2, by="coherence") == [
        tax, courts, (1, "rivers", 2, 1, 2, None),
    ]  # fmt: skip
    assert rows_of(graph, "communities", columns, min_size=1, min_layers=3) == [courts]
    assert rows_of(graph, "communities", columns, min_coherence=0.75) == [tax]
    assert rows_of(graph, "communities", ("community", "stability"), min_size=1, by="stability") == [
        (4, 1.0), (0, pytest.approx(0.82)), (1, 0.5),
    ]  # fmt: skip
    assert rows_of(graph, "communities", ("community", "label"), partition="rough") == [(0, "everything"), (1, "tax")]


def test_a_community_has_its_features_by_layer_with_where_they_lead(graph: Graph) -> None:
    columns = ("layer", "feature", "stability", "leads_to", "weights")
    assert rows_of(graph, "community", columns, community=0) == [
        (0, whole("0/0"), 1.0, ids("1/0"), [0.99]),
        (0, whole("0/1"), 0.4, ids("1/0"), [0.955]),
        (1, whole("1/0"), 1.0, ids("2/0"), [0.98]),
        (2, whole("2/0"), 0.9, ids("3/0"), [0.97]),
        (3, whole("3/0"), 0.8, [], []),
    ]
    ties = {feature: (inside, outside) for feature, inside, outside in rows_of(
        graph, "community", ("feature", "inside", "outside"), community=0)}  # fmt: skip
    assert ties[whole("0/1")] == pytest.approx((0.955, 0.96 + 0.97))
    assert rows_of(graph, "community", ("feature",), community=1, partition="main.1") == [
        (whole("0/0"),),
        (whole("0/1"),),
    ]
    assert rows_of(graph, "community", ("feature",), community=3) == []


def test_a_community_hands_over_from_layer_to_layer(graph: Graph) -> None:
    columns = ("layer", "features", "carrying_on", "beginning", "handed_on", "passed_on", "ending", "edges")
    assert rows_of(graph, "community-evolution", columns, community=0) == [
        (0, 2, None, None, 2, 1, 0, 2),
        (1, 1, 1, 0, 1, 1, 0, 1),
        (2, 1, 1, 0, 1, 1, 0, 1),
        (3, 1, 1, 0, None, None, None, None),
    ]
    ((weight, leaving, strongest, label),) = rows_of(
        graph, "community-evolution", ("weight", "leaving", "strongest", "label"), community=0
    )[:1]
    assert (weight, leaving) == pytest.approx((0.99 + 0.955, 0.96 + 0.97))
    assert (strongest, label) == (whole("0/0"), "courts")


def test_bridges_are_tied_to_their_community_and_to_others(graph: Graph) -> None:
    found = rows_of(graph, "bridges", ("feature", "community", "inside", "outside", "other", "to_other"))
    bridge = next(row for row in found if row[0] == whole("0/1"))
    assert bridge[1:] == pytest.approx((0, 0.955, 0.96 + 0.97, 1, 0.96))
    assert whole("2/2") not in {row[0] for row in found}, "what it leads to is in no community"
    assert [min(inside, outside) for _, _, inside, outside, _, _ in found] == sorted(
        (min(inside, outside) for _, _, inside, outside, _, _ in found), reverse=True
    )
    assert {feature for feature, *_ in rows_of(graph, "bridges", ("feature",), layer=0)} == {whole("0/1")}


def test_partitions_are_listed_with_the_default(graph: Graph) -> None:
    columns = ("partition", "is_default", "communities", "runs", "stability", "coherent")
    assert rows_of(graph, "partitions", columns) == [
        ("main", True, 3, 11, 0.81, 1),
        ("main.1", False, 3, 1, None, None),
        ("rough", False, 2, 1, None, None),
    ]
    assert rows_of(graph, "resolutions", ("resolution", "communities")) == [(0.5, 2), (2.0, 4)]
    assert rows_of(graph, "resolutions", ("resolution",), partition="rough") == []


def test_partitions_are_compared_on_their_features(graph: Graph) -> None:
    columns = ("other", "features", "communities", "other_communities", "kept", "merged", "split", "dissolved")
    assert rows_of(graph, "compare-partitions", columns) == [
        ("main.1", 10, 3, 3, 2, 0, 0, 1),
        ("rough", 10, 3, 2, 2, 1, 0, 0),
    ]
    ((nmi, ari),) = rows_of(graph, "compare-partitions", ("nmi", "ari"), other="rough")
    assert 0 < ari < nmi < 1
    changes = ("community", "outcome", "overlap", "others", "parts", "other_labels")
    assert rows_of(graph, "partition-changes", changes, other="rough") == [
        (1, "merged", pytest.approx(2 / 7), [0], [2], ["everything"]),
    ]
    assert rows_of(graph, "partition-changes", ("community",), other="rough", outcome="kept") == [(0,), (4,)]


def test_a_partition_that_is_not_there_is_an_error_that_names_those_that_are(graph: Graph) -> None:
    with pytest.raises(InputError, match="has no partition 'mian'; did you mean main"):
        rows_of(graph, "communities", ("community",), partition="mian")
    with pytest.raises(InputError, match=f"run {BARE} has no partition 'main'; it has none; first: saedb communities"):
        rows_of(graph, "communities", ("community",), partition="main", run=BARE)
    with pytest.raises(InputError, match="main cannot be compared with itself"):
        rows_of(graph, "compare-partitions", ("nmi",), other="main")
    with pytest.raises(InputError, match="no run 'nobody'"):
        rows_of(graph, "compare-partitions", ("nmi",), other="nobody:main")
    assert rows_of(graph, "communities", ("community",), run=BARE) == []
    assert rows_of(graph, "compare-partitions", ("nmi",), run=BARE) == []


def test_neighbours_come_by_direction_and_measure(graph: Graph) -> None:
    columns = ("direction", "neighbour", "pearson", "necessity", "jaccard")
    inputs = [("in", whole("0/0"), 0.99, 0.98, None), ("in", whole("0/1"), 0.955, 0.5, None)]
    outputs = [("out", whole("2/0"), 0.98, 0.97, None)]
    assert rows_of(graph, "neighbours", columns, feature="1/0") == inputs + outputs
    assert rows_of(graph, "neighbours", columns, feature="1/0", direction="in") == inputs
    assert rows_of(graph, "neighbours", columns, feature="1-s/0", direction="out") == outputs
    by_lift = rows_of(graph, "neighbours", ("neighbour", "lift"), feature="2/4", measure="lift", direction="in")
    assert by_lift == [(whole("1/4"), 120.0), (whole("1/5"), 19.0), (whole("1/3"), 16.0)]


def test_top_edges_come_by_the_chosen_measure(graph: Graph) -> None:
    assert rows_of(graph, "top-edges", ("source", "target", "value"), limit=3) == [
        (whole("1/2"), whole("2/2"), 1.0),
        (whole("1/2"), whole("2/3"), 1.0),
        (whole("0/0"), whole("1/0"), 0.99),
    ]
    assert rows_of(graph, "top-edges", ("source", "value"), measure="lift", minimum=100, min_support=28) == [
        (whole("0/3"), 150.0),
        (whole("1/4"), 120.0),
    ]
    assert rows_of(graph, "top-edges", ("source",), layer=2, limit=1) == [(whole("2/0"),)]


PROFILE = (
    "layer", "features", "dead", "rare", "passed_in", "transformed_in", "appearing", "passed_on", "transformed",
    "disappearing", "edges_out",
)  # fmt: skip


def test_the_profile_counts_the_states_of_each_layer(graph: Graph) -> None:
    assert rows_of(graph, "layer-profile", PROFILE) == [
        (0, 6, 1, 0, None, None, None, 2, 1, 2, 7),
        (1, 9, 0, 1, 3, 1, 4, 3, 0, 5, 10),
        (2, 7, 0, 0, 4, 0, 3, 2, 0, 5, 9),
        (3, 5, 0, 0, 2, 0, 3, None, None, None, None),
    ]


def test_the_profile_follows_its_thresholds_and_the_paper_knows_two_states(graph: Graph) -> None:
    assert rows_of(graph, "layer-profile", PROFILE, passed=0.98, vanishing=0.23)[:2] == [
        (0, 6, 1, 0, None, None, None, 1, 4, 0, 7),
        (1, 9, 0, 1, 1, 4, 3, 2, 1, 5, 10),
    ]
    assert rows_of(graph, "layer-profile", PROFILE, preset="paper") == [
        (0, 6, 1, 0, None, None, None, 2, 0, 4, 7),
        (1, 9, 0, 1, 3, 0, 6, 3, 0, 6, 10),
        (2, 7, 0, 0, 4, 0, 3, 2, 0, 5, 9),
        (3, 5, 0, 0, 2, 0, 3, None, None, None, None),
    ]


def test_the_profile_of_an_import_knows_none_dead(graph: Graph) -> None:
    assert rows_of(graph, "layer-profile", PROFILE, run=BARE)[1] == (1, 9, None, None, 3, 2, 4, 3, 3, 3, 10)


def test_the_profile_has_what_was_measured_of_copies_and_recovery(graph: Graph) -> None:
    columns = ("layer", "copied", "rebuilt", "recovered", "recovered_control", "recovered_slope")
    assert rows_of(graph, "layer-profile", columns) == [
        (0, None, None, *map(pytest.approx, (0.55, 0.025, 0.225))),
        (1, 0.3, pytest.approx(2 / 3), *map(pytest.approx, (0.65, 0.01, 0.125))),
        (2, pytest.approx(0.695), pytest.approx(2 / 3), None, None, None),
        (3, None, None, None, None, None),
    ]
    with_few = [row[3] for row in rows_of(graph, "layer-profile", columns, min_tokens=5)]
    assert with_few == [0.6, pytest.approx(0.65), None, None]
    assert rows_of(graph, "layer-profile", columns[:3], rebuilt=0.35, passed=0.965)[1:3] == [
        (1, pytest.approx(0.5), 0.5),
        (2, pytest.approx(0.99), 0.5),
    ]
    assert rows_of(graph, "layer-profile", columns[1:], run=BARE) == [(None,) * 5] * 4


def test_rebuilt_features_are_passed_through_and_hardly_in_the_stream(graph: Graph) -> None:
    columns = ("feature", "copied", "ratio", "nearest")
    assert rows_of(graph, "rebuilt", columns) == [
        (whole("2/0"), None, 0.0, whole("1/0")),
        (whole("1/1"), 0.3, 0.2, whole("0/1")),
        (whole("2/1"), 0.4, 1.5, whole("1/1")),
    ]
    assert rows_of(graph, "rebuilt", ("feature",), positional=True)[1] == (whole("1/8"),)
    assert rows_of(graph, "rebuilt", ("feature",), layer=2, max_copied=0.99, min_pearson=0.98) == [
        (whole("2/0"),),
        (whole("2/2"),),
    ]
    assert rows_of(graph, "rebuilt", ("feature",), run=BARE) == []


def test_recovered_features_vanish_and_are_in_the_error(graph: Graph) -> None:
    columns = ("feature", "slope", "recovered", "control", "correlation", "tokens")
    first, second, last = (
        (whole("0/2"), 0.4, 0.9, 0.05, 0.8, 40),
        (whole("0/4"), 0.05, 0.2, 0.0, 0.1, 30),
        (whole("1/2"), -0.1, 0.5, 0.02, -0.2, 50),
    )
    assert rows_of(graph, "recovered", columns) == [first]
    assert rows_of(graph, "recovered", columns, min_slope=-1.0) == [first, second, last]  # not by recovered
    assert rows_of(graph, "recovered", columns, min_slope=-1.0, min_recovered=0.5) == [first, last]
    assert rows_of(graph, "recovered", columns, min_slope=-1.0, min_correlation=0.0) == [first, second]
    assert rows_of(graph, "recovered", columns, min_slope=-1.0, min_tokens=35) == [first, last]
    assert rows_of(graph, "recovered", columns, min_slope=-1.0, layer=1) == [last]
    every = rows_of(graph, "recovered", ("feature",), min_slope=0.0, every=True)
    assert every == [(whole(f),) for f in ("0/2", "0/0", "0/4")]
    assert rows_of(graph, "recovered", ("feature",), positional=True)[1] == (whole("1/8"),)


def test_two_measures_disagree_the_most_where_they_differ_most(graph: Graph) -> None:
    columns = ("source", "target", "high", "low", "support")
    assert rows_of(graph, "disagreements", columns) == [
        (whole("0/1"), whole("1/0"), 0.955, 0.1, 500),
        (whole("2/0"), whole("3/0"), 0.97, 0.2, 960),
    ]
    assert rows_of(graph, "disagreements", ("source",), limit=1) == [(whole("0/1"),)]
    special = {"high": "necessity", "low": "sufficiency", "min_high": 0.95, "max_low": 0.04, "min_support": 30}
    assert rows_of(graph, "disagreements", ("target", "difference"), **special) == [(whole("2/6"), pytest.approx(0.96))]
    turned = {"high": "decoder_cosine", "low": "pearson", "min_high": 0.4, "max_low": 0.5}
    assert rows_of(graph, "disagreements", ("source", "target"), **turned) == [(whole("0/2"), whole("1/4"))]


def test_a_measure_disagrees_with_the_effect_where_features_only_meet(graph: Graph) -> None:
    met = {"low": "effect", "min_high": 0.9, "max_low": 0.05}
    assert rows_of(graph, "disagreements", ("source", "target"), **met) == [(whole("0/1"), whole("1/0"))]
    assert rows_of(graph, "top-edges", ("source", "value"), measure="effect") == [
        (whole("0/0"), 0.9),
        (whole("1/0"), 0.5),
    ]


def test_causal_edges_come_by_their_effect(graph: Graph) -> None:
    columns = ("source", "target", "value", "effect", "z", "tokens")
    first, second = (
        (whole("0/0"), whole("1/0"), 0.99, 0.9, 15.0, 900),
        (whole("1/0"), whole("2/0"), 0.98, 0.5, None, 800),
    )
    last = (whole("0/1"), whole("1/0"), 0.955, 0.02, -0.5, 400)
    assert rows_of(graph, "causal", columns) == [first, second, last]
    assert rows_of(graph, "causal", columns, min_z=2) == [first]
    assert rows_of(graph, "causal", columns, max_effect=0.6, min_effect=0.1) == [second]
    assert rows_of(graph, "causal", columns, layer=1) == [second]
    assert rows_of(graph, "causal", columns, min_tokens=500) == [first, second]
    assert rows_of(graph, "causal", columns, min_documents=4) == []
    necessary = [(whole("0/0"), 0.98), (whole("1/0"), 0.97)]
    assert rows_of(graph, "causal", ("source", "value"), measure="necessity", minimum=0.9) == necessary
    assert [row[1] for row in rows_of(graph, "causal", columns, positional=True)][2] == whole("1/8")
    assert rows_of(graph, "neighbours", ("neighbour", "effect"), feature="1/0", direction="in") == [
        (whole("0/0"), 0.9),
        (whole("0/1"), 0.02),
    ]


def test_hubs_have_the_most_edges(graph: Graph) -> None:
    assert rows_of(graph, "hubs", ("feature", "edges_in", "edges_out"), limit=2) == [
        (whole("2/4"), 3, 1),
        (whole("0/1"), 0, 3),
    ]
    assert rows_of(graph, "hubs", ("feature", "positional"), direction="out", limit=1) == [(whole("0/1"), False)]


def test_hubs_may_count_the_edges_that_reach_a_minimum(graph: Graph) -> None:
    strong = {"measure": "pearson", "minimum": 0.95}
    assert rows_of(graph, "hubs", ("feature", "edges_in", "edges_out"), **strong, limit=2) == [
        (whole("0/1"), 0, 3),
        (whole("1/0"), 2, 1),
    ]
    assert rows_of(graph, "hubs", ("feature",), **strong, direction="in", layer=3) == [(whole("3/0"),), (whole("3/2"),)]


def test_dead_and_rare_features_are_listed(graph: Graph) -> None:
    dead, rare = (whole("0/5"), "dead", 0), (whole("1/7"), "rare", 3)
    assert rows_of(graph, "dead", ("feature", "state", "active")) == [dead, rare]
    assert rows_of(graph, "dead", ("feature", "state", "active"), state="rare") == [rare]


def test_labels_are_counted_by_layer_and_source(graph: Graph) -> None:
    columns = ("layer", "source", "labels", "features", "preferred", "share")
    assert rows_of(graph, "labels", columns)[:2] == [(0, "auto", 5, 5, 5, 5 / 6), (1, "auto", 9, 9, 9, 1.0)]


def test_search_finds_all_words_of_labels(graph: Graph) -> None:
    def found(text: str, **values: Any) -> list[str]:
        return [feature for (feature,) in rows_of(graph, "search", ("feature",), text=text, **values)]

    assert sorted(found("COURTS")) == ids("0/0", "1/0", "2/0", "3/0")
    assert found("courts", layer=2) == ids("2/0")
    assert found("northern trade") == ids("2/4")
    assert found("courts rivers") == []


@pytest.mark.parametrize(
    "text", ['"', "*:*", "a/b", "AND", "law AND", "(", "\\", "nort~", "label:tax", "[a TO b]", "+"]
)
def test_search_takes_every_text_as_it_stands(graph: Graph, text: str) -> None:
    assert len(rows_of(graph, "search", ("feature",), text=text)) <= 1


def test_a_search_needs_a_word(graph: Graph) -> None:
    with pytest.raises(InputError, match="text must be at least one word, not ' '"):
        graph.search(" ")


def test_search_for_operators_finds_them_as_words(graph: Graph) -> None:
    assert rows_of(graph, "search", ("feature",), text="sea and/or *:*") == [(whole("1/5"),)]
