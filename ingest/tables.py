"""The tables of a run directory, declared once. Both `saedb.ingest` and `saedb.cypher` read the declarations here.

Every table is a Parquet file (or, for edges, one file per pair of SAEs) that pandas, DuckDB or Polars read without
saedb. Columns that may be null say so: an imported edge table knows far less of its features than an ingested run.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from saedb.ingest.errors import RunError
from saedb.ingest.measures import EFFECTS as EFFECT_MEASURES
from saedb.ingest.measures import EVIDENCE, MEASURES

FORMAT: Final = 5
"""Version of the run directory. A file of a later version is refused."""

BINS: Final = 20
"""Bins of the histogram of a feature's activations."""

_NO_EDGE: Final = "dead; rare: too few tokens or documents for an edge"

_TEXTS: Final = pa.list_(pa.string())
_COUNTS: Final = pa.list_(pa.int64())
_NUMBERS: Final = pa.list_(pa.float64())
_ACTIVATIONS: Final = pa.list_(pa.float32())


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    name: str
    type: pa.DataType
    meaning: str
    unit: str | None = None
    null: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One kind of Parquet file."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    group: int = 1 << 20
    """Rows of a row group: a few where single rows are looked up."""

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, with the table's name and the format's version in its metadata."""
        fields = [pa.field(c.name, c.type, nullable=c.null) for c in self.columns]
        return pa.schema(fields, metadata={"saedb.table": self.name, "saedb.format": str(FORMAT)})


def _column(name: str, type_: pa.DataType, meaning: str, unit: str | None = None, *, null: bool = False) -> Column:
    return Column(name=name, type=type_, meaning=meaning, unit=unit, null=null)


TOKENS: Final = Table(
    name="tokens",
    meaning="one row per token that the model read, in order",
    columns=(
        _column("context", pa.int32(), "number of the context"),
        _column("position", pa.int32(), "position in the context, from 0"),
        _column("token", pa.int32(), "id in the model's vocabulary"),
        _column("document", pa.int32(), "number of the document; -1 for a token that belongs to none (BOS)"),
        _column("counted", pa.bool_(), "whether counts, moments and maxima include this token"),
    ),
)

DOCUMENTS: Final = Table(
    name="documents",
    meaning="one row per document of the text that the model read, in order",
    columns=(
        _column("document", pa.int32(), "number of the document"),
        _column("id", pa.string(), "where it stands in its source: speech.txt, or file.jsonl:17 for the 17th row"),
        _column("half", pa.int8(), "half of the documents that it belongs to, 0 or 1; no context has both"),
    ),
)

FEATURES: Final = Table(
    name="features",
    meaning="one row per feature of every SAE",
    columns=(
        _column("id", pa.string(), "{model}/{layer}-{set}/{index}, as on Neuronpedia"),
        _column("sae", pa.string(), "{layer}-{set}"),
        _column("layer", pa.int64(), "layer number of the SAE, Neuronpedia's"),
        _column("depth", pa.int64(), "rank of the SAE along the model, from 0"),
        _column("index", pa.int64(), "row of the decoder"),
        _column("url", pa.string(), "page of the feature on Neuronpedia, where there is one", null=True),
        _column("n_positive", pa.int64(), "counted tokens with an activation above 0", "tokens", null=True),
        _column("n_active", pa.int64(), "counted tokens with an activation above the threshold", "tokens", null=True),
        _column("density", pa.float64(), "n_active over the counted tokens", "share", null=True),
        _column("mean", pa.float64(), "mean activation over the counted tokens", "activation", null=True),
        _column("max", pa.float64(), "largest activation on a counted token", "activation", null=True),
        _column("threshold", pa.float64(), "active means strictly above this", "activation", null=True),
        _column(
            "histogram",
            _COUNTS,
            f"counted tokens by activation: {BINS} equal bins from above 0 to max, which is in the last",
            "tokens",
            null=True,
        ),
        _column("positional", pa.bool_(), "over half of its activation mass is on one position", null=True),
        _column(
            "state_in",
            pa.string(),
            f"passed_through, appearing or transformed; {_NO_EDGE}",
            null=True,
        ),
        _column("state_out", pa.string(), f"passed_through, disappearing or transformed; {_NO_EDGE}", null=True),
        _column("best_in", pa.float64(), "highest Pearson on an edge from the layer before", "correlation", null=True),
        _column("best_out", pa.float64(), "highest Pearson on an edge to the next layer", "correlation", null=True),
        _column("label", pa.string(), "short text for people", null=True),
        _column("top_tokens", _TEXTS, "tokens with most of its activation, best first", null=True),
        _column("promoted_tokens", _TEXTS, "tokens that its decoder direction promotes, best first", null=True),
        _column("examples", _TEXTS, "up to three short contexts, the active token in [[ ]]", null=True),
    ),
)

EDGES: Final = Table(
    name="edges",
    meaning="one row per edge, from a feature to one of a later layer",
    columns=(
        _column("source", pa.string(), "id of the upstream feature"),
        _column("target", pa.string(), "id of the downstream feature"),
        *(_column(m.name, pa.int64() if m.integer else pa.float64(), m.meaning, null=True) for m in MEASURES),
        *(_column(e.name, pa.float64(), e.meaning, null=True) for e in EVIDENCE),
    ),
)

EXAMPLES: Final = Table(
    name="examples",
    meaning="the contexts in which a feature is most active, one row each; in the order of the features, then by rank",
    columns=(
        _column("feature", pa.string(), "id of the feature"),
        _column("rank", pa.int64(), "0 is the most active context"),
        _column("document", pa.int64(), "number of the document"),
        _column("context", pa.int64(), "number of the context"),
        _column("position", pa.int64(), "position of the active token in the context"),
        _column("activation", pa.float64(), "activation on that token"),
        _column("tokens", _TEXTS, "the active token and those around it; joined they are the text"),
        _column("activations", _ACTIVATIONS, "activation on each of these, whether it counts or not", "activation"),
        _column("at", pa.int64(), "which of them is the active one, from 0"),
    ),
    group=4096,
)

LABELS: Final = Table(
    name="labels",
    meaning="one row per label of a feature, automatic ones among them; there once any were imported",
    columns=(
        _column("feature", pa.string(), "id of the feature"),
        _column("rank", pa.int64(), "order among the labels of its feature; 0 is the preferred one"),
        _column("text", pa.string(), "the label, on one line"),
        _column("source", pa.string(), "auto, neuronpedia, paper, or the name that an import gave"),
        _column("author", pa.string(), "model or person that wrote it", null=True),
        _column("method", pa.string(), "how it was made, as the source calls that", null=True),
        _column("score", pa.float64(), "the source's own; higher is better", null=True),
        _column("file", pa.string(), "file that it was in", null=True),
        _column("imported", pa.string(), "when, ISO 8601, UTC"),
        _column("preference", _TEXTS, "what was asked to be preferred, best first; the same in every row"),
    ),
)

PARTITION: Final = (
    _column("partition", pa.string(), "name of the partition"),
    _column("is_default", pa.bool_(), "whether views are coloured by it, and features carry its numbers"),
    _column("base", pa.string(), "the partition that this is a level or the consensus of", null=True),
    _column("level", pa.int64(), "0 is the partition itself; higher ones are finer"),
    _column("algorithm", pa.string(), "leiden, louvain, cpm, components; or consensus: of runs with other seeds"),
    _column("engine", pa.string(), "gds: the server's Graph Data Science library; local: leidenalg and igraph"),
    _column("measure", pa.string(), "weight of the edges"),
    _column("min_similarity", pa.float64(), "lowest weight of an edge that counted"),
    _column("resolution", pa.float64(), "higher finds more and smaller communities (gamma)", null=True),
    _column("seed", pa.int64(), "random seed", null=True),
    _column("fast", pa.bool_(), "found by several threads at once: the same seed may give another partition"),
    _column("runs", pa.int64(), "runs with different seeds, its own among them, that stability is taken of"),
    _column("communities", pa.int64(), "communities of two features and more"),
    _column("features", pa.int64(), "features in them"),
    _column("modularity", pa.float64(), "modularity at resolution 1, whatever was maximised"),
    _column("mean_stability", pa.float64(), "mean of the stability of its features", "share", null=True),
    _column("label_chance", pa.float64(), "mean similarity of the labels of any two of its features", null=True),
    _column("next_number", pa.int64(), "the first number that none of its communities has ever had"),
)
"""What is the same for all communities of a partition."""

COMMUNITIES: Final = Table(
    name="communities",
    meaning="one row per community of every partition, with its features",
    columns=(
        *PARTITION,
        _column("id", pa.string(), "{partition}/{number}"),
        _column("number", pa.int64(), "0 was the largest when numbers were given; kept when it is found again"),
        _column("parent", pa.string(), "id of the community of the coarser level that it is a part of", null=True),
        _column("size", pa.int64(), "features", "features"),
        _column("layers", _COUNTS, "layers of its features, in order"),
        _column("layer_sizes", _COUNTS, "features of each of these", "features"),
        _column("label", pa.string(), "words that tell its features from those of other communities", null=True),
        _column("weight", pa.float64(), "sum of the weights of the edges inside"),
        _column("conductance", pa.float64(), "share of its edges' weight that leads out of it", "share", null=True),
        _column("coherence", pa.float64(), "mean cosine of decoder directions of its features in one layer", null=True),
        _column("coherence_chance", pa.float64(), "the same of random features of the same layers", null=True),
        _column("coherence_rank", pa.float64(), "share of random sets that are less coherent", "share", null=True),
        _column("label_similarity", pa.float64(), "mean similarity of the labels of two of its features", null=True),
        _column("stability", pa.float64(), "mean of its features", "share", null=True),
        _column("recovery", pa.float64(), "mean Jaccard with the community most like it in other runs", null=True),
        _column("members", _TEXTS, "ids of its features"),
        _column("inside", _NUMBERS, "of each of these, the weight of its edges inside"),
        _column("outside", _NUMBERS, "of each of these, the weight of its edges to other features"),
        _column(
            "stabilities",
            _NUMBERS,
            "of each of these, the share of the runs with other seeds in which it stays with its community; or nulls",
            "share",
        ),
    ),
)

RESOLUTIONS: Final = Table(
    name="resolutions",
    meaning="what other resolutions would give, one row per partition and resolution",
    columns=(
        _column("id", pa.string(), "{partition}@{resolution}"),
        _column("partition", pa.string(), "the partition whose algorithm, measure and seed were taken"),
        _column("resolution", pa.float64(), "higher finds more and smaller communities (gamma)"),
        _column("communities", pa.int64(), "communities of two features and more"),
        _column("largest", pa.int64(), "features of the largest", "features"),
        _column("modularity", pa.float64(), "modularity at resolution 1"),
        _column("nmi", pa.float64(), "normalised mutual information with the partition", null=True),
    ),
)

_SCORED: Final = "on the second half of the documents"
_CHOSEN: Final = "on the first half, on which it was chosen"
_COMBINATIONS: Final = "of every combination of inputs from none to all, the first input changing slowest"

GATES: Final = Table(
    name="gates",
    meaning="one row per boolean function of two or three features of a layer that was tested as one of the next",
    columns=(
        _column("id", pa.string(), "{output}:{kind}:{inputs}, without the model's name"),
        _column("kind", pa.string(), "AND, OR, or AND_NOT: the first input and not the second"),
        _column("output", pa.string(), "id of the downstream feature"),
        _column("inputs", _TEXTS, "ids of the upstream features"),
        _column(
            "verdict", pa.string(), "gate, or the first test that failed: undecided, imprecise, no_gain, unrepeated"
        ),
        _column("rank", pa.int64(), "among the gates of this kind and output, by F1; 0 is the best", null=True),
        _column("precision", pa.float64(), f"P(output active | gate on) {_SCORED}", "share", null=True),
        _column("recall", pa.float64(), f"P(gate on | output active) {_SCORED}", "share", null=True),
        _column("f1", pa.float64(), f"harmonic mean of the two {_SCORED}", "share", null=True),
        _column("gain", pa.float64(), f"F1 less that of the best gate of fewer of its inputs {_SCORED}", null=True),
        _column("f1_chosen", pa.float64(), f"F1 {_CHOSEN}", "share", null=True),
        _column("gain_chosen", pa.float64(), f"gain {_CHOSEN}", null=True),
        _column("score", pa.float64(), "the smaller gain of the two halves: the highest are listed first", null=True),
        _column("support", pa.int64(), "tokens of both halves with gate and output active", "tokens"),
        _column("tokens", _COUNTS, f"tokens {_COMBINATIONS}, {_SCORED}", "tokens"),
        _column("active", _COUNTS, "of these, with the output active", "tokens"),
        _column("tokens_chosen", _COUNTS, f"tokens {_COMBINATIONS}, {_CHOSEN}", "tokens"),
        _column("active_chosen", _COUNTS, "of these, with the output active", "tokens"),
    ),
)

SPLITS: Final = Table(
    name="splits",
    meaning="one row per feature that several features of the next layer divide among themselves",
    columns=(
        _column("id", pa.string(), "id of the parent without the model's name, and the SAE of its children"),
        _column("parent", pa.string(), "id of the upstream feature"),
        _column("children", _TEXTS, "ids of the downstream features, the largest share first"),
        _column("shares", pa.list_(pa.float64()), f"P(child active | parent active) {_SCORED}", "share"),
        _column("purities", pa.list_(pa.float64()), f"P(parent active | child active) {_SCORED}", "share"),
        _column("coverage", pa.float64(), f"P(any child active | parent active) {_SCORED}", "share"),
        _column("overlap", pa.float64(), f"P(several active | any child and the parent active) {_SCORED}", "share"),
        _column("score", pa.float64(), "coverage times 1 - overlap: 1 is a partition", "share"),
        _column("coverage_chosen", pa.float64(), f"coverage {_CHOSEN}", "share"),
        _column("overlap_chosen", pa.float64(), f"overlap {_CHOSEN}", "share"),
        _column("support", pa.int64(), "tokens of both halves with the parent and any child active", "tokens"),
    ),
)

RECOVERY: Final = Table(
    name="recovery",
    meaning="one row per feature with a next SAE: how much of it is in the error of that",
    columns=(
        _column("feature", pa.string(), "id of the feature"),
        _column("sae", pa.string(), "its SAE"),
        _column("next_sae", pa.string(), "the SAE whose error is looked at"),
        _column(
            "feature_group",
            pa.string(),
            "low_necessity: nothing in the next SAE needs it; passed_through; other; or dead or rare",
        ),
        _column("necessity", pa.float64(), "the highest on an edge to the next SAE", "share", null=True),
        _column("tokens", pa.int64(), "counted tokens on which it is active, that all this is taken of", "tokens"),
        _column("mean", pa.float64(), "mean length of what it adds to its SAE's reconstruction there", null=True),
        _column(
            "recovered",
            pa.float64(),
            "of that, the share that the next SAE's error has along its decoder direction: 1 is all of it",
            "share",
            null=True,
        ),
        _column("slope", pa.float64(), "of the regression of the one on the other over these tokens", null=True),
        _column("correlation", pa.float64(), "of the two over these tokens", "correlation", null=True),
        _column("control", pa.float64(), "recovered along a random direction, on the same tokens", "share", null=True),
        _column("control_slope", pa.float64(), "slope along the random direction", null=True),
        _column(
            "control_correlation", pa.float64(), "correlation along the random direction", "correlation", null=True
        ),
    ),
)

COPIES: Final = Table(
    name="copies",
    meaning="one row per feature with an SAE before: what its SAE makes of the residual stream that this one reads",
    columns=(
        _column("feature", pa.string(), "id of the feature"),
        _column("sae", pa.string(), "its SAE"),
        _column("previous_sae", pa.string(), "the SAE whose residual stream is encoded by its own"),
        _column(
            "copied", pa.float64(), "correlation of that with its activation, over counted tokens", "correlation",
            null=True,
        ),
        _column("ratio", pa.float64(), "mean of that over its mean activation", "share", null=True),
        _column("positive", pa.int64(), "counted tokens on which that is above 0", "tokens"),
        _column("tokens", pa.int64(), "counted tokens", "tokens"),
    ),
)  # fmt: skip

HEATMAPS: Final = Table(
    name="heatmaps",
    meaning="one row per cell, if not empty, of a heat map of SAE errors along directions by activation",
    columns=(
        _column("sae", pa.string(), "the SAE of the features"),
        _column("next_sae", pa.string(), "the SAE whose error is looked at"),
        _column(
            "directions",
            pa.string(),
            "decoder directions of the features of low_necessity or passed_through; random: others for the former",
        ),
        _column("x_low", pa.float64(), "from this length of what a feature adds to the reconstruction of its SAE"),
        _column("x_high", pa.float64(), "to this"),
        _column("y_low", pa.float64(), "from this component of the error along the direction"),
        _column("y_high", pa.float64(), "to this"),
        _column("count", pa.int64(), "active features, token by token, in the cell"),
        _column("outside", pa.int64(), "those in none of the map's cells, the same in each row of a map"),
    ),
)

EFFECTS: Final = Table(
    name="effects",
    meaning="one row per edge whose source was taken out of the model, to see what becomes of its target",
    columns=(
        _column("source", pa.string(), "id of the upstream feature"),
        _column("target", pa.string(), "id of the downstream feature"),
        *(_column(e.name, pa.float64(), e.meaning, e.unit, null=True) for e in EFFECT_MEASURES),
        _column("effect_tokens", pa.int64(), "tokens with both active that effect is the mean of", "tokens"),
        _column("effect_documents", pa.int64(), "documents of these", "documents"),
        _column(
            "effect_contexts", pa.int64(), "contexts with the source active from which it was taken out", "contexts"
        ),
        _column(
            "effect_share", pa.float64(), "of all contexts with the source active, the share that these are", "share"
        ),
        _column("effect_controls", pa.int64(), "targets that effect_control is the mean of"),
        _column("effect_direction", pa.string(), "sae: its activation set to 0; decoder: its direction projected out"),
        _column("settings", pa.string(), "hash of the settings: an edge of the same is not computed again"),
    ),
)

PROMPTS: Final = Table(
    name="prompts",
    meaning="one row per text that is not the run's, with the features that are active on its tokens",
    columns=(
        _column("id", pa.string(), "name of the prompt"),
        _column("text", pa.string(), "the text"),
        _column("created", pa.string(), "when it was read, ISO 8601, UTC"),
        _column("tokens", _TEXTS, "what the model read, token by token, BOS included"),
        _column("counted", _COUNTS, "positions of the tokens that count; the others are special, first, or sinks"),
        _column(
            "threshold",
            pa.float64(),
            "active means above this share of the feature's largest activation; null: as in the run",
            "share",
            null=True,
        ),
        _column("features", _TEXTS, "ids of the active features, one for each token that it is active on"),
        _column("positions", _COUNTS, "of each of these, the position of the token"),
        _column("activations", _NUMBERS, "of each of these, the activation", "activation"),
    ),
)


def rows(table: Table, columns: Mapping[str, Any]) -> pa.Table:
    """Return rows of `table` from arrays or lists by column; a column left out is null, and so is NaN."""
    unknown = set(columns) - {c.name for c in table.columns}
    if unknown:
        raise ValueError(f"no columns {sorted(unknown)} in table {table.name}")
    length = len(next(iter(columns.values())))
    arrays = [
        pa.array(columns[c.name], type=c.type, from_pandas=True) if c.name in columns else pa.nulls(length, c.type)
        for c in table.columns
    ]
    return pa.Table.from_arrays(arrays, schema=table.schema)


def read(table: Table, path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of a file that must hold `table`, all columns or some.

    Raises:
        RunError: the file is missing, damaged, of another table or of a later version of saedb.
    """
    with opened(table, path) as file:
        return file.read(None if columns is None else list(columns))


def parts(table: Table, path: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield some columns of the rows of a file that must hold `table`, so many rows at a time.

    Raises:
        RunError: as `read` does; while reading, too.
    """
    with opened(table, path) as file:
        for batch in file.iter_batches(columns=list(columns)):
            yield pa.Table.from_batches([batch])


@contextmanager
def opened(table: Table, path: Path) -> Generator[pq.ParquetFile]:
    """Open a file that must hold `table`, and say of what goes wrong while it is read what to do."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check(table, file.schema_arrow, path)
            yield file
    except FileNotFoundError:
        raise RunError(f"{path} is missing; compute or import the run again") from None
    except (pa.ArrowException, OSError) as error:
        raise RunError(f"{path} is damaged ({_first_line(error)}); compute or import the run again") from error


def check_format(version: int, path: Path) -> None:
    """Check that a file or a run was written by this version of the run directory.

    Raises:
        RunError: it was written by another.
    """
    if version > FORMAT:
        raise RunError(f"{path} is of format {version}, this saedb reads {FORMAT}; update saedb")
    if version < FORMAT:
        raise RunError(
            f"{path} is of format {version}, of an earlier saedb; this one reads {FORMAT}: compute or import it again"
            " under another --run"
        )


def _check(table: Table, found: pa.Schema, path: Path) -> None:
    metadata = found.metadata or {}
    version = int(metadata.get(b"saedb.format", b"0"))
    check_format(version, path)
    if not found.equals(table.schema, check_metadata=False):
        ours = {(c.name, str(c.type)) for c in table.columns}
        differing = sorted({(f.name, str(f.type)) for f in found} ^ ours)
        raise RunError(f"{path} is no {table.name} table (differs in {differing}); compute or import the run again")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
