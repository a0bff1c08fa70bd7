"""Texts that grow by outputs of which is known what becomes of them: gates, near-gates and noise."""

from itertools import combinations

import numpy as np
from plantedgates import Key, Planted

TOKENS = 24_000
HALF = TOKENS // 2


class Garden:
    """A text that grows by outputs of which is known what becomes of them."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.up: list[np.ndarray] = []
        self.down: list[np.ndarray] = []

    def input(self, column: np.ndarray | float) -> int:
        """Add an input: a column, or one that is active at random on such a share of tokens."""
        self.up.append(self.noise(column) if isinstance(column, float) else column)
        return len(self.up) - 1

    def output(self, column: np.ndarray) -> int:
        self.down.append(column)
        return len(self.down) - 1

    def noise(self, share: float) -> np.ndarray:
        return self.random.random(TOKENS) < share

    def text(self) -> Planted:
        return Planted(up=np.stack(self.up, axis=1), down=np.stack(self.down, axis=1), middle=HALF)


def planted_gates(garden: Garden) -> set[Key]:
    """Plant a gate of each sort; return all that hold: of an OR of three, each two are one as well."""
    up = garden.up
    a, b = (garden.input(0.05) for _ in range(2))
    and2 = garden.output(up[a] & up[b])
    c, d, e = (garden.input(0.2) for _ in range(3))
    and3 = garden.output(up[c] & up[d] & up[e])
    f, g = (garden.input(0.05) for _ in range(2))
    or2 = garden.output(up[f] | up[g])
    h, i, j = (garden.input(0.06) for _ in range(3))
    or3 = garden.output(up[h] | up[i] | up[j])
    k, m = garden.input(0.06), garden.input(0.4)
    without = garden.output(up[k] & ~up[m])
    return {
        ("AND", and2, (a, b)),
        ("AND", and3, (c, d, e)),
        ("OR", or2, (f, g)),
        ("OR", or3, (h, i, j)),
        *(("OR", or3, pair) for pair in combinations((h, i, j), 2)),
        ("AND_NOT", without, (k, m)),
    }


def near_gates(garden: Garden) -> dict[tuple[str, int, int, int], str]:
    """Plant what looks like a gate and is none; return kind, output, two inputs, and the verdict."""
    up, noise = garden.up, garden.noise
    found: dict[tuple[str, int, int, int], str] = {}

    def plant(kind: str, inputs: tuple[int, int], column: np.ndarray, verdict: str) -> None:
        found[kind, garden.output(column), *inputs] = verdict

    a, b = garden.input(0.1), garden.input(0.1)
    plant("AND", (a, b), up[a] & up[b] & noise(0.5) | noise(0.005), "imprecise")
    a, b = garden.input(0.05), garden.input(0.05)
    plant("OR", (a, b), (up[a] | up[b]) & noise(0.6) | noise(0.06), "imprecise")

    inner = noise(0.05)
    a, b = garden.input(inner), garden.input(inner & noise(0.97) | noise(0.02))
    plant("AND", (a, b), up[a] & up[b], "no_gain")
    plant("OR", (a, b), up[a] & noise(0.99), "no_gain")

    column = noise(0.05)
    a, b = (garden.input(column ^ (noise(0.01) & column) ^ noise(0.001)) for _ in range(2))
    plant("AND", (a, b), column, "no_gain")
    plant("OR", (a, b), column.copy(), "no_gain")

    passed = noise(0.05)
    a, b = (
        garden.input(passed ^ (noise(0.01) & passed) ^ noise(0.0005)),
        garden.input(passed & noise(0.97) | noise(0.2)),
    )
    plant("AND", (a, b), passed, "no_gain")
    plant("OR", (a, garden.input(passed & noise(0.005))), passed.copy(), "undecided")

    a, b = garden.input(0.1), garden.input(0.1)
    later = up[a] & up[b]
    later[HALF:] = noise(0.01)[HALF:]
    plant("AND", (a, b), later, "unrepeated")
    a, b = garden.input(0.05), garden.input(0.05)
    either = up[a] | up[b]
    either[HALF:] = noise(0.01)[HALF:]
    plant("OR", (a, b), either, "unrepeated")

    lone = np.zeros(TOKENS, np.bool_)
    lone[[3, 400, 9000, HALF + 5, HALF + 900, TOKENS - 1]] = True
    a, b = garden.input(lone | on_tokens(10, 11)), garden.input(lone | on_tokens(20, HALF + 20))
    plant("AND", (a, b), lone, "undecided")
    exclusive = noise(0.5)
    first, second = noise(0.1) & exclusive, noise(0.1) & ~exclusive
    plant("OR", (garden.input(first), garden.input(second)), first | second, "undecided")
    return found


def on_tokens(*tokens: int) -> np.ndarray:
    column = np.zeros(TOKENS, np.bool_)
    column[list(tokens)] = True
    return column
