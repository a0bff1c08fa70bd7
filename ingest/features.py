"""The rows of the feature table: statistics, states, labels and short examples of one SAE's features."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from saedb.ingest.labels import TopWords, label
from saedb.ingest.rundir import RunDirectory, edges_file
from saedb.ingest.sources import SaeSource
from saedb.ingest.states import best_values
from saedb.ingest.statistics import FeatureStatistics
from saedb.ingest.tables import EDGES, FEATURES, rows
from saedb.ingest.vocabulary import visible

SHORT_EXAMPLES: Final = 3
"""Examples in the feature table; the others are in the examples table."""
_BEFORE: Final = 12
"""Tokens of these before the active one."""
_AFTER: Final = 6
"""Tokens of these after it."""

_NEURONPEDIA: Final = "https://www.neuronpedia.org"

_LINES: Final = re.compile(r"\s*\n\s*")


def feature_ids(model: str, source: SaeSource) -> NDArray[np.object_]:
    """Return the id of each feature of an SAE, [d_sae]: ``{model}/{layer}-{set}/{index}``."""
    return np.array([f"{model}/{source.id}/{index}" for index in range(source.d_sae)], dtype=object)


def feature_rows(
    source: SaeSource,
    ids: NDArray[np.object_],
    statistics: FeatureStatistics,
    *,
    state_in: NDArray[np.object_],
    state_out: NDArray[np.object_],
    best_in: NDArray[np.float64],
    best_out: NDArray[np.float64],
    top: Sequence[TopWords],
    promoted: Sequence[Sequence[str]],
    examples: Sequence[Sequence[str]],
    whole: Mapping[str, Mapping[str, str]],
) -> pa.Table:
    """Return the feature table's rows for one SAE; every argument but `source` is by feature, [d_sae].

    `whole` is by id of the feature, as `wholewords.whole_words` returns it.
    """
    count = len(ids)
    return rows(
        FEATURES,
        {
            "id": ids,
            "sae": np.full(count, source.id, dtype=object),
            "layer": np.full(count, source.layer),
            "depth": np.full(count, source.depth),
            "index": np.arange(count),
            "url": urls(source),
            "n_positive": statistics.n_positive,
            "n_active": statistics.n_active,
            "density": statistics.density,
            "mean": statistics.mean,
            "max": statistics.max,
            "threshold": statistics.threshold,
            "histogram": [
                counts if found else None
                for counts, found in zip(statistics.histogram.tolist(), statistics.n_positive, strict=True)
            ],
            "positional": statistics.positional,
            "state_in": state_in,
            "state_out": state_out,
            "best_in": best_in,
            "best_out": best_out,
            "label": [label(t, p, whole.get(id_, {})) for t, p, id_ in zip(top, promoted, ids, strict=True)],
            "top_tokens": [list(t.words) for t in top],
            "promoted_tokens": [list(p) for p in promoted],
            "examples": [list(e) for e in examples],
        },
    )


def urls(source: SaeSource) -> list[str | None]:
    """Return the page of each feature of an SAE on Neuronpedia, [d_sae]; None where there is none."""
    if source.neuronpedia_id is None:
        return [None] * source.d_sae
    return [f"{_NEURONPEDIA}/{source.neuronpedia_id}/{index}" for index in range(source.d_sae)]


def meeting_edges(run: RunDirectory, pair: tuple[str, str], *columns: str) -> Iterator[pa.Table]:
    """Yield some columns of a pair's edges, of those alone that meet as often as the run's rule asks, part by part.

    Decoders bring in pairs that hardly meet, of which what is counted says nothing.
    """
    config = run.record.config
    meets = (pc.field("support") >= config["min_support"]) & (pc.field("support_docs") >= config["min_documents"])
    for part in run.parts(EDGES, edges_file(*pair), *columns, "support", "support_docs"):
        yield part.filter(meets).select(columns)


def best_on_edges(
    edges: Iterable[pa.Table], end: Literal["source", "target"], measure: str, ids: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Return the highest value of a measure of each feature over its edges, [d_sae]; NaN where it has none.

    Args:
        edges: rows of an edge file, part by part; of their columns, `end` and `measure`.
        end: at which end of the edges the features are.
        measure: the measure.
        ids: id of each feature, [d_sae].
    """
    index, best = pd.Index(ids), np.full(len(ids), np.nan)
    for part in edges:
        numbers = index.get_indexer(part[end].to_numpy())
        best = np.fmax(best, best_values(numbers, part[measure].to_numpy(), len(ids)))
    return best


def short_examples(examples: Iterable[pa.Table]) -> Mapping[str, list[str]]:
    """Return the first `SHORT_EXAMPLES` examples of features by their id, each as text with the active token in [[ ]].

    Args:
        examples: rows of the examples table, by feature and then by rank, part by part; of their columns, feature,
            rank, tokens and at.
    """
    by_feature: defaultdict[str, list[str]] = defaultdict(list)
    for part in examples:
        chosen = part.filter(pa.array(part["rank"].to_numpy() < SHORT_EXAMPLES))
        columns = (chosen[name].to_pylist() for name in ("feature", "tokens", "at"))
        for feature, tokens, at in zip(*columns, strict=True):
            by_feature[feature].append(_short(tokens, at))
    return by_feature


def _short(tokens: Sequence[str], at: int) -> str:
    before, after = tokens[max(at - _BEFORE, 0) : at], tokens[at + 1 : at + 1 + _AFTER]
    return _one_line("".join(before), tokens[at], "".join(after))


def _one_line(before: str, token: str, after: str) -> str:
    space = " " if token.startswith(" ") else ""
    return f"{_LINES.sub(' ', before + space).lstrip()}[[{visible(token)}]]{_LINES.sub(' ', after).rstrip()}"
