"""A table of results as text that fits a terminal."""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from saedb.cypher import values
from saedb.cypher.query import Column

_LEAST: Final = 10
"""Characters below which a text is no longer readable; rows are then written as blocks of lines."""
_GAP: Final = 2
_NOTHING: Final = "-"
_SLASHES: Final = 2
"""In the id of a feature."""
_CONTROL: Final = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160))}

Lines = list[str]


def table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], width: int, headings: Sequence[str] = ()
) -> str:
    """Return rows as a table at most `width` wide.

    Of `headings`, one for each row, those that differ from the one before stand above their row; no column may then
    have lists.

    Where ids and numbers are wider than that, ids go without the model that they share, which a last line names: every
    command takes them so. Where that does not do, each row becomes a block of lines.
    """
    cells = [_cells(column, [row[column.name] for row in rows]) for column in columns]
    model = _shared_model(columns, cells)
    found = _fitted(columns, cells, width, headings)
    if found is None and model:
        short = [_without(f"{model}/", of) if c.type == "feature" else of for c, of in zip(columns, cells, strict=True)]
        found = _fitted(columns, short, width, headings)
        found = found and f"{found}\n(ids without {model}/)"
    return found or _headed(_blocks(columns, cells, width), headings, "\n\n")


def _fitted(columns: Sequence[Column], cells: Sequence[list[Lines]], width: int, headings: Sequence[str]) -> str | None:
    """Return a table at most so wide, or None where ids and numbers are wider."""
    heads = [_head(column) for column in columns]
    wanted = [_widest([head, *lines]) for head, lines in zip(heads, cells, strict=True)]
    least = [min(n, _LEAST) if _is_cut(column) else n for column, n in zip(columns, wanted, strict=True)]
    available = width - _GAP * (len(columns) - 1)
    if sum(least) > available:
        return None
    lines = rendered(_grid(columns, heads, cells, _shared(wanted, least, available)), width).split("\n")
    above = len(lines) - len(headings)
    return "\n".join([*lines[:above], _headed(lines[above:], headings, "\n")]) if headings else "\n".join(lines)


def _headed(rows: Sequence[str], headings: Sequence[str], between: str) -> str:
    """Return rows below each other, with their headings where these change."""
    if not headings:
        return between.join(rows)
    marked = [f"{headings[0]}\n{rows[0]}"]
    for (last, heading), row in zip(pairwise(headings), rows[1:], strict=True):
        marked.append(row if heading == last else f"\n{heading}\n{row}")
    return between.join(marked)


def _shared_model(columns: Sequence[Column], cells: Sequence[list[Lines]]) -> str | None:
    """Return the model of all ids of features, or None where they have not just one."""
    ids = [id_ for c, of in zip(columns, cells, strict=True) if c.type == "feature" for lines in of for id_ in lines]
    models = {id_.partition("/")[0] for id_ in ids if id_ != _NOTHING}
    is_whole = all(id_.count("/") == _SLASHES for id_ in ids if id_ != _NOTHING)
    return models.pop() if is_whole and len(models) == 1 else None


def _without(prefix: str, cells: list[Lines]) -> list[Lines]:
    return [[line.removeprefix(prefix) for line in lines] for lines in cells]


def rendered(content: RenderableType, width: int) -> str:
    """Return what rich draws, without spaces at the ends of lines. Click drops the colours away from a terminal."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, highlight=False)
    with console.capture() as capture:
        console.print(content, crop=False)
    return "\n".join(line.rstrip() for line in capture.get().split("\n")).rstrip()


def clean(text: str) -> str:
    """Return a text on one line, control characters as escapes: labels come from files that anyone may have written."""
    return text.translate(_CONTROL)


def number_format(numbers: Sequence[float]) -> Callable[[float], str]:
    """Return how to write the numbers of one column: four decimals for shares, else as many digits as are useful."""
    sizes = [abs(value) for value in numbers if value and math.isfinite(value)]
    if not sizes or (max(sizes) <= 1 and min(sizes) >= 0.001):
        return "{:.4f}".format
    if max(sizes) < 1_000_000 and min(sizes) >= 0.1:
        return "{:,.2f}".format
    return "{:.3g}".format


def _cells(column: Column, found: Sequence[Any]) -> list[Lines]:
    """Return each value as lines: one, or one for each item of a list."""
    lists = [value if column.many and isinstance(value, list) else [value] for value in found]
    write = number_format([item for items in lists for item in items if isinstance(item, float)])
    return [[_item(item, write) for item in items] for items in lists]


def _item(value: Any, write: Callable[[float], str]) -> str:
    match value:
        case None:
            return _NOTHING
        case bool():
            return "yes" if value else "no"
        case float():
            return write(value)
        case int():
            return f"{value:,}"
        case str():
            return clean(value)
        case _:
            return clean(values.text(value))


def _head(column: Column) -> Lines:
    """Return the column's name and unit; above narrow cells each word on its own line."""
    words = column.name.replace("_", " ")
    unit = [f"({column.unit})"] if column.unit else []
    return [*(words.split() if _is_number(column) else [words]), *unit]


def _widest(cells: Sequence[Lines]) -> int:
    return max((cell_len(line) for lines in cells for line in lines), default=0)


def _shared(wanted: Sequence[int], least: Sequence[int], available: int) -> list[int]:
    """Return widths whose sum is at most `available`: the widest columns give way first, none below its least."""
    widths = list(wanted)
    while sum(widths) > available:
        widest = max((i for i, n in enumerate(widths) if n > least[i]), key=lambda i: widths[i])
        widths[widest] -= 1
    return widths


def _grid(columns: Sequence[Column], heads: Sequence[Lines], cells: Sequence[list[Lines]], widths: list[int]) -> Table:
    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column, head, width in zip(columns, heads, widths, strict=True):
        grid.add_column(
            Text("\n".join(head)),
            width=width,
            no_wrap=True,
            overflow="ellipsis",
            vertical="top",
            justify="right" if _is_number(column) else "left",
        )
    has_lists = any(column.many for column in columns)
    for row in zip(*cells, strict=True):
        grid.add_row(*(Text("\n".join(lines)) for lines in row), end_section=False)
        if has_lists:
            grid.add_row()
    return grid


def _blocks(columns: Sequence[Column], cells: Sequence[list[Lines]], width: int) -> Lines:
    """Return one block of lines for each row: names left, values right."""
    names = [" ".join(_head(column)) for column in columns]
    indent = max(map(cell_len, names)) + _GAP
    blocks: list[str] = []
    for row in zip(*cells, strict=True):
        block: Lines = []
        for column, name, lines in zip(columns, names, row, strict=True):
            kept = [cut(line, max(width - indent, _LEAST)) if _is_cut(column) else line for line in lines]
            heads = [name, *([""] * (len(lines) - 1))]
            block += [f"{head:<{indent}}{line}".rstrip() for head, line in zip(heads, kept, strict=False)]
        blocks.append("\n".join(block))
    return blocks


def cut(text: str, width: int) -> str:
    """Return a text at most `width` wide, its end replaced by an ellipsis."""
    shortened = Text(text)
    shortened.truncate(width, overflow="ellipsis")
    return shortened.plain


def _is_number(column: Column) -> bool:
    return column.type in ("integer", "float")


def _is_cut(column: Column) -> bool:
    return column.type in ("string", "boolean")
