"""The chapter with examples of the paper's motifs, each drawn as a small graph in layers."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from saedb.cli.report import examples
from saedb.cli.report.asked import Asked
from saedb.cli.report.examples import Example
from saedb.cli.report.motif_drawing import drawn
from saedb.cli.report.page import Chapter, Section

Finder = Callable[[Asked], Sequence[Example]]

_READING: Final = (
    "A row is a layer, the first at the bottom; a circle is a feature, with its label. Within a drawing features of "
    "one community have the same colour, those of none are grey. What an example is about has a dark edge. The "
    "numbers on the lines are values of the measure that is named; what lies under the pointer is told in full."
)


def chapter(asked: Asked) -> Chapter:
    """Return the chapter with a section for each motif."""
    return Chapter(
        anchor="motifs",
        heading="Motifs",
        text=("The ways in which features change from layer to layer, by examples.", _READING),
        sections=tuple(_section(asked, *motif) for motif in _MOTIFS),
    )


def _section(asked: Asked, anchor: str, heading: str, text: str, find: Finder, missing: str) -> Section:
    """Return the section of a motif; `missing` is what is said where there is none.

    Both texts have the run for ``RUN``, and its thresholds for ``PASSED`` and ``VANISHING``.
    """
    asked.report("motifs", [motif[0] for motif in _MOTIFS].index(anchor), len(_MOTIFS))
    found = [drawn(asked, example) for example in find(asked)]
    text, missing = (_filled(asked, template) for template in (text, missing))
    if anchor == _MOTIFS[-1][0]:
        asked.report("motifs", len(_MOTIFS), len(_MOTIFS))
    if not found:
        return Section(anchor=anchor, heading=heading, text=(text,), note=missing)
    drawings, numbers = zip(*found, strict=True)
    return Section(
        anchor=anchor, heading=heading, text=(text,), drawings=drawings, data=examples.numbered(numbers)
    )  # fmt: skip


def _filled(asked: Asked, template: str) -> str:
    values = {"RUN": asked.run, "PASSED": f"{asked.passed:g}", "VANISHING": f"{asked.vanishing:g}"}
    return _PLACES.sub(lambda place: values[place[0]], template)


_PLACES: Final = re.compile("RUN|PASSED|VANISHING")
_MOTIFS: Final[tuple[tuple[str, str, str, Finder, str], ...]] = (
    (
        "chains",
        "Passed through",
        "The same feature, layer after layer: each link has a Pearson correlation of PASSED and more, and is the "
        "strongest of both its ends. These are the longest chains.",
        examples.chains,
        "No chain of three features has a correlation of PASSED on every link. Shorter or weaker ones: "
        "`saedb query pass-through-chains --min-pearson 0.8 --run RUN`",
    ),
    (
        "appearing",
        "Appearing",
        "Features that nothing in the layer before resembles: no correlation reaches VANISHING. Shown are the "
        "most active ones, each of another layer, with what is nearest before, and what they become.",
        examples.appearing,
        "No feature appears, as far as correlations are known. At other thresholds: "
        "`saedb query appearing --max-pearson 0.5 --run RUN`",
    ),
    (
        "disappearing",
        "Disappearing",
        "Features that nothing in the next layer resembles: no correlation reaches VANISHING. Shown are the most "
        "active ones, each of another layer, with what they come from, and what is nearest after.",
        examples.disappearing,
        "No feature disappears, as far as correlations are known. At other thresholds: "
        "`saedb query disappearing --max-pearson 0.5 --run RUN`",
    ),
    (
        "and-gates",
        "AND gates",
        "A feature that is active where all its inputs are, and hardly elsewhere. Lines have the necessity: the share "
        "of the tokens of the upper feature on which the lower one is active.",
        lambda asked: examples.gates(asked, "AND"),
        "No AND gate is known. They are looked for by `saedb gates RUN`, where the run was computed here; by the "
        "paper's one-sided rule: `saedb query and-gates --rule paper --run RUN`",
    ),
    (
        "or-gates",
        "OR gates",
        "A feature that is active where any of its inputs is, and hardly elsewhere. Lines have the sufficiency: the "
        "share of the tokens of the lower feature on which the upper one is active.",
        lambda asked: examples.gates(asked, "OR"),
        "No OR gate is known. They are looked for by `saedb gates RUN`, where the run was computed here; by the "
        "paper's one-sided rule: `saedb query or-gates --rule paper --run RUN`",
    ),
    (
        "specialisation",
        "Specialisation",
        "A general feature and more special ones of the next layer: wherever a special one is active the general one "
        "is (its necessity, on the lines, is high), and mostly it is active without them.",
        examples.specialisations,
        "No feature specialises another, as far as necessity and sufficiency are known. With other limits: "
        "`saedb query specialisation --min-necessity 0.8 --max-sufficiency 0.5 --run RUN`",
    ),
    (
        "splits",
        "Splits",
        "A feature that several of the next layer divide among themselves: together they cover its tokens, and hardly "
        "two are active at once. Lines have the sufficiency: the share of the lower feature's tokens that an upper "
        "one takes.",
        examples.splits,
        "No split is known. They are looked for by `saedb splits RUN`, where the run was computed here.",
    ),
)  # fmt: skip
