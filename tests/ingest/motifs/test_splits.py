"""Splits against dense NumPy, and on planted texts."""

from dataclasses import replace

import numpy as np
import pytest
from plantedgates import Planted
from plantedsplits import Split, reference_splits, splits_of_product

from saedb.ingest.motifs import splitting
from saedb.ingest.motifs.settings import SplitSettings

USUAL = SplitSettings()
TOKENS = 8000
HALF = TOKENS // 2


def split_text(seed: int, *, tokens: int = 1600, parents: int = 8, **layout: object) -> Planted:
    """Return a text whose upstream features are divided by two to five downstream ones, more or less."""
    random = np.random.default_rng(seed)
    up = random.random((tokens, parents)) < random.uniform(0.05, 0.4, parents)
    up[:, -1], up[:, -2] = False, True
    children: list[np.ndarray] = []
    for parent in up.T[:-2]:
        count = random.integers(2, 6)
        of_child = random.integers(0, count + 1, tokens)  # what the last one has stays with no child
        children += [parent & (of_child == i) | parent & (random.random(tokens) < 0.03) for i in range(count)]
    down = np.stack(children, axis=1)
    down ^= random.random(down.shape) < random.uniform(0, 0.005, down.shape[1])
    noise = np.stack([random.random(tokens) < 0.1, np.zeros(tokens, np.bool_), np.ones(tokens, np.bool_)], axis=1)
    return Planted(up=up, down=np.concatenate([down, noise], axis=1), **{"middle": tokens // 2, **layout})


LAX = SplitSettings(min_purity=0.6, min_share=0.02, min_coverage=0.3, max_overlap=0.4, min_support=3)
CASES = {
    "usual": (split_text(0, tokens=4000), USUAL),
    "lax": (split_text(1), LAX),
    "many parents": (split_text(2, parents=40), LAX),
    "uncounted tokens": (split_text(3, counted=np.random.default_rng(3).random(1600) > 0.3), LAX),
    "cut into stretches": (split_text(4, cuts=(7, 8, 900), middle=720), LAX),
    "short": (split_text(5, tokens=64), replace(LAX, min_support=1)),
    "one half": (split_text(6, middle=0, documents=(np.arange(1600) // 90).astype(np.int32)), LAX),
}


@pytest.mark.parametrize("case", CASES)
def test_splits_are_those_of_dense_numpy(case: str) -> None:
    text, settings = CASES[case]
    expected = reference_splits(text, settings)
    assert splits_of_product(text.splits(settings)) == expected
    assert expected


@pytest.mark.parametrize("seed", range(40))
def test_splits_of_any_text_and_settings_are_those_of_dense_numpy(seed: int) -> None:
    random = np.random.default_rng(seed)
    purity, share, coverage, overlap = random.integers((4, 0, 1, 0), (11, 5, 8, 6)).tolist()
    settings = SplitSettings(
        min_purity=purity / 10,
        min_share=share / 20,
        min_coverage=coverage / 10,
        max_overlap=overlap / 10,
        min_support=int(random.integers(1, 20)),
    )
    tokens = 8 * int(random.integers(6, 100))
    text = split_text(seed, tokens=tokens, counted=random.random(tokens) < 0.9)
    assert splits_of_product(text.splits(settings)) == reference_splits(text, settings)


class Tree:
    """A parent and what divides it, token by token."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.parent = self.random.random(TOKENS) < 0.2
        self.part = self.random.integers(0, 4, TOKENS)

    def quarter(self, *parts: int) -> np.ndarray:
        return self.parent & np.isin(self.part, parts)

    def some(self, column: np.ndarray, share: float) -> np.ndarray:
        return column & (self.random.random(TOKENS) < share)

    def split(self, *children: np.ndarray, settings: SplitSettings = USUAL) -> Split | None:
        text = Planted(up=self.parent[:, None], down=np.stack(children, axis=1), middle=HALF)
        return splits_of_product(text.splits(settings)).get(0)


def test_a_partition_is_a_split_with_the_largest_child_first() -> None:
    tree = Tree()
    found = tree.split(tree.quarter(0), tree.quarter(1, 2), tree.quarter(3))
    assert found is not None
    assert found.children[0] == 1
    assert set(found.children) == {0, 1, 2}
    assert found.covered == found.parent
    assert found.several == (0, 0)


def test_one_child_is_no_split() -> None:
    tree = Tree()
    assert tree.split(tree.parent) is None
    assert tree.split(tree.parent, tree.parent.copy()) is None


@pytest.mark.parametrize(
    ("other", "children"),
    [
        (lambda tree: tree.quarter(1) | tree.some(~tree.parent, 0.05), None),  # active outside of the parent
        (lambda tree: tree.some(tree.quarter(1), 0.1), None),  # too small a share
        (lambda tree: tree.some(tree.quarter(0), 0.9), None),  # within another child
        (lambda tree: tree.quarter(1) | tree.some(tree.quarter(0), 0.1), (1, 0)),  # a little of another child
    ],
    ids=["impure", "small", "twin", "little overlap"],
)
def test_a_child_lies_within_its_parent_and_not_within_another_child(other: object, children: object) -> None:
    tree = Tree()
    found = tree.split(tree.quarter(0), other(tree), settings=replace(USUAL, min_coverage=0.3))  # type: ignore[operator]
    assert (found and found.children) == children


def test_children_cover_enough_of_their_parent() -> None:
    tree = Tree()
    pair = tree.quarter(0), tree.some(tree.quarter(1), 0.8)
    assert tree.split(*pair) is None
    assert tree.split(*pair, settings=replace(USUAL, min_coverage=0.4)) is not None


def test_a_split_holds_on_both_halves() -> None:
    for half in (slice(0, HALF), slice(HALF, TOKENS)):
        tree = Tree()
        children = tree.quarter(0, 1), tree.quarter(2, 3)
        assert tree.split(*children) is not None
        for child in children:
            child[half] &= tree.random.random(HALF) < 0.4
        assert tree.split(*children) is None


def test_children_that_overlap_on_the_second_half_alone_are_no_split() -> None:
    tree = Tree()
    one, other = tree.quarter(0, 1), tree.quarter(2, 3)
    one[HALF:] = other[HALF:] = tree.parent[HALF:]
    assert tree.split(one, other) is None


def test_rare_parents_are_not_split() -> None:
    tree = Tree()
    tree.parent = np.zeros(TOKENS, np.bool_)
    tree.parent[[*range(9), *range(HALF, HALF + 50)]] = True
    assert tree.split(tree.quarter(0, 1), tree.quarter(2, 3)) is None
    assert tree.split(tree.quarter(0, 1), tree.quarter(2, 3), settings=replace(USUAL, min_support=9)) is not None


def test_a_parent_has_no_more_children_than_there_is_room_for() -> None:
    tree = Tree()
    tree.part = tree.random.integers(0, 20, TOKENS)
    found = tree.split(*(tree.quarter(part) for part in range(20)), settings=replace(USUAL, min_share=0.01))
    assert found is not None
    assert len(found.children) == splitting.CHILDREN
