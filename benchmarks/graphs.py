"""A made-up run of any size, with everything that the graph holds; the same for the same seed.

1. A feature has a topic, and fires on a log-normal share of the tokens; some are dead, some rare.
2. Of the features of a layer 45 % are carried to the next one, with their topic and nearly their density: an edge of
   Pearson about .96. So chains pass through many layers.
3. Most other edges join features of one topic, the rest start at dense features, which become hubs. Few of both are
   strong, but some ends are active only where the other is.
4. Counts are drawn, and the measures follow from them by the formulas of an ingested run. Correlations, which would
   need activations, are drawn around what the counts alone would give.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.texts import texts
from saedb.ingest import rundir, states, tables
from saedb.ingest.measures import MEASURES, PairStatistics
from saedb.ingest.record import RunRecord, SaeRecord, TokenCounts
from saedb.ingest.rundir import RunDirectory

MODEL: Final = "made-up"
SET: Final = "res"
TOKENS: Final = 1_000_000

CARRIED: Final = 0.45
"""Share of the features that the next layer carries on."""
TOPICAL: Final = 0.7
"""Share of the other edges that stay inside a topic."""
_TURNED: Final = 0.03
"""Share of the carried features whose decoder direction turns."""
_CONTAINED: Final = 0.04
"""Share of the other edges with an end that is active only where the other end is."""
_TOPIC_SIZE: Final = 20
"""Mean number of features of a topic in one layer."""
_SPREAD: Final = 1.6
"""Standard deviation of the logarithm of densities."""
_MEDIAN_DENSITY: Final = 5e-4
_DENSEST: Final = 0.5
_DEAD: Final = 0.02
_RAREST: Final = 10
"""Tokens that an edge needs."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a run is; the default is that of GPT-2 small's SAEs."""

    layers: int = 12
    width: int = 24_576
    """Features of each layer."""
    edges: int = 5_000_000

    @property
    def features(self) -> int:
        """Features of all layers."""
        return self.layers * self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The features of one layer; arrays of shape [width]."""

    topic: Integers
    active: Integers
    """Tokens on which each is active."""
    successor: Integers
    """The feature of the next layer that carries each on; -1 where none does."""

    @property
    def often(self) -> Integers:
        """The features that can have edges."""
        return np.flatnonzero(self.active >= _RAREST)


def made_up_run(path: Path, shape: Shape, seed: int = 0) -> RunDirectory:
    """Return a complete run at `path`, named after its folder. Runs of one shape have features of the same ids."""
    random = np.random.default_rng(seed)
    layers = _layers(shape, random)
    run = RunDirectory.create(path, _record(path.name, shape, seed, layers))
    ids = [_ids(number, shape.width) for number in range(shape.layers)]
    incoming, outgoing = np.full((2, shape.layers, shape.width), np.nan)
    has_edge = np.zeros((shape.layers, shape.width), np.bool_)
    for number, (source, target) in enumerate(run.record.pairs):
        up, down, values = _edges(layers[number], layers[number + 1], _share(shape, number), random)
        ends = {"source": ids[number].take(pa.array(up)), "target": ids[number + 1].take(pa.array(down))}
        rows = tables.rows(tables.EDGES, {**ends, **values})
        run.write(tables.EDGES, rundir.edges_file(source, target), [rows])
        outgoing[number] = states.best_values(up, values["pearson"], shape.width)
        incoming[number + 1] = states.best_values(down, values["pearson"], shape.width)
        has_edge[number, up] = has_edge[number + 1, down] = True
    features = (_features(n, layers, ids[n], incoming[n], outgoing[n], random) for n in range(shape.layers))
    run.write(tables.FEATURES, rundir.FEATURES_FILE, features)
    _write_communities(run, ids, np.stack([layer.topic for layer in layers]), has_edge, random)
    return run


def _layers(shape: Shape, random: np.random.Generator) -> list[Layer]:
    topics = max(shape.width // _TOPIC_SIZE, 2)
    weights = random.lognormal(0.0, 0.7, topics)
    topic = random.choice(topics, shape.width, p=weights / weights.sum())
    active = _active(shape.width, random)
    layers: list[Layer] = []
    for number in range(shape.layers):
        successor = np.full(shape.width, -1)
        next_topic = random.choice(topics, shape.width, p=weights / weights.sum())
        next_active = _active(shape.width, random)
        if number < shape.layers - 1:
            carried = np.flatnonzero((random.random(shape.width) < CARRIED) & (active >= 2 * _RAREST))
            successor[carried] = random.permutation(shape.width)[: len(carried)]
            next_topic[successor[carried]] = topic[carried]
            noisy = active[carried] * np.exp(0.05 * random.standard_normal(len(carried)))
            next_active[successor[carried]] = np.clip(noisy, _RAREST, _DENSEST * TOKENS)
        layers.append(Layer(topic=topic, active=active, successor=successor))
        topic, active = next_topic, next_active
    return layers


def _active(width: int, random: np.random.Generator) -> Integers:
    density = np.minimum(random.lognormal(np.log(_MEDIAN_DENSITY), _SPREAD, width), _DENSEST)
    return np.where(random.random(width) < _DEAD, 0, density * TOKENS).astype(np.int64)


def _edges(
    up: Layer, down: Layer, count: int, random: np.random.Generator
) -> tuple[Integers, Integers, dict[str, NDArray[Any]]]:
    """Return the two ends of each edge of a pair of layers, in their order, and its measures; all of shape [count]."""
    width = len(up.topic)
    carried = np.flatnonzero(up.successor >= 0)
    links = carried * width + up.successor[carried]
    cells = np.concatenate([links, _others(up, down, links, count - len(links), random)])
    order = np.argsort(cells)
    source, target = np.divmod(cells[order], width)
    return source, target, _measures(up.active[source], down.active[target], order < len(links), random)


def _others(up: Layer, down: Layer, taken: Integers, count: int, random: np.random.Generator) -> Integers:
    """Return so many pairs of features that are not `taken`, as source * width + target."""
    width = len(up.topic)
    if not 0 <= 4 * count <= width * width:
        raise ValueError(f"{count + len(taken)} edges between two layers of {width} features: too few or too many")
    found = np.empty(0, np.int64)
    while len(found) < count:
        missing = 2 * (count - len(found))
        topical = _topical(up, down, int(TOPICAL * missing), random)
        dense = _dense(up, down, missing - len(topical), random)
        cells = np.sort(np.concatenate([found, topical, dense]))
        cells = cells[np.diff(cells, prepend=-1) > 0]  # np.unique hashes, which takes eight times as long
        found = cells[~np.isin(cells, taken)]
    return random.permutation(found)[:count]


def _topical(up: Layer, down: Layer, count: int, random: np.random.Generator) -> Integers:
    often = down.often
    by_topic = often[np.argsort(down.topic[often], kind="stable")]
    size = np.bincount(down.topic[often], minlength=int(up.topic.max()) + 1)
    first = np.cumsum(size) - size
    source = random.choice(up.often, count)
    source = source[size[up.topic[source]] > 0]
    topic = up.topic[source]
    place = (random.random(len(source)) * size[topic]).astype(np.int64)
    return source * len(up.topic) + by_topic[first[topic] + place]


def _dense(up: Layer, down: Layer, count: int, random: np.random.Generator) -> Integers:
    weights = up.active[up.often] ** 0.9
    source = random.choice(up.often, count, p=weights / weights.sum())
    return source * len(up.topic) + random.choice(down.often, count)


def _measures(n_u: Integers, n_d: Integers, carried: Booleans, random: np.random.Generator) -> dict[str, NDArray[Any]]:
    count = len(n_u)
    fewer = np.minimum(n_u, n_d)
    chance = np.maximum(n_u, n_d) / TOKENS
    share = np.where(random.random(count) < _CONTAINED, 1.0, 0.1 + 0.9 * random.beta(1.2, 5.0, count))
    share = np.where(carried, random.uniform(0.95, 1.0, count), np.maximum(share, np.minimum(2 * chance, 1.0)))
    n_ud = np.maximum(np.ceil(share * fewer), _RAREST).astype(np.int64)
    pearson = np.clip(_phi(n_u, n_d, n_ud) * random.lognormal(-0.1, 0.2, count), -1.0, 0.94)
    pearson = np.where(carried, 1.0 - random.beta(1.2, 30.0, count), pearson)
    turned = carried & (random.random(count) < _TURNED)
    decoder = np.clip(0.9 * np.where(turned, 0.2, pearson) + random.normal(0.0, 0.06, count), -1.0, 1.0)
    drawn = {"pearson": pearson, "activation_cosine": np.clip(pearson + chance, 0.0, 1.0), "decoder_cosine": decoder}
    unknown = np.full(count, np.nan)
    statistics = PairStatistics(
        TOKENS, n_u, n_d, n_ud, np.minimum(n_ud, 3 + n_ud // 4), *[unknown] * 5, decoder=unknown
    )  # fmt: skip
    values = {m.name: drawn[m.name] if m.name in drawn else m.values(statistics) for m in MEASURES}
    return {m.name: values[m.name].astype(np.int64) if m.integer else values[m.name] for m in MEASURES}


def _phi(n_u: Integers, n_d: Integers, n_ud: Integers) -> Floats:
    """Return the correlation of being active."""
    u, d = n_u / TOKENS, n_d / TOKENS
    return (n_ud / TOKENS - u * d) / np.sqrt(u * (1 - u) * d * (1 - d))


def _features(
    number: int, layers: list[Layer], ids: pa.Array, incoming: Floats, outgoing: Floats, random: np.random.Generator
) -> pa.Table:
    layer, width = layers[number], len(ids)
    dead, rare = layer.active == 0, layer.active < _RAREST
    largest = np.where(dead, 0.0, random.lognormal(1.5, 0.6, width))

    def state(best: Floats, alone: str, *, computed: bool) -> NDArray[np.object_]:
        return states.states(best, alone=alone, computed=np.full(width, computed), dead=dead, rare=rare)

    columns = {
        "id": ids,
        "sae": [_sae(number)] * width,
        "layer": np.full(width, number),
        "depth": np.full(width, number),
        "index": np.arange(width),
        "n_positive": 2 * layer.active,
        "n_active": layer.active,
        "density": layer.active / TOKENS,
        "mean": 0.4 * largest * layer.active / TOKENS,
        "max": largest,
        "threshold": 0.2 * largest,
        "positional": random.random(width) < 0.01,
        "state_in": state(incoming, states.APPEARING, computed=number > 0),
        "state_out": state(outgoing, states.DISAPPEARING, computed=number < len(layers) - 1),
        "best_in": incoming,
        "best_out": outgoing,
        **texts(layer.topic, random),
        "histogram": _histograms(2 * layer.active, random),
    }
    return tables.rows(tables.FEATURES, columns)


def _histograms(tokens: Integers, random: np.random.Generator) -> list[list[int] | None]:
    shares = 0.7 ** np.arange(tables.BINS)
    counts = random.multinomial(tokens, shares / shares.sum())
    return [row if count else None for row, count in zip(counts.tolist(), tokens, strict=True)]


def _write_communities(
    run: RunDirectory, ids: list[pa.Array], topic: Integers, has_edge: Booleans, random: np.random.Generator
) -> None:
    """Write the topics of the features that have an edge, and these by pairs of layers, and complete the run."""
    features = pa.concat_arrays(ids).filter(pa.array(has_edge.ravel()))
    layer, own = np.nonzero(has_edge)[0], topic[has_edge]
    fine = own * len(ids) + layer // 2
    divided = {"main": own, "fine": fine}
    rows = [_partition(name, groups, layer, features, random.random()) for name, groups in divided.items()]
    run.write(tables.COMMUNITIES, rundir.COMMUNITIES_FILE, rows)
    resolutions = np.array([0.5, 1.0, 2.0])
    swept = {
        "id": [f"main@{resolution:g}" for resolution in resolutions],
        "partition": ["main"] * len(resolutions),
        "resolution": resolutions,
        "communities": random.integers(10, 1000, len(resolutions)),
        "largest": random.integers(10, 1000, len(resolutions)),
        "modularity": random.random(len(resolutions)),
        "nmi": random.random(len(resolutions)),
    }
    run.write(tables.RESOLUTIONS, rundir.RESOLUTIONS_FILE, [tables.rows(tables.RESOLUTIONS, swept)])
    run.update(status="complete")


def _partition(name: str, groups: Integers, layer: Integers, features: pa.Array, modularity: float) -> pa.Table:
    """Return the rows of a partition of features, the largest community first; those that are alone are in none."""
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-size, kind="stable"))[group]
    order = np.argsort(rank, kind="stable")
    parts = [part for part in np.split(order, np.cumsum(np.sort(size)[::-1])[:-1]) if len(part) > 1]
    filled = {
        "partition": name, "is_default": name == "main", "level": 0, "algorithm": "planted", "engine": "local",
        "measure": "pearson", "min_similarity": 0.1, "fast": False, "runs": 1, "communities": len(parts),
        "features": sum(map(len, parts)), "modularity": modularity, "next_number": len(parts),
    }  # fmt: skip
    counts = [np.unique(layer[part], return_counts=True) for part in parts]
    columns: dict[str, Any] = {
        **{column: [value] * len(parts) for column, value in filled.items()},
        "id": [f"{name}/{number}" for number in range(len(parts))],
        "number": np.arange(len(parts)),
        "size": [len(part) for part in parts],
        "layers": [found.tolist() for found, _ in counts],
        "layer_sizes": [count.tolist() for _, count in counts],
        "label": [f"topic {number}" for number in range(len(parts))],
        "weight": [float(len(part)) for part in parts],
        "members": [features.take(pa.array(part)).to_pylist() for part in parts],
        "inside": [(1.0 + part % 7).tolist() for part in parts],
        "outside": [(1.0 + part % 5).tolist() for part in parts],
        "stabilities": [[None] * len(part) for part in parts],
    }
    return tables.rows(tables.COMMUNITIES, columns)


def _record(name: str, shape: Shape, seed: int, layers: list[Layer]) -> RunRecord:
    saes = tuple(
        SaeRecord(
            id=_sae(number),
            layer=number,
            set=SET,
            depth=number,
            hook=f"blocks.{number}.hook_resid_pre",
            d_sae=shape.width,
            d_in=768,
            architecture="standard",
            source=f"{MODEL}-{SET}",
            l0=2 * float(layer.active.sum()) / TOKENS,
            explained_variance=0.9,
            dead=float((layer.active == 0).mean()),
        )
        for number, layer in enumerate(layers)
    )
    counts = TokenCounts(
        read=TOKENS, counted=TOKENS, left_out={}, documents=TOKENS // 800, context_size=128, prepend_bos=True
    )
    return RunRecord(
        id=name,
        kind="ingest",
        model=MODEL,
        created=rundir.now(),
        config={"made up": {"layers": shape.layers, "width": shape.width, "edges": shape.edges, "seed": seed}},
        saes=saes,
        pairs=tuple((_sae(number), _sae(number + 1)) for number in range(shape.layers - 1)),
        tokens=counts,
        dataset="made up",
    )


def _share(shape: Shape, number: int) -> int:
    """Return the edges of one pair of layers."""
    pairs = shape.layers - 1
    return shape.edges * (number + 1) // pairs - shape.edges * number // pairs


def _sae(number: int) -> str:
    return f"{number}-{SET}"


def _ids(number: int, width: int) -> pa.Array:
    return pa.array([f"{MODEL}/{_sae(number)}/{index}" for index in range(width)])


def edge_tables(run: RunDirectory) -> Iterator[pa.Table]:
    """Yield the edges of a run, pair by pair."""
    for name in run.edge_files:
        yield run.read(tables.EDGES, name)
