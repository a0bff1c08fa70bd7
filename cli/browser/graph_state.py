"""The state of the graph page: what its address holds, what each action makes of it, and undo.

Features are named without their model, as in ``6-res-jb/2320``; lists of them name an SAE once:
``6-res-jb/2320~77,7-res-jb/4``.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, assert_never, get_args

from saedb.cli.browser.layering import Order
from saedb.cypher.explore.scope import MAX_HOPS, Direction, Expansion, Scope, Start, StartKind
from saedb.cypher.nearest import suggestion
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME
from saedb.ingest.naming import quoted

STARTS: Final[tuple[StartKind, ...]] = get_args(StartKind)
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
USUAL_HOPS: Final[Mapping[StartKind, int]] = {"feature": 2, "gate": 1, "community": 0, "path": 0, "prompt": 0}

_MOST_NAMED: Final = 300
"""Features that may be expanded, hidden and pinned: an address has an end."""
_REMEMBERED: Final = 100
_FEATURE: Final = re.compile(r"[A-Za-z0-9._-]+/\d{1,9}")
_PARAMETERS: Final = (
    "run", *STARTS, "measure", "floor", "hops", "order", "partition", "in", "out", "hide", "pin", "selected",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphView:
    """Everything that decides what the graph page shows."""

    run: str
    start: Start
    measure: str
    floor: float
    hops: int
    order: Order = "straight"
    partition: str | None = None
    """Whose communities give the colours; None: the default one."""
    expansions: tuple[Expansion, ...] = ()
    hidden: tuple[str, ...] = ()
    pinned: tuple[tuple[str, float], ...] = ()
    """Features and their places along the row."""
    selected: str | None = None

    def scope(self) -> Scope:
        """Return which part of the run it shows."""
        return Scope(
            run=self.run, start=self.start, measure=self.measure, floor=self.floor, hops=self.hops,
            expansions=self.expansions, hidden=self.hidden, partition=self.partition,
        )  # fmt: skip

    def to_query(self) -> dict[str, str]:
        """Return the parameters of its address."""
        found = {
            "run": self.run,
            str(self.start.kind): self.start.value,
            "measure": self.measure,
            "floor": f"{self.floor:.6g}",
            "hops": str(self.hops),
            "order": self.order,
            "partition": self.partition or "",
            **{
                direction: _listed(e.feature for e in self.expansions if e.direction == direction)
                for direction in get_args(Direction)
            },
            "hide": _listed(self.hidden),
            "pin": ",".join(f"{feature}@{x:g}" for feature, x in self.pinned),
            "selected": self.selected or "",
        }
        return {name: value for name, value in found.items() if value}


def start_of(query: Mapping[str, str]) -> Start | None:
    """Return where an address starts; None where it does not say.

    Raises:
        InputError: it says so twice, or has a parameter that a graph does not have.
    """
    for name in query:
        if name not in _PARAMETERS:
            raise InputError(f"a graph has no {quoted(name)} in its address; {suggestion(name, _PARAMETERS)}")
    given: list[StartKind] = [kind for kind in STARTS if query.get(kind)]
    if len(given) > 1:
        raise InputError(f"a graph starts from one thing, not from {' and '.join(given)}; leave out all but one")
    return Start(kind=given[0], value=query[given[0]]) if given else None


def from_query(query: Mapping[str, str], run: str, start: Start, usual: Callable[[], tuple[str, float]]) -> GraphView:
    """Return the state that an address holds.

    Args:
        query: parameters of the address.
        run: the run that it names, or the newest.
        start: where it starts.
        usual: gives measure and floor where the address has none.

    Raises:
        InputError: a parameter is not what it should be; the message says which, and what it may be.
    """
    measure, floor = query.get("measure"), query.get("floor")
    if not (measure and floor):
        usual_measure, usual_floor = usual()
        measure, floor = measure or usual_measure, floor or str(usual_floor)
    expansions = (
        Expansion(feature=feature, direction=direction)
        for direction in get_args(Direction)
        for feature in _features(direction, query.get(direction, ""))
    )
    view = GraphView(
        run=run,
        start=start,
        measure=_choice("measure", measure, BY_NAME),
        floor=_number("floor", floor),
        hops=_hops(query.get("hops", str(USUAL_HOPS[start.kind]))),
        order=_order(query.get("order", "straight")),
        partition=query.get("partition") or None,
        expansions=tuple(expansions),
        hidden=tuple(_features("hide", query.get("hide", ""))),
        pinned=tuple(_pins(query.get("pin", ""))),
        selected=next(iter(_features("selected", query.get("selected", ""))), None),
    )
    return _checked(view)


def _checked(view: GraphView) -> GraphView:
    named = len(view.expansions) + len(view.hidden) + len(view.pinned)
    if named > _MOST_NAMED:
        raise InputError(
            f"{named} features are expanded, hidden or pinned, and an address holds {_MOST_NAMED}; raise the "
            "threshold, or start from a smaller part"
        )
    return view


def _listed(features: Iterable[str]) -> str:
    by_sae: dict[str, list[str]] = defaultdict(list)
    for feature in features:
        sae, _, index = feature.rpartition("/")
        by_sae[sae].append(index)
    return ",".join(f"{sae}/{'~'.join(indices)}" for sae, indices in by_sae.items())


def _features(name: str, text: str) -> Iterator[str]:
    for part in text.split(",") if text else ():
        sae, _, indices = part.rpartition("/")
        for index in indices.split("~"):
            yield _feature(name, f"{sae}/{index}")


def _feature(name: str, text: str) -> str:
    if not _FEATURE.fullmatch(text):
        raise InputError(f"{quoted(text)} under {name} is no feature; one is like 6-res-jb/2320")
    return text


def _pins(text: str) -> Iterator[tuple[str, float]]:
    for part in text.split(",") if text else ():
        feature, _, x = part.partition("@")
        yield _feature("pin", feature), _number("pin", x)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > 1e9:
        raise InputError(f"{quoted(text)} under {name} is no number that can be used; give one like 0.3")
    return number


def _hops(text: str) -> int:
    if not text.isdecimal() or int(text) > MAX_HOPS:
        raise InputError(f"{quoted(text)} under hops is not from 0 to {MAX_HOPS}; give a whole number of edges")
    return int(text)


def _choice(name: str, text: str, known: Iterable[str]) -> str:
    if text not in list(known):
        raise InputError(f"no {name} {quoted(text)}; {suggestion(text, known)}")
    return text


def _order(text: str) -> Order:
    _choice("order", text, ORDERS)
    return next(order for order in ORDERS if order == text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody does with a feature, or with the whole view."""

    kind: Literal["expand in", "expand out", "hide", "pin", "unpin", "select", "show hidden"]
    feature: str = ""
    x: float = 0.0
    """Where it is pinned."""


def apply(view: GraphView, action: Action) -> GraphView:
    """Return the view after an action.

    Raises:
        InputError: an address could not hold it.
    """
    feature = action.feature
    match action.kind:
        case "expand in" | "expand out":
            direction: Direction = "in" if action.kind == "expand in" else "out"
            added = Expansion(feature=feature, direction=direction)
            return _checked(replace(view, expansions=(*(e for e in view.expansions if e != added), added)))
        case "hide":
            left = None if view.selected == feature else view.selected
            return _checked(replace(view, hidden=(*_without(view.hidden, feature), feature), selected=left))
        case "show hidden":
            return replace(view, hidden=())
        case "pin":
            others = tuple(pin for pin in view.pinned if pin[0] != feature)
            return _checked(replace(view, pinned=(*others, (feature, round(action.x, 2)))))
        case "unpin":
            return replace(view, pinned=tuple(pin for pin in view.pinned if pin[0] != feature))
        case "select":
            return replace(view, selected=feature or None)
        case _:
            assert_never(action.kind)


def _without(features: Sequence[str], feature: str) -> tuple[str, ...]:
    return tuple(other for other in features if other != feature)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A view, those before it and those that were undone; each as the parameters of its address."""

    present: Mapping[str, str]
    past: tuple[Mapping[str, str], ...] = ()
    """The latest last."""
    future: tuple[Mapping[str, str], ...] = ()
    """The next first."""

    def moved(self, view: GraphView) -> "History":
        """Return the history after a change; one that only selects is not remembered, and undoes nothing."""
        present = view.to_query()
        if _lasting(present) == _lasting(self.present):
            return replace(self, present=present)
        return History(present=present, past=(*self.past, self.present)[-_REMEMBERED:])

    def undone(self) -> "History":
        """Return the history one step back, as it is where there is none."""
        if not self.past:
            return self
        return History(present=self.past[-1], past=self.past[:-1], future=(self.present, *self.future))

    def redone(self) -> "History":
        """Return the history one step forward again."""
        if not self.future:
            return self
        return History(present=self.future[0], past=(*self.past, self.present), future=self.future[1:])


def _lasting(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if name != "selected"}
