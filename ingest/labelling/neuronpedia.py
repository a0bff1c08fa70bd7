"""Explanations as Neuronpedia gives them, and the lists of the paper's authors: all are JSON.

Three forms of Neuronpedia's are read: the lines of its exports (``explanations/batch-0.jsonl.gz``), one explanation
each; lists of such; and features of its API, with a list ``explanations`` in each. The paper's page reads graphs in
node-link form, whose nodes have a layer, a feature and an explanation.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from saedb.ingest.labelling.labelled import Labelled, UselessError, cleaned, name_in, number, whole_number

NEURONPEDIA: Final = "neuronpedia"
PAPER: Final = "paper"

_PLACE: Final = ("modelId", "layer", "index")


def labels_in(value: Any) -> Iterator[tuple[str, Labelled | UselessError]]:
    """Yield what a JSON value holds, each with its place in the value ("" for the value itself)."""
    if isinstance(value, list):
        for place, item in enumerate(value, 1):
            for inner, found in labels_in(item):
                yield f" item {place}{inner}", found
    elif not isinstance(value, Mapping):
        yield "", UselessError("no JSON object")
    elif isinstance(value.get("nodes"), list):
        for place, node in enumerate(value["nodes"], 1):
            yield f" node {place}", _or_why(_node, node)
    elif isinstance(value.get("explanations"), list):
        shared = {name: value[name] for name in _PLACE if name in value}
        for place, item in enumerate(value["explanations"], 1):
            yield f" explanation {place}", _or_why(_explanation, shared | item if isinstance(item, dict) else item)
    else:
        yield "", _or_why(_explanation, value)


def _or_why(read: Any, value: Any) -> Labelled | UselessError:
    if not isinstance(value, Mapping):
        return UselessError("no JSON object")
    try:
        return read(value)
    except UselessError as error:
        return error


def _explanation(row: Mapping[str, Any]) -> Labelled:
    layer, model = row.get("layer"), row.get("modelId")
    if not isinstance(layer, str | int) or "description" not in row:
        raise UselessError(f"no {'description' if 'description' not in row else 'layer'}")
    return Labelled(
        sae=f"{model}/{layer}" if isinstance(model, str) and model else str(layer),
        feature=whole_number(row.get("index"), "index"),
        text=cleaned(row["description"]),
        author=name_in(row.get("explanationModelName")) or _person(row),
        method=name_in(row.get("typeName")),
        score=_score(row.get("scores")),
        source=NEURONPEDIA,
    )


def _person(row: Mapping[str, Any]) -> str | None:
    author = row.get("author")
    return name_in(author.get("name") if isinstance(author, Mapping) else row.get("authorId"))


def _score(scores: Any) -> float | None:
    """Return the highest of the scores of an explanation, which several methods may have given."""
    listed: list[Any] = scores if isinstance(scores, list) else []
    values = [number(score.get("value")) for score in listed if isinstance(score, Mapping)]
    return max((value for value in values if value is not None), default=None)


def _node(row: Mapping[str, Any]) -> Labelled:
    return Labelled(
        sae=str(whole_number(row.get("layer"), "layer")),
        feature=whole_number(row.get("feature"), "feature"),
        text=cleaned(row.get("explanation")),
        source=PAPER,
    )
