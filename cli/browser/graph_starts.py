"""What a graph may start from, where its address does not say."""

from collections.abc import Iterator
from typing import Final

from dash import dcc, html
from dash.development.base_component import Component

from saedb.cli.browser.site import Site
from saedb.cli.table import clean
from saedb.cypher.connection import Row

_MOST: Final = 12
_LONGEST: Final = 120

_COMMUNITIES: Final = """
MATCH (c:Community {run: $run})-[:OF_PARTITION]->(p:Partition {is_default: true})
RETURN c.id AS id, coalesce(c.label, c.id) AS label, c.size AS size ORDER BY c.size DESC, c.id LIMIT $most
"""
_GATES: Final = """
MATCH (g:Gate {run: $run, verdict: 'gate'})-[:OUTPUT]->(f:Feature) WHERE g.rank = 0
RETURN g.id AS id, g.kind + ' of ' + coalesce(f.label, f.id) AS label ORDER BY g.score DESC, g.id LIMIT $most
"""
_PROMPTS: Final = """
MATCH (p:Prompt {run: $run}) RETURN p.id AS id, coalesce(p.text, p.id) AS label ORDER BY p.id LIMIT $most
"""
_HUBS: Final = """
MATCH (f:Feature {run: $run}) WHERE f.best_out IS NOT NULL
RETURN f.id AS id, coalesce(f.label, f.id) AS label ORDER BY f.best_out DESC, f.depth, f.index LIMIT $most
"""


def starts(site: Site, run: str) -> Iterator[Component]:
    """Yield a form for a feature, and links to what the run has."""
    yield html.P("A graph starts from a feature, a community, a gate, a path or a prompt.")
    yield html.Div(
        [
            dcc.Input(id="graph-begin", type="text", placeholder="A feature, as 6-res-jb/2320", debounce=True),
            html.Button("Draw", id="graph-begin-button"),
        ],
        className="graph-buttons",
    )
    found = {
        "community": ("Communities", _COMMUNITIES),
        "gate": ("Gates", _GATES),
        "prompt": ("Prompts", _PROMPTS),
        "feature": ("Features that are passed on", _HUBS),
    }
    for kind, (heading, statement) in found.items():
        rows = site.connection.read(statement, run=run, most=_MOST)
        if rows:
            yield html.H2(heading)
            yield html.Ul([html.Li(_link(site, run, kind, row)) for row in rows])


def _link(site: Site, run: str, kind: str, row: Row) -> list[str | Component]:
    size = f" ({row['size']:,} features)" if "size" in row else ""
    label = clean(row["label"])
    shown = label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
    return [dcc.Link(shown, href=site.href("/graph", run=run, **{kind: row["id"]})), size]
