"""Which SAEs are related to which: those that the user names, else neighbours along the model."""

import re
from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Final

from saedb.ingest import hooks
from saedb.ingest.errors import InputError
from saedb.ingest.sources import Pair, SaeSource

_SAE: Final = re.compile(r"\s*((?P<layer>\d+)(?:-[^\s:,]+)?)\s*")


def neighbours(sources: Sequence[SaeSource]) -> tuple[Pair, ...]:
    """Return the pairs of a set for which the user names none, by depth of the upstream and then of the downstream SAE.

    Each SAE goes with the next one along the model. Where some hook point has several SAEs there is no such order: then
    each SAE goes with the next one of its own set, and the SAEs of one hook point, of several sets, with each other.

    Args:
        sources: the SAEs, by depth; those of one hook point in the order in which the user gave them.
    """
    found = [pair for chain in chains(sources) for pair in pairwise(chain)]
    beside = [(u, d) for u, d in combinations(sources, 2) if u.hook == d.hook and u.set != d.set]
    return tuple(sorted([*found, *beside], key=lambda pair: (pair[0].depth, pair[1].depth)))


def chains(sources: Sequence[SaeSource]) -> list[list[SaeSource]]:
    """Return the SAEs that follow one another along the model: all, or those of each set where some share a hook point.

    Args:
        sources: the SAEs, by depth.
    """
    if len({source.hook for source in sources}) == len(sources):
        return [list(sources)]
    return [[source for source in sources if source.set == name] for name in sorted({s.set for s in sources})]


def apart(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs whose decoders write to two spaces, or in two sizes: their directions cannot be compared."""
    return [(u, d) for u, d in pairs if u.d_in != d.d_in or not hooks.share_a_space(u.hook, d.hook)]


def layers(text: str) -> frozenset[int]:
    """Return the layer numbers that pairs like ``4:6,5-res:5-mlp`` name.

    Raises:
        InputError: the text is not of that form.
    """
    return frozenset(int(_matched(end, text)["layer"]) for ends in _ends(text) for end in ends)


def named(text: str, sources: Sequence[SaeSource]) -> tuple[Pair, ...]:
    """Return the pairs that a text like ``4:6,5-res:5-mlp`` names, in its order, each once.

    Args:
        text: pairs of an upstream and a downstream SAE, each by its layer number or its id ``{layer}-{set}``.
        sources: the SAEs to choose from, by depth.

    Raises:
        InputError: the text is not of that form, names an SAE that is not there, or one that is deeper than the other.
    """
    pairs = [(_sae(u, text, sources), _sae(d, text, sources)) for u, d in _ends(text)]
    for upstream, downstream in pairs:
        _check_order(upstream, downstream)
    return tuple({(u.id, d.id): (u, d) for u, d in pairs}.values())


def _ends(text: str) -> list[tuple[str, str]]:
    pairs = [part.split(":") for part in text.split(",")]
    if any(len(ends) != 2 for ends in pairs):
        raise _unreadable(text)
    return [(upstream, downstream) for upstream, downstream in pairs]


def _matched(end: str, text: str) -> re.Match[str]:
    match = _SAE.fullmatch(end)
    if match is None:
        raise _unreadable(text)
    return match


def _unreadable(text: str) -> InputError:
    return InputError(f"cannot read pairs {text!r}; write upstream:downstream, like 4:6,5-res:5-mlp")


def _sae(end: str, text: str, sources: Sequence[SaeSource]) -> SaeSource:
    name = _matched(end, text)[1]
    found = [source for source in sources if name in (source.id, str(source.layer))]
    if not found:
        there = ", ".join(source.id for source in sources)
        raise InputError(f"pairs {text!r}: no SAE {name}; there are {there}")
    if len(found) > 1:
        ids = ", ".join(source.id for source in found)
        raise InputError(f"pairs {text!r}: layer {name} has several SAEs; write which, of {ids}")
    return found[0]


def _check_order(upstream: SaeSource, downstream: SaeSource) -> None:
    given = f"pair {upstream.id}:{downstream.id}"
    if upstream.id == downstream.id:
        raise InputError(f"{given} is an SAE with itself; give two")
    if hooks.depth(upstream.hook) > hooks.depth(downstream.hook):
        raise InputError(
            f"{given}: {upstream.hook} is deeper in the model than {downstream.hook};"
            f" write {downstream.id}:{upstream.id}"
        )
