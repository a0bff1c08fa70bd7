"""Gates by dense NumPy and plain loops: the second implementation, to compare with.

Everything is a boolean array by token. Nothing is shared with `saedb.ingest.motifs` but the settings.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

import numpy as np
from heldtexts import DOWN, UP, held
from numpy.typing import NDArray

from saedb.ingest.motifs import gates, splitting
from saedb.ingest.motifs.activity import Activity, Halves, activity, halves
from saedb.ingest.motifs.settings import KINDS, VERDICTS, GateSettings, SplitSettings

Booleans = NDArray[np.bool_]
Key = tuple[str, int, tuple[int, ...]]
"""Kind of a gate, its output, its inputs: in ascending order where the order says nothing."""

Pairs = Mapping[tuple[str, int], tuple[int, int]]
"""The two inputs that the paper's rule takes, by kind and output."""

FIRSTS = 4
LIFT = 2.0
SUFFICIENCY_OF_FIRST = (0.1, 0.9)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """The activity of two layers, [tokens, features], and how the text is laid out."""

    up: Booleans
    down: Booleans
    middle: int
    """The first token of the second half of the documents; 0: all are of the first."""
    context_size: int = 8
    counted: Booleans | None = None
    documents: NDArray[np.int32] | None = None
    cuts: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        return len(self.up)

    @property
    def counts(self) -> Booleans:
        return np.ones(self.tokens, np.bool_) if self.counted is None else self.counted

    @property
    def spans(self) -> tuple[slice, slice]:
        """Both halves; where all documents are of one, what is before and after the start nearest to the centre."""
        middle = self.middle or _nearest_to_centre(self.documents)
        return slice(0, middle), slice(middle, self.tokens)

    def active(self) -> tuple[Activity, Activity, Halves]:
        """Return what the product makes of it."""
        noise = np.random.default_rng(0)
        layers = {
            name: np.where(layer, noise.uniform(1.1, 3, layer.shape), noise.uniform(0, 2, layer.shape) // 1)
            for name, layer in ((UP, self.up), (DOWN, self.down))
        }
        text = held(
            {name: layer.astype(np.float32) for name, layer in layers.items()},
            self.documents,
            counted=self.counted,
            cuts=self.cuts,
            first_half=self.middle or None,
            context_size=self.context_size,
        )
        of_text = halves(text, UP, self.context_size)
        up, down = (
            activity(text, name, np.ones(layers[name].shape[1]), of_text.middle) for name in (UP, DOWN)
        )  # exactly 1 is not above the threshold
        return up, down, of_text

    def gates(
        self, settings: GateSettings, paper: Mapping[tuple[str, int], tuple[int, int]] | None = None
    ) -> gates.Gates:
        """Return the gates that the product finds; `paper` are pairs to be judged, by kind and output."""
        pairs = np.full((self.down.shape[1], 2, 2), -1, np.int64)
        for (kind, output), inputs in (paper or {}).items():
            pairs[output, KINDS.index(kind)] = inputs
        return gates.find(*self.active(), pairs, settings, threads=2)

    def splits(self, settings: SplitSettings) -> splitting.Splits:
        """Return the splits that the product finds."""
        return splitting.find(*self.active(), settings, lambda _: None)


def _nearest_to_centre(documents: NDArray[np.int32] | None) -> int:
    assert documents is not None
    centre = len(documents) // 2
    begins = [i for i in range(1, len(documents)) if documents[i] != documents[i - 1]]
    return min(begins, key=lambda i: abs(i - centre)) if begins else centre


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One set of inputs: its verdict, and by half its F1, its gain and its truth table."""

    verdict: str
    f1: tuple[float, float]
    gain: tuple[float, float]
    tokens: tuple[list[int], list[int]]
    active: tuple[list[int], list[int]]


@dataclass(kw_only=True)
class Reference:
    """Every set of inputs that is tested, and how many of each kind chance makes a gate of."""

    sets: dict[Key, Judged] = field(default_factory=dict)
    tested: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    chance: dict[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))

    @property
    def gates(self) -> dict[Key, Judged]:
        return {key: tested for key, tested in self.sets.items() if tested.verdict == "gate"}


def reference(text: Planted, settings: GateSettings) -> Reference:
    """Return what dense NumPy finds."""
    found = Reference()
    up, down = text.up & text.counts[:, None], text.down & text.counts[:, None]
    turned = np.stack([_turned(text, column) for column in up.T], axis=1)
    for output in range(down.shape[1]):
        for kind, inputs in _sets(text, up, down[:, output], settings):
            columns = up[:, inputs]
            found.tested[kind] += 1
            chosen = judged(kind, columns, down[:, output], text, settings)
            found.sets[kind, output, inputs] = chosen
            rotated = [1] if kind == "AND_NOT" else range(len(inputs))
            false = 0
            for i in rotated:
                chance = columns.copy()
                chance[:, i] = turned[:, inputs[i]]
                span = text.spans[1]
                second = _half(kind, chance[span], down[span, output], text.counts[span], settings)
                false += chosen.verdict in ("gate", "unrepeated") and second["verdict"] == "gate"
            found.chance[kind] += false / len(rotated)
    return found


def _turned(text: Planted, column: Booleans) -> Booleans:
    """Return a feature with each half rotated by half of its contexts, on the tokens that count."""
    parts = []
    for span in text.spans:
        part = column[span]
        parts.append(np.roll(part, len(part) // text.context_size // 2 * text.context_size))
    return np.concatenate(parts) & text.counts


def _sets(
    text: Planted, up: Booleans, output: Booleans, settings: GateSettings
) -> Iterator[tuple[str, tuple[int, ...]]]:
    first = text.spans[0]
    u, d, tokens = up[first], output[first], int(text.counts[first].sum())
    joint, n_u, n_d = (u & d[:, None]).sum(axis=0), u.sum(axis=0), int(d.sum())
    met = [i for i in range(u.shape[1]) if joint[i] >= settings.row_support]
    lifted = [i for i in met if joint[i] * tokens >= LIFT * n_u[i] * n_d]
    needed = [
        i for i in lifted if joint[i] / n_d >= settings.min_necessity and joint[i] / n_u[i] >= settings.min_precision
    ]
    needed.sort(key=lambda i: (-joint[i] / n_d, -joint[i] / n_u[i], i))
    enough = [i for i in lifted if joint[i] / n_u[i] >= settings.min_sufficiency]
    enough.sort(key=lambda i: (-joint[i], n_u[i], i))
    for kind, chosen in (("AND", needed), ("OR", enough)):
        best = chosen[: settings.candidates]
        for size in range(2, settings.max_inputs + 1):
            yield from ((kind, inputs) for inputs in combinations(sorted(best), size))
    low, high = SUFFICIENCY_OF_FIRST
    firsts = [i for i in met if joint[i] / n_d >= settings.min_necessity and low <= joint[i] / n_u[i] <= high]
    firsts.sort(key=lambda i: (-_f1(u[:, i], d), i))
    for i in firsts[:FIRSTS]:
        yield from (("AND_NOT", (i, j)) for j in _seconds(i, u, d)[: settings.candidates])


def _seconds(first: int, u: Booleans, d: Booleans) -> list[int]:
    with_, without = u[:, first] & d, u[:, first] & ~d
    taken, lost = u[without].sum(axis=0), u[with_].sum(axis=0)
    found = [
        i for i in range(u.shape[1]) if i != first and taken[i] and taken[i] * with_.sum() > lost[i] * without.sum()
    ]
    return sorted(found, key=lambda i: (lost[i] - taken[i], i))


def judged(kind: str, columns: Booleans, output: Booleans, text: Planted, settings: GateSettings) -> Judged:
    """Return what becomes of a gate whose inputs are these columns, [tokens, inputs]."""
    both = [_half(kind, columns[span], output[span], text.counts[span], settings) for span in text.spans]
    first, second = both[0]["verdict"], both[1]["verdict"]
    verdict = first if first != "gate" else "gate" if second == "gate" else "unrepeated"
    values = {name: tuple(half[name] for half in both) for name in ("f1", "gain", "tokens", "active")}
    return Judged(verdict=verdict, **values)


def _half(kind: str, columns: Booleans, output: Booleans, counted: Booleans, settings: GateSettings) -> dict[str, Any]:
    columns, output = columns[counted], output[counted]
    count = columns.shape[1]
    cells = {on: np.all(columns == on, axis=1) for on in product((False, True), repeat=count)}
    tokens = {on: int(cell.sum()) for on, cell in cells.items()}
    f1 = _f1(_on(kind, columns), output)
    gain = f1 - max(_f1(_on(kind, columns[:, part]), output) for part in _parts(kind, count))
    if min(_deciding(kind, tokens, settings)) < settings.row_support:
        verdict = "undecided"
    elif f1 < settings.min_f1:
        verdict = "imprecise"
    else:
        verdict = "no_gain" if gain < settings.min_gain else "gate"
    active = [int((cell & output).sum()) for cell in cells.values()]
    return {"verdict": verdict, "f1": f1, "gain": gain, "tokens": list(tokens.values()), "active": active}


def _on(kind: str, columns: Booleans) -> Booleans:
    if kind == "AND_NOT" and columns.shape[1] == 2:
        return columns[:, 0] & ~columns[:, 1]
    return columns.any(axis=1) if kind == "OR" else columns.all(axis=1)


def _parts(kind: str, count: int) -> list[list[int]]:
    """Return the fewer inputs that a gate of so many has to be better than."""
    if kind == "AND_NOT":
        return [[0]]
    return [list(part) for size in range(1, count) for part in combinations(range(count), size)]


def _deciding(kind: str, tokens: Mapping[tuple[bool, ...], int], settings: GateSettings) -> list[int]:
    """Return the tokens of each row that decides."""
    if kind == "AND_NOT":
        return [tokens[True, False], tokens[True, True]]
    if kind == "AND":
        return [n for on, n in tokens.items() if sum(on) >= len(on) - 1]
    several = sum(n for on, n in tokens.items() if sum(on) > 1)
    return [*(n for on, n in tokens.items() if sum(on) == 1), *([] if settings.exclusive else [several])]


def _f1(on: Booleans, output: Booleans) -> float:
    both = int((on & output).sum())
    return 2.0 * both / (int(on.sum()) + int(output.sum())) if both else 0.0


def sets_of(found: Mapping[Key, Judged], verdict: str = "gate") -> set[Key]:
    """Return the sets of inputs with a verdict."""
    return {key for key, judged in found.items() if judged.verdict == verdict}


def of_product(found: gates.Gates) -> dict[Key, Judged]:
    """Return the gates of the product in the terms of the reference."""
    sets, of_sets, verdicts = found.sets, found.tables, list(VERDICTS)
    result: dict[Key, Judged] = {}
    for i in range(len(sets.output)):
        count = int(sets.arity[i])
        key = KINDS[sets.kind[i]], int(sets.output[i]), tuple(sets.inputs[i, :count].tolist())
        assert key not in result
        cells = of_sets.cells[i][:, :, : 1 << count].tolist()
        result[key] = Judged(
            verdict=verdicts[of_sets.verdict[i]],
            f1=tuple(of_sets.f1[i].tolist()),
            gain=tuple(of_sets.gain[i].tolist()),
            tokens=(cells[0][0], cells[1][0]),
            active=(cells[0][1], cells[1][1]),
        )
    return result


def some_text(seed: int, *, tokens: int, features: int, outputs: int, **layout: Any) -> Planted:
    """Return a text whose outputs are boolean functions of some inputs, more or less; or noise, dead, or always on."""
    random = np.random.default_rng(seed)
    up = random.random((tokens, features)) < random.uniform(0.02, 0.4, features)
    up[:, -1], up[:, -2] = False, True
    up[:, 1] = up[:, 0] ^ (random.random(tokens) < 0.02)
    down = np.stack([_function(up[:, : features - 2], random) for _ in range(outputs)], axis=1)
    down ^= random.random(down.shape) < random.uniform(0, 0.01, outputs)
    down[:, -1], down[:, -2], down[:, -3] = False, True, random.random(tokens) < 0.1
    down[tokens // 2 :, :3] &= random.random((tokens - tokens // 2, 3)) < 0.4  # no longer what they were
    return Planted(up=up, down=down, **layout)


def shuffled_text(seed: int) -> tuple[Planted, GateSettings]:
    """Return a text of any size and layout, and settings that let much pass."""
    random = np.random.default_rng(seed)
    context_size, contexts = int(random.integers(1, 25)), int(random.integers(12, 60))
    tokens = context_size * contexts
    layout = {
        "middle": context_size * int(random.integers(1, contexts)),
        "context_size": context_size,
        "cuts": tuple(random.integers(0, tokens, random.integers(0, 4)).tolist()),
        "counted": random.random(tokens) < random.uniform(0.5, 1),
    }
    f1, gain, necessity, sufficiency = random.integers((0, 0, 1, 1), (6, 2, 7, 7)).tolist()
    settings = GateSettings(  # few tokens and round limits, so that many values are just on a limit
        min_f1=f1 / 10,
        min_gain=gain / 20,
        row_support=int(random.integers(1, 4)),
        exclusive=bool(random.integers(2)),
        candidates=int(random.integers(2, 9)),
        max_inputs=int(random.integers(2, 4)),
        min_necessity=necessity / 10,
        min_sufficiency=sufficiency / 10,
    )
    return some_text(seed, tokens=tokens, features=int(random.integers(5, 14)), outputs=6, **layout), settings


def _function(up: Booleans, random: np.random.Generator) -> Booleans:
    a, b, c = up[:, random.choice(up.shape[1], 3, replace=False)].T
    forms: Sequence[Booleans] = (a & b, a & b & c, a | b, a | b | c, a & ~b, a, a & (b | c), (a & b) | c)
    return forms[random.integers(len(forms))].copy()
