"""What a user's name of a run or a feature stands for, and what was meant where it stands for nothing."""

import re
from collections.abc import Collection
from typing import Any, Final

from saedb.cypher.connection import Connection
from saedb.cypher.nearest import suggestion
from saedb.ingest.errors import GraphError, InputError
from saedb.ingest.naming import quoted

_FEATURE: Final = re.compile(r"(?:.*/)?(?P<sae>[^/]+)/(?P<index>\d{1,18})")
_NO_RUN: Final = "there is no run here yet; make one with: saedb demo, saedb ingest or saedb import-edges"


def run_id(connection: Connection, run: str | None, *, ready_only: bool = True) -> str:
    """Return the id of a run: `run`, or the newest one that is ready.

    Args:
        connection: the server.
        run: what the user calls it; None: the newest.
        ready_only: refuse a run that is still loaded, or that was left half-way.

    Raises:
        GraphError: there is no ready run.
        InputError: `run` is unknown or not ready.
    """
    status = _states(connection)
    ready = [name for name in status if status[name] == "ready"]
    if run is not None and (run in ready or (run in status and not ready_only)):
        return run
    if run in status:
        raise InputError(f"run {run} is {status[run]}, not ready; see: saedb runs")
    if run is not None:
        raise _unknown(run, status)
    if not ready:
        unfinished = f"no run is ready ({', '.join(f'{name}: {status[name]}' for name in status)}); see: saedb runs"
        raise GraphError(unfinished if status else _NO_RUN)
    return ready[0]


def unknown_run(connection: Connection, run: str) -> InputError:
    """Return the error for a run that is not in the graph."""
    return _unknown(run, _states(connection))


def partition_id(connection: Connection, run: str, partition: str | None) -> str | None:
    """Return the name of a partition of a run: the default one if none is named, None where the run has none.

    Raises:
        InputError: a name is given, and the run has no such partition.
    """
    rows = connection.read("MATCH (p:Partition {run: $run}) RETURN p.id AS id, p.is_default AS is_default", run=run)
    known = {row["id"]: row["is_default"] for row in rows}
    if partition is None:
        return next((name for name, is_default in known.items() if is_default), None)
    if partition not in known:
        raise no_partition(run, partition, known)
    return partition


def prompt_id(connection: Connection, run: str, prompt: str) -> str:
    """Return the name of a prompt that is stored with a run.

    Raises:
        InputError: the run has no such prompt.
    """
    known = [row["id"] for row in connection.read("MATCH (p:Prompt {run: $run}) RETURN p.id AS id", run=run)]
    if prompt not in known:
        there = suggestion(prompt, known) if known else "it has none; first: saedb prompt"
        raise InputError(f"run {run} has no prompt {quoted(prompt)}; {there}")
    return prompt


def no_partition(run: str, partition: str, known: Collection[str]) -> InputError:
    """Return the error for a partition that a run does not have, given those that it has."""
    there = suggestion(partition, known) if known else f"it has none; first: saedb communities {run}"
    return InputError(f"run {run} has no partition {quoted(partition)}; {there}")


def feature_id(connection: Connection, run: str, feature: str) -> str:
    """Return the whole id of a feature, given whole or as ``6-res-jb/2320`` or ``6/2320``.

    Raises:
        InputError: there is no such feature, or several could be meant.
    """
    if connection.read("MATCH (f:Feature {run: $run, id: $id}) RETURN f.id AS id", run=run, id=feature):
        return feature
    parts = _FEATURE.fullmatch(feature)
    if parts is None:
        raise InputError(f"{quoted(feature)} is no feature id; one is {_example(connection, run)}")
    sae = _sae(connection, run, parts["sae"], feature)
    found = connection.read(
        "MATCH (f:Feature {run: $run, layer: $layer}) WHERE f.sae = $sae "
        "RETURN f.id AS id, abs(f.index - $index) AS distance ORDER BY distance, f.index LIMIT 2",
        run=run, layer=sae["layer"], sae=sae["id"], index=int(parts["index"]),
    )  # fmt: skip
    near = [row["id"] for row in found]
    if not found or found[0]["distance"] or not near[0].endswith(_tail(feature, sae["id"], parts["index"])):
        nearest = f"the nearest is {' and '.join(near)}" if near else "its SAE has no features here"
        raise InputError(f"no feature {quoted(feature)} in run {run}; {nearest}")
    return near[0]


def _tail(feature: str, sae: str, index: str) -> str:
    """Return what the whole id must end with: a model, where one was given, counts."""
    model = feature.rpartition("/")[0].rpartition("/")[0]
    return f"{model}/{sae}/{int(index)}" if model else f"/{sae}/{int(index)}"


def _sae(connection: Connection, run: str, name: str, feature: str) -> dict[str, Any]:
    """Return the one SAE of the run with this id or layer."""
    saes = connection.read(
        "MATCH (:Run {id: $run})-[:HAS_SAE]->(s:Sae) RETURN s.id AS id, s.layer AS layer ORDER BY s.depth", run=run
    )
    matching = [sae for sae in saes if name in (sae["id"], str(sae["layer"]))]
    if len(matching) > 1:
        raise InputError(f"{quoted(feature)} may be of {' or '.join(sae['id'] for sae in matching)}; give the whole id")
    if not matching:
        known = suggestion(name, [sae["id"] for sae in saes])
        raise InputError(f"no feature {quoted(feature)}: run {run} has no SAE or layer {quoted(name)}; {known}")
    return matching[0]


def _example(connection: Connection, run: str) -> str:
    rows = connection.read("MATCH (f:Feature {run: $run}) RETURN f.id AS id LIMIT 1", run=run)
    return f"like {rows[0]['id']}" if rows else "like model/6-set/2320"


def _states(connection: Connection) -> dict[str, str]:
    """Return the state of each run, newest first."""
    runs = connection.read("MATCH (r:Run) RETURN r.id AS id, r.status AS status ORDER BY r.created DESC, r.id")
    return {row["id"]: row["status"] for row in runs}


def _unknown(run: str, known: Collection[str]) -> InputError:
    return InputError(f"no run {quoted(run)}; {suggestion(run, known) if known else _NO_RUN} (all: saedb runs)")
