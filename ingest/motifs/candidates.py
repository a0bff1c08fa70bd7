"""Which upstream features are tried as inputs of a gate. They are chosen on the first half of the documents alone.

Compiled code; `Scratch` is one thread's own.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saedb.ingest.compiled import inlined
from saedb.ingest.motifs.activity import Activity, Halves

MOST: Final = 9
"""Inputs of one joint table at most: a first one, and eight others."""
FIRSTS: Final = 4
"""First inputs of an AND NOT that are tried."""

LEAST_LIFT: Final = 2.0
"""A feature that is active nearly everywhere is necessary for all."""
_MORE: Final = float(1 << 32)
"""More tokens than there are."""
_FIRST_PRECISION: Final = (0.1, 0.9)
"""The same of the first input of an AND NOT: there must be something to take away, and something to leave."""


class Limits(NamedTuple):
    """`saedb.ingest.motifs.settings.GateSettings` as compiled code takes it."""

    min_f1: float
    min_gain: float
    row_support: int
    exclusive: bool
    candidates: int
    max_inputs: int
    min_necessity: float
    min_sufficiency: float
    min_precision: float
    tokens: int
    """Counted tokens of the first half."""


class Scratch(NamedTuple):
    """Arrays of one thread, all zero between two outputs but for `found` and what is written before it is read."""

    marks: NDArray[np.uint32]
    """What is active on each token, a bit each, [tokens]."""
    touched: NDArray[np.uint32]
    """Tokens with a mark, [tokens]."""
    joint: NDArray[np.int64]
    """Tokens of the first half that a feature shares with one or two others, [2, d_sae]."""
    found: NDArray[np.int64]
    """Features with such a token, [d_sae]."""
    key: NDArray[np.float64]
    """By what they are ordered, [d_sae]."""
    bit: NDArray[np.uint32]
    """The bit of each input in a joint table, [d_sae]."""
    inputs: NDArray[np.int64]
    """Inputs of an AND, an OR and an AND NOT, [3, MOST]."""
    firsts: NDArray[np.int64]
    """First inputs of an AND NOT, [FIRSTS]."""
    real: NDArray[np.int64]
    """Tokens with all inputs of a set: by half, by whether the output has to be active too, by set, [2, 2, 2^MOST]."""
    turned: NDArray[np.int64]
    """The same with one of the inputs rotated, [MOST, 2, 2, 2^MOST]."""


def scratch(up: Activity) -> Scratch:
    """Return room for one thread."""
    tokens, features, sets = len(up.row) - 1, len(up.start) - 1, 1 << MOST
    return Scratch(
        marks=np.zeros(tokens, np.uint32),
        touched=np.zeros(tokens, np.uint32),
        joint=np.zeros((2, features), np.int64),
        found=np.zeros(features, np.int64),
        key=np.zeros(features),
        bit=np.zeros(features, np.uint32),
        inputs=np.zeros((3, MOST), np.int64),
        firsts=np.zeros(FIRSTS, np.int64),
        real=np.zeros((2, 2, sets), np.int64),
        turned=np.zeros((MOST, 2, 2, sets), np.int64),
    )


@inlined
def count_joint(up: Activity, down: Activity, output: Any, room: Scratch) -> int:
    """Count the tokens of the first half that each feature shares with an output; return how many features do."""
    n = 0
    for k in range(down.start[output], down.middle[output]):
        token = down.token[k]
        for j in range(up.row[token], up.row[token + 1]):
            feature = up.feature[j]
            if not room.joint[0, feature]:
                room.found[n] = feature
                n += 1
            room.joint[0, feature] += 1
    return n


@inlined
def best(n: int, room: Scratch) -> int:
    """Return the place of the feature with the highest key, of equal ones the first feature; -1 where all are out."""
    found = -1
    for i in range(n):
        key = room.key[i]
        if key > -np.inf and (
            found < 0 or key > room.key[found] or (key == room.key[found] and room.found[i] < room.found[found])
        ):
            found = i
    return found


@inlined
def _take(n: int, most: int, chosen: Any, room: Scratch) -> int:
    """Write the features of the highest keys, those of minus infinity aside, into `chosen`; return how many."""
    for taken in range(most):
        i = best(n, room)
        if i < 0:
            return taken
        chosen[taken] = room.found[i]
        room.key[i] = -np.inf
    return most


@inlined
def take_inputs(needed: bool, n: int, n_d: Any, up: Activity, limits: Limits, room: Scratch) -> int:
    """Write the candidates of an AND, which are needed, or of an OR into their row of `room.inputs`; return how many.

    Those with most joint tokens come first, which of an AND are the most necessary; of equal ones the less frequent.
    """
    for i in range(n):
        feature = room.found[i]
        both, n_u = room.joint[0, feature], up.middle[feature] - up.start[feature]
        is_one = both >= limits.row_support and both * limits.tokens >= LEAST_LIFT * n_u * n_d
        if needed:
            is_one = is_one and both >= limits.min_necessity * n_d and both >= limits.min_precision * n_u
        else:
            is_one = is_one and both >= limits.min_sufficiency * n_u
        room.key[i] = both - n_u / _MORE if is_one else -np.inf
    return _take(n, limits.candidates, room.inputs[0 if needed else 1], room)


@inlined
def take_firsts(n: int, n_d: Any, up: Activity, limits: Limits, room: Scratch) -> int:
    """Write first inputs of an AND NOT, the best predictors first, into `room.firsts`; return how many."""
    for i in range(n):
        feature = room.found[i]
        both, n_u = room.joint[0, feature], up.middle[feature] - up.start[feature]
        is_one = (
            both >= limits.row_support
            and both >= limits.min_necessity * n_d
            and _FIRST_PRECISION[0] * n_u <= both <= _FIRST_PRECISION[1] * n_u
        )
        room.key[i] = 2.0 * both / (n_u + n_d) if is_one else -np.inf
    return _take(n, FIRSTS, room.firsts, room)


@inlined
def take_seconds(first: Any, up: Activity, down: Activity, output: Any, limits: Limits, room: Scratch) -> int:
    """Write a first input of an AND NOT and the features that may forbid the output into `room.inputs[2]`.

    Those are more often active where the first input is and the output is not than where both are; those come first
    that take away most tokens without the output, less the tokens with it.

    Returns:
        how many inputs there are, the first one among them.
    """
    _mark_output(down, output, room)
    n, with_output, found = 0, 0, room.found
    for k in range(up.start[first], up.middle[first]):
        token = up.token[k]
        is_active = int(room.marks[token] != 0)
        with_output += is_active
        for j in range(up.row[token], up.row[token + 1]):
            feature = up.feature[j]
            if not (room.joint[0, feature] or room.joint[1, feature]):
                found[n] = feature
                n += 1
            room.joint[is_active, feature] += 1
    without = up.middle[first] - up.start[first] - with_output
    for i in range(n):
        feature = found[i]
        off, on = room.joint[0, feature], room.joint[1, feature]
        is_one = off * with_output > on * without  # which the first one itself is not
        room.key[i] = float(off - on) if is_one else -np.inf
        room.joint[0, feature] = room.joint[1, feature] = 0
    _clear_output(down, output, room)
    room.inputs[2, 0] = first
    return 1 + _take(n, limits.candidates, room.inputs[2, 1:], room)


@inlined
def forget(n: int, room: Scratch) -> None:
    """Clear the joint tokens of the features that were found."""
    for i in range(n):
        room.joint[0, room.found[i]] = 0


@inlined
def _mark_output(down: Activity, output: Any, room: Scratch) -> None:
    for k in range(down.start[output], down.middle[output]):
        room.marks[down.token[k]] = 1


@inlined
def _clear_output(down: Activity, output: Any, room: Scratch) -> None:
    for k in range(down.start[output], down.middle[output]):
        room.marks[down.token[k]] = 0


def limits_of(settings: Any, halves: Halves) -> Limits:
    """Return settings as compiled code takes them."""
    return Limits(
        min_f1=float(settings.min_f1),  # a whole number would be another type, for which all is compiled again
        min_gain=float(settings.min_gain),
        row_support=settings.row_support,
        exclusive=settings.exclusive,
        candidates=settings.candidates,
        max_inputs=settings.max_inputs,
        min_necessity=float(settings.min_necessity),
        min_sufficiency=float(settings.min_sufficiency),
        min_precision=float(settings.min_precision),
        tokens=int(halves.sizes[0]),
    )
