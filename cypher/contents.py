"""What the graph holds of a run: its nodes and relationships as tables, in the order in which they can be made.

Both ways of loading write these rows, and the fingerprint of a run is taken of them: so both give the same graph.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from saedb.cypher import schema
from saedb.cypher.schema import Node, Relationship
from saedb.ingest import rundir, tables
from saedb.ingest.labelling.table import Labels
from saedb.ingest.residuals import found as residuals
from saedb.ingest.rundir import RunDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some nodes of one label, or relationships of one type."""

    item: Node | Relationship
    rows: pa.Table
    """Columns as `schema.rows` makes them, without the run, which is the same in every row."""
    layer: str | None = None
    """Label of the features' layer."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of nodes."""
        assert isinstance(self.item, Node)
        return (self.item.label,) if self.layer is None else (self.item.label, self.layer)


def run_properties(run: RunDirectory) -> dict[str, Any]:
    """Return the properties of the Run node, without those of a load; `path` is that of this machine."""
    record = run.record
    partition = default_partition(run)
    return {
        "id": record.id,
        "kind": record.kind,
        "model": record.model,
        "dataset": record.dataset,
        "tokens": record.tokens.counted if record.tokens else None,
        "created": record.created,
        "config": json.dumps(record.config),
        "content": run.content_hash,
        "path": str(run.path.resolve()),
        "features": record.files[rundir.FEATURES_FILE].rows,
        "edges": edge_count(run),
        "communities": partition["communities"] if partition else None,
        "modularity": partition["modularity"] if partition else None,
    }


def edge_count(run: RunDirectory) -> int:
    """Return the number of edges of a run."""
    return sum(run.record.files[name].rows for name in run.edge_files)


def parts(run: RunDirectory) -> Iterator[Part]:
    """Yield everything of a run but its Run node; nodes come before the relationships that need them.

    Raises:
        RunError: a table is missing or damaged.
    """
    yield from nodes(run)
    yield from links(run)
    for source, target in run.record.pairs:
        yield edges(run, source, target)
    yield from attached(run)


def nodes(run: RunDirectory) -> Iterator[Part]:
    """Yield the nodes of a run but its Run node."""
    yield _saes(run)
    features = labelled(run, run.read(tables.FEATURES, rundir.FEATURES_FILE))
    measured = residuals.of_features(run, features["id"])
    columns = {"community": numbers(run, features["id"]), **_columns(measured)}
    features = pa.table({**_columns(features), **columns})
    layers = sorted({sae.layer for sae in run.record.saes})
    for layer in layers:
        rows = features.filter(pc.field("layer") == layer)
        yield _part(schema.FEATURE, _columns(rows), schema.layer_label(layer, layers[-1]))
    for found in FOUND:
        yield from (part for part in found(run) if isinstance(part.item, Node))


def labelled(run: RunDirectory, features: pa.Table) -> pa.Table:
    """Return the feature table with the preferred label of each feature, and all of them with their sources."""
    shown = Labels.of(run).shown()
    columns = {name: features[name] for name in features.column_names} | {"label": shown.label}
    return pa.table({**columns, "label_source": shown.source, "labels": shown.labels, "label_sources": shown.sources})


def links(run: RunDirectory) -> Iterator[Part]:
    """Yield the relationships between the run and its SAEs, and among these."""
    saes = [sae.id for sae in run.record.saes]
    yield _part(schema.HAS_SAE, {"source": [run.record.id] * len(saes), "target": saes})
    sources, targets = zip(*run.record.pairs, strict=True) if run.record.pairs else ((), ())
    counts = [run.record.files[name].rows for name in run.edge_files]
    yield _part(schema.COMPARED_WITH, {"source": sources, "target": targets, "edges": counts})


def edges(run: RunDirectory, source: str, target: str) -> Part:
    """Return the edges between the features of two SAEs."""
    rows = run.read(tables.EDGES, rundir.edges_file(source, target))
    return _part(schema.EVOLVES_TO, _columns(rows) | _effects_of(run, rows))


def effects(run: RunDirectory) -> pa.Table:
    """Return what edges have whose sources were taken out of the model, with their source and target."""
    names = ["source", "target", *(p.name for p in schema.EFFECTS)]
    if rundir.EFFECTS_FILE not in run.record.files:
        return tables.EFFECTS.schema.empty_table().select(names)
    return run.read(tables.EFFECTS, rundir.EFFECTS_FILE).select(names)


def _effects_of(run: RunDirectory, edges_: pa.Table) -> dict[str, Any]:
    """Return the columns that effects give to edges, null where there is none."""
    found = effects(run)
    if not found.num_rows:
        return {}
    ends = ["source", "target"]
    places = pd.MultiIndex.from_frame(found.select(ends).to_pandas())
    place = places.get_indexer(pd.MultiIndex.from_frame(edges_.select(ends).to_pandas()))
    taken = found.take(pa.array(place, pa.int64(), mask=place < 0))
    return {name: taken[name] for name in found.column_names if name not in ends}


def attached(run: RunDirectory) -> Iterator[Part]:
    """Yield what connects features with communities, gates, splits and prompts, where there are any."""
    for found in FOUND:
        yield from (part for part in found(run) if isinstance(part.item, Relationship))


def communities(run: RunDirectory, name: str | None = None) -> Iterator[Part]:
    """Yield the partitions of a run, with their communities and the features of these.

    With a name, only the partition of that name, with its levels and its consensus.
    """
    found = _communities(run)
    if name is not None:
        found = found.filter((pc.field("partition") == name) | (pc.field("base") == name))
    first = found["partition"].to_pandas().drop_duplicates().index
    ways = found.select(_PARTITION_COLUMNS).take(pa.array(first, pa.int64()))
    yield _part(schema.PARTITION, _columns(ways.rename_columns({"partition": "id"})))
    yield _part(schema.COMMUNITY, _properties(schema.COMMUNITY, found))
    yield _part(schema.OF_PARTITION, {"source": found["id"], "target": found["partition"]})
    parts_ = found.filter(pc.field("parent").is_valid())
    yield _part(schema.PART_OF, {"source": parts_["id"], "target": parts_["parent"]})
    features, owner = members(found)
    ends = {"source": features, "target": found["id"].take(owner)}
    ties = {"inside": _flat(found["inside"]), "outside": _flat(found["outside"])}
    yield _part(schema.IN_COMMUNITY, {**ends, **ties, "stability": _flat(found["stabilities"])})


def resolutions(run: RunDirectory, name: str | None = None) -> Iterator[Part]:
    """Yield what other resolutions of partitions, or of one, would give, where that was tried."""
    if rundir.RESOLUTIONS_FILE not in run.record.files:
        return
    found = run.read(tables.RESOLUTIONS, rundir.RESOLUTIONS_FILE)
    if name is not None:
        found = found.filter(pc.field("partition") == name)
    yield _part(schema.RESOLUTION, _properties(schema.RESOLUTION, found))


def default_partition(run: RunDirectory) -> dict[str, Any] | None:
    """Return what is known of the partition that views are coloured by, by column; None where there is none."""
    rows = _communities(run).filter(pc.field("is_default")).select(_PARTITION_COLUMNS).slice(0, 1).to_pylist()
    return rows[0] if rows else None


def numbers(run: RunDirectory, ids: pa.ChunkedArray) -> pa.Array:
    """Return the number of each feature's community in the default partition, null where it is in none.

    Args:
        run: the run directory.
        ids: of features [features].
    """
    found = _communities(run).filter(pc.field("is_default"))
    features, owner = members(found)
    place = pd.Index(features.to_pandas()).get_indexer(ids.to_pandas())
    own = found["number"].take(owner).combine_chunks()
    return pc.take(own, pa.array(place, mask=np.equal(place, -1)))


def gates(run: RunDirectory) -> Iterator[Part]:
    """Yield the gates of a run with their inputs and outputs, where they were looked for."""
    if run.record.gates is None:
        return
    found = run.read(tables.GATES, rundir.GATES_FILE)
    yield _part(schema.GATE, _properties(schema.GATE, found))
    items = _exploded(found, "id", "kind", "inputs")
    negated = (items["kind"] == "AND_NOT") & (items["slot"] == 1)
    columns = {"source": items["inputs"], "target": items["id"], "slot": items["slot"], "negated": negated}
    yield _part(schema.INPUT_OF, columns)
    yield _part(schema.OUTPUT, {"source": found["id"], "target": found["output"]})


def splits(run: RunDirectory) -> Iterator[Part]:
    """Yield the splits of a run with their parents and children, where they were looked for."""
    if run.record.splits is None:
        return
    found = run.read(tables.SPLITS, rundir.SPLITS_FILE)
    yield _part(schema.SPLIT, _properties(schema.SPLIT, found))
    yield _part(schema.PARENT_OF, {"source": found["parent"], "target": found["id"]})
    items = _exploded(found, "id", "children", "shares", "purities")
    columns = {"source": items["id"], "target": items["children"], "slot": items["slot"]}
    yield _part(schema.CHILD, {**columns, "share": items["shares"], "purity": items["purities"]})


def prompts(run: RunDirectory, names: Collection[str] | None = None) -> Iterator[Part]:
    """Yield the prompts of a run, or some of them, with the features that are active on them, where there are any."""
    if rundir.PROMPTS_FILE not in run.record.files:
        return
    found = run.read(tables.PROMPTS, rundir.PROMPTS_FILE)
    if names is not None:
        found = found.filter(pc.field("id").isin(pa.array(list(names), pa.string())))
    yield _part(schema.PROMPT, _properties(schema.PROMPT, found))
    owner = pc.call_function("list_parent_indices", [found["features"].combine_chunks()])
    ends = {"source": found["id"].take(owner), "target": _flat(found["features"])}
    values = {"activation": _flat(found["activations"]), "position": _flat(found["positions"])}
    yield _part(schema.ACTIVATES, {**ends, **values})


FOUND: Final[Sequence[Callable[[RunDirectory], Iterator[Part]]]] = (communities, resolutions, gates, splits, prompts)
"""What stages found among the features, and prompts; nodes come before their relationships."""

_PARTITION_COLUMNS: Final = [column.name for column in tables.PARTITION]


def _communities(run: RunDirectory) -> pa.Table:
    if rundir.COMMUNITIES_FILE not in run.record.files:
        return tables.COMMUNITIES.schema.empty_table()
    return run.read(tables.COMMUNITIES, rundir.COMMUNITIES_FILE)


def members(communities: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Return the features of some communities, and of each the row of its community; both [members]."""
    lists = communities["members"].combine_chunks()
    return _flat(communities["members"]), pc.call_function("list_parent_indices", [lists])


def _flat(lists: pa.ChunkedArray) -> pa.Array:
    return pc.call_function("list_flatten", [lists.combine_chunks()])


def _exploded(rows: pa.Table, id_: str, *names: str) -> pd.DataFrame:
    """Return one row for each item of the columns that are lists, with its place in the list as ``slot``."""
    frame = rows.select([id_, *names]).to_pandas()
    lists = [name for name in names if pa.types.is_list(rows.schema.field(name).type)]
    items = frame.explode(lists)
    return items.assign(slot=items.groupby(id_, sort=False).cumcount())


def _properties(node: Node, rows: pa.Table) -> dict[str, Any]:
    return {p.name: rows[p.name] for p in node.properties if p.name in rows.column_names}


def _part(item: Node | Relationship, columns: dict[str, Any], layer: str | None = None) -> Part:
    return Part(item=item, rows=schema.rows(item, columns), layer=layer)


def _saes(run: RunDirectory) -> Part:
    rows = [asdict(sae) for sae in run.record.saes]
    names = [p.name for p in schema.SAE.properties if p.name != "run"]
    return _part(schema.SAE, {name: [row[name] for row in rows] for name in names})


def _columns(rows: pa.Table) -> dict[str, Any]:
    return dict(zip(rows.column_names, rows.columns, strict=True))
