"""How fast saedb is, as ratios against the alternatives measured in the same run: `make bench`.

Rounds alternate between the sides, and medians are compared, because machines are never quite quiet.
"""

import statistics
import time
from collections.abc import Callable

import click

from benchmarks import counting

ROUNDS = 3


def main() -> None:
    """Run every benchmark and print its ratios."""
    with counting.Layers() as layers:
        job, product = alternating(layers.edge_job, layers.dense_product)
        sparse, dense = job / counting.TOKENS, product / counting.DENSE_TOKENS
    click.echo(f"One pair of layers, {counting.D_SAE:,} features each, {counting.ACTIVE} active a token; us a token:")
    click.echo(f"{sparse * 1e6:>10,.0f}  every measure and the edges ({counting.TOKENS:,} tokens)")
    click.echo(f"{dense * 1e6:>10,.0f}  one dense product, as the paper does ({counting.DENSE_TOKENS:,} tokens)")
    click.echo(f"{dense / sparse:>10,.0f}  times as fast")


def alternating(*sides: Callable[[], object]) -> list[float]:
    """Return the median seconds of each side over alternating rounds, after one that does not count."""
    seconds: list[list[float]] = [[] for _ in sides]
    for number in range(ROUNDS + 1):
        for side, taken in zip(sides, seconds, strict=True):
            start = time.perf_counter()
            side()
            if number:
                taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in seconds]


if __name__ == "__main__":
    main()
