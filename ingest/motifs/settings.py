"""The settings of the motif stages, with every default declared once, and the words for what they find.

Imports nothing heavy: the command line makes options of these records.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from saedb.ingest.errors import InputError

Kind = Literal["AND", "OR", "AND_NOT"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

GATE: Final = "gate"
VERDICTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        GATE: "passes every test on both halves of the documents",
        "undecided": "a row of the truth table that decides has too few tokens",
        "imprecise": "F1 is too low",
        "no_gain": "fewer of its inputs predict the output as well: twins, or a companion of a feature passed through",
        "unrepeated": "it passes on the half that it was chosen on, and not on the other",
    }
)
"""What a test of a truth table ends with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What makes a boolean function of features a gate.

    Raises:
        InputError: a value is out of its range.
    """

    min_f1: float = 0.6
    """Lowest F1 of the gate as a predictor of its output, on each half of the documents; from 0 to 1."""
    min_gain: float = 0.05
    """F1 above that of the best gate of fewer of its inputs, on each half; from 0 to 1."""
    row_support: int = 5
    """Tokens of each half in every row of the truth table that decides; at least 1."""
    exclusive: bool = False
    """Take an OR whose inputs are hardly ever active together, too: it may as well be an exclusive or."""
    candidates: int = 8
    """Inputs tried for each output and kind; from 2 to 8."""
    max_inputs: int = 3
    """Most inputs of an AND or OR; 2 or 3."""
    min_necessity: float = 0.5
    """Lowest P(input active | output active) of an input of an AND, and of the first of an AND NOT; from 0 to 1."""
    min_sufficiency: float = 0.5
    """Lowest P(output active | input active) of an input of an OR; from 0 to 1."""
    min_precision: float = 0.01
    """Lowest P(output active | input active) of an input of an AND: frequent ones take long; from 0 to 1."""
    paper_floor: float = 0.9
    """Two inputs that alone reach this necessity or sufficiency, the paper's rule, are tested as well; from 0 to 1."""
    positional: bool = False
    """Let features take part whose activation depends on the position in the context."""

    def __post_init__(self) -> None:
        for name in ("min_f1", "min_gain", "min_necessity", "min_sufficiency", "min_precision", "paper_floor"):
            _check_range(name, getattr(self, name), 0, 1)
        _check_range("row_support", self.row_support, 1, 10**9)
        _check_range("candidates", self.candidates, 2, 8)
        _check_range("max_inputs", self.max_inputs, 2, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSettings:
    """What makes features of the next layer the children of a feature.

    Raises:
        InputError: a value is out of its range.
    """

    min_purity: float = 0.8
    """Lowest P(parent active | child active), on each half of the documents; from 0 to 1."""
    min_share: float = 0.05
    """Lowest P(child active | parent active), on the half on which it is chosen; from 0 to 1."""
    min_coverage: float = 0.5
    """Lowest P(any child active | parent active), on each half; from 0 to 1."""
    max_overlap: float = 0.2
    """Highest share of a child's tokens that the children before it have, and highest overlap of all; from 0 to 1."""
    min_support: int = 10
    """Tokens of each half with the parent and a child active; at least 1."""

    def __post_init__(self) -> None:
        for name in ("min_purity", "min_share", "min_coverage", "max_overlap"):
            _check_range(name, getattr(self, name), 0, 1)
        _check_range("min_support", self.min_support, 1, 10**9)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{name} is {value}; it must be from {low} to {high}")
