"""The features that a view starts from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from saedb.cypher import names
from saedb.cypher.connection import Connection
from saedb.cypher.explore.scope import Scope, StartKind
from saedb.cypher.nearest import suggestion
from saedb.ingest.errors import InputError
from saedb.ingest.naming import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """The features of a start, the most important first, and the Cypher that finds them."""

    ids: tuple[str, ...]
    roles: Mapping[str, str]
    """What some of them are to the start: ``start``, ``output`` or ``input``."""
    total: int
    """How many there are, those beyond the limit among them; hidden ones are in neither number."""
    cypher: str
    """Finds them as ``n``, with the parameters below."""
    order: str
    """Sorts them, where not all are taken."""
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    match: str
    """Binds each feature as ``n``, once."""
    order: str
    role: str
    values: Mapping[str, Any]


def seeds(connection: Connection, scope: Scope, hidden: list[str]) -> Seeds:
    """Return where a view starts; `hidden` are whole ids.

    Raises:
        InputError: the run has no such feature, community, gate or prompt.
    """
    found = _FOUND[scope.start.kind](connection, scope.run, scope.start.value)
    values = {"run": scope.run, **found.values}
    (row,) = connection.read(
        f"{found.match}\nWITH n, {found.role} AS role ORDER BY {found.order} WHERE NOT n.id IN $hidden\n"
        "WITH collect([n.id, role]) AS found RETURN size(found) AS total, found[..$limit] AS found",
        hidden=hidden, limit=scope.max_nodes, **values,
    )  # fmt: skip
    return Seeds(
        ids=tuple(id_ for id_, _ in row["found"]),
        roles={id_: role for id_, role in row["found"] if role is not None},
        total=row["total"],
        cypher=found.match,
        order=found.order,
        values=values,
    )


def _feature(connection: Connection, run: str, value: str) -> _Found:
    return _Found(
        match="MATCH (n:Feature {run: $run, id: $feature})",
        order="n.id",
        role="'start'",
        values={"feature": names.feature_id(connection, run, value)},
    )


def _community(connection: Connection, run: str, value: str) -> _Found:
    known = [row["id"] for row in connection.read("MATCH (c:Community {run: $run}) RETURN c.id AS id", run=run)]
    if value not in known:
        there = suggestion(value, known) if known else f"it has none; first: saedb communities {run}"
        raise InputError(f"run {run} has no community {quoted(value)}; {there}")
    return _Found(
        match="MATCH (n:Feature)-[i:IN_COMMUNITY]->(:Community {run: $run, id: $community})",
        order="i.inside DESC, n.depth, n.index",
        role="null",
        values={"community": value},
    )


def _gate(connection: Connection, run: str, value: str) -> _Found:
    if not connection.read("MATCH (g:Gate {run: $run, id: $gate}) RETURN g.id AS id", run=run, gate=value):
        raise InputError(f"run {run} has no gate {quoted(value)}; list them with: saedb query gates --run {run}")
    return _Found(
        match="MATCH (:Gate {run: $run, id: $gate})-[part:OUTPUT|INPUT_OF]-(n:Feature)",
        order="type(part) DESC, part.slot",
        role="CASE type(part) WHEN 'OUTPUT' THEN 'output' ELSE 'input' END",
        values={"gate": value},
    )


def _path(connection: Connection, run: str, value: str) -> _Found:
    given = whole_ids(connection, run, [part.strip() for part in value.split(",") if part.strip()])
    rows = connection.read(
        "UNWIND $features AS id MATCH (f:Feature {run: $run, id: id}) RETURN f.id AS id", run=run, features=given
    )
    if missing := sorted(set(given) - {row["id"] for row in rows}):
        names.feature_id(connection, run, missing[0])  # which says what is wrong with it
    if not given:
        raise InputError("a path needs features; give their ids with commas between them")
    return _Found(
        match="MATCH (n:Feature {run: $run}) WHERE n.id IN $features",
        order="n.depth, n.index",
        role="'start'",
        values={"features": given},
    )


def _prompt(connection: Connection, run: str, value: str) -> _Found:
    prompt, at, position = value.partition("@")
    if at and not position.isdecimal():
        raise InputError(f"{quoted(position)} is no position in a prompt; give a number after the @, or leave it out")
    names.prompt_id(connection, run, prompt)
    where = "WHERE a.position = $position\n" if at else ""
    return _Found(
        match=f"MATCH (:Prompt {{run: $run, id: $prompt}})-[a:ACTIVATES]->(n:Feature)\n{where}"
        "WITH n, max(a.activation / coalesce(n.max, 1.0)) AS active",
        order="active DESC, n.depth, n.index",
        role="null",
        values={"prompt": prompt, **({"position": int(position)} if at else {})},
    )


_FOUND: Final[Mapping[StartKind, Callable[[Connection, str, str], _Found]]] = {
    "feature": _feature,
    "community": _community,
    "gate": _gate,
    "path": _path,
    "prompt": _prompt,
}


def whole_ids(connection: Connection, run: str, features: list[str]) -> list[str]:
    """Return whole ids for those given as ``6-res-jb/2320``, others as they are; nothing is looked for."""
    if all(feature.count("/") > 1 for feature in features):
        return features
    (row,) = connection.read("MATCH (r:Run {id: $run}) RETURN r.model AS model", run=run)
    return [f"{row['model']}/{feature}" if feature.count("/") == 1 else feature for feature in features]
