"""The frame of the feature browser without a browser: what the callback of the address answers."""

from collections.abc import Mapping
from typing import Any

import pytest
from dash import Dash, html
from dash.development.base_component import Component
from flask.testing import FlaskClient

from saedb.cli.browser import app as frame
from saedb.cli.browser.site import Site
from saedb.cli.browser.views import views
from saedb.ingest.errors import InputError

_OUTPUTS = (("page", "children"), ("shown", "data"), ("title", "data"), ("notice", "children"))


class Page:
    """A page that says what its address asks for."""

    PATH = "/"
    TITLE = "Echo"
    MENU = True

    def layout(self, site: Site, query: Mapping[str, str]) -> Component:
        if "wrong" in query:
            raise InputError(f"wrong cannot be {query['wrong']}; leave it out")
        return html.P(f"asked: {dict(query)}")

    def register(self, app: Dash, site: Site) -> None:
        pass


@pytest.fixture
def client(site: Site, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    monkeypatch.setattr(frame, "views", lambda: [Page()])
    return frame.create(site).server.test_client()


def _shown(client: FlaskClient, path: str, search: str = "", shown: str | None = None) -> dict[str, Any]:
    """Return what the frame shows at an address, by id; None for what it leaves as it is."""
    answer = client.post(
        "/_dash-update-component",
        json={
            "output": f"..{'...'.join(f'{id_}.{name}' for id_, name in _OUTPUTS)}..",
            "outputs": [{"id": id_, "property": name} for id_, name in _OUTPUTS],
            "inputs": [
                {"id": "address", "property": "pathname", "value": path},
                {"id": "address", "property": "search", "value": search},
            ],
            "state": [{"id": "shown", "property": "data", "value": shown}],
            "changedPropIds": ["address.pathname"],
        },
    )
    found = answer.get_json()["response"]
    return {id_: found.get(id_, {}).get(name) for id_, name in _OUTPUTS}


def test_a_page_is_made_from_its_address(client: FlaskClient) -> None:
    found = _shown(client, "/", "?a=1&b=x+y")
    assert "asked: {'a': '1', 'b': 'x y'}" in str(found["page"])
    assert (found["shown"], found["title"]) == ("/?a=1&b=x+y", "Echo - saedb")


def test_a_page_that_is_shown_is_not_made_anew(client: FlaskClient) -> None:
    assert _shown(client, "/", "?a=1", shown="/?a=1") == dict.fromkeys(id_ for id_, _ in _OUTPUTS)


def test_an_unknown_page_is_said_to_be_none(client: FlaskClient) -> None:
    found = _shown(client, "/nowhere")
    assert "There is no such page." in str(found["page"])
    assert found["title"] == "Not found - saedb"


def test_what_an_address_asks_for_wrongly_is_said_in_place_of_the_page(client: FlaskClient) -> None:
    found = _shown(client, "/", "?wrong=<b>")
    assert "wrong cannot be <b>; leave it out" in str(found["page"])


def test_an_address_that_is_too_long_is_said_to_be(client: FlaskClient) -> None:
    found = _shown(client, "/", "?q=" + "x" * 9_000)
    assert "this address has 9,003 characters" in str(found["page"])


def test_a_server_that_does_not_answer_leaves_a_menu_without_runs(client: FlaskClient) -> None:
    found = _shown(client, "/")
    assert "menu-run" not in str(found["page"])
    assert "menu-search" in str(found["page"])


def test_every_page_has_an_address_and_a_title_of_its_own() -> None:
    pages = views()
    assert len({page.PATH for page in pages}) == len({page.TITLE for page in pages}) == len(pages)
    assert all(page.PATH.startswith("/") for page in pages)
    assert pages[0].PATH == "/"
