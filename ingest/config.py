"""The settings of a run, with every default declared once."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

from saedb.ingest import paper
from saedb.ingest.errors import InputError

MIN_SIMILARITY: Final = 0.1
PASSED: Final = 0.95
VANISHING: Final = 0.3

Device = Literal["auto", "cpu", "cuda"]
Packing = Literal["sae-lens", "transformer-lens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaeChoice:
    """Which SAEs are taken, and which of them are related.

    Raises:
        InputError: none is named.
    """

    inputs: tuple[str, ...]
    """A SAELens release, folders in SAELens' format, or ``demo``."""
    layers: str | None = None
    """Layer numbers to take, like ``4-8``; all when None."""
    saes: str | None = None
    """Glob over the SAE ids of a release or the names of folders; all when None."""
    set: str | None = None
    """The set's name in feature ids; None: Neuronpedia's or the folder's."""
    pairs: str | None = None
    """Pairs to relate, by layer or SAE, like ``4:6,5-res:5-mlp``; None: neighbours along the model."""

    def __post_init__(self) -> None:
        if not self.inputs:
            raise InputError("no SAEs named; give a SAELens release, a folder, or demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestConfig(SaeChoice):
    """What is analysed, and the thresholds by which a pair of features becomes an edge.

    Raises:
        InputError: a value is out of its range.
    """

    model: str | None = None
    """Model to load; None: the one that the SAEs name."""
    dataset: str = "NeelNanda/pile-10k"
    """A Hugging Face dataset, a local file or folder, or ``demo``."""
    column: str | None = None
    """Column of the dataset that holds the text; None: the one called ``text``, or the only one with text."""
    split: str = "train"
    """Split of the dataset."""
    revision: str | None = None
    """Revision of the dataset on the hub; None: the newest."""
    tokens: int = 1_000_000
    """Tokens to read, rounded up to whole contexts; at least 1. Rare features need many."""
    context_size: int | None = None
    """Tokens per context, at least 2; None: what the SAEs were trained with."""
    device: Device = "auto"
    """Where the model and the SAEs run; ``auto`` is CUDA where there is any."""
    tf32: bool = False
    """Encode in TF32 on CUDA: faster, and the share of activations that it flips is reported."""
    memory: str | None = None
    """Memory that the run may take, like ``8GB``; None: three quarters of what is free."""
    packing: Packing = "sae-lens"
    """How documents become contexts: as SAELens' activation store makes them, BOS between documents; or as
    TransformerLens 2 does, many documents as one text, which the paper read, and which knows no halves."""
    activations: str | None = None
    """Folder of activations cached by EleutherAI's delphi, instead of a pass over the text."""
    max_activations: str | None = None
    """Table of features and their largest activations, which thresholds are shares of; None: those of this run."""
    max_from: str | None = None
    """Run, or its folder, whose largest activations the thresholds are shares of."""

    count_all: bool = False
    """Count special tokens, first positions and attention sinks as well, as the paper did."""
    relative_threshold: float = 0.2
    """A feature is active above this share of its largest activation; from 0 to below 1."""
    min_similarity: float = MIN_SIMILARITY
    """A pair is an edge where Pearson, Jaccard, necessity or sufficiency is at least this; above 0, up to 1."""
    min_support: int = 10
    """Tokens on which both features of an edge are active; a feature active on fewer is rare. At least 0."""
    min_documents: int = 3
    """Documents with such a token; a feature active in fewer is rare. At least 0."""
    min_lift: float = 2.0
    """Where only necessity or sufficiency makes the edge: this lift, or `min_excess`, must be reached. At least 0."""
    min_excess: float = 0.2
    """Necessity minus the density of the upstream feature; from -1 to 1."""
    min_decoder_cosine: float | None = None
    """Pairs whose decoders have at least this cosine are edges as well, whether they meet or not; above 0, up to 1.
    None: decoders make no edge."""
    nearest_decoders: int = 10
    """Pairs that a feature may bring in so, the highest cosines, with each SAE that it is related to; at least 1."""
    passed_through: float = PASSED
    """Pearson from which on a feature counts as the same one in the next layer; above 0, up to 1."""
    vanishing: float = VANISHING
    """Pearson below which a feature has no counterpart; at least `min_similarity`, at most `passed_through`."""
    separate_dead: bool = True
    """Features that never fire have a state of their own, instead of appearing and disappearing."""

    halves: bool = True
    """Pack the documents in two halves that share no context, so that what one shows can be checked on the other."""
    split_half: bool = False
    """Count both halves of the documents as well, and store how far each measure moved between them."""
    bootstrap: int = 0
    """Resamplings of the documents for 95 % intervals of necessity and sufficiency; 0: none."""
    null_tokens: int = 131_072
    """Tokens on which layers are set against each other by chance alone, for the rate of false discoveries; 0: none."""

    examples: int = 10
    """Contexts kept for each feature, at least 1."""
    keep_activations: bool = True
    """Keep the activation store when the run is complete; gates, prompts and later stages read it."""
    batch_contexts: int = 32
    """Contexts that go through the model at once, at least 1; larger needs more memory."""
    shard_contexts: int = 256
    """Contexts per shard of the activation store, at least 1: the most work that is lost when a run is stopped."""

    def __post_init__(self) -> None:
        SaeChoice.__post_init__(self)  # a class with slots is another one than `super` knows
        for name, low in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= low):
                raise InputError(f"{name} is {value}; it must be at least {low}")
        if not 0.0 <= self.relative_threshold < 1.0:
            raise InputError(f"relative_threshold is {self.relative_threshold}; it must be from 0 to below 1")
        if not 0.0 < self.min_similarity <= 1.0:
            raise InputError(f"min_similarity is {self.min_similarity}; it must be above 0, and at most 1")
        if self.min_decoder_cosine is not None:
            check_cosine(self.min_decoder_cosine)
        if not -1.0 <= self.min_excess <= 1.0:
            raise InputError(f"min_excess is {self.min_excess}; it must be from -1 to 1")
        if not self.min_similarity <= self.vanishing <= self.passed_through <= 1.0:
            raise InputError(
                f"vanishing is {self.vanishing}; it must be from min_similarity ({self.min_similarity})"
                f" to passed_through ({self.passed_through}), which is at most 1"
            )
        if self.packing not in get_args(Packing):
            raise InputError(f"packing is {self.packing!r}; it must be {' or '.join(get_args(Packing))}")
        if self.packing == "transformer-lens" and self.halves:
            raise InputError("packing transformer-lens makes one stream of the documents; give --no-halves with it")
        if self.device not in ("auto", "cpu", "cuda"):
            raise InputError(f"device is {self.device!r}; it must be auto, cpu or cuda")

    def settings(self) -> dict[str, Any]:
        """Return the settings that decide what the tables hold, as JSON values."""
        settings = {**asdict(self), "inputs": list(self.inputs)}
        return {name: value for name, value in settings.items() if name not in _HOW_NOT_WHAT}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderConfig(SaeChoice):
    """Which SAEs are related by their decoders alone, without a text.

    Raises:
        InputError: a value is out of its range.
    """

    min_decoder_cosine: float = 0.4
    """Lowest cosine of two decoder rows that makes an edge, as in the paper; above 0, up to 1."""
    nearest_decoders: int = 10
    """Edges that a feature may bring in, those of its highest cosines, with each SAE that it is related to; at least
    1."""
    device: Device = "auto"
    """Where rows are multiplied; ``auto`` is CUDA where there is any. It changes no edge."""

    def __post_init__(self) -> None:
        SaeChoice.__post_init__(self)  # a class with slots is another one than `super` knows
        check_cosine(self.min_decoder_cosine)
        if self.nearest_decoders < 1:
            raise InputError(f"nearest_decoders is {self.nearest_decoders}; it must be at least 1")

    def settings(self) -> dict[str, Any]:
        """Return the settings that decide what the tables hold, as JSON values."""
        return {name: value for name, value in asdict(self).items() if name != "device"} | {"inputs": list(self.inputs)}


def check_cosine(value: float) -> None:
    """Check the lowest cosine of decoders that makes an edge.

    Raises:
        InputError: it is out of its range.
    """
    if not 0.0 < value <= 1.0:
        raise InputError(f"min_decoder_cosine is {value}; it must be above 0, and at most 1")


_HOW_NOT_WHAT: Final = ("keep_activations", "memory")
_AT_LEAST: Final[Mapping[str, float]] = MappingProxyType(
    {
        "tokens": 1,
        "context_size": 2,
        "min_support": 0,
        "min_documents": 0,
        "min_lift": 0,
        "nearest_decoders": 1,
        "bootstrap": 0,
        "null_tokens": 0,
        "examples": 1,
        "batch_contexts": 1,
        "shard_contexts": 1,
    }
)

PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({paper.NAME: paper.preset("ingest")})
"""Named sets of settings; ``paper`` follows arXiv 2410.08869: `IngestConfig(inputs=..., **PRESETS["paper"])`."""
