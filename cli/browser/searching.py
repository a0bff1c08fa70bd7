"""The address of the search page: what it asks for, and how a change of its controls is written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from saedb.cli.browser.site import Site
from saedb.cypher import names
from saedb.cypher.explore.facts import Facts, facts
from saedb.cypher.explore.listing import ROLES, SORTS, STATES, Filter, Role, Sort
from saedb.ingest.errors import InputError
from saedb.ingest.naming import quoted

SIZE: Final = 50
"""Features on a page."""
FILTERS: Final = ("q", "layer", "min_density", "max_density", "state", "community", "gate")
"""What an address may ask features for."""
_ID: Final = re.compile(r"(?:[^\s/]+/)*[^\s/]*\d[^\s/]*/\d+")
_LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an address asks for."""

    facts: Facts
    filter: Filter
    sort: Sort
    page: int = 0
    note: str | None = None
    """Why the text, which looks like the id of a feature, is none."""


def asked(site: Site, query: Mapping[str, str]) -> Asked:
    """Return what an address asks for.

    Raises:
        SaedbError: a value is none of those that it may be, or there is no such run.
    """
    run = site.run(query)
    text = query.get("q", "").strip()
    feature, note = _feature(site, run, text)
    wanted = Filter(
        text="" if feature else text,
        id=feature,
        layers=tuple(_integer("layer", part) for part in query.get("layer", "").split(",") if part),
        min_density=_share("min_density", query.get("min_density")),
        max_density=_share("max_density", query.get("max_density")),
        state=_choice("state", query.get("state"), STATES),
        community=_integer("community", query["community"]) if query.get("community") else None,
        gate=cast("Role | None", _choice("gate", query.get("gate"), ROLES)),
    )
    return Asked(
        facts=facts(site.connection, run),
        filter=wanted,
        sort=_sort(query.get("sort"), is_ranked=bool(wanted.text)),
        page=max(_integer("page", query.get("page") or "1"), 1) - 1,
        note=note,
    )


def feature_named(site: Site, query: Mapping[str, str], text: str) -> str | None:
    """Return the whole id of the feature that a text names, such as ``14/65``; None where it names none."""
    return _feature(site, site.run(query), text.strip())[0]


def _feature(site: Site, run: str, text: str) -> tuple[str | None, str | None]:
    if not _ID.fullmatch(text):
        return None, None
    try:
        return names.feature_id(site.connection, run, text), None
    except InputError as error:
        return None, str(error)


def sort_text(model: Sequence[Mapping[str, Any]]) -> str | None:
    """Return how an address writes the order that a grid asks for; None for the usual one."""
    return next((f"{'-' if item['sort'] == 'desc' else ''}{item['colId']}" for item in model), None)


def _sort(text: str | None, *, is_ranked: bool) -> Sort:
    if not text:
        return Sort(by="relevance", is_descending=True) if is_ranked else Sort(by="feature")
    by = text.removeprefix("-")
    if by not in SORTS or by == "relevance":
        raise InputError(f"features cannot be sorted by {quoted(by)}; by: {', '.join(SORTS[1:])}")
    return Sort(by=by, is_descending=text.startswith("-"))


def _choice(name: str, value: str | None, known: Sequence[str]) -> str | None:
    if value and value not in known:
        raise InputError(f"no {name} {quoted(value)}; one of {', '.join(known)}")
    return value or None


def _integer(name: str, value: str) -> int:
    if not value.isdecimal() or int(value) > _LARGEST:
        raise InputError(f"no {name} {quoted(value)}; it is a whole number")
    return int(value)


def _share(name: str, value: str | None) -> float | None:
    if not value:
        return None
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InputError(f"no {name} {quoted(value)}; a density is from 0 to 1")
    return share
