"""One feature with everything that a run knows of it."""

from collections.abc import Mapping
from typing import Any, Final

from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from saedb.cli.browser.feature_edges import (
    MEASURE,
    SCALE,
    SIDES,
    choice,
    columns,
    found_edges,
    rows,
    said,
    scale,
    section,
)
from saedb.cli.browser.feature_examples import examples
from saedb.cli.browser.feature_facts import Shown, chain, facts, head, histogram, missing
from saedb.cli.browser.feature_gates import gates
from saedb.cli.browser.site import SEARCH, SHOWN, Site, parsed
from saedb.cypher import names
from saedb.cypher.explore.surroundings import surroundings
from saedb.cypher.feature import feature_record
from saedb.ingest.errors import InputError
from saedb.ingest.measures import BY_NAME

PATH: Final = "/feature"
TITLE: Final = "Feature"
MENU: Final = False


def layout(site: Site, query: Mapping[str, str]) -> Component:
    """Return the page."""
    shown = _shown(site, query)
    drawn, along = histogram(shown.record), chain(shown)
    notes = [html.P(text) for text in missing(shown)]
    return html.Section(
        [
            *head(shown),
            *([html.Div(notes, className="note")] if notes else []),
            html.Div([facts(shown), *([drawn] if drawn else [])], className="about"),
            *([html.H2("Through the layers"), along] if along else []),
            *examples(shown),
            section(shown, choice(query)),
            *gates(shown),
        ],
        className="feature",
    )


def _shown(site: Site, query: Mapping[str, str]) -> Shown:
    run = site.run(query)
    if not query.get("id"):
        raise InputError("the address names no feature; search for one, or give its id as in 14/65")
    feature = names.feature_id(site.connection, run, query["id"])
    return Shown(
        site=site,
        run=query.get("run") or None,
        record=feature_record(site.connection, run, feature, has_edges=False),
        around=surroundings(site.connection, run, feature),
    )


def register(app: Dash, site: Site) -> None:
    """Tell the app what happens when somebody chooses a measure or a floor."""

    @app.callback(
        *(
            Output(f"feature-{side}{part}", name)
            for side in SIDES
            for part, name in (("", "columnDefs"), ("", "rowData"), ("-said", "children"))
        ),
        *(Output("feature-floor", name) for name in SCALE),
        SEARCH,
        SHOWN,
        Input("feature-measure", "value"),
        Input("feature-floor", "value"),
        State("feature-floor", "min"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    def narrow(measure: str, floor: float | None, low: float, text: str | None) -> tuple[Any, ...]:  # pyright: ignore[reportUnusedFunction]
        before = parsed(text or "")
        query = _chosen(before, measure, None if floor is None or floor <= low else floor)
        if query == before:
            return (no_update,) * (6 + len(SCALE) + 2)
        shown, chosen = _shown(site, query), choice(query)
        found = found_edges(shown, chosen)
        lists = [
            part
            for side in SIDES
            for part in (
                columns(found[side], chosen),
                rows(shown, found[side]),
                said(shown, side, found[side], chosen),
            )
        ]
        return *lists, *scale(chosen, found).values(), *site.moved(PATH, **query)


def _chosen(before: Mapping[str, str], measure: str, floor: float | None) -> dict[str, str]:
    """Return the values of an address with a choice, without what is usual; a floor is one of its measure only."""
    changed = before.get("measure", MEASURE) != measure
    is_usual = floor is None or changed or measure not in BY_NAME
    values = {
        **before,
        "measure": None if measure == MEASURE else measure,
        "floor": None if is_usual else f"{floor:.6g}",
    }
    return {name: value for name, value in values.items() if value is not None}
