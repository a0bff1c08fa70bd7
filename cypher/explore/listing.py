"""The features of a run that pass a filter, a page at a time, sorted by the server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from saedb.cypher.connection import Connection
from saedb.cypher.explore.facts import Facts
from saedb.cypher.schema import FULL_TEXT_INDEX
from saedb.cypher.statement import lucene
from saedb.ingest.motifs.settings import GATE
from saedb.ingest.states import APPEARING, DEAD, DISAPPEARING, PASSED_THROUGH, RARE, TRANSFORMED

STATES: Final = (PASSED_THROUGH, TRANSFORMED, APPEARING, DISAPPEARING, RARE, DEAD)
Role = Literal["input", "output", "any"]
ROLES: Final = get_args(Role)

_PLACE: Final = ("f.depth", "f.index")
_SORTS: Final[Mapping[str, str]] = {
    "relevance": "score",
    "feature": "",
    "label": "f.label",
    "density": "f.density",
    "max": "f.max",
    "state_in": "f.state_in",
    "best_in": "f.best_in",
    "state_out": "f.state_out",
    "best_out": "f.best_out",
    "community": "f.community",
}
SORTS: Final = tuple(_SORTS)
"""What features can be sorted by. Those without a value are last; equal ones are by layer and index."""
_ROLES: Final[Mapping[str, str]] = {
    "input": "(f)-[:INPUT_OF]->",
    "output": "(f)<-[:OUTPUT]-",
    "any": "(f)-[:INPUT_OF|OUTPUT]-",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What features have to be; None and empty ask for nothing."""

    text: str = ""
    """Words of its label and top tokens, the last of which may be the beginning of one."""
    id: str | None = None
    """The whole id of one feature."""
    layers: tuple[int, ...] = ()
    min_density: float | None = None
    max_density: float | None = None
    state: str | None = None
    """One of `STATES`, looking back or forward."""
    community: int | None = None
    """Its number in the default partition."""
    gate: Role | None = None
    """What it has to be of a gate that holds."""

    def asked(self) -> list[str]:
        """Return the names of the fields that ask for something."""
        return [field.name for field in fields(self) if getattr(self, field.name) not in ((), "", None)]

    def without(self, name: str) -> "Filter":
        """Return it without what one field asks for."""
        default = next(field.default for field in fields(self) if field.name == name)
        return replace(self, **{name: default})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """The order of features."""

    by: str
    """One of `SORTS`; relevance needs a text."""
    is_descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One feature in a list."""

    id: str
    layer: int
    label: str | None
    top_tokens: list[str] | None
    density: float | None
    max: float | None
    state_in: str | None
    state_out: str | None
    best_in: float | None
    best_out: float | None
    community: int | None
    community_label: str | None
    gates: int
    """That hold and of which it is an input or the output."""


_PROPERTIES: Final = tuple(
    field.name for field in fields(Listed) if field.name not in ("community_label", "gates")
)  # fmt: skip
_RETURNED: Final = (
    "OPTIONAL MATCH (c:Community {run: $run, id: $partition + '/' + toString(f.community)}) "
    f"RETURN {', '.join(f'f.{name} AS {name}' for name in _PROPERTIES)}, c.label AS community_label, "
    "COUNT { (f)-[:INPUT_OF|OUTPUT]-(:Gate {verdict: $verdict}) } AS gates"
)


def listed(connection: Connection, facts: Facts, asked: Filter, sort: Sort, *, skip: int, limit: int) -> list[Listed]:
    """Return one page of the features that pass; those of the second half are counted from the end, which is faster."""
    total = count(connection, facts, asked)
    limit = max(min(limit, total - skip), 0)
    from_end = skip > total // 2
    text, parameters = statement(asked, sort, from_end=from_end)
    known = {"run": facts.run, "partition": facts.partition, "verdict": GATE}
    rows = connection.read(text, **parameters, **known, skip=total - skip - limit if from_end else skip, limit=limit)
    found = [Listed(**row) for row in rows]
    return found[::-1] if from_end else found


@lru_cache(maxsize=4096)
def count(connection: Connection, facts: Facts, asked: Filter) -> int:
    """Return how many features pass; asked once for each content of a run."""
    text, parameters = _matched(asked)
    return connection.read(f"{text} RETURN count(f) AS n", **parameters, run=facts.run, verdict=GATE)[0]["n"]


def counts_without(connection: Connection, facts: Facts, asked: Filter) -> dict[str, int]:
    """Return how many features would pass without each thing that is asked for."""
    return {name: count(connection, facts, asked.without(name)) for name in asked.asked()}


def statement(asked: Filter, sort: Sort, *, from_end: bool = False) -> tuple[str, dict[str, Any]]:
    """Return the statement of a page, and its parameters but ``run``, ``partition``, ``verdict``, ``skip``, ``limit``.

    Raises:
        ValueError: there is no such sort.
    """
    text, parameters = _matched(asked)
    score = ", score" if asked.text else ""
    order = _order(sort, is_ranked=bool(asked.text), from_end=from_end)
    page = f"WITH f{score} ORDER BY {order} SKIP $skip LIMIT $limit"
    return f"{text} {page} {_RETURNED} ORDER BY {order}", parameters


def _matched(asked: Filter) -> tuple[str, dict[str, Any]]:
    """Return the part of a statement that finds the features ``f``, with their ``score`` where words are asked for."""
    values = {name: getattr(asked, name) for name in asked.asked() if name not in ("text", "layers", "gate")}
    conditions = [_CONDITIONS[name] for name in values]
    if asked.layers:
        values["layers"] = list(asked.layers)
        conditions.append("f.layer IN $layers")
    if asked.gate is not None:
        conditions.append(f"EXISTS {{ {_ROLES[asked.gate]}(:Gate {{verdict: $verdict}}) }}")
    if not asked.text:
        return _where("MATCH (f:Feature {run: $run})", conditions), values
    values["text"] = lucene(asked.text, is_beginning=True)
    found = f"CALL db.index.fulltext.queryNodes('{FULL_TEXT_INDEX}', $text) YIELD node AS f, score"
    return _where(found, ["f.run = $run", *conditions]), values


_CONDITIONS: Final[Mapping[str, str]] = {
    "id": "f.id = $id",
    "min_density": "f.density >= $min_density",
    "max_density": "f.density <= $max_density",
    "state": "(f.state_in = $state OR f.state_out = $state)",
    "community": "f.community = $community",
}


def _where(text: str, conditions: Sequence[str]) -> str:
    return f"{text} WHERE {' AND '.join(conditions)}" if conditions else text


def _order(sort: Sort, *, is_ranked: bool, from_end: bool) -> str:
    expression = _SORTS.get(sort.by)
    if expression is None or (sort.by == "relevance" and not is_ranked):
        raise ValueError(f"no sort {sort.by!r}")
    keys = [(f"{expression} IS NULL", False), (expression, sort.is_descending)] if expression else []
    keys += [(key, sort.is_descending and not expression) for key in _PLACE]
    return ", ".join(f"{key} DESC" if is_descending != from_end else key for key, is_descending in keys)
