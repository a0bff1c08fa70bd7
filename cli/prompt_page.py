"""A prompt as a page for the terminal, and what to do with it next."""

from collections.abc import Iterator
from typing import Any, Final

import click
from rich.cells import cell_len

from saedb.cli.output import width
from saedb.cli.table import clean, cut, table
from saedb.cli.wording import short_id
from saedb.cypher.prompts import graph_statement
from saedb.cypher.promptview import PromptView
from saedb.cypher.query import Column
from saedb.ingest.naming import quoted

COLUMNS: Final = (
    Column(name="layer", type="integer"),
    Column(name="feature", type="feature"),
    Column(name="label", type="string"),
    Column(name="community", type="integer"),
    Column(name="position", type="integer"),
    Column(name="token", type="string"),
    Column(name="activation", type="float"),
    Column(name="share", type="float"),
    Column(name="source", type="feature"),
    Column(name="value", type="float"),
)
"""Those of the query ``prompt`` of the library."""

_INDENT: Final = 8
_SHORTEST: Final = 12
"""Characters below which a text says nothing."""
_WIDE: Final = 100
"""Columns from which on a table with tokens has the activations."""
_LINE: Final = 100
"""Characters of the line of tokens where nothing limits a line."""


def page(shown: PromptView) -> str:
    """Return the page of a prompt, as wide as the terminal."""
    columns = width()
    return "\n".join((*_head(shown, columns), *_body(shown, columns)))


def steps(shown: PromptView, *, is_saved: bool) -> Iterator[str]:
    """Yield what to do next with a prompt, line by line."""
    prompt = shown.prompt
    if not is_saved:
        yield "the same command without --no-save, which stores it for the queries and both browsers"
        return
    token = " --all" if shown.position is None else f" --token {shown.position}"
    yield f"saedb prompt --show {prompt.id}{token} --run {shown.run}      (again, at once)"
    yield f"saedb query prompts --run {shown.run}"
    if (browse := browser_step(shown)) is not None:
        yield browse
    yield "Neo4j Browser (saedb status tells where it is); paste:"
    statement = graph_statement(
        shown.run, prompt.id, position=shown.position, top=shown.top, measure=shown.measure, floor=shown.floor
    )
    yield from (f"  {line}" for line in statement.splitlines())


def browser_step(shown: PromptView) -> str | None:
    """Return the command that opens a stored prompt in the feature browser; None while there is no such command."""
    from saedb.cli.main import COMMANDS

    is_there = any("browse" in names for names in COMMANDS.values())
    return f"saedb browse --run {shown.run} --prompt {shown.prompt.id}" if is_there else None


def _head(shown: PromptView, columns: int) -> Iterator[str]:
    prompt = shown.prompt
    title = f"Prompt {prompt.id} in run {shown.run}"
    room = columns - cell_len(title) - 2
    text = cut(clean(quoted(prompt.text)), room) if room >= _SHORTEST else ""
    yield f"{click.style(title, bold=True)}  {text}".rstrip()
    yield from _tokens(shown, min(columns, _LINE))
    share = "the run's threshold" if prompt.threshold is None else f"{prompt.threshold:g} of its largest activation"
    yield f"active: above {share}; share: of the largest activation in the run"


def _tokens(shown: PromptView, columns: int) -> Iterator[str]:
    """Yield the tokens with their positions, as many on a line as fit."""
    line, used = f"{'tokens':<{_INDENT}}", _INDENT
    for position, token in enumerate(shown.prompt.tokens):
        text = f"{position} {clean(token.strip()) or repr(token)}"
        text = f"({text})" if position not in shown.prompt.counted else text
        text = f"[{text}]" if position == shown.position else text
        size = cell_len(text) + 2
        if used > _INDENT and used + size > columns + 2:
            yield line.rstrip()
            line, used = " " * _INDENT, _INDENT
        line += f"{_styled(text, position, shown)}  "
        used += size
    yield line.rstrip()
    if len(shown.prompt.counted) < len(shown.prompt.tokens):
        yield f"{'':<{_INDENT}}( ) does not count in the run: special, first, or an attention sink"


def _styled(text: str, position: int, shown: PromptView) -> str:
    if position == shown.position:
        return click.style(text, fg="yellow", bold=True)
    return click.style(text, dim=True) if position not in shown.prompt.counted else text


def _body(shown: PromptView, columns: int) -> Iterator[str]:
    where = "any token" if shown.position is None else f"token {shown.position}"
    if not shown.features:
        yield f"\nNo feature is active on {where}; try a lower --threshold, or another --token."
        return
    headings = {
        sae: click.style(f"{sae}: {min(count, shown.top)} of {count} active on {where}", bold=True)
        for sae, count in shown.active.items()
    }
    above = [headings[feature.facts.sae] for feature in shown.features]
    yield ""
    yield table([_row(row, shown.measure) for row in shown.rows()], _columns(shown, columns), columns, above)


def _columns(shown: PromptView, columns: int) -> list[Column]:
    """Return the columns of the table: of a narrow one with tokens, not the activations, of which it has the shares."""
    token = [Column(name="token", type="string")] if shown.position is None else []
    activation = [Column(name="activation", type="float")] if columns >= _WIDE or not token else []
    return [
        Column(name="feature", type="feature"),
        Column(name="label", type="string"),
        *token,
        *activation,
        Column(name="share", type="integer", unit="%"),
        Column(name="community", type="integer"),
        Column(name="source", type="feature"),
        Column(name=shown.measure, type="float"),
    ]


def _row(row: dict[str, Any], measure: str) -> dict[str, Any]:
    return {
        **row,
        "feature": short_id(row["feature"]),
        "token": f"{row['position']} {row['token'].strip()}",
        "share": None if row["share"] is None else round(100 * row["share"]),
        "source": None if row["source"] is None else short_id(row["source"]),
        measure: row["value"],
    }
