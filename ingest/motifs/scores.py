"""How well a boolean function of features predicts another one: its F1, its gain, and whether it is a gate.

A table holds, for each set of inputs as a number with a bit for each, the tokens on which all of it is active, and of
these the ones with the output: arrays ``table[output too, set]`` of one half of a text (`saedb.ingest.motifs.joint`).
"""

from typing import Any, Final

from saedb.ingest.compiled import compiled, inlined
from saedb.ingest.motifs.candidates import Limits
from saedb.ingest.motifs.settings import KINDS, VERDICTS

AND, OR, AND_NOT = range(len(KINDS))
GATE, UNDECIDED, IMPRECISE, NO_GAIN, UNREPEATED = range(len(VERDICTS))

_FIRST: Final = 1
"""The set of the first input alone."""


@inlined
def _any(tokens: Any, inputs: int) -> Any:
    """Return the tokens with any of the inputs: inclusion and exclusion over every set of them."""
    total, part = 0, inputs
    while part:
        total += tokens[part] if _size(part) % 2 else -tokens[part]
        part = (part - 1) & inputs
    return total


@inlined
def _alone(tokens: Any, inputs: int, bit: int) -> Any:
    """Return the tokens with one of the inputs and none of the others."""
    return tokens[bit] if inputs == bit else _any(tokens, inputs) - _any(tokens, inputs ^ bit)


@inlined
def _size(inputs: int) -> int:
    count = 0
    while inputs:
        inputs &= inputs - 1
        count += 1
    return count


@inlined
def _on(kind: int, tokens: Any, inputs: int) -> Any:
    """Return the tokens on which the gate is on."""
    if kind == OR:
        return _any(tokens, inputs)
    if kind == AND_NOT and inputs != _FIRST:
        return tokens[_FIRST] - tokens[inputs]
    return tokens[inputs]


@compiled
def f1(kind: int, table: Any, inputs: int) -> float:
    """Return the harmonic mean of the gate's precision and recall as a predictor of the output; 0 if never right."""
    both = 2 * _on(kind, table[1], inputs) + 0.0
    return both / (_on(kind, table[0], inputs) + table[1, 0]) if both else 0.0


@compiled
def gain(kind: int, table: Any, inputs: int) -> float:
    """Return the gate's F1 less the highest of the gates of the same kind of fewer of its inputs."""
    if kind == AND_NOT:
        return f1(kind, table, inputs) - f1(kind, table, _FIRST)
    best, part = 0.0, (inputs - 1) & inputs
    while part:
        best = max(best, f1(kind, table, part))
        part = (part - 1) & inputs
    return f1(kind, table, inputs) - best


@inlined
def _is_decided(kind: int, table: Any, inputs: int, limits: Limits) -> bool:
    """Return whether every row of the truth table that decides has enough tokens.

    Of an AND these are the one with all inputs, and those without one of them; of an OR those with one input alone,
    and unless it may be exclusive what has several; of an AND NOT the first input with and without the other.
    """
    tokens, least = table[0], limits.row_support
    if kind == AND_NOT:
        return tokens[inputs] >= least and tokens[_FIRST] - tokens[inputs] >= least
    alone, rest = 0, inputs
    while rest:
        bit = rest & -rest
        row = tokens[inputs ^ bit] - tokens[inputs] if kind == AND else _alone(tokens, inputs, bit)
        if row < least:
            return False
        alone += row
        rest ^= bit
    if kind == AND:
        return tokens[inputs] >= least
    return limits.exclusive or _any(tokens, inputs) - alone >= least


@inlined
def _fails(kind: int, table: Any, inputs: int, limits: Limits) -> int:
    """Return the first test that a gate fails on one half, or `GATE`."""
    if not _is_decided(kind, table, inputs, limits):
        return UNDECIDED
    if f1(kind, table, inputs) < limits.min_f1:
        return IMPRECISE
    return NO_GAIN if gain(kind, table, inputs) < limits.min_gain else GATE


@compiled
def is_chance(kind: int, chosen: Any, rotated: Any, inputs: int, limits: Limits) -> bool:
    """Return whether a gate that passes on the first half passes on the second with one of its inputs rotated."""
    return _fails(kind, chosen, inputs, limits) == GATE and _fails(kind, rotated, inputs, limits) == GATE


@compiled
def verdict(kind: int, tables: Any, inputs: int, limits: Limits) -> int:
    """Return what the tables of both halves, [2, output too, set], say of a gate that was chosen on the first."""
    first = _fails(kind, tables[0], inputs, limits)
    if first != GATE:
        return first
    return GATE if _fails(kind, tables[1], inputs, limits) == GATE else UNREPEATED


@compiled
def truth_table(tables: Any, inputs: Any, count: int, cells: Any) -> None:
    """Write the truth table of some inputs into `cells`, [half, output too, combination].

    A combination is a number whose highest bit is the first input. That without any input counts tokens with the
    output alone; the other tokens are not in `tables`.

    Args:
        tables: [half, output too, set].
        inputs: bits of the inputs in a set, [count].
        count: number of inputs.
        cells: [2, 2, 2^count].
    """
    combinations = 1 << count
    for combination in range(combinations):
        inside, outside = 0, 0
        for i in range(count):
            if combination >> (count - 1 - i) & 1:
                inside |= inputs[i]
            else:
                outside |= inputs[i]
        for half in range(2):
            for which in range(2):
                total, part = 0, outside
                while True:
                    sign = -1 if _size(part) % 2 else 1
                    total += sign * tables[half, which, inside | part]
                    if not part:
                        break
                    part = (part - 1) & outside
                cells[half, which, combination] = total


def on_combinations(kind: int, count: int) -> list[int]:
    """Return the combinations of so many inputs, as `truth_table` numbers them, with the gate on."""
    if kind == AND_NOT:
        return [2]
    return [(1 << count) - 1] if kind == AND else list(range(1, 1 << count))
