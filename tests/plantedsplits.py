"""Splits by dense NumPy: the second implementation, to compare with."""

from dataclasses import dataclass

import numpy as np
from plantedgates import LIFT, Booleans, Planted

from saedb.ingest.motifs import splitting
from saedb.ingest.motifs.settings import SplitSettings

CHILDREN = 16


@dataclass(frozen=True, kw_only=True)
class Split:
    """A split; numbers by half where there are two."""

    children: tuple[int, ...]
    parent: tuple[int, int]
    covered: tuple[int, int]
    several: tuple[int, int]
    joint: tuple[tuple[int, int], ...]
    """On the second half, of each child: tokens with the parent, and all."""


def reference_splits(text: Planted, settings: SplitSettings) -> dict[int, Split]:
    """Return the splits that dense NumPy finds, by parent."""
    up, down = text.up & text.counts[:, None], text.down & text.counts[:, None]
    found = {parent: _split(up[:, parent], down, text, settings) for parent in range(up.shape[1])}
    return {parent: split for parent, split in found.items() if split is not None}


def _split(parent: Booleans, down: Booleans, text: Planted, settings: SplitSettings) -> Split | None:
    children = _children(parent[text.spans[0]], down[text.spans[0]], int(text.counts[text.spans[0]].sum()), settings)
    if len(children) < 2:
        return None
    sizes = []
    for span in text.spans:
        within = down[span][:, children][parent[span]].sum(axis=1)
        sizes.append((int(parent[span].sum()), int((within > 0).sum()), int((within > 1).sum())))
    for whole, covered, several in sizes:
        if covered < settings.min_support or covered / whole < settings.min_coverage:
            return None
        if several / covered > settings.max_overlap:
            return None
    second = text.spans[1]
    joint = tuple(
        (int((down[second, child] & parent[second]).sum()), int(down[second, child].sum())) for child in children
    )
    if any(not own or inside / own < settings.min_purity for inside, own in joint):
        return None
    whole, covered, several = zip(*sizes, strict=True)
    return Split(children=tuple(children), parent=whole, covered=covered, several=several, joint=joint)


def _children(parent: Booleans, down: Booleans, tokens: int, settings: SplitSettings) -> list[int]:
    joint, n_d, n_u = (down & parent[:, None]).sum(axis=0), down.sum(axis=0), int(parent.sum())
    possible = [
        i
        for i in range(down.shape[1])
        if joint[i]
        and joint[i] / n_d[i] >= settings.min_purity
        and joint[i] / n_u >= settings.min_share
        and joint[i] * tokens >= LIFT * n_u * n_d[i]
    ]
    taken, covered = list[int](), np.zeros(len(parent), np.bool_)
    for i in sorted(possible, key=lambda i: (-joint[i], i)):
        own = down[:, i] & parent
        if len(taken) < CHILDREN and (own & covered).sum() / joint[i] <= settings.max_overlap:
            taken.append(i)
            covered |= own
    return taken


def splits_of_product(found: splitting.Splits) -> dict[int, Split]:
    """Return the splits of the product in the terms of the reference."""
    result: dict[int, Split] = {}
    for i in range(len(found.parent)):
        count = int(found.size[i])
        whole, covered, several = found.active[i].T.tolist()
        result[int(found.parent[i])] = Split(
            children=tuple(found.children[i, :count].tolist()),
            parent=tuple(whole),
            covered=tuple(covered),
            several=tuple(several),
            joint=tuple(map(tuple, found.joint[i, :count].tolist())),
        )
    return result
