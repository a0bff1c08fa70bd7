"""The graph at the size of GPT-2 small's: loads, queries, disk."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import answers, loading
from benchmarks.figures import Figure
from benchmarks.graphs import Shape, made_up_run
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large the graphs are."""

    whole: Shape
    """Loaded in bulk, and asked."""
    part: Shape
    """Loaded online."""
    rounds: int
    """Of the online loads."""


FULL: Final = Scale(whole=Shape(), part=Shape(layers=4, edges=300_000), rounds=2)
QUICK: Final = Scale(
    whole=Shape(layers=4, width=2_000, edges=40_000), part=Shape(layers=2, width=2_000, edges=20_000), rounds=1
)


def scale(sizes: Scale) -> Iterator[Figure]:
    """Yield every figure as soon as it is there."""
    with tempfile.TemporaryDirectory() as folder:
        run = made_up_run(Path(folder) / "made-up", sizes.whole)
        case = f"{sizes.whole.edges:,} edges"
        with loading.empty_server() as server:
            yield from loading.bulk(case, server, run)
            with Connection(server.address()) as connection:
                yield from answers.answers(case, Graph(connection))
        part = made_up_run(Path(folder) / "part", sizes.part)
        yield loading.online(f"{sizes.part.edges:,} edges", part, sizes.rounds)
