"""Splits between two SAEs: features that several of the next layer divide among themselves.

Children lie nearly within their parent and hardly within each other. They are chosen on the first half of the
documents, those with most of the parent first; both halves say how much of the parent they cover.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest import tables
from saedb.ingest.compiled import compiled, inlined
from saedb.ingest.motifs.activity import Activity, Halves, Ids
from saedb.ingest.motifs.candidates import LEAST_LIFT, Scratch, best, count_joint, forget, scratch
from saedb.ingest.motifs.settings import SplitSettings

CHILDREN: Final = 16
"""Most children of a feature."""
_PARENT: Final = np.uint32(1)
_CHILD: Final = np.uint32(2)
"""What a mark grows by for each active child."""


class Rule(NamedTuple):
    """`saedb.ingest.motifs.settings.SplitSettings` as compiled code takes it."""

    min_purity: float
    min_share: float
    min_coverage: float
    max_overlap: float
    min_support: int
    tokens: int
    """Counted tokens of the first half."""


class Splits(NamedTuple):
    """Splits, one after the other."""

    parent: NDArray[np.int64]
    size: NDArray[np.int64]
    """Number of children."""
    children: NDArray[np.int64]
    """[splits, CHILDREN]"""
    active: NDArray[np.int64]
    """Tokens of each half with the parent active; with any child as well; with several, [splits, 2, 3]."""
    joint: NDArray[np.int64]
    """Tokens of the second half with parent and child; with the child, [splits, CHILDREN, 2]."""


def find(
    up: Activity, down: Activity, halves: Halves, settings: SplitSettings, progress: Callable[[int], None]
) -> Splits:
    """Return the splits of every upstream feature.

    Args:
        up: active upstream features.
        down: active downstream features.
        halves: the halves of the text.
        settings: what makes a split.
        progress: called with a number of parents that are done.
    """
    rule = Rule(
        min_purity=float(settings.min_purity),
        min_share=float(settings.min_share),
        min_coverage=float(settings.min_coverage),
        max_overlap=float(settings.max_overlap),
        min_support=settings.min_support,
        tokens=int(halves.sizes[0]),
    )
    parents = len(up.start) - 1
    room, found = scratch(down), _room(parents)
    n = 0
    for start in range(0, parents, CHILDREN):
        stop = min(start + CHILDREN, parents)
        n = _search(start, stop, up, down, halves, rule, room, found, n)
        progress(stop - start)
    return Splits._make(values[:n] for values in found)


def rows(found: Splits, upstream: Ids, downstream: Ids, sae: str, model: str) -> pa.Table:
    """Return splits as rows of their table.

    Args:
        found: the splits.
        upstream: ids of the upstream features, [d_sae].
        downstream: ids of the downstream features, [d_sae].
        sae: id of the downstream SAE.
        model: first part of the features' ids, which a split's id leaves out.
    """
    parents: list[str] = upstream[found.parent].tolist()
    active, covered, several = np.moveaxis(found.active, 2, 0)
    coverage, overlap = covered / active, several / covered
    with np.errstate(invalid="ignore"):
        shares, purities = found.joint[:, :, 0] / active[:, 1, None], found.joint[:, :, 0] / found.joint[:, :, 1]
    largest = [np.argsort(-of[:n], kind="stable") for of, n in zip(shares, found.size, strict=True)]
    return tables.rows(
        tables.SPLITS,
        {
            "id": [f"{parent.removeprefix(f'{model}/')}:split:{sae}" for parent in parents],
            "parent": parents,
            "children": [downstream[of[order]].tolist() for of, order in zip(found.children, largest, strict=True)],
            "shares": [of[order].tolist() for of, order in zip(shares, largest, strict=True)],
            "purities": [of[order].tolist() for of, order in zip(purities, largest, strict=True)],
            "coverage": coverage[:, 1],
            "overlap": overlap[:, 1],
            "score": coverage[:, 1] * (1 - overlap[:, 1]),
            "coverage_chosen": coverage[:, 0],
            "overlap_chosen": overlap[:, 0],
            "support": covered.sum(axis=1),
        },
    )


def _room(size: int) -> Splits:
    integers = np.zeros(size, np.int64), np.zeros(size, np.int64)
    children, joint = np.zeros((size, CHILDREN), np.int64), np.zeros((size, CHILDREN, 2), np.int64)
    return Splits(*integers, children, np.zeros((size, 2, 3), np.int64), joint)


@compiled
def _search(
    start: int,
    stop: int,
    up: Activity,
    down: Activity,
    halves: Halves,
    rule: Rule,
    room: Scratch,
    found: Splits,
    n: int,
) -> int:
    """Append the splits of some parents, and return how many splits there are."""
    for parent in range(start, stop):
        first, last = up.start[parent], up.start[parent + 1]
        near = count_joint(down, up, parent, room)
        _order(near, up.middle[parent] - first, down, rule, room)
        for k in range(first, last):
            room.marks[up.token[k]] = _PARENT
        count = _take_children(near, down, rule, room, found.children[n], found.joint[n])
        forget(near, room)
        if count > 1:
            found.parent[n], found.size[n] = parent, count
            found.active[n] = 0
            for k in range(first, last):
                token = up.token[k]
                half, children = int(token >= halves.middle), room.marks[token] >> np.uint32(1)
                found.active[n, half, 0] += 1
                found.active[n, half, 1] += children > 0
                found.active[n, half, 2] += children > 1
            n += int(_is_split(found.active[n], found.joint[n, :count], rule))
        for k in range(first, last):
            room.marks[up.token[k]] = 0
    return n


@inlined
def _order(near: int, n_u: Any, down: Activity, rule: Rule, room: Scratch) -> None:
    """Give each feature that may be a child its key: tokens with the parent in the first half."""
    for i in range(near):
        feature = room.found[i]
        both, n_d = room.joint[0, feature], down.middle[feature] - down.start[feature]
        is_one = (
            both >= rule.min_purity * n_d
            and both >= rule.min_share * n_u
            and both * rule.tokens >= LEAST_LIFT * n_u * n_d
        )
        room.key[i] = both if is_one else -np.inf


@inlined
def _take_children(near: int, down: Activity, rule: Rule, room: Scratch, children: Any, joint: Any) -> int:
    """Take children as long as there are any that hardly overlap with those before; return how many.

    Their tokens within the parent, whose tokens are marked, grow by a child.
    """
    count = 0
    while count < CHILDREN:
        i = best(near, room)
        if i < 0:
            return count
        room.key[i] = -np.inf
        feature = room.found[i]
        taken = 0
        for k in range(down.start[feature], down.middle[feature]):
            taken += room.marks[down.token[k]] > _PARENT
        if taken > rule.max_overlap * room.joint[0, feature]:
            continue
        children[count] = feature
        joint[count, 0], joint[count, 1] = 0, down.start[feature + 1] - down.middle[feature]
        for k in range(down.start[feature], down.start[feature + 1]):
            token = down.token[k]
            if room.marks[token]:
                room.marks[token] += _CHILD
                joint[count, 0] += k >= down.middle[feature]
        count += 1
    return count


@inlined
def _is_split(active: Any, joint: Any, rule: Rule) -> bool:
    """Return whether the children cover enough of the parent, and not each other, and lie in it, on both halves."""
    for child in range(len(joint)):
        if not joint[child, 1] or joint[child, 0] < rule.min_purity * joint[child, 1]:
            return False
    for half in range(2):
        parent, covered, several = active[half]
        if covered < rule.min_support or covered < rule.min_coverage * parent or several > rule.max_overlap * covered:
            return False
    return True
