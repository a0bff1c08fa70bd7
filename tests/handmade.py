"""A run written by hand, whose tables hold what is hard to store: gaps, NaN, empty lists, odd numbers and texts."""

from pathlib import Path
from typing import Any, Final

from saedb.ingest import rundir, tables
from saedb.ingest.labelling.table import Labels
from saedb.ingest.motifs.settings import KINDS
from saedb.ingest.record import GatesRecord, RunRecord, SaeRecord, SplitsRecord, TokenCounts
from saedb.ingest.rundir import RunDirectory

TEXTS: Final = (None, "", " ", "a;b,c|d", "'}) DETACH DELETE n //", '"`\\', "\0", "é\n\t", "true", "12", "x" * 40_000)
NUMBERS: Final = (None, 0.0, -0.0, 1e-300, 5e-324, 0.1, -1.0, 1.7976931348623157e308, float("inf"), 1.0, 2.0)
COUNTS: Final = (None, 0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 7, 8, 9)
LISTS: Final = (None, [], [""], ["a", "a"], [";"], ["\0", "'"], ["é"], ["1"], [" ", ","], ["x" * 40_000], ["z"])
HISTOGRAMS: Final = (None, [0] * 19 + [2**63 - 1], None, *([n] * 20 for n in range(8)))
WIDTH: Final = len(TEXTS)
SAES: Final = ("0-a", "1-a", "1-b", "2-a")
PAIRS: Final = (("0-a", "1-a"), ("1-a", "2-a"), ("1-b", "2-a"))
"""The last one has no edge."""


def handmade(folder: Path, name: str, *, found: bool = True, **edges: Any) -> RunDirectory:
    """Return a complete run, with what stages found in it or without.

    `edges` are columns of the first pair's table in place of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saes = tuple(
        SaeRecord(id=id_, layer=int(id_[0]), set=id_[2:], depth=depth, d_sae=WIDTH, l0=0.5 if depth else None)
        for depth, id_ in enumerate(SAES)
    )
    counts = TokenCounts(read=10, counted=9, left_out={}, documents=1, context_size=5, prepend_bos=True)
    record = RunRecord(
        id=name, kind="ingest", model="m", created="2026-01-01T00:00:00+00:00", config={"text": TEXTS[4]}, saes=saes,
        pairs=PAIRS, tokens=counts,
    )  # fmt: skip
    run = RunDirectory.create(folder / name, record)
    run.write(tables.FEATURES, rundir.FEATURES_FILE, [tables.rows(tables.FEATURES, _features())])
    for (source, target), columns in zip(PAIRS, (edges or _edges("0-a", "1-a"), _edges("1-a", "2-a"), {}), strict=True):
        filled = columns or {"source": [], "target": []}
        run.write(tables.EDGES, rundir.edges_file(source, target), [tables.rows(tables.EDGES, filled)])
    if found:
        _add_labels(run)
        _add_communities(run)
        _add_gates(run)
        _add_splits(run)
        _add_prompts(run)
    run.update(status="complete")
    return RunDirectory.open(run.path)


def ids(sae: str) -> list[str]:
    return [f"m/{sae}/{index}" for index in range(WIDTH)]


def _features() -> dict[str, Any]:
    layers = [int(sae[0]) for sae in SAES for _ in range(WIDTH)]
    return {
        "id": [id_ for sae in SAES for id_ in ids(sae)],
        "sae": [sae for sae in SAES for _ in range(WIDTH)],
        "layer": layers,
        "depth": [depth for depth in range(len(SAES)) for _ in range(WIDTH)],
        "index": [*range(WIDTH)] * len(SAES),
        "label": TEXTS * len(SAES),
        "n_positive": COUNTS * len(SAES),
        "density": NUMBERS * len(SAES),
        "positional": [None, True, False, *[None] * (WIDTH - 3)] * len(SAES),
        "top_tokens": LISTS * len(SAES),
        "examples": [[]] * (WIDTH * len(SAES)),
        "histogram": HISTOGRAMS * len(SAES),
    }


def _edges(source: str, target: str) -> dict[str, Any]:
    return {
        "source": ids(source),
        "target": ids(target)[::-1],
        "pearson": NUMBERS,
        "jaccard": NUMBERS[::-1],
        "support": COUNTS,
    }


def _add_labels(run: RunDirectory) -> None:
    """Give some features labels from elsewhere, beside their own, before it, or where they have none."""
    columns = {
        "feature": [*ids("0-a")[:4], *ids("0-a")[3:5], ids("2-a")[0]],
        "rank": [0] * 7,
        "text": ["one", "é;|", "'}) DETACH DELETE n //", "two", '"`\\', "x" * 500, "\u202e[a]"],
        "source": ["neuronpedia"] * 5 + ["ours"] * 2,
        "author": ["gpt-4o-mini", None, "m", "m", "n", None, "A. Person; (x)"],
        "method": ["oai_token-act-pair", None, None, None, "np_max-act", None, None],
        "score": [None, 0.5, -0.0, 5e-324, None, None, 1.0],
        "file": ["batch-0.jsonl.gz"] * 7,
        "imported": ["2026-01-02T00:00:00+00:00"] * 7,
        "preference": [[]] * 7,
    }
    labels = Labels.of(run).merged(tables.rows(tables.LABELS, columns))
    labels.preferring(["ours", "auto"]).write(run)


def _add_communities(run: RunDirectory) -> None:
    run.write(tables.COMMUNITIES, rundir.COMMUNITIES_FILE, [_communities()])
    resolutions = {
        "id": ["main@0.5", "main@5e-324"],
        "partition": ["main", "main"],
        "resolution": [0.5, 5e-324],
        "communities": [2, 0],
        "largest": [8, 2**53 + 1],
        "modularity": [0.1, -0.0],
        "nmi": [0.1, None],
    }
    run.write(tables.RESOLUTIONS, rundir.RESOLUTIONS_FILE, [tables.rows(tables.RESOLUTIONS, resolutions)])


def _communities() -> Any:
    """Return two partitions, one of which is a level of the other."""
    members = [ids("0-a")[:8], [*ids("0-a")[8:], *ids("1-a")[:4]], ids("0-a")[:2], ids("1-a")[:4]]
    partitions = ["main", "main", "main.1", "main.1"]
    columns = {
        "partition": partitions,
        "is_default": [True, True, False, False],
        "base": [None, None, "main", "main"],
        "level": [0, 0, 1, 1],
        "algorithm": ["leiden"] * 4,
        "engine": ["gds"] * 4,
        "measure": ["jaccard"] * 4,
        "min_similarity": [0.1] * 4,
        "resolution": [5e-324, 5e-324, None, None],
        "seed": [2**62, 2**62, None, None],
        "fast": [False] * 4,
        "runs": [20, 20, 1, 1],
        "communities": [2] * 4,
        "features": [15, 15, 6, 6],
        "modularity": [0.5] * 4,
        "mean_stability": [0.1, 0.1, None, None],
        "next_number": [4] * 4,
        "id": ["main/0", "main/3", "main.1/0", "main.1/1"],
        "number": [0, 3, 0, 1],
        "parent": [None, None, "main/0", "main/3"],
        "size": [len(part) for part in members],
        "layers": [[0], [0, 1], [0], [1]],
        "layer_sizes": [[8], [3, 4], [2], [4]],
        "label": ["'}) DETACH DELETE n //", None, "", TEXTS[4]],
        "weight": [0.0, 1e-300, 1.7976931348623157e308, 2.0],
        "conductance": [0.0, -0.0, None, 1.0],
        "coherence": [None, 5e-324, -1.0, 1.0],
        "coherence_chance": [0.1, None, None, None],
        "recovery": [1.0, 0.1, None, None],
        "members": members,
        "inside": [[0.1] * len(part) for part in members],
        "outside": [[-0.0] * len(part) for part in members],
        "stabilities": [[5e-324] * 8, [1.0, *[0.0] * 6], [None] * 2, [None] * 4],
    }
    return tables.rows(tables.COMMUNITIES, columns)


def _add_gates(run: RunDirectory) -> None:
    count = len(NUMBERS)
    large = [[0, 2**53 + 1, 2**63 - 1, i] for i in range(count)]
    small = [[i] * 8 for i in range(count)]
    columns = {
        "id": [f"1-a/{i}:{kind}" for i, kind in enumerate(_kinds(count))],
        "kind": _kinds(count),
        "output": ids("1-a"),
        "inputs": [ids("0-a")[i : i + 2] or ids("0-a")[:3] for i in range(0, 2 * count, 2)],
        "verdict": ["gate", "no_gain"] * (count // 2) + ["gate"],
        "rank": COUNTS,
        **{name: NUMBERS for name in ("precision", "f1", "gain_chosen")},
        **{name: NUMBERS[::-1] for name in ("recall", "gain", "f1_chosen")},
        "support": (*COUNTS[1:], 0),
        "tokens": large,
        "active": large,
        "tokens_chosen": small,
        "active_chosen": small,
    }
    run.write(tables.GATES, rundir.GATES_FILE, [tables.rows(tables.GATES, columns)])
    by_kind = dict.fromkeys(KINDS, count)
    run.update(gates=GatesRecord(settings={}, tested=by_kind, kept=by_kind, chance=dict.fromkeys(KINDS, 0.5)))


def _kinds(count: int) -> list[str]:
    return [KINDS[i % len(KINDS)] for i in range(count)]


def _add_splits(run: RunDirectory) -> None:
    scores = ("coverage", "overlap", "score", "coverage_chosen", "overlap_chosen")
    columns = {
        "id": ["0-a/0:1-a", "0-a/1:1-a"],
        "parent": ids("0-a")[:2],
        "children": [ids("1-a")[:3], ids("1-a")[2:4]],
        "shares": [[0.1, 5e-324, -0.0], [1.0, 0.0]],
        "purities": [[0.0, 1.0, 0.1], [1e-300, 1.0]],
        **{name: [0.5, 0.25] for name in scores},
        "support": [2**63 - 1, 0],
    }
    run.write(tables.SPLITS, rundir.SPLITS_FILE, [tables.rows(tables.SPLITS, columns)])
    run.update(splits=SplitsRecord(settings={}, count=2))


def _add_prompts(run: RunDirectory) -> None:
    """Write prompts of odd texts; a feature of the last one is active on two of its tokens, those of one on none."""
    texts = [text for text in TEXTS if text]
    features = [[], *([id_] for id_ in ids("0-a")[: len(texts) - 2]), [ids("1-a")[0], *ids("0-a")[:2], ids("1-a")[0]]]
    columns = {
        "id": [f"p{i}" for i in range(len(texts))],
        "text": texts,
        "created": ["2026-01-01T00:00:00+00:00"] * len(texts),
        "tokens": [[text, "", "\0"] for text in texts],
        "counted": [[1, 2]] * len(texts),
        "threshold": [None, 0.0, 5e-324, *[0.1] * (len(texts) - 3)],
        "features": features,
        "positions": [[], *[[2]] * (len(texts) - 2), [1, 1, 1, 2]],
        "activations": [[], *[[5e-324]] * (len(texts) - 2), [1e-300, 0.1, 1.7976931348623157e308, 0.1]],
    }
    run.write(tables.PROMPTS, rundir.PROMPTS_FILE, [tables.rows(tables.PROMPTS, columns)])
