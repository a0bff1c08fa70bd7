"""The chapter on the run itself: what was read, by which rules, and how well the SAEs rebuild what they read."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from saedb.cli.report import figures, paper
from saedb.cli.report.asked import AWAY, Asked
from saedb.cli.report.page import Chapter, Section, Table
from saedb.cypher.explore import flow

if TYPE_CHECKING:
    from saedb.ingest.record import RunRecord

_REASONS: Final = {
    "special token": "special tokens (BOS, EOS, padding)",
    "position 0": "the first position of a context",
    "outlier norm": "attention sinks: a residual norm over ten times its median",
}
_QUALITY: Final = {"explained_variance": "explained variance", "l0": "L0", "dead": "dead"}
_THRESHOLDS: Final = {
    "relative_threshold": "active above this share of a feature's largest activation",
    "min_similarity": "an edge where Pearson, Jaccard, necessity or sufficiency reaches",
    "min_support": "tokens with both features of an edge active, at least",
    "min_documents": "documents with such a token, at least",
    "min_lift": "lift, where only necessity or sufficiency makes the edge, at least",
    "min_excess": "or necessity less the density of the upstream feature, at least",
    "passed_through": "passed through from this Pearson correlation on",
    "vanishing": "appearing or disappearing below this one",
    "count_all": "special tokens, first positions and attention sinks count",
}
"""Settings of a run that decide what is counted."""


def chapter(asked: Asked) -> Chapter:
    """Return the chapter on what the run is."""
    known = flow.summary(asked.connection, asked.run)
    layers = flow.layers(asked.connection, asked.run, passed=1.0, vanishing=1.0, dead_and_rare=True)
    text = "What the numbers of this page are of, and by which rules they were counted."
    sections = (_text(asked, known), _rules(asked), _quality(asked, layers))
    return Chapter(anchor="run", heading="The run", text=(text,), sections=sections)


def _text(asked: Asked, known: flow.Summary) -> Section:
    record = asked.directory.record if asked.directory is not None else None
    facts = [
        ("model", known.model),
        ("SAEs", None if record is None else _saes(record)),
        ("text", known.dataset),
        ("made", known.created),
        ("kind", "an edge table of others, imported" if known.kind == "import" else None),
        ("features", f"{known.features:,}"),
        ("edges", f"{known.edges:,}"),
        *(_read(record) if record is not None else _counted(known)),
    ]
    left_out = _left_out(record) if record is not None else pd.DataFrame()
    tables = (Table(title="Tokens left out, by the first reason that applied", rows=left_out),) if len(left_out) else ()
    text = "Only counted tokens are in counts, thresholds, maxima and correlations."
    return Section(
        anchor="text",
        heading="Model and text",
        text=(text,),
        facts=tuple((name, value) for name, value in facts if value),
        note=AWAY if record is None else None,
        tables=tables,
        data=left_out if len(left_out) else None,
    )


def _saes(record: "RunRecord") -> str:
    pairs = f"{len(record.pairs):,} pairs of layers"
    return f"{len(record.saes):,}, {pairs}"


def _read(record: "RunRecord") -> Iterator[tuple[str, str]]:
    tokens = record.tokens
    if tokens is not None:
        bos = "with" if tokens.prepend_bos else "without"
        share = f" ({tokens.counted / tokens.read:.1%})" if tokens.read else ""
        yield "tokens read", f"{tokens.read:,}, of {tokens.documents:,} documents"
        yield "tokens counted", f"{tokens.counted:,}{share}"
        yield "contexts", f"{tokens.context_size:,} tokens, {bos} BOS"
    if record.device:
        yield "computed on", record.device
    if record.timings:
        yield "computed in", f"{sum(record.timings.values()):,.0f} s"
    if record.versions:
        yield "versions", ", ".join(f"{name} {version}" for name, version in record.versions.items())


def _counted(known: flow.Summary) -> Iterator[tuple[str, str]]:
    if known.tokens is not None:
        yield "tokens counted", f"{known.tokens:,}"


def _left_out(record: "RunRecord") -> pd.DataFrame:
    """Return why tokens were left out, with their number and share of those read."""
    if record.tokens is None:
        return pd.DataFrame()
    rows = [
        {
            "reason": _REASONS.get(reason, reason),
            "tokens": count,
            "share of those read": f"{count / record.tokens.read:.2%}",
        }
        for reason, count in record.tokens.left_out.items()
        if count
    ]
    return pd.DataFrame(rows)


def _rules(asked: Asked) -> Section:
    config = _config(asked)
    rows = [(meaning, _said(config[name])) for name, meaning in _THRESHOLDS.items() if name in config]
    text = ("What decided that a feature is active, and that two make an edge.",)
    if not rows:
        note = "No thresholds are known: the edges were computed elsewhere, and imported."
        return Section(anchor="rules", heading="Thresholds", text=text, note=note)
    data = pd.DataFrame([{"setting": name, "value": _said(value)} for name, value in config.items()])
    return Section(
        anchor="rules", heading="Thresholds", text=(*text, "The CSV has every setting of the run."),
        facts=tuple(rows), data=data,
    )  # fmt: skip


def _config(asked: Asked) -> dict[str, Any]:
    if asked.directory is not None:
        return dict(asked.directory.record.config)
    (row,) = asked.connection.read("MATCH (r:Run {id: $run}) RETURN r.config AS config", run=asked.run)
    return json.loads(row["config"] or "{}")


def _said(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case int():
            return f"{value:,}"
        case str():
            return value
        case _:
            return json.dumps(value)


def _quality(asked: Asked, layers: tuple[flow.Layer, ...]) -> Section:
    text = (
        "Explained variance is 1 - sum |x - x'|² / sum |x - mean|² over the counted tokens, with x' what the SAE "
        "rebuilds of x: 1 is perfect, and below 0.3 most likely something is loaded wrongly. L0 is the mean number of "
        "features above 0 on a token. Dead features never fire on a counted token."
    )
    rows = _table(asked, layers)
    heading = "Quality of the SAEs"
    measured = [name for name in _QUALITY.values() if name in rows]
    if not measured:
        note = "Not known: the edges were imported, and come without the SAEs."
        return Section(anchor="quality", heading=heading, text=(text,), note=note, tables=_tables(rows), data=rows)
    names = figures.layer_names([layer.sae for layer in layers], [layer.layer for layer in layers])
    return Section(
        anchor="quality",
        heading=heading,
        text=(text, *_warnings(asked)),
        figure=figures.by_layer(rows, names, measured),
        tables=_tables(rows),
        data=rows,
    )


def _tables(rows: pd.DataFrame) -> tuple[Table, ...]:
    return (Table(title="SAEs", rows=rows),) if len(rows) else ()


def _warnings(asked: Asked) -> tuple[str, ...]:
    if asked.directory is None:
        return ()
    found = asked.directory.record.warnings
    return tuple(f"Warning: {warning}" for warning in found) or ("The run has no warnings.",)


def _table(asked: Asked, layers: tuple[flow.Layer, ...]) -> pd.DataFrame:
    """Return what is known of each SAE; columns of which nothing is known are left out."""
    records = {} if asked.directory is None else {sae.id: sae for sae in asked.directory.record.saes}
    rows: list[dict[str, Any]] = []
    for layer in layers:
        record = records.get(layer.sae)
        row = {
            "sae": layer.sae,
            "hook": layer.hook,
            "architecture": None if record is None else record.architecture,
            "features": layer.features,
            "explained variance": layer.explained_variance,
            "L0": layer.l0,
            "dead": None if layer.dead is None else layer.dead / layer.features if layer.features else None,
            "rare": None if layer.rare is None else layer.rare / layer.features if layer.features else None,
            f"dead, {paper.NAME} (paper)": _papers_dead(asked, layer),
        }
        rows.append(row)
    found = pd.DataFrame(rows)
    return found.dropna(axis="columns", how="all") if len(found) else found


def _papers_dead(asked: Asked, layer: flow.Layer) -> float | None:
    """Return the share of dead features that the paper's authors found in the same SAE."""
    records = [] if asked.directory is None else asked.directory.record.saes
    of = next((sae.set for sae in records if sae.id == layer.sae), "")
    model = "" if asked.directory is None else asked.directory.record.model
    if not paper.is_of(model, of) or layer.layer >= len(paper.DEAD):
        return None
    return paper.DEAD[layer.layer] / paper.FEATURES
