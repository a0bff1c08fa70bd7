"""The loop that looks for the gates of one output after the other: candidates, joint tables, verdicts, and chance."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.compiled import compiled, inlined
from saedb.ingest.motifs import candidates
from saedb.ingest.motifs.activity import Activity, Halves
from saedb.ingest.motifs.candidates import FIRSTS, MOST, Limits, Scratch
from saedb.ingest.motifs.joint import count_pairs, count_sets
from saedb.ingest.motifs.scores import AND, AND_NOT, GATE, f1, gain, is_chance, truth_table, verdict

INPUTS: Final = 3
"""Most inputs of a gate."""
_SETS: Final = 2 * 84 + FIRSTS * (MOST - 1)
"""Most sets of inputs that are tested for one output: pairs and triples of eight, twice; and AND NOTs."""
ROOM: Final = 16 * _SETS


class Sets(NamedTuple):
    """Some inputs of an output each, and which kind of gate they may be, one after the other."""

    output: NDArray[np.int64]
    kind: NDArray[np.int64]
    arity: NDArray[np.int64]
    """Number of inputs."""
    inputs: NDArray[np.int64]
    """[sets, INPUTS]"""


class Tables(NamedTuple):
    """What the tokens say of `Sets`."""

    verdict: NDArray[np.int64]
    """A number of `saedb.ingest.motifs.scores`, [sets]."""
    f1: NDArray[np.float64]
    """By half, [sets, 2]; likewise `gain`."""
    gain: NDArray[np.float64]
    cells: NDArray[np.int64]
    """Truth tables: by half, by whether the output has to be active too, by combination, [sets, 2, 2, 2^INPUTS]."""


class Tally(NamedTuple):
    """How many sets of inputs were tested, and how many of them chance makes a gate of; by kind, [3]."""

    tested: NDArray[np.int64]
    chance: NDArray[np.float64]


class Task(NamedTuple):
    """The features of two SAEs on a text, and what makes a gate of them."""

    up: Activity
    down: Activity
    halves: Halves
    sizes: NDArray[np.int64]
    """Counted tokens of each half, [2]."""
    limits: Limits


def room(size: int) -> Sets:
    """Return room for so many sets."""
    output, kind, arity = np.zeros((3, size), np.int64)
    return Sets(output, kind, arity, np.zeros((size, INPUTS), np.int64))


@compiled
def search(outputs: Any, task: Task, scratch: Scratch, gates: Sets, tally: Tally) -> tuple[int, int]:
    """Write the gates of some outputs while there is room; return how many are done, and the number of gates."""
    n = 0
    for done in range(len(outputs)):
        if n + _SETS > len(gates.output):
            return done, n
        n = _search(outputs[done], task, scratch, gates, tally, n)
    return len(outputs), n


@compiled
def tabulate(sets: Sets, task: Task, scratch: Scratch, found: Tables) -> None:
    """Write verdicts, scores and truth tables of some sets of inputs."""
    bits = np.array([1, 2, 4])
    for n in range(len(sets.output)):
        kind, arity, real = sets.kind[n], sets.arity[n], scratch.real
        members = (1 << arity) - 1
        count_sets(sets.inputs[n], arity, sets.output[n], task.up, task.down, task.halves, scratch, False)
        found.verdict[n] = verdict(kind, real, members, task.limits)
        for half in range(2):
            found.f1[n, half] = f1(kind, real[half], members)
            found.gain[n, half] = gain(kind, real[half], members)
            real[half, 0, 0] = task.sizes[half]
        truth_table(real, bits, arity, found.cells[n])


@inlined
def _search(output: Any, task: Task, scratch: Scratch, gates: Sets, tally: Tally, n: int) -> int:
    """Append the gates of an output; return how many gates there are.

    The tables of an AND and of an OR are counted once, those of an AND NOT for every first input.
    """
    up, down, limits = task.up, task.down, task.limits
    n_d = down.middle[output] - down.start[output]
    near = candidates.count_joint(up, down, output, scratch)
    needed = candidates.take_inputs(True, near, n_d, up, limits, scratch)
    sufficient = candidates.take_inputs(False, near, n_d, up, limits, scratch)
    firsts = candidates.take_firsts(near, n_d, up, limits, scratch)
    candidates.forget(near, scratch)
    for number in range(2 + firsts):
        kind = min(number, AND_NOT)
        if kind == AND_NOT:
            count = candidates.take_seconds(scratch.firsts[number - 2], up, down, output, limits, scratch)
        else:
            count = needed if kind == AND else sufficient
        if count < 2:
            continue
        if kind == AND_NOT:
            count_pairs(scratch.inputs[kind], count, output, up, down, task.halves, scratch, True)
        else:
            count_sets(scratch.inputs[kind], count, output, up, down, task.halves, scratch, True)
        n = _test(kind, count, output, limits, scratch, gates, tally, n)
    return n


@inlined
def _test(
    kind: int, count: int, output: Any, limits: Limits, scratch: Scratch, gates: Sets, tally: Tally, n: int
) -> int:
    """Test every set of inputs that may be a gate, and append those that are; return how many gates there are."""
    for members in range(1 << count):
        size = 0
        for i in range(count):
            size += members >> i & 1
        is_one = size == 2 and members & 1 if kind == AND_NOT else 2 <= size <= limits.max_inputs
        if not is_one:
            continue
        tally.tested[kind] += 1
        rotated = size - 1 if kind == AND_NOT else size
        for i in range(size - rotated, count):
            if members >> i & 1 and is_chance(kind, scratch.real[0], scratch.turned[i, 1], members, limits):
                tally.chance[kind] += 1 / rotated
        if verdict(kind, scratch.real, members, limits) == GATE:
            gates.output[n], gates.kind[n], gates.arity[n] = output, kind, 0
            for i in range(count):
                if members >> i & 1:
                    gates.inputs[n, gates.arity[n]] = scratch.inputs[kind, i]
                    gates.arity[n] += 1
            n += 1
    return n
