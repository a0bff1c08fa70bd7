"""The conventions of arXiv 2410.08869, stage by stage, and what meets them here: what ``--preset paper`` means.

Declared once. The presets of the commands and of the queries, and the table in ``docs/paper.md``, are these. What the
paper did that no setting decides is said in words.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

NAME: Final = "paper"

_ABOVE_A_TENTH: Final = math.nextafter(0.1, 1.0)
"""The paper's "> 0.1", where an edge is kept from a value on: no float64 lies between."""
_SAME: Final = 0.95
"""The paper's final threshold of Pearson for a feature that is passed through."""

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """One thing that the paper did, in words, and how it is done here."""

    stage: str
    paper: str
    """What the paper did."""
    here: str = ""
    """What else there is to say: how it is met without a setting, or what differs."""
    settings: Mapping[str, Settings] = field(default_factory=dict[str, Settings])
    """Values that meet it, by command (``ingest``, ``communities``, ``query and-gates``) and by setting."""


_RARE: Final[Settings] = {"min_support": 0, "positional": True}
_GATES: Final[Settings] = {"rule": "paper", **_RARE}
_LOST: Final[Settings] = {"max_pearson": _SAME, "dead_and_rare": True, "positional": True}

CONVENTIONS: Final = (
    Convention(
        stage="model",
        paper="GPT-2 small by TransformerLens with its usual processing: what is written to the residual stream has no"
        " mean",
        here="the release's own `model_from_pretrained_kwargs` centre the weights; folded norms change no residual",
    ),
    Convention(
        stage="SAEs",
        paper="`blocks.0` to `blocks.11.hook_resid_pre`, 11 pairs",
        here="`--layers 0-11`: the release has a 13th, of the end of block 11",
    ),
    Convention(
        stage="text",
        paper="pile-10k in its order, documents joined, rows of BOS and 127 tokens, by `tokenize_and_concatenate`",
        here="the dataset is the default one, the context size that of the SAEs",
        settings={"ingest": {"packing": "transformer-lens", "halves": False}},
    ),
    Convention(
        stage="text",
        paper="BOS, EOS and every other token count",
        settings={"ingest": {"count_all": True}},
    ),
    Convention(
        stage="activity",
        paper="active strictly above 0.2 of a feature's largest activation",
        settings={"ingest": {"relative_threshold": 0.2}},
    ),
    Convention(
        stage="activity",
        paper="the largest activation is that of all 17,485,824 tokens of pile-10k, whatever is counted",
        here="that of the tokens that are counted, unless `--max-from RUN` or `--max-activations FILE` gives it",
    ),
    Convention(
        stage="edges",
        paper="of each measure the values above 0.1, in a matrix of its own",
        here="a pair with any of Pearson, Jaccard, necessity and sufficiency above 0.1 is an edge with all measures; a"
        " Pearson below -0.1 makes none",
        settings={"ingest": {"min_similarity": _ABOVE_A_TENTH}},
    ),
    Convention(
        stage="edges",
        paper="no least number of tokens or documents, and no test against chance",
        settings={"ingest": {"min_support": 0, "min_documents": 0, "min_lift": 0.0, "min_excess": -1.0}},
    ),
    Convention(
        stage="decoder cosine",
        paper="at least 0.4, in a graph of its own",
        here="`saedb decoder-edges`; of each feature the ten nearest, and none of a cosine below 0",
        settings={"decoder-edges": {"min_decoder_cosine": 0.4}},
    ),
    Convention(
        stage="states",
        paper="two: passed through from a Pearson of 0.95 on, else appearing or disappearing",
        settings={
            "ingest": {"passed_through": _SAME, "vanishing": _SAME},
            "query layer-profile": {"passed": _SAME, "vanishing": _SAME},
        },
    ),
    Convention(
        stage="states",
        paper="features that never fire count as appearing and disappearing, and in every share",
        here="the column `dead` counts them all the same: `n_positive` is 0, never above 0 on a counted token",
        settings={
            "ingest": {"separate_dead": False},
            "query layer-profile": {"dead_and_rare": True},
            "query appearing": _LOST,
            "query disappearing": _LOST,
        },
    ),
    Convention(
        stage="gates",
        paper="exactly two upstream features of a necessity (AND) or sufficiency (OR) from 0.999 on; no truth table",
        here="the queries' own threshold is 0.999; the verdict of the table stands beside, and leaves none out",
        settings={"query and-gates": _GATES, "query or-gates": _GATES, "query one-sided-gates": _RARE},
    ),
    Convention(
        stage="communities",
        paper="Leiden by leidenalg: modularity of the directed graph of one measure, all features, weights above 0.1,"
        " seed 42, two passes",
        here="of Jaccard unless `--measure` names another; a feature alone is a community in the paper, and none here",
        settings={
            "communities": {
                "algorithm": "leiden_directed",
                "engine": "local",
                "min_similarity": _ABOVE_A_TENTH,
                "resolution": 1.0,
                "seed": 42,
            }
        },
    ),
    Convention(
        stage="error recovery",
        paper="features whose best necessity is at most 0.4, on tokens above 0.1 of their largest activation",
        here="the usual settings of `saedb residuals`",
    ),
    Convention(
        stage="ablation",
        paper="the mean change over tokens where the downstream feature is above 0.01 of its largest activation",
        here="`effect_paper` of `saedb ablate`",
    ),
)


def preset(command: str) -> Settings:
    """Return the values of a command's or a query's settings, such as of ``ingest`` or ``query and-gates``."""
    found = {name: value for c in CONVENTIONS for name, value in c.settings.get(command, {}).items()}
    return MappingProxyType(found)


def table() -> str:
    """Return the conventions as a table in Markdown."""
    lines = ["| stage | the paper | here |", "|---|---|---|"]
    lines += [f"| {c.stage} | {c.paper} | {'; '.join(filter(None, [_settings(c), c.here]))} |" for c in CONVENTIONS]
    return "\n".join(lines)


def _settings(convention: Convention) -> str:
    """Return the settings of a convention as options, those of ``ingest`` first and by themselves."""
    parts: list[str] = []
    for command, settings in convention.settings.items():
        options = " ".join(_option(name, value) for name, value in settings.items())
        parts.append(f"`{options}`" if command == "ingest" else f"`{command} {options}`")
    return ", ".join(parts)


def _option(name: str, value: Any) -> str:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {value}"
