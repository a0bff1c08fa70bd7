"""The joint activity of up to nine inputs and an output, counted exactly: every truth table at once.

A set of inputs is a number with a bit for each. After counting, `Scratch.real` says for each set, in each half of the
documents, on how many tokens all of it is active, and with the output as well; so any truth table of a few inputs is a
sum of a few of these numbers. `Scratch.turned` says the same with one of the inputs rotated by whole contexts: chance.
"""

from typing import Any, Final

import numpy as np

from saedb.ingest.compiled import inlined
from saedb.ingest.motifs.activity import Activity, Halves
from saedb.ingest.motifs.candidates import Scratch

_OUTPUT: Final = np.uint32(1 << 31)
_FIRST: Final = np.uint32(1)
_INPUTS: Final = np.uint32((1 << 31) - 1)


@inlined
def count_sets(
    inputs: Any, count: int, output: Any, up: Activity, down: Activity, halves: Halves, room: Scratch, chance: bool
) -> None:
    """Count the tokens of every set of inputs, by walking the tokens of each."""
    _clear(room.real, count)
    n = _mark(down, output, _OUTPUT, 0, room)
    for i in range(count):
        n = _mark(up, inputs[i], np.uint32(1 << i), n, room)
    for k in range(n):
        token = room.touched[k]
        mark = room.marks[token]
        half, members = int(token >= halves.middle), mark & _INPUTS
        room.real[half, 0, members] += 1
        room.real[half, 1, members] += mark >> np.uint32(31)
    _add_supersets(room.real, count)
    if chance:
        for i in range(count):
            _count_turned(inputs[i], i, count, up, halves, room)
    for k in range(n):
        room.marks[room.touched[k]] = 0


@inlined
def _clear(table: Any, count: int) -> None:
    """Clear the sets of so many inputs."""
    for half in range(2):
        for which in range(2):
            for members in range(1 << count):
                table[half, which, members] = 0


@inlined
def _mark(active: Activity, feature: Any, bit: Any, n: int, room: Scratch) -> int:
    """Mark the tokens of a feature with a bit, and note those that had none; return how many tokens are noted."""
    for k in range(active.start[feature], active.start[feature + 1]):
        token = active.token[k]
        if not room.marks[token]:
            room.touched[n] = token
            n += 1
        room.marks[token] |= bit
    return n


@inlined
def _count_turned(feature: Any, i: int, count: int, up: Activity, halves: Halves, room: Scratch) -> None:
    """Count the sets with one input rotated: those without it are as they were."""
    bit, turned = 1 << i, room.turned[i]
    _clear(turned, count)
    for k in range(up.start[feature], up.start[feature + 1]):
        token = _rotated(up.token[k], halves)
        if halves.counted[token]:
            mark = room.marks[token]
            half, members = int(token >= halves.middle), (mark & _INPUTS) | np.uint32(bit)
            turned[half, 0, members] += 1
            turned[half, 1, members] += mark >> np.uint32(31)
    _add_supersets(turned, count)
    for half in range(2):
        for which in range(2):
            for members in range(1 << count):
                if not members & bit:
                    turned[half, which, members] = room.real[half, which, members]


@inlined
def _rotated(token: Any, halves: Halves) -> int:
    """Return the token that a token goes to when its half is rotated."""
    half = int(token >= halves.middle)
    stop = len(halves.counted) if half else halves.middle
    to = int(token) + halves.turn[half]
    return to if to < stop else to - stop + half * halves.middle


@inlined
def _rotated_back(token: Any, halves: Halves) -> int:
    """Return the token that goes to a token when its half is rotated."""
    half = int(token >= halves.middle)
    to = int(token) - halves.turn[half]
    if half:
        return to if to >= halves.middle else to + len(halves.counted) - halves.middle
    return to if to >= 0 else to + halves.middle


@inlined
def _add_supersets(table: Any, count: int) -> None:
    """Turn tokens with exactly a set into tokens with at least it."""
    for i in range(count):
        bit = 1 << i
        for members in range(1 << count):
            if not members & bit:
                for half in range(2):
                    for which in range(2):
                        table[half, which, members] += table[half, which, members | bit]


@inlined
def count_pairs(
    inputs: Any, count: int, output: Any, up: Activity, down: Activity, halves: Halves, room: Scratch, chance: bool
) -> None:
    """Count the sets that decide on an AND NOT, by walking the tokens of the first input and the output.

    These are each input, and the first with each other; the output with another alone is not counted.

    The others may be active nearly everywhere: their own tokens are not walked.
    """
    for i in range(count):
        room.bit[inputs[i]] = 1 << i
    _clear(room.real, count)
    for i in range(1, count):
        _clear(room.turned[i], count)
    n = _mark(down, output, _OUTPUT, 0, room)
    n = _mark(up, inputs[0], _FIRST, n, room)
    for k in range(n):
        token = room.touched[k]
        mark, half = room.marks[token], int(token >= halves.middle)
        active, first = int(mark >> np.uint32(31)), int(mark & _FIRST)
        room.real[half, 1, 0] += active
        room.real[half, 1, 1] += active & first
        for j in range(up.row[token], up.row[token + 1]):
            bit = room.bit[up.feature[j]]
            if bit > 1:
                room.real[half, 0, bit | _FIRST] += first
                room.real[half, 1, bit | _FIRST] += active & first
        if chance and first:
            _add_turned(token, half, active, up, halves, room)
        room.marks[token] = 0
    for i in range(count):
        feature = inputs[i]
        room.bit[feature] = 0
        room.real[0, 0, 1 << i] = up.middle[feature] - up.start[feature]
        room.real[1, 0, 1 << i] = up.start[feature + 1] - up.middle[feature]
    for i in range(1, count):
        for half in range(2):
            for which in range(2):
                for members in (0, 1, 1 << i):
                    room.turned[i, half, which, members] = room.real[half, which, members]


@inlined
def _add_turned(token: Any, half: int, active: int, up: Activity, halves: Halves, room: Scratch) -> None:
    """Count a token of the first input for the others that are active there when rotated."""
    before = _rotated_back(token, halves)
    for j in range(up.row[before], up.row[before + 1]):
        bit = room.bit[up.feature[j]]
        if bit > 1:
            i = 0
            while bit >> np.uint32(i) > 1:
                i += 1
            room.turned[i, half, 0, bit | _FIRST] += 1
            room.turned[i, half, 1, bit | _FIRST] += active
