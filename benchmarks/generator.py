"""Made-up activations of two neighbouring SAEs, as GPT-2's SAEs have them; the same for the same seed.

1. Densities of features are log-normal. A document has one topic, a feature prefers one: half of its firings are there.
2. Activations reach from 0 to a feature's maximum and are above a fifth of it on half of its tokens, as in the demo.
3. Of the upstream features 70 % are passed through: they fire again downstream, but for some misses, with noise in
   the activation. The other downstream features fire by themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.sparse import SparseRows, index_type, starts
from saedb.ingest.stretches import HeldText, Stretch

UPSTREAM: Final = "0-made-up"
DOWNSTREAM: Final = "1-made-up"
WIDTH: Final = 24_576
CONTEXT_SIZE: Final = 128
STRETCH_TOKENS: Final = 256 * CONTEXT_SIZE
"""As in a shard of the activation store."""

PASSED_THROUGH: Final = 0.7
MISSED: Final = 0.05
"""Share of the upstream firings that a passed-through feature misses."""
NOISE: Final = 0.25
"""Standard deviation of the logarithm of a passed-through activation."""
_SPREAD: Final = 1.6
"""Standard deviation of the logarithm of densities."""
_DENSEST: Final = 0.5
_TOPICS: Final = 16
_TOPICAL: Final = 0.5
"""Share of a feature's firings that need its topic."""
_MOST_IN_TOPIC: Final = 0.95
_DOCUMENT_TOKENS: Final = 800

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rates:
    """How often features fire; arrays of shape [width]."""

    everywhere: Floats
    """Draws per token."""
    in_topic: Floats
    """More draws per token of the feature's topic."""
    topic: Integers

    @classmethod
    def of(cls, density: Floats, random: np.random.Generator) -> Self:
        """Return rates by which a feature fires on this share of tokens, when topics are equally common."""
        inside = np.minimum(density * (1 + _TOPICAL * (_TOPICS - 1)), _MOST_IN_TOPIC)
        outside = (_TOPICS * density - inside) / (_TOPICS - 1)
        everywhere = -np.log1p(-outside)  # draws that hit a token twice are one firing
        return cls(
            everywhere=everywhere,
            in_topic=-np.log1p(-inside) - everywhere,
            topic=random.integers(_TOPICS, size=len(density)),
        )


class Layers:
    """Two made-up SAEs; any stretch of their text can be drawn by itself."""

    def __init__(self, active: int, *, width: int = WIDTH, seed: int = 0) -> None:
        """Draw what is the same for the whole text.

        Args:
            active: mean number of features above 0 on a token.
            width: features of each SAE.
            seed: another one is another pair of layers.
        """
        random = np.random.default_rng([seed, active])
        self.width = width
        self.active = active
        self._seed = seed
        density = _densities(width, active, random)
        self._rates = _Rates.of(density, random)
        self.passed = random.permutation(width) < PASSED_THROUGH * width
        self.successor = random.permutation(width)
        """Downstream feature of each upstream feature that is passed through."""
        alone = np.ones(width, np.bool_)
        alone[self.successor[self.passed]] = False
        rest = active - (1 - MISSED) * density[self.passed].sum()
        own = np.zeros(width)
        own[alone] = _densities(int(alone.sum()), rest, random)
        self._own_rates = _Rates.of(own, random)
        self._largest = random.lognormal(1.0, 0.5, (2, width)).astype(np.float32)

    def text(self, tokens: int) -> HeldText:
        """Return a text in memory."""
        return HeldText(list(self.stretches(tokens)))

    def stretches(self, tokens: int) -> Iterator[Stretch]:
        """Yield a text; a longer one starts with all whole stretches of a shorter one."""
        for number, start in enumerate(range(0, tokens, STRETCH_TOKENS)):
            yield self._stretch(number, min(STRETCH_TOKENS, tokens - start))

    def _stretch(self, number: int, tokens: int) -> Stretch:
        random = np.random.default_rng([self._seed, self.active, number + 1])
        document = np.cumsum(random.random(tokens) < 1 / _DOCUMENT_TOKENS)
        topic = random.integers(_TOPICS, size=tokens)[document]
        up = self._upstream(topic, random)
        return Stretch(
            rows={UPSTREAM: up, DOWNSTREAM: self._downstream(up, topic, random)},
            counted=np.ones(tokens, np.bool_),
            documents=(number * STRETCH_TOKENS + document).astype(np.int32),
            positions=np.arange(tokens, dtype=np.int32) % CONTEXT_SIZE,
            half=0,
        )

    def _upstream(self, topic: Integers, random: np.random.Generator) -> SparseRows:
        cells = _fired(self._rates, topic, random)
        values = self._largest[0, cells % self.width] * _shares(len(cells), random)
        return _rows(cells, values, len(topic), self.width)

    def _downstream(self, up: SparseRows, topic: Integers, random: np.random.Generator) -> SparseRows:
        kept = self.passed[up.indices] & (random.random(len(up.indices), np.float32) >= MISSED)
        passed = up.row_of[kept] * self.width + self.successor[up.indices[kept]]
        noise = np.exp(NOISE * random.standard_normal(len(passed), np.float32))
        own = _fired(self._own_rates, topic, random)
        values = self._largest[1, own % self.width] * _shares(len(own), random)
        cells, values = np.concatenate([passed, own]), np.concatenate([up.values[kept] * noise, values])
        order = np.argsort(cells)
        return _rows(cells[order], values[order], len(topic), self.width)


def _densities(width: int, total: float, random: np.random.Generator) -> Floats:
    """Return on which share of the tokens each feature fires, [width], with a given sum."""
    drawn = random.lognormal(0.0, _SPREAD, width)
    clipped = np.minimum(drawn * total / drawn.sum(), _DENSEST)
    return clipped * total / clipped.sum()


def _fired(rates: _Rates, topic: Integers, random: np.random.Generator) -> Integers:
    """Return where features fire, as token * width + feature, ascending.

    Args:
        rates: of the features.
        topic: of each token, [tokens].
        random: where the draws come from.
    """
    tokens, width = len(topic), len(rates.topic)
    every = np.arange(width)
    anywhere = np.repeat(every, random.poisson(rates.everywhere * tokens))
    size = np.bincount(topic, minlength=_TOPICS)
    topical = np.repeat(every, random.poisson(rates.in_topic * size[rates.topic]))
    place = rates.topic[topical]
    within = (random.random(len(topical)) * size[place]).astype(np.int64)
    by_topic = np.argsort(topic, kind="stable")
    token = np.concatenate([random.integers(tokens, size=len(anywhere)), by_topic[starts(size)[place] + within]])
    cells = np.sort(token * width + np.concatenate([anywhere, topical]))
    return cells[np.diff(cells, prepend=-1) > 0]  # np.unique hashes, which takes eight times as long


def _shares(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return activations as shares of their maximum: above a fifth in half of all cases, and never 0."""
    return np.float32(1.0 + 1e-4) - np.cbrt(random.random(count, np.float32))


def _rows(cells: Integers, values: NDArray[np.float32], tokens: int, width: int) -> SparseRows:
    token, feature = np.divmod(cells, width)
    return SparseRows(
        indptr=starts(np.bincount(token, minlength=tokens)),
        indices=feature.astype(index_type(width)),
        values=values,
        width=width,
    )
