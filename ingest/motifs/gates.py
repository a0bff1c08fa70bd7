"""Gates between two SAEs: boolean functions of upstream features that predict a downstream one, with truth tables.

The paper's rule is one-sided (arXiv 2410.08869, table 2): an AND needs two features, an OR has two that are enough.
Here the whole truth table is counted: a gate predicts its output well, better than fewer of its inputs do, every row
that decides was seen often enough, and what was chosen on one half of the documents holds on the other.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest import tables
from saedb.ingest.motifs.activity import Activity, Halves, Ids
from saedb.ingest.motifs.candidates import Scratch, limits_of, scratch
from saedb.ingest.motifs.scores import AND_NOT, GATE, on_combinations
from saedb.ingest.motifs.search import INPUTS, ROOM, Sets, Tables, Tally, Task, room, search, tabulate
from saedb.ingest.motifs.settings import KINDS, VERDICTS, GateSettings

_BATCH: Final = 64
"""Outputs that a thread takes at once."""
_VERDICTS: Final = np.array(list(VERDICTS), dtype=object)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What was found between two SAEs."""

    sets: Sets
    """The gates, and the pairs of inputs that the paper's rule takes, by output."""
    tables: Tables
    """Of these."""
    tested: NDArray[np.int64]
    """Sets of inputs, by kind, [3]."""
    chance: NDArray[np.float64]
    """Expected gates with an input rotated by whole contexts, by kind, [3]."""

    @property
    def kept(self) -> NDArray[np.int64]:
        """Gates, by kind, [3]."""
        return np.bincount(self.sets.kind[self.tables.verdict == GATE], minlength=len(KINDS))


def find(
    up: Activity,
    down: Activity,
    halves: Halves,
    paper: NDArray[np.int64],
    settings: GateSettings,
    *,
    threads: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Gates:
    """Return the gates of every downstream feature; the number of threads changes nothing.

    Args:
        up: active upstream features.
        down: active downstream features.
        halves: the halves of the text.
        paper: the two inputs that the paper's rule takes, of an AND and of an OR, -1 for none, [d_sae, 2, 2].
        settings: what makes a gate.
        threads: of the processor.
        progress: called with a number of outputs that are done.
    """
    task = Task(up, down, halves, halves.sizes, limits_of(settings, halves))
    gates, tally = _searched(task, threads, progress)
    others = _others(paper, gates)
    sets = _ordered(_joined([gates, others]))
    size = len(sets.output)
    cells = np.zeros((size, 2, 2, 1 << INPUTS), np.int64)
    tables = Tables(np.zeros(size, np.int64), np.zeros((size, 2)), np.zeros((size, 2)), cells)
    tabulate(sets, task, scratch(up), tables)
    tested = tally.tested + np.bincount(others.kind, minlength=len(KINDS))
    return Gates(sets=sets, tables=tables, tested=tested, chance=tally.chance)


def _searched(task: Task, threads: int, progress: Callable[[int], None]) -> tuple[Sets, Tally]:
    """Return the gates, and how many sets of inputs were tested."""
    rooms = SimpleQueue[tuple[Scratch, Sets]]()
    for _ in range(threads):
        rooms.put((scratch(task.up), room(ROOM)))

    def of_batch(outputs: NDArray[np.int64]) -> tuple[list[Sets], Tally]:
        own, parts, done = rooms.get(), list[Sets](), 0
        tally = Tally(np.zeros(len(KINDS), np.int64), np.zeros(len(KINDS)))
        try:
            while done < len(outputs):
                more, n = search(outputs[done:], task, own[0], own[1], tally)
                parts.append(Sets._make(values[:n].copy() for values in own[1]))
                done += more
        finally:
            rooms.put(own)
        return parts, tally

    outputs = np.arange(len(task.down.start) - 1)
    batches = [outputs[start : start + _BATCH] for start in range(0, len(outputs), _BATCH)]
    parts, tested, chance = [room(0)], np.zeros(len(KINDS), np.int64), np.zeros(len(KINDS))
    pool = ThreadPoolExecutor(threads)
    try:
        for batch, (found, tally) in zip(batches, pool.map(of_batch, batches), strict=True):
            parts += found
            tested += tally.tested
            chance += tally.chance
            progress(len(batch))
    finally:
        pool.shutdown(cancel_futures=True)
    return _joined(parts), Tally(tested, chance)


def _others(paper: NDArray[np.int64], gates: Sets) -> Sets:
    """Return the pairs of inputs that the paper's rule takes and that are no gates so far."""
    known = {
        (output, kind, frozenset(inputs[:arity]))
        for output, kind, arity, inputs in zip(*(values.tolist() for values in gates), strict=True)
    }
    asked = np.argwhere(paper[:, :, 0] >= 0)
    is_new = [(output, kind, frozenset(paper[output, kind].tolist())) not in known for output, kind in asked.tolist()]
    output, kind = asked[np.array(is_new, bool)].T
    inputs = np.pad(paper[output, kind], ((0, 0), (0, INPUTS - 2)))
    return Sets(output, kind, np.full(len(output), 2), inputs)


def _joined(parts: Sequence[Sets]) -> Sets:
    """Return the sets of several parts, by output."""
    whole = Sets._make(np.concatenate(values) for values in zip(*parts, strict=True))
    order = np.argsort(whole.output, kind="stable")
    return Sets._make(values[order] for values in whole)


def _ordered(sets: Sets) -> Sets:
    """Return the sets with the inputs in the order of their numbers, where the order means nothing."""
    slot = np.arange(INPUTS)
    is_free = (sets.kind != AND_NOT)[:, None] & (slot < sets.arity[:, None])
    order = np.argsort(np.where(is_free, sets.inputs, slot + np.iinfo(np.int64).max - INPUTS), axis=1)
    return sets._replace(inputs=np.take_along_axis(sets.inputs, order, axis=1))


def rows(found: Gates, upstream: Ids, downstream: Ids, model: str) -> pa.Table:
    """Return gates as rows of their table.

    Args:
        found: the gates.
        upstream: ids of the upstream features.
        downstream: ids of the downstream features.
        model: first part of the ids, which a gate's id leaves out.
    """
    sets, cells = found.sets, found.tables.cells
    names = [KINDS[kind] for kind in sets.kind]
    outputs: list[str] = downstream[sets.output].tolist()
    inputs: list[list[str]] = [upstream[of[:n]].tolist() for of, n in zip(sets.inputs, sets.arity, strict=True)]
    ids = [_id(output, kind, of, model) for output, kind, of in zip(outputs, names, inputs, strict=True)]
    on = [on_combinations(kind, arity) for kind, arity in zip(sets.kind.tolist(), sets.arity.tolist(), strict=True)]
    sums = [of[:, :, combinations].sum(axis=2) for of, combinations in zip(cells, on, strict=True)]
    tokens, active = np.moveaxis(np.array(sums, np.int64).reshape(-1, 2, 2), 2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = active[:, 1] / tokens[:, 1]
        recall = active[:, 1] / cells[:, 1, 1].sum(axis=1)
    (f1_chosen, f1), (gain_chosen, gain) = found.tables.f1.T, found.tables.gain.T
    return tables.rows(
        tables.GATES,
        {
            "id": ids,
            "kind": names,
            "output": outputs,
            "inputs": inputs,
            "verdict": _VERDICTS[found.tables.verdict],
            "rank": _ranks(found, ids),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "gain": gain,
            "f1_chosen": f1_chosen,
            "gain_chosen": gain_chosen,
            "score": np.minimum(gain, gain_chosen),
            "support": active.sum(axis=1),
            "tokens": _lists(cells[:, 1, 0], sets.arity),
            "active": _lists(cells[:, 1, 1], sets.arity),
            "tokens_chosen": _lists(cells[:, 0, 0], sets.arity),
            "active_chosen": _lists(cells[:, 0, 1], sets.arity),
        },
    )


def _id(output: str, kind: str, inputs: Sequence[str], model: str) -> str:
    short = [id_.removeprefix(f"{model}/") for id_ in (output, *inputs)]
    return f"{short[0]}:{kind.lower().replace('_', '-')}:{'+'.join(short[1:])}"


def _lists(cells: NDArray[np.int64], arity: NDArray[np.int64]) -> list[list[int]]:
    return [of[: 1 << n].tolist() for of, n in zip(cells, arity, strict=True)]


def _ranks(found: Gates, ids: Sequence[str]) -> list[int | None]:
    """Return the place of each gate among those of its output and kind; of what is none, None."""
    ranks: list[int | None] = [None] * len(ids)
    groups: dict[tuple[int, int], list[int]] = {}
    for i in np.flatnonzero(found.tables.verdict == GATE).tolist():
        groups.setdefault((int(found.sets.output[i]), int(found.sets.kind[i])), []).append(i)
    for members in groups.values():
        for rank, i in enumerate(sorted(members, key=lambda i: (-found.tables.f1[i, 1], ids[i]))):
            ranks[i] = rank
    return ranks
