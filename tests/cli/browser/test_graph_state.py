"""The state of the graph page: addresses hold all of it, actions change it, undo gives it back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saedb.cli.browser.graph_state import STARTS, Action, GraphView, History, apply, from_query, start_of
from saedb.cypher.explore import Expansion, Start
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME

VIEW = GraphView(
    run="demo", start=Start(kind="feature", value="6-s/1"), measure="pearson", floor=0.3, hops=2, order="straight"
)
FULL = GraphView(
    run="demo",
    start=Start(kind="gate", value="m/2-s/4:AND:m/1-s/3+m/1-s/4"),
    measure="necessity",
    floor=0.95,
    hops=0,
    order="crossings",
    partition="main.1",
    expansions=(Expansion(feature="1-s/3", direction="in"), Expansion(feature="1-s/3", direction="out")),
    hidden=("6-res-jb/2320", "6-res-jb/77", "7-res-jb/4"),
    pinned=(("1-s/3", -2.5), ("2-s/4", 11.0)),
    selected="2-s/4",
)


def read(query: dict[str, str]) -> GraphView:
    start = start_of(query)
    assert start is not None
    return from_query(query, query.get("run", "newest"), start, lambda: ("jaccard", 0.1))


features = st.builds(
    "{}-{}/{}".format, st.integers(0, 99), st.text("abz-_.09", min_size=1, max_size=6), st.integers(0, 10**8)
)
several = st.lists(features, max_size=5, unique=True).map(lambda found: tuple(sorted(found)))
states = st.builds(
    GraphView,
    run=st.just("demo"),
    start=st.builds(Start, kind=st.sampled_from(STARTS), value=st.text(min_size=1, max_size=20)),
    measure=st.sampled_from(list(BY_NAME)),
    floor=st.floats(-1, 1000).map(lambda x: float(f"{x:.6g}")),
    hops=st.integers(0, 12),
    order=st.sampled_from(["straight", "crossings", "index"]),
    partition=st.none() | st.just("main.1"),
    hidden=several,
    selected=st.none() | features,
)


def test_an_address_holds_the_whole_state() -> None:
    assert read(FULL.to_query()) == FULL


@given(states)
def test_any_state_survives_its_address(view: GraphView) -> None:
    assert read(view.to_query()) == view


def test_an_address_names_each_sae_once() -> None:
    query = FULL.to_query()
    assert query["hide"] == "6-res-jb/2320~77,7-res-jb/4"
    assert query["in"] == query["out"] == "1-s/3"
    assert query["pin"] == "1-s/3@-2.5,2-s/4@11"


def test_a_start_alone_is_an_address() -> None:
    view = read({"feature": "6/2320"})
    assert (view.run, view.measure, view.floor, view.hops, view.order) == ("newest", "jaccard", 0.1, 2, "straight")
    assert [read({kind: "x"}).hops for kind in STARTS] == [2, 0, 1, 0, 0]


def test_an_address_without_a_start_is_no_error() -> None:
    assert start_of({"run": "demo"}) is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"feature": "6-s/1", "gate": "g"}, "starts from one thing, not from feature and gate"),
        ({"feature": "6-s/1", "flor": "1"}, "no 'flor' in its address; did you mean floor"),
        ({"feature": "6-s/1", "measure": "pearsn"}, "no measure 'pearsn'; did you mean pearson"),
        ({"feature": "6-s/1", "floor": "high"}, "'high' under floor is no number"),
        ({"feature": "6-s/1", "floor": "nan"}, "'nan' under floor is no number"),
        ({"feature": "6-s/1", "hops": "13"}, "'13' under hops is not from 0 to 12"),
        ({"feature": "6-s/1", "hops": "-1"}, "'-1' under hops"),
        ({"feature": "6-s/1", "order": "random"}, "no order 'random'"),
        ({"feature": "6-s/1", "hide": "<script>"}, "under hide is no feature; one is like 6-res-jb/2320"),
        ({"feature": "6-s/1", "in": "6-s/1~x"}, "'6-s/x' under in is no feature"),
        ({"feature": "6-s/1", "pin": "6-s/1"}, "'' under pin is no number"),
        ({"feature": "6-s/1", "pin": "6-s/1@inf"}, "'inf' under pin is no number"),
        ({"feature": "6-s/1", "hide": f"6-s/{'~'.join(map(str, range(301)))}"}, "301 features are expanded, hidden or"),
    ],
)
def test_a_damaged_address_is_told_what_is_wrong(query: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(query)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_expanding_adds_a_direction_once() -> None:
    view = apply(apply(VIEW, Action(kind="expand in", feature="6-s/1")), Action(kind="expand in", feature="6-s/1"))
    assert view.expansions == (Expansion(feature="6-s/1", direction="in"),)
    view = apply(view, Action(kind="expand out", feature="6-s/1"))
    assert [expansion.direction for expansion in view.expansions] == ["in", "out"]


def test_what_is_hidden_is_not_selected_and_can_be_shown_again() -> None:
    view = apply(apply(VIEW, Action(kind="select", feature="5-s/2")), Action(kind="hide", feature="5-s/2"))
    assert (view.hidden, view.selected) == (("5-s/2",), None)
    assert apply(view, Action(kind="show hidden")) == VIEW


def test_a_feature_is_pinned_at_one_place() -> None:
    view = apply(apply(VIEW, Action(kind="pin", feature="5-s/2", x=1.234)), Action(kind="pin", feature="5-s/2", x=7))
    assert view.pinned == (("5-s/2", 7),)
    assert apply(view, Action(kind="unpin", feature="5-s/2")) == VIEW


def test_an_address_that_would_be_too_long_is_refused_before_it_is_made() -> None:
    full = replace(VIEW, hidden=tuple(f"6-res-jb/{index}" for index in range(24_000, 24_300)))
    assert sum(map(len, full.to_query().values())) < 4_000
    with pytest.raises(InputError, match="301 features"):
        apply(full, Action(kind="hide", feature="5-s/2"))


def test_undo_and_redo_give_back_every_state() -> None:
    hidden = [apply(VIEW, Action(kind="hide", feature=f"5-s/{index}")) for index in range(3)]
    history = History(present=VIEW.to_query())
    for view in hidden:
        history = history.moved(view)
    seen = [history.present]
    while history.past:
        history = history.undone()
        seen.append(history.present)
    assert seen == [view.to_query() for view in (*reversed(hidden), VIEW)]
    assert history.undone() == history
    assert history.redone().present == hidden[0].to_query()
    assert history.redone().redone().redone().redone().present == hidden[2].to_query()


def test_a_change_after_undo_forgets_what_was_undone() -> None:
    one, other = (apply(VIEW, Action(kind="hide", feature=feature)) for feature in ("5-s/1", "5-s/2"))
    history = History(present=VIEW.to_query()).moved(one).undone().moved(other)
    assert (history.past, history.future) == ((VIEW.to_query(),), ())


def test_selecting_is_not_undone() -> None:
    selected = apply(VIEW, Action(kind="select", feature="5-s/2"))
    history = History(present=VIEW.to_query()).moved(selected)
    assert (history.present, history.past) == (selected.to_query(), ())
