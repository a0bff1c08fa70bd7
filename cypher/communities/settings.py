"""The settings of communities, with every default declared once.

Imports nothing heavy: the command line makes options of this record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from saedb.cypher.nearest import suggestion
from saedb.ingest import paper
from saedb.ingest.errors import InputError

Algorithm = Literal["leiden", "leiden_directed", "louvain", "cpm", "components"]
Engine = Literal["gds", "local"]

NAME: Final = "main"
"""The partition that is found, and replaced, where none is named."""
MANY_RUNS: Final = 20
"""Enough runs with different seeds to see how stable a partition is."""
COHERENT: Final = 0.75
"""Mean cosine within layers from which on the paper takes a community to be about one thing (figure 5)."""
SWEEP: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Resolutions that a sweep tries."""

OFFERED: Final[Mapping[Engine, tuple[Algorithm, ...]]] = MappingProxyType(
    {"gds": ("leiden", "louvain", "components"), "local": ("leiden", "leiden_directed", "louvain", "cpm", "components")}
)
"""The algorithms of each engine."""
WITH_RESOLUTION: Final[Mapping[Engine, tuple[Algorithm, ...]]] = MappingProxyType(
    {"gds": ("leiden",), "local": ("leiden", "louvain", "cpm")}
)
"""Those that take a resolution."""
WITH_SEED: Final[Mapping[Engine, tuple[Algorithm, ...]]] = MappingProxyType(
    {"gds": ("leiden",), "local": ("leiden", "leiden_directed", "louvain", "cpm")}
)
"""Those whose result depends on a seed."""
WITH_LEVELS: Final[Mapping[Engine, tuple[Algorithm, ...]]] = MappingProxyType(
    {"gds": ("leiden", "louvain"), "local": ("louvain",)}
)
"""Those that find finer communities on their way."""

_ENGINES: Final[Mapping[Engine, str]] = MappingProxyType({"gds": "Graph Data Science", "local": "the local engine"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunitySettings:
    """How features are divided into communities.

    Raises:
        InputError: a value is out of its range, or the engine has no such thing.
    """

    algorithm: Algorithm = "leiden"
    """Leiden and Louvain maximise the modularity, leiden_directed that of the directed graph in two passes, as the
    paper did; CPM the weight inside beyond a density; components are what edges connect at all."""
    engine: Engine = "gds"
    """The server's Graph Data Science library, whose Leiden is carried on here until it adds nothing more; local is
    leidenalg and igraph on this machine, which any server does with."""
    measure: str = "jaccard"
    """Weight of the edges."""
    min_similarity: float = 0.1
    """Lowest weight of an edge that counts; above 0. Higher leaves more features out."""
    resolution: float = 1.0
    """Higher finds more and smaller communities (gamma); above 0. For CPM the density between communities."""
    seed: int = 42
    """Random seed."""
    runs: int = 1
    """Runs with different seeds, from 1 to 1000. With several, every feature and community gets a stability, and the
    partition that they agree on is kept beside this one."""
    levels: bool = False
    """Keep the finer communities that were found on the way, as a hierarchy."""
    sweep: bool = False
    """Also see what other resolutions give: how many communities, their modularity, and how like they are."""
    fast: bool = False
    """Four threads at once in Graph Data Science: faster, but the same seed may give other communities."""

    def __post_init__(self) -> None:
        if self.engine not in OFFERED:
            raise InputError(f"there is no engine {self.engine!r}; {suggestion(self.engine, OFFERED)}")
        engine = _ENGINES[self.engine]
        if self.algorithm not in OFFERED[self.engine]:
            better = "" if self.engine == "local" else "; local has it: --engine local"
            raise InputError(f"{engine} has no {self.algorithm}{better}")
        if not self.min_similarity > 0:
            raise InputError(f"the lowest similarity is {self.min_similarity}; weights must be positive")
        if not 0 < self.resolution < float("inf"):
            raise InputError(f"the resolution is {self.resolution}; it must be positive")
        if not 0 <= self.seed < 2**62:
            raise InputError(f"the seed is {self.seed}; it should be in [0, 2^62)")
        if not 1 <= self.runs <= 1000:
            raise InputError(f"runs is {self.runs}; it must be from 1 to 1000")
        self._check_offers(engine)

    def _check_offers(self, engine: str) -> None:
        algorithm = f"{self.algorithm} of {engine}"
        if self.resolution != 1.0 and not self.has_resolution:
            raise InputError(f"{algorithm} takes no resolution; leave out --resolution, or choose leiden")
        if self.runs > 1 and not self.has_seed:
            raise InputError(f"{algorithm} gives the same at every run; leave out --runs, or choose leiden")
        if self.levels and self.algorithm not in WITH_LEVELS[self.engine]:
            raise InputError(f"{algorithm} has no levels; leave out --levels, or choose leiden with --engine gds")
        if self.sweep and not self.has_resolution:
            raise InputError(f"{algorithm} takes no resolution; leave out --sweep, or choose leiden")
        if self.fast and self.engine != "gds":
            raise InputError("only Graph Data Science works with several threads; leave out --fast")

    @property
    def has_resolution(self) -> bool:
        """Whether the result depends on the resolution."""
        return self.algorithm in WITH_RESOLUTION[self.engine]

    @property
    def has_seed(self) -> bool:
        """Whether the result depends on the seed."""
        return self.algorithm in WITH_SEED[self.engine]


PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({paper.NAME: paper.preset("communities")})
"""Named sets of settings; ``paper`` follows arXiv 2410.08869."""
