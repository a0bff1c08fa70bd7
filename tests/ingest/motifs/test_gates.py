"""Gates against dense NumPy, on planted texts, and under the null."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from garden import HALF, TOKENS, Garden, near_gates, planted_gates
from plantedgates import Judged, Key, Planted, judged, of_product, reference, sets_of, shuffled_text, some_text

from saedb.ingest.motifs import gates
from saedb.ingest.motifs.settings import KINDS, GateSettings

USUAL = GateSettings()
LAX = GateSettings(min_f1=0.35, min_gain=0.02, row_support=2, candidates=5, min_necessity=0.3, min_sufficiency=0.3)
STRICT = GateSettings(min_f1=0.85, min_gain=0.1, row_support=20, candidates=3, max_inputs=2, min_necessity=0.8)


def ors() -> Planted:
    """Return a text with ORs of three inputs, and noise."""
    random = np.random.default_rng(14)
    up = random.random((2400, 7)) < 0.08
    down = np.stack([up[:, :3].any(axis=1), up[:, 3:6].any(axis=1), random.random(2400) < 0.2], axis=1)
    return Planted(up=up, down=down ^ (random.random(down.shape) < 0.01), middle=1200)


CASES = {
    "usual": (some_text(0, tokens=1600, features=14, outputs=12, middle=800), USUAL),
    "lax": (some_text(1, tokens=640, features=10, outputs=8, middle=320), LAX),
    "exclusive": (some_text(2, tokens=1200, features=10, outputs=10, middle=400), replace(LAX, exclusive=True)),
    "strict": (some_text(3, tokens=4000, features=12, outputs=10, middle=2400), STRICT),
    "short": (some_text(4, tokens=48, features=6, outputs=6, middle=24), replace(LAX, row_support=1)),
    "cut into stretches": (some_text(5, tokens=960, features=9, outputs=8, middle=480, cuts=(100, 500, 501)), LAX),
    "uncounted tokens": (
        some_text(
            6, tokens=1600, features=10, outputs=8, middle=720, counted=np.random.default_rng(6).random(1600) > 0.2
        ),
        LAX,
    ),
    "ors": (ors(), USUAL),
    "odd contexts": (some_text(7, tokens=1064, features=9, outputs=8, middle=504, context_size=56), LAX),
}


@pytest.mark.parametrize("case", CASES)
def test_gates_are_those_of_dense_numpy_with_the_same_tables_scores_and_chance(case: str) -> None:
    text, settings = CASES[case]
    expected, found = reference(text, settings), text.gates(settings)
    assert of_product(found) == expected.gates
    assert found.tested.tolist() == list(expected.tested.values())
    assert found.kept.sum() == len(expected.gates)
    np.testing.assert_allclose(found.chance, list(expected.chance.values()), rtol=1e-12)


SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_gates_of_texts_of_any_layout_are_those_of_dense_numpy(seed: int) -> None:
    text, settings = shuffled_text(seed)
    expected, found = reference(text, settings), text.gates(settings)
    assert of_product(found) == expected.gates
    assert found.tested.tolist() == list(expected.tested.values())
    np.testing.assert_allclose(found.chance, list(expected.chance.values()), rtol=1e-12)


def test_the_cases_have_gates_of_every_kind_every_verdict_and_some_chance() -> None:
    found = [reference(*case) for case in (*CASES.values(), *map(shuffled_text, SEEDS))]
    kinds = {(kind, len(inputs)) for one in found for kind, _, inputs in one.gates}
    assert kinds == {("AND", 2), ("AND", 3), ("OR", 2), ("OR", 3), ("AND_NOT", 2)}
    for kind in KINDS:
        verdicts = {tested.verdict for one in found for (of, *_), tested in one.sets.items() if of == kind}
        assert verdicts >= {"gate", "undecided", "imprecise", "no_gain", "unrepeated"}, kind
    assert sum(sum(one.chance.values()) for one in found) > 3


def test_a_text_whose_documents_are_all_of_one_half_is_halved_between_documents() -> None:
    documents = np.sort(np.random.default_rng(8).integers(0, 9, 800)).astype(np.int32)
    text = some_text(8, tokens=800, features=10, outputs=8, middle=0, documents=documents)
    middle = text.spans[1].start
    assert documents[middle - 1] != documents[middle]
    found = of_product(text.gates(LAX))
    assert found == reference(text, LAX).gates
    assert found


def test_a_text_of_one_document_is_halved_in_the_middle() -> None:
    text = some_text(9, tokens=800, features=10, outputs=8, middle=0, documents=np.zeros(800, np.int32))
    found = of_product(text.gates(LAX))
    assert found == reference(replace(text, middle=400), LAX).gates
    assert found


def test_a_document_over_the_end_of_a_stretch_changes_nothing() -> None:
    text, settings = CASES["lax"]
    documents = (np.arange(text.tokens) // 50).astype(np.int32)
    documents[text.middle :] += 1  # document 6 would have tokens of both halves
    straddling = replace(text, documents=documents, cuts=(75, 130, 333, 334))
    assert of_product(straddling.gates(settings)) == of_product(text.gates(settings))


def test_the_number_of_threads_changes_nothing() -> None:
    text = some_text(10, tokens=800, features=10, outputs=150, middle=400)
    up, down, halves = text.active()
    paper = np.full((150, 2, 2), -1, np.int64)
    one, three = (gates.find(up, down, halves, paper, LAX, threads=threads) for threads in (1, 3))
    assert list(of_product(one).items()) == list(of_product(three).items())
    np.testing.assert_array_equal(one.chance, three.chance)


def test_pairs_of_the_papers_rule_get_the_verdict_of_dense_numpy() -> None:
    seen = set[str]()
    for case in ("usual", "lax", "exclusive", "uncounted tokens"):
        text, settings = CASES[case]
        plain = of_product(text.gates(settings))
        for pair in combinations(range(4), 2):
            seen |= _verdicts_of_pair(text, settings, pair, plain)
    assert seen == {"gate", "undecided", "imprecise", "no_gain", "unrepeated"}


def _verdicts_of_pair(
    text: Planted, settings: GateSettings, pair: tuple[int, int], plain: Mapping[Key, Judged]
) -> set[str]:
    """Check a pair as inputs of every output: it is added to the gates once, whatever its verdict and order."""
    up, down = (layer & text.counts[:, None] for layer in (text.up, text.down))
    asked = {("AND", output): pair for output in range(down.shape[1])}
    asked |= {("OR", output): pair[::-1] for output in range(down.shape[1])}
    found = of_product(text.gates(settings, asked))
    expected = dict(plain)
    for kind, output in asked:
        expected[kind, output, pair] = judged(kind, up[:, pair], down[:, output], text, settings)
    assert found == expected
    return {tested.verdict for tested in found.values()}


def test_of_planted_gates_and_near_gates_exactly_the_gates_are_kept() -> None:
    garden = Garden()
    expected = planted_gates(garden)
    near = near_gates(garden)
    found = of_product(garden.text().gates(USUAL, {(k, o): (a, b) for k, o, a, b in near}))
    assert sets_of(found) == expected
    verdicts = {(k, o, *inputs): tested.verdict for (k, o, inputs), tested in found.items() if tested.verdict != "gate"}
    assert verdicts == near


def test_an_exclusive_or_is_kept_where_it_is_asked_for() -> None:
    garden = Garden()
    left = garden.noise(0.5)
    first, second = garden.noise(0.1) & left, garden.noise(0.1) & ~left
    inputs = garden.input(first), garden.input(second)
    garden.output(first | second)
    text = garden.text()
    assert not of_product(text.gates(USUAL))
    assert set(of_product(text.gates(replace(USUAL, exclusive=True)))) == {("OR", 0, inputs)}


def small_text(output: range, *inputs: tuple[range, ...]) -> Planted:
    """Return a text whose halves are alike, each of 500 tokens; an input is active on some ranges of them."""
    up, down = np.zeros((2, 500, len(inputs)), np.bool_), np.zeros((2, 500, 1), np.bool_)
    down[:, output] = True
    for i, ranges in enumerate(inputs):
        for tokens in ranges:
            up[:, tokens, i] = True
    return Planted(up=up.reshape(1000, -1), down=down.reshape(1000, 1), middle=500)


@pytest.mark.parametrize(("most", "inputs"), [(2, (1, 3)), (3, (1, 3, 4))])
def test_of_equally_necessary_inputs_the_more_sufficient_and_then_the_lower_are_tried(
    most: int, inputs: tuple[int, ...]
) -> None:
    whole = range(20)
    others = range(100, 140), range(200, 220), range(300, 360), range(220, 240), range(240, 260)
    text = small_text(whole, *((whole, other) for other in others))
    settings = replace(USUAL, candidates=most, min_gain=0.0, row_support=1, exclusive=True)
    found = of_product(text.gates(settings))
    assert {i for kind, _, of_gate in found if kind == "AND" for i in of_gate} == set(inputs)


def test_a_value_on_its_limit_is_enough() -> None:
    exact = replace(USUAL, exclusive=True)
    shared = small_text(range(20), (range(10), range(100, 110)), (range(10), range(200, 210)))
    assert sets_of(of_product(shared.gates(exact))) == {("AND", 0, (0, 1))}
    assert sets_of(of_product(shared.gates(replace(exact, min_f1=2 / 3)))) == {("AND", 0, (0, 1))}
    assert sets_of(of_product(shared.gates(replace(exact, row_support=10)))) == {("AND", 0, (0, 1))}
    apart = small_text(range(20), (range(10), range(100, 110)), (range(10, 20), range(200, 210)))
    assert sets_of(of_product(apart.gates(exact))) == {("OR", 0, (0, 1))}


def test_of_what_may_forbid_an_output_that_which_takes_most_away_on_balance_is_tried() -> None:
    first, a, b, c = (range(100),), (range(20), range(40, 80)), (range(40, 70),), (range(70, 95),)
    text = small_text(range(40), first, a, b, c)  # a takes most away of what is wrong, and half of what is right
    found = sets_of(of_product(text.gates(replace(USUAL, candidates=2))))
    assert found == {("AND_NOT", 0, (0, 2)), ("AND_NOT", 0, (0, 3))}


def test_every_row_that_decides_needs_its_tokens() -> None:
    whole = range(20)
    three = small_text(
        whole,
        (whole, range(100, 130), range(130, 160), range(200, 240)),
        (whole, range(100, 130), range(160, 170), range(240, 280)),
        (whole, range(130, 160), range(160, 170), range(280, 320)),
    )
    for support, is_gate in ((10, True), (11, False)):  # on 10 tokens the first input alone is off
        found = sets_of(of_product(three.gates(replace(USUAL, row_support=support))))
        assert (("AND", 0, (0, 1, 2)) in found) is is_gate
    without = small_text(range(40), (range(50),), (range(40, 50), range(100, 150)))
    for support, is_gate in ((10, True), (11, False)):  # on 10 tokens both are on
        found = sets_of(of_product(without.gates(replace(USUAL, row_support=support))))
        assert (("AND_NOT", 0, (0, 1)) in found) is is_gate


@pytest.mark.parametrize(("share", "least", "is_gate"), [(0.02, 0.01, True), (0.005, 0.01, False), (0.005, 0, True)])
def test_an_input_that_is_far_more_frequent_than_the_output_is_not_tried_unless_asked(
    share: float, least: float, is_gate: bool
) -> None:
    garden = Garden()
    broad = garden.noise(0.3)
    narrow = garden.noise(share) & (broad | garden.noise(0.5))
    inputs = garden.input(broad), garden.input(narrow)
    output = broad & narrow
    garden.output(output)
    assert (output[:HALF].sum() < least * broad[:HALF].sum()) is not is_gate
    assert sets_of(of_product(garden.text().gates(replace(USUAL, min_precision=least)))) == (
        {("AND", 0, inputs)} if is_gate else set()
    )


def rare_text(tokens: int = 4000, features: int = 3000, outputs: int = 800) -> Planted:
    """Return a text of features so rare that among the many pairs some look perfect, by chance."""
    random = np.random.default_rng(11)
    up, down = np.zeros((tokens, features), np.bool_), np.zeros((tokens, outputs), np.bool_)
    for layer in (up, down):
        for column in layer.T:
            column[random.integers(0, tokens // 25, random.integers(2, 5))] = True
    down |= np.roll(down, tokens // 2, axis=0)
    up |= np.roll(up, tokens // 2, axis=0)
    return Planted(up=up, down=down, middle=tokens // 2)


def test_rare_pairs_that_look_perfect_by_chance_are_no_gates() -> None:
    text = rare_text()
    perfect = {}
    for output in range(text.down.shape[1]):
        needed = np.flatnonzero(text.up[text.down[:, output]].all(axis=0))
        if len(needed) == 2:
            perfect["AND", output] = int(needed[0]), int(needed[1])
    assert len(perfect) > 10  # the paper's rule takes them
    found = text.gates(USUAL, perfect)
    assert {tested.verdict for tested in of_product(found).values()} == {"undecided"}
    assert len(of_product(found)) == len(perfect)
    assert not found.chance.any()


def test_on_noise_nothing_is_found_and_nothing_is_expected() -> None:
    random = np.random.default_rng(12)
    text = Planted(up=random.random((16_000, 80)) < 0.05, down=random.random((16_000, 80)) < 0.05, middle=8000)
    found = text.gates(USUAL)
    assert not found.kept.any()
    assert not found.chance.any()


def test_on_noise_false_gates_are_expected_where_nearly_everything_passes() -> None:
    random = np.random.default_rng(13)
    text = Planted(up=random.random((1600, 60)) < 0.04, down=random.random((1600, 60)) < 0.04, middle=800)
    low = GateSettings(
        min_f1=0.01, min_gain=0.0, row_support=1, exclusive=True, max_inputs=2, min_necessity=0.01, min_sufficiency=0.01
    )
    found = text.gates(low)
    assert (found.kept[1:] > 200).all()
    assert found.chance[1:] == pytest.approx(found.kept[1:], rel=0.1)


def test_of_planted_gates_at_most_five_in_a_hundred_are_expected_by_chance() -> None:
    garden = Garden()
    planted_gates(garden)
    near_gates(garden)
    found = garden.text().gates(USUAL)
    assert (found.kept >= [2, 5, 1]).all()
    assert (found.chance <= 0.05 * found.kept).all()


def test_a_gate_of_features_that_follow_the_position_is_what_chance_gives() -> None:
    position = np.arange(TOKENS) % 8
    first, second = np.isin(position, (2, 3)), np.isin(position, (3, 4))
    text = Planted(up=np.stack([first, second], axis=1), down=(first & second)[:, None], middle=HALF)
    found = text.gates(USUAL)
    assert found.kept.tolist() == [1, 0, 0]
    assert found.chance.tolist() == [1.0, 0.0, 0.0]


def test_candidates_are_the_best_on_the_first_half_alone() -> None:
    garden = Garden()
    expected = planted_gates(garden)
    text = garden.text()
    up = text.up.copy()
    up[:HALF] &= garden.random.random((HALF, up.shape[1])) < 0.1  # nothing is left to choose by
    assert not of_product(replace(text, up=up).gates(USUAL))
    assert sets_of(of_product(text.gates(USUAL))) == expected
