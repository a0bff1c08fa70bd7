"""Prompts in the graph: one is saved or forgotten in the run directory first, and then there; see `replacement`."""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from saedb.cypher import measured, replacement
from saedb.cypher.connection import Connection
from saedb.cypher.statement import literal
from saedb.ingest.errors import InputError
from saedb.ingest.naming import quoted
from saedb.ingest.progress import Report, silent
from saedb.ingest.prompts.prompt import Prompt, prompt_id
from saedb.ingest.prompts.stored import StoredPrompts
from saedb.ingest.prompts.strongest import Edge
from saedb.ingest.rundir import RunDirectory

_HOLDS: Final = """
MATCH (r:Run {id: $run, status: 'ready', content: $content}), (p:Prompt {run: $run, id: $prompt})
RETURN count(*) AS n
"""
_EDGES: Final = """
UNWIND $ids AS id
MATCH (u:Feature {{run: $run, id: id}}) USING INDEX SEEK u:Feature(run, id)
MATCH (u)-[e:EVOLVES_TO]->(d:Feature)
WHERE d.id IN $ids AND e.{measure} >= $floor
RETURN u.id AS source, d.id AS target, e.{measure} AS value
ORDER BY u.depth, value DESC, source, target
"""
_GRAPH: Final = """MATCH (p:Prompt {{run: {run}, id: {prompt}}})
MATCH (p)-[a:ACTIVATES{position}]->(f:Feature)
WITH p, f, max(a.activation) AS activation
WITH p, f, CASE WHEN f.max > 0 THEN activation / f.max ELSE 0.0 END AS share
ORDER BY share DESC, f.index
WITH p, f.depth AS depth, collect(f)[..{top}] AS best
WITH p, collect(best) AS layers
WITH p, reduce(shown = [], best IN layers | shown + best) AS features
MATCH active = (p)-[:ACTIVATES{position}]->(f) WHERE f IN features
OPTIONAL MATCH edge = (f)-[e:EVOLVES_TO]->(g)
WHERE g IN features AND e.{measure} >= {floor}
RETURN active, edge"""


def name_of(run: RunDirectory, text: str, name: str | None = None) -> str:
    """Return the name that a text is stored by: the one that is given, else the one that it has already, or a new one.

    Raises:
        InputError: the name is none, or that of another text.
        RunError: the table of prompts is missing or damaged.
    """
    stored = StoredPrompts.of(run)
    same = stored.of_text(text)
    if same is not None and name in (None, same.id):
        return same.id
    chosen = prompt_id(text, name)
    if chosen in stored.ids:
        other = stored.prompt(chosen, run.record.id).text
        raise InputError(
            f"the prompt {chosen} of run {run.record.id} is another text, {quoted(other)}; choose another --name, or "
            f"first: saedb prompt --run {run.record.id} --forget {chosen}"
        )
    return chosen


def save(connection: Connection, run: RunDirectory, prompt: Prompt, report: Report = silent) -> bool:
    """Store a prompt, in place of one of the same name or text; return whether that changed anything.

    Args:
        connection: a server that holds the run.
        run: the run directory.
        prompt: the prompt, its name from `name_of`.
        report: progress.

    Raises:
        GraphError: the graph does not hold this content of the run, or has additions of the user's to the old prompt.
        RunError: a table is damaged, or another process is writing the run.
    """
    before = StoredPrompts.of(run).of_text(prompt.text)
    if before is not None and replace(prompt, created=before.created) == before:
        values = {"run": run.record.id, "content": run.content_hash, "prompt": prompt.id}
        if connection.read(_HOLDS, **values)[0]["n"]:
            return False

    def going(run: RunDirectory) -> list[str]:
        same = StoredPrompts.of(run).of_text(prompt.text)
        return [prompt.id] if same is None else sorted({prompt.id, same.id})

    def find() -> None:
        StoredPrompts.of(run).without(going(run)).added(prompt).write(run)

    replacement.renew(connection, run, replacement.prompts(going, prompt.id), find, report)
    return True


def forget(connection: Connection, run: RunDirectory, name: str, report: Report = silent) -> None:
    """Take a prompt away.

    Raises:
        InputError: the run has no such prompt.
        GraphError: the graph does not hold this content of the run, or has additions of the user's to the prompt.
        RunError: a table is damaged, or another process is writing the run.
    """
    StoredPrompts.of(run).prompt(name, run.record.id)

    def find() -> None:
        StoredPrompts.of(run).without([name]).write(run)

    replacement.renew(connection, run, replacement.prompts(lambda _: [name], None), find, report)


def edges_among(connection: Connection, run: str, ids: Collection[str], measure: str, floor: float) -> list[Edge]:
    """Return the edges between some features whose value of a measure is at least `floor`, by depth, strongest first.

    Raises:
        InputError: there is no such measure.
    """
    cypher = _EDGES.format(measure=measured.named(measure).name)
    rows = connection.read(cypher, run=run, ids=sorted(set(ids)), floor=floor)
    return [(row["source"], row["target"], row["value"]) for row in rows]


def graph_statement(run: str, prompt: str, *, position: int | None, top: int, measure: str, floor: float) -> str:
    """Return the statement that shows a stored prompt in Neo4j Browser, its features and the edges among them.

    Args:
        run: id of the run.
        prompt: id of the prompt.
        position: of the token; None: all, each feature by its largest activation.
        top: features of each SAE.
        measure: of the edges.
        floor: lowest value of an edge.
    """
    at = "" if position is None else f" {{position: {position}}}"
    return _GRAPH.format(
        run=literal(run), prompt=literal(prompt), position=at, top=top, measure=measure, floor=literal(floor)
    )
