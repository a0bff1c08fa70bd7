"""An edge table made elsewhere becomes a run directory of kind ``import``.

1. Each file is read and checked (`edgefile`); files with the same edges and different measures are joined.
2. The features are those that occur on an edge; they have the labels that files of labels have of them (`labelling`).
3. Their states come from the Pearson correlations, where the table has them.

What a table leaves out, saedb cannot know. A feature without edges is missing from the run, and a feature whose other
edges were cut off counts as appearing or disappearing: the published tables of arXiv 2410.08869, for one, hold only
edges above 0.1 inside communities. An SAE's ``d_sae`` is the largest index that occurs plus one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from saedb.cypher.edgefile import SUFFIXES, Edges, Floats, Integers, read_edges
from saedb.ingest import rundir, states, tables
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.labelling.files import found as files_of_labels
from saedb.ingest.labelling.importing import gather
from saedb.ingest.labelling.table import Labels
from saedb.ingest.labelling.targets import Targets
from saedb.ingest.measures import MEASURES
from saedb.ingest.naming import checked_name, name_of
from saedb.ingest.progress import Report, silent
from saedb.ingest.record import RunRecord, SaeRecord
from saedb.ingest.rundir import RunDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    """The edges of every file; sorted by source layer, source index, target layer, target index."""

    source: Integers
    """Number of the upstream feature [edges], a row of the features below."""
    target: Integers
    layer: Integers
    """Layer of each feature [features], in order."""
    index: Integers
    """Index of each feature [features], in order within its layer."""
    measures: Mapping[str, Floats]
    """Values [edges]; NaN where no file has one."""


def default_name(files: Sequence[Path]) -> str:
    """Return the name that a run gets from its first file."""
    name = files[0].name.removesuffix(".gz")
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name_of(name) or "edges"


def import_edges(
    files: Sequence[Path],
    *,
    model: str,
    set_: str,
    runs_folder: Path,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Sequence[Path] = (),
    report: Report = silent,
) -> RunDirectory:
    """Return the run directory of an edge table; the one that is there, where it was made from the same files.

    Args:
        files: CSV, TSV or Parquet files, also with ``.gz``; several may hold different edges or different measures.
        model: first part of the features' ids.
        set_: name of the family of SAEs: a feature's id is ``{model}/{layer}-{set_}/{index}``.
        runs_folder: folder that holds one folder per run.
        name: name of the run; by default that of the first file.
        columns: what a column is, where its name does not say, such as ``{"value": "pearson"}``.
        labels: files of labels, or folders of them.
        report: progress, in files and then in pairs of layers.

    Raises:
        InputError: a file, column, value or name is not what it should be.
        RunError: a run of that name was made from something else.
    """
    name = name or default_name(files)
    for what, value in (("run name", name), ("model", model), ("set", set_)):
        checked_name(what, value)
    columns = dict(columns or {})
    config = _config(files, labels, model, set_, columns)
    path = runs_folder / name
    if (path / "run.json").exists():
        run = _existing(path, config)
        if run.record.status == "complete":
            return run
    joined = _joined(_read_all(files, columns, report), files)
    is_begun = (path / "run.json").exists()
    record = RunDirectory.open(path).record if is_begun else _record(name, model, set_, config, joined)
    found = _labels(record, joined, labels, report)
    run = RunDirectory.open(path) if is_begun else RunDirectory.create(path, record)
    with run.writing():
        _write(run, joined, found, report)
    return run


def _config(
    files: Sequence[Path], labels: Sequence[Path], model: str, set_: str, columns: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "files": [[file.name, _hash(file)] for file in files],
        "labels": [[file.name, _hash(file.path)] for file in files_of_labels(labels)],
        "model": model,
        "set": set_,
        "columns": dict(columns),
        "passed": states.PASSED,
        "vanishing": states.VANISHING,
    }


def _hash(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error


def _existing(path: Path, config: Mapping[str, Any]) -> RunDirectory:
    run = RunDirectory.open(path)
    if rundir.digest(run.record.config) != rundir.digest(config):
        raise RunError(f"run {run.record.id} was made from something else ({path}); choose another name with --run")
    return run


def _read_all(files: Sequence[Path], columns: Mapping[str, str], report: Report) -> list[Edges]:
    parts: list[Edges] = []
    for done, file in enumerate(files):
        report("reading files", done, len(files))
        parts.append(read_edges(file, columns))
    report("reading files", len(files), len(files))
    return parts


def _joined(parts: Sequence[Edges], files: Sequence[Path]) -> _Joined:
    layer, index = (
        np.concatenate([getattr(part, f"{side}_{end}") for side in ("source", "target") for part in parts])
        for end in ("layer", "index")
    )
    width = int(index.max()) + 1
    features, number = np.unique(layer * width + index, return_inverse=True)
    source, target = np.split(number, 2)
    edges, row = np.unique(source * len(features) + target, return_inverse=True)
    ends = np.cumsum([len(part.source_layer) for part in parts])[:-1]
    return _Joined(
        source=edges // len(features),
        target=edges % len(features),
        layer=features // width,
        index=features % width,
        measures=_spread(parts, np.split(row, ends), len(edges), files),
    )


def _spread(parts: Sequence[Edges], rows: Sequence[Integers], count: int, files: Sequence[Path]) -> dict[str, Floats]:
    """Return each measure over all edges, from the parts' values and their rows among the edges."""
    names = [m.name for m in MEASURES if any(m.name in part.measures for part in parts)]
    spread = {name: np.full(count, np.nan) for name in names}
    for name, values in spread.items():
        seen = np.zeros(count, dtype=np.int64)
        for part, row, file in zip(parts, rows, files, strict=True):
            if name not in part.measures:
                continue
            seen += np.bincount(row, minlength=count)
            if (seen > 1).any():
                raise InputError(_twice(part, int(np.flatnonzero(seen[row] > 1)[-1]), name, file))
            values[row] = part.measures[name]
    return spread


def _twice(part: Edges, row: int, name: str, file: Path) -> str:
    source = f"{part.source_layer[row]}/{part.source_index[row]}"
    target = f"{part.target_layer[row]}/{part.target_index[row]}"
    return f"the edge {source} -> {target} (layer/feature) has two values of {name}; see row {row + 1} of {file}"


def _labels(record: RunRecord, joined: _Joined, files: Sequence[Path], report: Report) -> pa.Table | None:
    """Return the labels that files have of the features, as if imported when the run was made; None without files."""
    if not files:
        return None
    ids, sae = _ids(record, joined), _saes(record, joined)
    targets = Targets(record, sae.to_pylist(), joined.index)
    return gather(files, targets, ids.to_pylist(), imported=record.created, report=report).labels


def _record(name: str, model: str, set_: str, config: Mapping[str, Any], joined: _Joined) -> RunRecord:
    layers, starts = np.unique(joined.layer, return_index=True)
    widths = np.maximum.reduceat(joined.index, starts) + 1
    saes = tuple(
        SaeRecord(id=f"{layer}-{set_}", layer=layer, set=set_, depth=depth, d_sae=width)
        for depth, (layer, width) in enumerate(zip(layers.tolist(), widths.tolist(), strict=True))
    )
    pairs = np.unique(np.stack([joined.layer[joined.source], joined.layer[joined.target]], axis=1), axis=0)
    return RunRecord(
        id=name,
        kind="import",
        model=model,
        created=rundir.now(),
        config=config,
        saes=saes,
        pairs=tuple((f"{source}-{set_}", f"{target}-{set_}") for source, target in pairs.tolist()),
    )


def _write(run: RunDirectory, joined: _Joined, found: pa.Table | None, report: Report) -> None:
    ids = _ids(run.record, joined)
    run.write(tables.FEATURES, rundir.FEATURES_FILE, [_feature_rows(run.record, joined, ids)])
    if found is not None:
        Labels.of(run).merged(found).write(run)
    pairs = run.record.pairs
    layer_of = {sae.id: sae.layer for sae in run.record.saes}
    for done, (source, target) in enumerate(pairs):
        report("writing pairs of layers", done, len(pairs))
        chosen = (joined.layer[joined.source] == layer_of[source]) & (joined.layer[joined.target] == layer_of[target])
        columns = {name: values[chosen] for name, values in joined.measures.items()}
        rows = tables.rows(
            tables.EDGES,
            {"source": ids.take(joined.source[chosen]), "target": ids.take(joined.target[chosen]), **columns},
        )
        run.write(tables.EDGES, rundir.edges_file(source, target), [rows])
    report("writing pairs of layers", len(pairs), len(pairs))
    run.update(status="complete")


def _ids(record: RunRecord, joined: _Joined) -> pa.Array:
    layer, index = (pa.array(values).cast(pa.string()) for values in (joined.layer, joined.index))
    set_ = record.saes[0].set
    parts = [pa.scalar(f"{record.model}/"), layer, pa.scalar(f"-{set_}/"), index, pa.scalar("")]
    return pc.call_function("binary_join_element_wise", parts)


def _saes(record: RunRecord, joined: _Joined) -> pa.Array:
    return pa.array([sae.id for sae in record.saes]).take(pa.array(_depth(record, joined)))


def _depth(record: RunRecord, joined: _Joined) -> Integers:
    return np.searchsorted([sae.layer for sae in record.saes], joined.layer)


def _feature_rows(record: RunRecord, joined: _Joined, ids: pa.Array) -> pa.Table:
    columns = {
        "id": ids,
        "sae": _saes(record, joined),
        "layer": joined.layer,
        "depth": _depth(record, joined),
        "index": joined.index,
    }
    return tables.rows(tables.FEATURES, {**columns, **_evolution(joined)})


def _evolution(joined: _Joined) -> dict[str, NDArray[Any]]:
    """Return states and best correlations of the features, where the table has correlations."""
    if "pearson" not in joined.measures:
        return {}
    count = len(joined.layer)
    never = np.zeros(count, dtype=bool)
    found: dict[str, NDArray[Any]] = {}
    for direction, end, alone in (("in", joined.target, states.APPEARING), ("out", joined.source, states.DISAPPEARING)):
        best = states.best_values(end, joined.measures["pearson"], count)
        computed = np.isin(joined.layer, joined.layer[end])
        found[f"best_{direction}"] = best
        found[f"state_{direction}"] = states.states(best, alone=alone, computed=computed, dead=never, rare=never)
    return found
