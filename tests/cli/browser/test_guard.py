"""Whom the feature browser answers, whatever it is asked for."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from saedb.cli.browser import guard
from saedb.cli.browser.app import create
from saedb.cli.browser.site import Site

PORT = 8350
PATHS = ("/", "/search", "/nowhere", "/_dash-layout", "/_dash-dependencies", "/assets/saedb.css", "/assets/none.js")


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[FlaskClient]:
    app = create(site)
    guard.protect(app, PORT)
    with app.server.test_client() as client:
        yield client


def _asked(client: FlaskClient, path: str = "/", host: str = f"127.0.0.1:{PORT}", **headers: str) -> TestResponse:
    return client.get(path, headers={"Host": host, **headers}, buffered=True)


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}"])
def test_its_own_names_are_answered(client: FlaskClient, host: str) -> None:
    assert _asked(client, host=host).status_code == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host",
    [
        f"evil.example:{PORT}",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:80",
        f"127.0.0.1:{PORT}0",
        f"127.0.0.1.evil.example:{PORT}",
        f"[::1]:{PORT}",
        f"[::ffff:127.0.0.1]:{PORT}",
        f"0.0.0.0:{PORT}",
        f"127.1:{PORT}",
        f"user@127.0.0.1:{PORT}",
        f"LOCALHOST.:{PORT}",
        "",
    ],
)
def test_no_other_name_is_answered(client: FlaskClient, path: str, host: str) -> None:
    answer = _asked(client, path, host)
    assert answer.status_code == 403
    assert b"the feature browser is at http://127.0.0.1:8350/" in answer.data


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        f"https://127.0.0.1:{PORT}",
        "http://127.0.0.1:9999",
        "http://127.0.0.1",
        f"http://[::1]:{PORT}",
        f"http://http://127.0.0.1:{PORT}",
        "",
    ],
)
def test_no_page_of_another_site_is_answered(client: FlaskClient, path: str, origin: str) -> None:
    assert _asked(client, path, Origin=origin).status_code == 403


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}"])
def test_a_page_of_its_own_is_answered(client: FlaskClient, host: str) -> None:
    assert _asked(client, "/_dash-layout", Origin=f"http://{host}").status_code == 200


def test_a_callback_from_elsewhere_is_not_run(client: FlaskClient) -> None:
    headers = {"Host": f"127.0.0.1:{PORT}", "Origin": "http://evil.example"}
    assert client.post("/_dash-update-component", json={}, headers=headers).status_code == 403


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", "evil.example"])
def test_every_answer_forbids_what_a_page_does_not_need(client: FlaskClient, path: str, host: str) -> None:
    headers = _asked(client, path, host).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_scripts_are_its_own_files_or_known_by_their_hash(client: FlaskClient) -> None:
    policy = _asked(client).headers["Content-Security-Policy"]
    (scripts,) = re.findall(r"script-src ([^;]*)", policy)
    assert all(source == "'self'" or re.fullmatch(r"'sha256-[\w+/=]+'", source) for source in scripts.split())


def test_the_page_names_no_other_host(client: FlaskClient) -> None:
    sources = re.findall(r'(?:src|href)="([^"]*)"', _asked(client).text)
    assert sources
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)


def test_nothing_outside_the_assets_is_served(client: FlaskClient) -> None:
    for path in ("/assets/../app.py", "/assets/%2e%2e/app.py", "/assets//etc/passwd", "/assets/..%2fapp.py"):
        assert b"def create" not in _asked(client, path).data
        assert b"root:" not in _asked(client, path).data
