"""The edge engine and the searches beside their alternatives, and the graph at scale: `make bench`."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import click

from benchmarks import browser, causal, communities, gates, report, scale, speed
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


Part = Literal["engine", "gates", "causal", "graph", "communities", "browser"]

HEADINGS: Final[dict[Part, str]] = {
    "engine": "The edge engine beside its alternatives",
    "gates": "The search for gates",
    "causal": "Ablation, and decoders alone",
    "graph": "The graph at scale",
    "communities": "Communities",
    "browser": "The feature browser",
}


@click.command()
@click.option("--only", type=click.Choice(list(HEADINGS)), help="Measure this part alone.")
@click.option("--quick", is_flag=True, help="Small sizes, to try it; the figures mean little.")
@click.option("--demo/--no-demo", default=True, help="Run the demo's model as well, which takes minutes.")
@click.option(
    "--write/--no-write", default=None, help="Write RESULTS.md and results.json.  [default: after whole parts]"
)
def main(only: Part | None, quick: bool, demo: bool, write: bool | None) -> None:
    """Measure the engine, gates, ablation, the graph at scale, communities and the browser; print the figures."""
    for part in [only] if only else HEADINGS:
        start = time.perf_counter()
        found: list[Figure] = []
        for figure in _figures(part, quick=quick, demo=demo):
            click.echo(report.line(figure), err=True)
            found.append(figure)
        heading = f"{HEADINGS[part]}{', tried quickly' if quick else ''}"
        click.echo(f"{heading}; {time.perf_counter() - start:.0f} s in all")
        click.echo(report.lines(found))
        if write or (write is None and demo and not quick):
            report.write(part, found, heading)


def _figures(part: Part, *, quick: bool, demo: bool) -> Iterator[Figure]:
    if part == "gates":
        return gates.search(gates.QUICK if quick else gates.FULL)
    if part == "causal":
        return causal.causal(causal.QUICK if quick else causal.FULL)
    if part == "graph":
        return scale.scale(scale.QUICK if quick else scale.FULL)
    if part == "communities":
        return communities.communities(communities.QUICK if quick else communities.FULL)
    if part == "browser":
        return browser.browser(browser.QUICK if quick else browser.FULL)
    return figures(QUICK if quick else FULL, demo=demo)


def figures(sizes: Sizes, *, demo: bool) -> Iterator[Figure]:
    """Yield every figure of the engine as soon as it is there."""
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
