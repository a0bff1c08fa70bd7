"""What is asked for: where a view starts, how far it goes, and what was opened or hidden by hand."""

from dataclasses import dataclass
from typing import Final, Literal

StartKind = Literal["feature", "community", "gate", "path", "prompt"]
Direction = Literal["in", "out"]

MAX_NODES: Final = 2_000
MAX_EDGES: Final = 5_000
MAX_HOPS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a view starts."""

    kind: StartKind
    value: str
    """A feature; a community as ``partition/number``; the id of a gate; features with commas between them; a prompt,
    with ``@position`` for one of its tokens. Features are whole ids or ``6-res-jb/2320``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A feature whose inputs or outputs are shown as well."""

    feature: str
    direction: Direction
    """``in``: upstream; ``out``: downstream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which part of a run a view shows."""

    run: str
    start: Start
    measure: str
    floor: float
    """Lowest value of the measure on every edge."""
    hops: int = 0
    """How many edges upstream and downstream of the start."""
    expansions: tuple[Expansion, ...] = ()
    """Only those count whose feature is shown without them, or by another one."""
    hidden: tuple[str, ...] = ()
    """Features that are left out, and not passed on the way to others."""
    partition: str | None = None
    """The partition whose communities the features are told with; None: the default one."""
    max_nodes: int = MAX_NODES
    max_edges: int = MAX_EDGES
