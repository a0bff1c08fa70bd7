"""What ``run.json`` holds, as typed records.

Read once at the edge, where pydantic checks types and ranges. The file may be a stranger's, and its names become parts
of paths and ids: whoever makes a record, it has no name that may not be one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from saedb.ingest.errors import InputError
from saedb.ingest.naming import checked_name, quoted
from saedb.ingest.tables import FORMAT

_Count = Annotated[int, Field(ge=0, lt=2**63)]
_Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaeRecord:
    """One SAE of a run; what was not measured is None."""

    id: str
    """``{layer}-{set}``, the middle part of its features' ids."""
    layer: _Count
    set: str
    depth: _Count
    """Rank along the model, from 0."""
    hook: str | None = None
    d_sae: _Count
    d_in: _Count | None = None
    architecture: str | None = None
    source: str | None = None
    """Release and SAE id, or folder, that it was loaded from."""
    sha256: str | None = None
    """Hash of its weights."""
    l0: float | None = None
    """Mean number of features above 0 on a counted token."""
    explained_variance: float | None = None
    """1 - sum |x - x_hat|^2 / sum |x - mean|^2 over counted tokens."""
    dead: float | None = None
    """Share of features that never fire on a counted token."""

    def __post_init__(self) -> None:
        """Check the name.

        Raises:
            InputError: the set or the id is none.
        """
        checked_name("set", self.set)
        if self.id != f"{self.layer}-{self.set}":
            raise InputError(f"the SAE {quoted(self.id)} should be called {self.layer}-{self.set}, by layer and set")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """How many tokens the model read and how many of them count."""

    read: _Count
    counted: _Count
    left_out: Mapping[str, _Count]
    """Tokens not counted, by the first reason that applied."""
    documents: _Count
    context_size: _Count
    """Tokens per context."""
    prepend_bos: bool
    """Whether each context starts with the BOS token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullRecord:
    """How many edges chance alone gives on a sample of the text, over all pairs of SAEs; lists go with `values`."""

    tokens: int
    """Counted tokens of the sample."""
    values: tuple[float, ...]
    """Of a measure; edges are counted from each of them on."""
    found: Mapping[str, tuple[int, ...]]
    """Edges of the sample as it is, by measure."""
    chance: Mapping[str, tuple[int, ...]]
    """Edges with the downstream layer rotated by whole contexts, by measure."""
    rates: Mapping[str, tuple[float | None, ...]]
    """Chance over found, by measure: the rate of false discoveries; None where there is no edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesRecord:
    """How the gates were found, and how many chance alone gives; by kind of gate."""

    settings: Mapping[str, Any]
    """The fields of `saedb.ingest.motifs.settings.GateSettings`."""
    tested: Mapping[str, _Count]
    """Sets of inputs whose truth table was looked at."""
    kept: Mapping[str, _Count]
    """Those that are gates."""
    chance: Mapping[str, float]
    """Expected gates with one input rotated by whole contexts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitsRecord:
    """How the splits were found."""

    settings: Mapping[str, Any]
    """The fields of `saedb.ingest.motifs.settings.SplitSettings`."""
    count: _Count


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualsRecord:
    """How recovery and copies were measured."""

    settings: Mapping[str, Any]
    """The fields of `saedb.ingest.residuals.settings.ResidualSettings`."""
    tokens: _Count
    """Counted tokens that were read again."""
    device: str
    made_from: _Sha256
    """Hash of all that decides the tables: where it is the same, they are not computed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One finished file of a run."""

    sha256: _Sha256
    bytes: _Count
    rows: _Count


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Everything about a run that is not a table."""

    id: str
    kind: Literal["ingest", "import", "decoders"]
    """From a text; of a table of edges that others computed; or of the SAEs' decoders alone."""
    model: str
    """The first part of its features' ids, Neuronpedia's name where there is one."""
    created: str
    """ISO 8601, UTC."""
    config: Mapping[str, Any]
    """Every setting that decides what the tables hold, defaults included."""
    status: Literal["computing", "complete"] = "computing"
    format: int = FORMAT
    saes: tuple[SaeRecord, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    """Ids of upstream and downstream SAE of each computed pair."""
    tokens: TokenCounts | None = None
    medians: Mapping[str, float] | None = None
    """Median residual norm by hook, by which attention sinks are told; None where they count, or none is known."""
    dataset: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    device: str | None = None
    timings: Mapping[str, float] = field(default_factory=dict[str, float])
    """Seconds of each stage."""
    warnings: tuple[str, ...] = ()
    null: NullRecord | None = None
    gates: GatesRecord | None = None
    splits: SplitsRecord | None = None
    residuals: ResidualsRecord | None = None
    files: Mapping[str, FileRecord] = field(default_factory=dict[str, FileRecord])

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            InputError: the id or the model is none, two SAEs share one, or a pair is of an SAE that is not there.
        """
        checked_name("run name", self.id)
        checked_name("model", self.model)
        times = Counter(sae.id for sae in self.saes)
        twice = [sae for sae, count in times.items() if count > 1]
        if twice:
            raise InputError(
                f"there are {times[twice[0]]} SAEs {twice[0]}; each should have a layer and set of its own"
            )
        strange = [sae for pair in self.pairs for sae in pair if sae not in times]
        if strange:
            raise InputError(f"a pair names the SAE {quoted(strange[0])}; there are {', '.join(times) or 'none'}")
