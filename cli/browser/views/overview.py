"""What a run is, as a whole."""

from collections.abc import Mapping
from typing import Final

from dash import Dash, html
from dash.development.base_component import Component

from saedb.cli.browser.site import Site

PATH: Final = "/"
TITLE: Final = "Overview"
MENU: Final = True


def layout(site: Site, query: Mapping[str, str]) -> Component:
    """Return the page."""
    run = site.run(query)
    return html.Section([html.H1(f"Run {run}")])


def register(app: Dash, site: Site) -> None:
    """Nothing on the page is a control."""
    del app, site
