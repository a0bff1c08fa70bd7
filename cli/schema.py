"""``saedb schema``: what the graph is made of."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import click

from saedb.cli.output import columns_of, show

if TYPE_CHECKING:
    from saedb.cypher.schema import Node, Relationship


@click.command()
@click.option(
    "--output",
    type=click.Choice(["table", "json", "csv", "cypher", "markdown"]),
    default="table",
    show_default=True,
    help="A table for people, rows for programs, the statements that make constraints and indexes, or a page.",
)
def schema(output: Literal["table", "json", "csv", "cypher", "markdown"]) -> None:
    """Show the graph's nodes, relationships and properties, with types, units and meaning.

    \b
    saedb schema
    saedb schema --output json
    saedb schema --output cypher > constraints-and-indexes.cypher
    """
    if output == "cypher":
        from saedb.cypher import ddl

        click.echo("".join(f"{statement};\n" for statement in ddl.declared().values()), nl=False)
    elif output == "markdown":
        click.echo("\n".join(_page()))
    else:
        rows = list(_rows())
        show(rows, columns_of(rows), output)


def _rows() -> Iterator[dict[str, Any]]:
    """Yield one row for each kind, and one for each of its properties."""
    for item in _items():
        indexed = {name for names in item.indexes for name in names}
        yield {"of": _pattern(item), **dict.fromkeys(("property", "type", "unit", "role")), "meaning": item.meaning}
        for p in item.properties:
            yield {
                "of": _pattern(item),
                "property": p.name,
                "type": p.type,
                "unit": p.unit,
                "role": "key" if p.name in _key(item) else "indexed" if p.name in indexed else None,
                "meaning": p.meaning,
            }


def _page() -> Iterator[str]:
    """Yield the lines of the page of the docs."""
    yield "# The graph"
    yield ""
    yield "What `saedb schema` prints, as a page. One run is one graph: every node and every EVOLVES_TO has its id as"
    yield "`run`. A property is absent where its value is not known."
    for item in _items():
        yield from ("", f"## `{_pattern(item)}`", f"{item.meaning[0].upper()}{item.meaning[1:]}.")
        for name, groups in (("Unique", [_key(item)]), ("Indexed", item.indexes), ("Full text", [_full_text(item)])):
            if shown := ", ".join(f"({', '.join(names)})" for names in groups if names):
                yield f"{name}: {shown}."
        if item.properties:
            yield from ("", "| property | type | unit | meaning |", "|---|---|---|---|")
        for p in item.properties:
            yield f"| {p.name} | {p.type} | {p.unit or ''} | {_escaped(p.meaning)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _items() -> "tuple[Node | Relationship, ...]":
    from saedb.cypher.schema import NODES, RELATIONSHIPS

    return (*NODES, *RELATIONSHIPS)


def _pattern(item: "Node | Relationship") -> str:
    from saedb.cypher.schema import Node

    if isinstance(item, Node):
        return f"(:{item.label})"
    return f"(:{item.source})-[:{item.type}]->(:{item.target})"


def _key(item: "Node | Relationship") -> tuple[str, ...]:
    return getattr(item, "key", ())


def _full_text(item: "Node | Relationship") -> tuple[str, ...]:
    return getattr(item, "full_text", ())
