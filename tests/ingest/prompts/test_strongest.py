import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_graph import EDGES, FEATURES, ids, known_run, whole

from saedb.ingest.prompts.prompt import Prompt
from saedb.ingest.prompts.strongest import Facts, edges_among, facts_of, inputs, strongest
from saedb.ingest.rundir import RunDirectory

MAX = {"a": 10.0, "b": 2.0, "c": 0.0, "d": 4.0}
DEPTH = {"a": 0, "b": 0, "c": 0, "d": 1}
FACTS = {
    name: Facts(sae=f"{DEPTH[name]}-s", layer=DEPTH[name], depth=DEPTH[name], index=i, label=name, max=MAX[name])
    for i, name in enumerate(MAX)
}


def prompt(*active: tuple[str, int, float]) -> Prompt:
    features, positions, activations = zip(*active, strict=True) if active else ((), (), ())
    return Prompt(
        id="p", text="t", created="", tokens=("x",) * 4, counted=(1, 2, 3), features=features, positions=positions,
        activations=activations,
    )  # fmt: skip


SOME = prompt(("a", 1, 4.0), ("b", 1, 1.9), ("c", 1, 9.0), ("a", 2, 8.0), ("d", 1, 6.0), ("d", 3, 7.0))


def test_features_of_a_token_are_ranked_by_share_within_each_layer() -> None:
    found = strongest(SOME, FACTS, position=1, top=9)
    assert [(f.id, f.position, f.share) for f in found] == [
        ("b", 1, 0.95),
        ("a", 1, 0.4),
        ("c", 1, None),
        ("d", 1, 1.5),
    ]


def test_of_all_tokens_each_feature_is_shown_where_it_is_most_active() -> None:
    found = strongest(SOME, FACTS, position=None, top=2)
    assert [(f.id, f.position, f.activation) for f in found] == [("b", 1, 1.9), ("a", 2, 8.0), ("d", 3, 7.0)]


def test_a_token_on_which_nothing_is_active_has_nothing() -> None:
    assert strongest(SOME, FACTS, position=0, top=9) == []
    assert strongest(prompt(), FACTS, position=None, top=9) == []


_ACTIVE = st.tuples(st.sampled_from("abd"), st.integers(1, 3), st.floats(0.01, 100))


@given(st.lists(_ACTIVE, unique_by=lambda active: active[:2]), st.sampled_from([None, 1, 2, 3]), st.integers(1, 3))
def test_what_is_left_out_of_a_layer_has_no_larger_share(
    active: list[tuple[str, int, float]], position: int | None, top: int
) -> None:
    shown = strongest(prompt(*active), FACTS, position=position, top=top)
    every = strongest(prompt(*active), FACTS, position=position, top=99)
    assert {f.id for f in every} == {f for f, at, _ in active if position in (None, at)}
    for depth in (0, 1):
        kept, all_ = ([f.share or 0 for f in found if f.facts.depth == depth] for found in (shown, every))
        assert kept == sorted(all_, reverse=True)[:top]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return known_run(tmp_path_factory.mktemp("runs"))


def test_facts_are_those_of_the_feature_table(run: RunDirectory) -> None:
    found = facts_of(run, ids("1/0", "0/5"))
    assert found[whole("1/0")] == Facts(sae="1-s", layer=1, depth=1, index=0, label="courts", max=5.0)
    assert (found[whole("0/5")].max, found[whole("0/5")].label) == (0.0, None)


def test_edges_among_are_those_with_both_ends_and_enough_of_the_measure(run: RunDirectory) -> None:
    some = [f for f in FEATURES if f[2] in "012"]
    among = {ends: values[0] for ends, values in EDGES.items() if set(ends) <= set(some) and values[0] >= 0.2}
    found = list(edges_among(run, ids(*some), "pearson", 0.2))
    assert {(u, d): value for u, d, value in found} == {(whole(u), whole(d)): r for (u, d), r in among.items()}
    assert len(found) == len(among) == 9
    assert list(edges_among(run, ids(*some), "jaccard", 0.0)) == []
    assert (list(edges_among(run, [], "pearson", 0.0)), facts_of(run, [])) == ([], {})


def test_the_strongest_input_is_the_first_of_equal_ones() -> None:
    edges = [("a", "x", 0.5), ("c", "x", 0.7), ("b", "x", 0.7), ("a", "y", 0.1)]
    assert inputs(edges) == {"x": ("b", "x", 0.7), "y": ("a", "y", 0.1)}
