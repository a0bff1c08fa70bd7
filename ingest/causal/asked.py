"""Which edges a user means: by ids of their ends, whole or short, or by a table of such ids."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from saedb.ingest import hooks, tables
from saedb.ingest.causal.found import Pair
from saedb.ingest.errors import InputError
from saedb.ingest.naming import quoted
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory, edges_file


def in_full(run: RunDirectory, edges: Iterable[Pair]) -> list[Pair]:
    """Return edges by whole ids, where their ends may be given as ``6-res-jb/2320`` or ``6/2320``.

    Raises:
        InputError: an id is none, or its SAE is not of the run.
    """
    return [(_feature(run, source), _feature(run, target)) for source, target in edges]


def in_table(text: str, name: str) -> list[Pair]:
    """Return the edges that a table names in its columns ``source`` and ``target``: CSV, or a JSON list of objects.

    Args:
        text: what it holds.
        name: what errors call it.

    Raises:
        InputError: it is none, or has no such columns, or no edge.
    """
    try:
        found = list(_rows(text))
    except ValueError as error:
        raise InputError(f"{name} is neither CSV nor a JSON list of objects ({error})") from error
    edges = [(str(row.get("source") or ""), str(row.get("target") or "")) for row in found]
    if not edges:
        raise InputError(f"{name} names no edge; a query that finds some prints them with --output csv")
    if not all(source and target for source, target in edges):
        raise InputError(
            f"{name} has no columns source and target in each of its rows; saedb query top-edges --output csv has them"
        )
    return edges


def by_pair(run: RunDirectory, edges: Collection[Pair]) -> dict[Pair, list[Pair]]:
    """Return edges by the SAEs of their ends, each once.

    Raises:
        InputError: one is not of the run, or the SAE of its source reads where nothing can be changed.
    """
    features = run.read(tables.FEATURES, FEATURES_FILE)
    sae_of: dict[str, str] = dict(zip(features["id"].to_pylist(), features["sae"].to_pylist(), strict=True))
    found: defaultdict[Pair, list[Pair]] = defaultdict(list)
    for source, target in dict.fromkeys(edges):
        for end in (source, target):
            if end not in sae_of:
                raise InputError(f"run {run.record.id} has no feature {quoted(end)}; see: saedb query search")
        found[sae_of[source], sae_of[target]].append((source, target))
    hook_of = {sae.id: sae.hook for sae in run.record.saes}
    for pair, those in found.items():
        _check_edges(run, pair, those)
        check_hook(pair[0], str(hook_of[pair[0]]))
    return dict(found)


def _check_edges(run: RunDirectory, pair: Pair, edges: Sequence[Pair]) -> None:
    source, target = edges[0]
    if pair in run.record.pairs:
        rows = run.read(tables.EDGES, edges_file(*pair))
        there = set(zip(rows["source"].to_pylist(), rows["target"].to_pylist(), strict=True))
        strange = next((edge for edge in edges if edge not in there), None)
        if strange is None:
            return
        source, target = strange
    raise InputError(f"run {run.record.id} has no edge from {source} to {target}; see: saedb query neighbours {source}")


def check_hook(sae: str, hook: str) -> None:
    """Check that what an SAE reads at a hook point can be changed for all that comes after it.

    Raises:
        InputError: it cannot.
    """
    if not hooks.is_carried_on(hook):
        raise InputError(
            f"{sae} reads {hook}, where a change does not stay in the residual stream; ablations need SAEs of "
            "hook_resid_pre or hook_resid_post, or of what a block adds: hook_attn_out or hook_mlp_out"
        )


def _rows(text: str) -> Iterator[dict[str, Any]]:
    if not text.lstrip().startswith("["):
        yield from csv.DictReader(io.StringIO(text))
        return
    for row in json.loads(text):
        if not isinstance(row, dict):
            raise ValueError("not of objects")
        yield row


def _feature(run: RunDirectory, text: str) -> str:
    text = text.strip()
    short = text.split("/")
    if len(short) > 2:
        return text
    known = [sae for sae in run.record.saes if len(short) == 2 and short[0] in (sae.id, str(sae.layer))]
    if len(known) == 1 and short[1].isdecimal():
        return f"{run.record.model}/{known[0].id}/{int(short[1])}"
    if len(known) > 1:
        raise InputError(f"{quoted(text)} may be of {' or '.join(sae.id for sae in known)}; give the whole id")
    example = f"{run.record.model}/{run.record.saes[0].id}/0"
    raise InputError(f"{quoted(text)} is no feature of run {run.record.id}; one is {example}")
