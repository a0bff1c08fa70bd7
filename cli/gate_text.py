"""Gates and splits as readable lines: labels in their formula, with scores; then ids and counts.

{every, each} AND {one, each} -> {each}   F1 0.91 (0.88), gain 0.30
    13-demo/12 AND 13-demo/77 -> 14-demo/5
    only first 192/15, only second 299/0, both 77/77

Numbers in brackets are those of the half of the documents on which it was chosen. A count such as 192/15 is that of the
tokens with this combination of inputs, and of these with the output active.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from textwrap import wrap
from typing import Any, Final

from rich.cells import cell_len

from saedb.cli.table import clean, cut
from saedb.cli.wording import short_id

_INDENT: Final = " " * 4
_GAP: Final = " " * 3
_KEPT: Final = "\N{NO-BREAK SPACE}"
"""Where a line must not be broken."""
_LEAST: Final = 8
"""Characters of a label that are left in the narrowest terminal."""
_JOINED: Final[Mapping[str, str]] = {"AND": " AND ", "OR": " OR ", "AND_NOT": " AND NOT "}
_PLACES: Final = ("first", "second", "third")


def gate_lines(gate: Mapping[str, Any], width: int) -> list[str]:
    """Return a gate as its formula, its ids, and its truth table.

    Args:
        gate: a row with ``kind``, ``inputs``, ``input_labels``, ``output``, ``label`` (the output's), ``f1``, ``gain``,
            ``tokens``, ``active``, and ``f1_chosen`` where it is known.
        width: columns; labels are cut to fit, ids never.
    """
    joint = _JOINED[gate["kind"]]
    ids = f"{joint.join(map(short_id, gate['inputs']))} -> {short_id(gate['output'])}"
    return [
        *formula(gate, width),
        *_wrapped(ids.split(" -> "), " -> ", width),
        *_wrapped(truth_table(gate["tokens"], gate["active"]), ", ", width),
    ]


def formula(gate: Mapping[str, Any], width: int) -> list[str]:
    """Return a gate as its formula with scores, on one line where that takes no label below what can be read."""
    joint = _JOINED[gate["kind"]]
    scores = f"F1 {_score(gate['f1'], gate.get('f1_chosen'))}, gain {_score(gate['gain'])}"
    labels = [*gate["input_labels"], gate["label"]]
    room = width - len(joint) * (len(labels) - 2) - len(" -> ")
    *inputs, output = _fitted(labels, room - len(_GAP) - len(scores))
    line = f"{joint.join(inputs)} -> {output}{_GAP}{scores}"
    if cell_len(line) <= width:
        return [line]
    *inputs, output = _fitted(labels, room)
    return [f"{joint.join(inputs)} -> {output}", f"{_INDENT}{scores}"]


def truth_table(tokens: Sequence[int], active: Sequence[int]) -> list[str]:
    """Return the counts of each combination of inputs but none: all of two inputs, those that occur of three.

    Args:
        tokens: of every combination from none to all, the first input changing slowest [2^inputs].
        active: of these, tokens with the output active [2^inputs].
    """
    count = (len(tokens) - 1).bit_length()
    combinations = sorted(product((True, False), repeat=count), key=sum)[1:]
    cells: list[str] = []
    for inputs in combinations:
        number = sum(2**place for place, is_on in enumerate(reversed(inputs)) if is_on)
        if tokens[number] or count == 2:
            cells.append(f"{_combination(inputs)} {tokens[number]:,}/{active[number]:,}")
    return cells


def split_lines(split: Mapping[str, Any], width: int) -> list[str]:
    """Return a split as its parent with scores, and its children with their shares.

    Args:
        split: a row with ``parent``, ``parent_label``, ``children``, ``child_labels``, ``shares``, ``coverage``,
            ``overlap``, and ``coverage_chosen`` where it is known.
        width: columns; labels are cut to fit, ids never.
    """
    scores = (
        f"{_GAP}{len(split['children'])} parts, coverage {_score(split['coverage'], split.get('coverage_chosen'))}, "
        f"overlap {_score(split['overlap'])}"
    )
    (parent,) = _fitted([split["parent_label"]], width - len(scores))
    children = zip(split["children"], split["child_labels"], split["shares"], strict=True)
    return [f"{parent}{scores}", *(_child(*child, width) for child in children)]


def _combination(inputs: Sequence[bool]) -> str:
    names = [name for name, is_on in zip(_PLACES, inputs, strict=False) if is_on]
    if len(names) == len(inputs):
        return "both" if len(inputs) == 2 else "all"
    return " and ".join(names) if len(names) > 1 else f"only {names[0]}"


def _child(id_: str, label: str | None, share: float, width: int) -> str:
    values = f"{_INDENT}{share:.2f}  {short_id(id_)}  "
    return f"{values}{_fitted([label], width - cell_len(values))[0]}"


def _score(value: float | None, chosen: float | None = None) -> str:
    text = "?" if value is None else f"{value:.2f}"
    return text if chosen is None else f"{text} ({chosen:.2f})"


def _fitted(labels: Sequence[str | None], width: int) -> list[str]:
    """Return labels in braces that together are at most so wide; the longest are cut first, none below `_LEAST`."""
    texts = [clean(label or "no label") for label in labels]
    room = width - 2 * len(texts)
    longest = max(map(cell_len, texts))
    while sum(min(cell_len(text), longest) for text in texts) > room and longest > _LEAST:
        longest -= 1
    return [f"{{{cut(text, longest)}}}" for text in texts]


def _wrapped(parts: Sequence[str], joint: str, width: int) -> list[str]:
    """Return parts on indented lines, as few as they take; no part is broken."""
    text = joint.join(part.replace(" ", _KEPT) for part in parts)
    lines = wrap(text, max(width, 1), initial_indent=_INDENT, subsequent_indent=_INDENT, break_long_words=False,
                 break_on_hyphens=False)  # fmt: skip
    return [line.replace(_KEPT, " ") for line in lines]
