"""How two runs were defined differently, and what that means for a comparison of them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from saedb.cypher.connection import Connection, Row

_ACTIVE: Final = "a feature is active on other tokens, so every measure but Pearson and the cosines moves"
_COUNTED: Final = "other tokens count, so every measure but the decoder cosine moves"
_TEXT: Final = "another text was read, so every measure but the decoder cosine moves"
_RULE: Final = "other pairs become edges, so one that is absent may only have missed this"
_STATE: Final = "states have another meaning, so some features change only their state's name"
_NEAREST: Final = (
    "its edges are the nearest decoders of each feature, and decoder_cosine is the only measure to compare by"
)
_ORIGIN: Final = "features of one id may be other features"

MEANINGS: Final[Mapping[str, str]] = {
    "inputs": _ORIGIN,
    "saes": _ORIGIN,
    "model": _ORIGIN,
    "dataset": _TEXT,
    "column": _TEXT,
    "split": _TEXT,
    "revision": _TEXT,
    "activations": _TEXT,
    "context_size": _COUNTED,
    "packing": _COUNTED,
    "count_all": _COUNTED,
    "halves": _COUNTED,
    "relative_threshold": _ACTIVE,
    "max_activations": _ACTIVE,
    "max_from": _ACTIVE,
    "min_similarity": _RULE,
    "min_support": f"{_RULE}, and rare features are others",
    "min_documents": f"{_RULE}, and rare features are others",
    "min_lift": _RULE,
    "min_excess": _RULE,
    "min_decoder_cosine": _RULE,
    "nearest_decoders": _RULE,
    "passed_through": _STATE,
    "vanishing": _STATE,
    "separate_dead": _STATE,
}
"""The settings of a run that a comparison depends on, each with what another value does to it."""

_OF_IMPORTS: Final = {"passed": "passed_through"}
_PROPERTIES: Final = "MATCH (r:Run {id: $run}) RETURN r {.id, .kind, .model, .tokens, .dataset, .config} AS run"


def definition(connection: Connection, run: str) -> Row:
    """Return id, kind, model, tokens, dataset and settings of a run; ``config`` is an object."""
    found: Row = connection.read(_PROPERTIES, run=run)[0]["run"]
    config: dict[str, Any] = json.loads(found["config"] or "{}")
    return {**found, "config": {_OF_IMPORTS.get(name, name): value for name, value in config.items()}}


def warnings(a: Row, b: Row) -> Iterator[str]:
    """Yield a line for everything in which two definitions differ, with what it means."""
    kinds = {run["kind"]: run for run in (a, b)}
    if len(kinds) == 2 and "import" in kinds:
        yield f"{kinds['import']['id']} is an import: which pairs became its edges, and on which text, is not known"
    elif len(kinds) == 2 and "decoders" in kinds:
        yield f"{kinds['decoders']['id']} was made without text: {_NEAREST}"
    elif a["kind"] == "import" and a["config"].get("files") != b["config"].get("files"):
        yield "both are imports: which pairs became edges, and on which text, is not known"
    if a["tokens"] != b["tokens"] and None not in (a["tokens"], b["tokens"]):
        yield (
            f"tokens: {a['tokens']:,} counted in {a['id']}, {b['tokens']:,} in {b['id']}; with fewer, rare features "
            "have no edges, and measures of small support move by chance"
        )
    for name, meaning in MEANINGS.items():
        if {name} <= a["config"].keys() & b["config"].keys():
            yield from _differing(name, meaning, a, b)


def _differing(name: str, meaning: str, a: Row, b: Row) -> Iterator[str]:
    there, here = a["config"][name], b["config"][name]
    if there != here:
        yield f"{name}: {_text(there)} in {a['id']}, {_text(here)} in {b['id']}; {meaning}"
    elif _contents(a, name) != _contents(b, name):
        yield f"{name}: {_text(there)} held something else for {b['id']}; {meaning}"


def _contents(run: Row, name: str) -> str | None:
    return run["config"].get("local", {}).get(name)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
