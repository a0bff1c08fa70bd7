import json
from pathlib import Path

from click.testing import CliRunner

from saedb.cli.schema import schema as command
from saedb.cypher import ddl, schema


def test_every_kind_and_property_has_a_row() -> None:
    rows = json.loads(CliRunner().invoke(command, ["--output", "json"]).stdout)
    items = (*schema.NODES, *schema.RELATIONSHIPS)
    assert len(rows) == sum(1 + len(item.properties) for item in items)
    assert {"of": "(:Feature)", "property": "density", "type": "FLOAT", "unit": "share", "role": None}.items() <= next(
        row for row in rows if row["property"] == "density"
    ).items()


def test_as_cypher_it_is_the_statements_that_make_the_graph() -> None:
    printed = CliRunner().invoke(command, ["--output", "cypher"]).stdout
    made = [*ddl.constraints(), *ddl.node_indexes(), *ddl.edge_indexes()]
    assert printed == "".join(f"{statement};\n" for statement in made)


def test_the_page_of_the_docs_is_what_the_command_prints() -> None:
    page = Path(__file__).parents[2] / "docs" / "schema.md"
    assert page.read_text() == CliRunner().invoke(command, ["--output", "markdown"]).stdout
