"""What the overview's address asks for, and the addresses of the lists behind its parts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from saedb.cli.browser.flow import APPEARING, DISAPPEARING, LAYER, PASSED, SILENT
from saedb.cli.browser.site import Site
from saedb.cypher import measured
from saedb.cypher.explore.flow import Layer, Summary
from saedb.cypher.nearest import suggestion
from saedb.ingest.config import PASSED as PASSED_FROM
from saedb.ingest.config import VANISHING
from saedb.ingest.errors import InputError

PATH: Final = "/"
TOPS: Final = (10, 25, 50, 100)
"""How many communities are shown."""
TOP: Final = 25
LISTED: Final = 1000
"""Rows of a list at first: its page lets people ask for more."""
TRANSFORMED_IN: Final = "transformed_in"
"""Looking back, where the figure's own states look forward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The state of the page."""

    passed: float = PASSED_FROM
    """Pearson from which on a feature is passed through."""
    vanishing: float = VANISHING
    """Pearson below which it appears or disappears."""
    counts_silent: bool = False
    """Whether dead and rare features count as appearing and disappearing, as in the paper."""
    top: int = TOP
    by_count: bool = False
    """Whether communities are coloured by features, not by shares."""
    measure: str | None = None
    sae: str | None = None
    """The SAE whose edges to the next are counted; None: those of all."""
    is_logarithmic: bool = False
    bar: int | None = None
    """The bar whose edges are listed."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Return what an address asks for.

        Raises:
            InputError: a value is no number, or not one that the page's controls have.
        """
        return cls(
            passed=_share(query, "passed", PASSED_FROM), vanishing=_share(query, "vanishing", VANISHING),
            counts_silent="silent" in query, top=_top(query), by_count="count" in query,
            measure=query.get("measure"), sae=query.get("from"), is_logarithmic="log" in query,
            bar=_bar(query),
        )  # fmt: skip

    def query(self) -> dict[str, Any]:
        """Return what the address says; None for what it leaves out."""
        return {
            "passed": _unless(self.passed, PASSED_FROM), "vanishing": _unless(self.vanishing, VANISHING),
            "silent": _marked(self.counts_silent), "top": _unless(self.top, TOP), "count": _marked(self.by_count),
            "measure": self.measure, "from": self.sae, "log": _marked(self.is_logarithmic), "bar": self.bar,
        }  # fmt: skip


def _number(query: Mapping[str, str], name: str, default: float) -> float:
    given = query.get(name)
    try:
        return default if given is None else float(given)
    except ValueError:
        raise InputError(f"{name} in the address must be a number, not {given!r}") from None


def _share(query: Mapping[str, str], name: str, default: float) -> float:
    found = _number(query, name, default)
    if not 0 <= found <= 1:
        raise InputError(f"{name} in the address must be from 0 to 1, not {found:g}")
    return found


def _top(query: Mapping[str, str]) -> int:
    found = _number(query, "top", TOP)
    if found not in TOPS:
        raise InputError(f"top in the address must be one of {', '.join(map(str, TOPS))}, not {found:g}")
    return int(found)


def _bar(query: Mapping[str, str]) -> int | None:
    found = _number(query, "bar", math.nan)
    return int(found) if math.isfinite(found) else None


def _unless(value: float, default: float) -> float | None:
    return None if value == default else value


def _marked(value: bool) -> str | None:
    return "" if value else None


def listed(site: Site, run: str | None, state: str, layer: Layer, asked: Asked) -> str:
    """Return the address of the list of a layer's features in a state."""
    if state == LAYER:
        return site.href("/search", run=run, layer=layer.layer)
    return site.href("/query", run=run, layer=layer.layer, limit=LISTED, **_query_of(state, asked))


def _query_of(state: str, asked: Asked) -> dict[str, Any]:
    """Return the query of the library that lists the features of a state, with its values."""
    if state == SILENT:
        return {"name": "dead"}
    if state == PASSED:
        return {"name": "pass-through", "min_pearson": asked.passed, "positional": "true"}
    vanishing = min(asked.vanishing, asked.passed)
    if state in (APPEARING, DISAPPEARING):
        silent = "true" if asked.counts_silent else None
        return {"name": state, "max_pearson": vanishing, "dead_and_rare": silent, "positional": "true"}
    direction = "in" if state == TRANSFORMED_IN else None
    between = {"min_pearson": vanishing, "max_pearson": asked.passed}
    return {"name": "transformed", "direction": direction, **between, "positional": "true"}


def checked(asked: Asked, known: Summary) -> None:
    """Check what only the run tells.

    Raises:
        InputError: there is no such measure, or no such SAE in the run.
    """
    if asked.measure is not None:
        measured.named(asked.measure)
    if asked.sae is not None and asked.sae not in known.sources:
        raise InputError(f"no edges start from {asked.sae!r}; {suggestion(asked.sae, known.sources)}")


def usual_measure(known: Summary) -> str:
    """Return the measure that is shown at first: an import may have no correlations."""
    return (known.measure if known.kind == "import" else None) or "pearson"
