"""The pages of the feature browser, in the order of the menu. Each is a module of its own with what `View` names."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, Protocol, cast

from dash import Dash
from dash.development.base_component import Component

from saedb.cli.browser.site import Site

_NAMES: Final = ("overview", "search", "feature", "graph", "prompt", "library")


class View(Protocol):
    """One page."""

    PATH: str
    """Its address, from the slash on."""
    TITLE: str
    MENU: bool
    """Whether the menu has it."""

    def layout(self, site: Site, query: Mapping[str, str]) -> Component:
        """Return the page at an address.

        Raises:
            SaedbError: the address asks for what is not there; the reader sees the message.
        """
        ...

    def register(self, app: Dash, site: Site) -> None:
        """Tell the app what happens when somebody uses the page."""
        ...


def views() -> Sequence[View]:
    """Return every page."""
    return [cast("View", import_module(f"{__name__}.{name}")) for name in _NAMES]
