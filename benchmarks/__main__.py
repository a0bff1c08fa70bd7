"""The edge engine beside its alternatives, on the same layers in the same run: `make bench`."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import click

from benchmarks import report, speed
from benchmarks.accuracy import accuracy
from benchmarks.alternatives import SparseProducts
from benchmarks.endtoend import end_to_end
from benchmarks.engine import task_of, warm_up
from benchmarks.figures import Figure, Goal
from benchmarks.generator import WIDTH, Layers
from benchmarks.memory import beside, within

CASES: Final = {20: Goal.at_least(12), 60: Goal.at_least(20), 100: Goal.at_least(20)}
"""Mean number of features above 0 on a token, and the goal against SciPy."""
USUAL: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    tokens: int
    demo_tokens: int
    blocks_width: int
    """Features of the layers that do not fit."""


FULL: Final = Sizes(tokens=100_000, demo_tokens=16_384, blocks_width=WIDTH // 2)
QUICK: Final = Sizes(tokens=10_000, demo_tokens=2_048, blocks_width=WIDTH // 8)


@click.command()
@click.option("--quick", is_flag=True, help="A tenth of the tokens, to try it; the figures mean little.")
@click.option("--demo/--no-demo", default=True, help="Run the demo's model as well, which takes minutes.")
@click.option(
    "--write/--no-write", default=None, help="Write RESULTS.md and results.json.  [default: after a whole run]"
)
def main(quick: bool, demo: bool, write: bool | None) -> None:
    """Measure the edge engine beside its alternatives, and print the ratios."""
    sizes = QUICK if quick else FULL
    start = time.perf_counter()
    found: list[Figure] = []
    for figure in figures(sizes, demo=demo):
        click.echo(report.line(figure), err=True)
        found.append(figure)
    heading = f"The edge engine beside its alternatives{', tried quickly' if quick else ''}"
    click.echo(f"{heading}, {sizes.tokens:,} tokens, {WIDTH:,} features; {time.perf_counter() - start:.0f} s in all")
    click.echo(report.lines(found))
    if write or (write is None and demo and not quick):
        report.write(found, heading)


def figures(sizes: Sizes, *, demo: bool) -> Iterator[Figure]:
    """Yield every figure as soon as it is there."""
    if demo:
        # first, while this process is small: the most memory of a child counts from what its parent has
        yield from end_to_end(sizes.demo_tokens)
    warm_up()
    for active, goal in CASES.items():
        yield from _of_layers(active, goal, sizes)
    yield from within(
        f"{USUAL}, {sizes.blocks_width:,} features", Layers(USUAL, width=sizes.blocks_width), 3 * sizes.tokens
    )
    yield from speed.growth(str(USUAL), Layers(USUAL), sizes.tokens)


def _of_layers(active: int, goal: Goal, sizes: Sizes) -> Iterator[Figure]:
    case, layers = str(active), Layers(active)
    task = task_of(layers.text(sizes.tokens), layers.width)
    products = SparseProducts(task)
    yield from speed.against_scipy(case, task, products, goal, rounds=2 if active > USUAL else speed.ROUNDS)
    if active == USUAL:
        yield from speed.against_blocks(case, task, products)
        yield from speed.against_dense(case, task, products)
        yield from speed.against_mkl(case, task, products)
        yield from speed.threads(case, task)
        yield from speed.statistics(case, task)
    yield from accuracy(case, task)
    yield from beside(case, layers, sizes.tokens)


if __name__ == "__main__":
    main()
