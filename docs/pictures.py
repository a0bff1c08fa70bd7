"""Take the pictures of the README from the demo's graph: `python docs/pictures.py`, after `saedb demo`.

Needs a Chromium, such as Debian's package of that name.
"""

from pathlib import Path
from threading import Thread
from typing import Final

from playwright.sync_api import Page, sync_playwright

from saedb.cli.browser.serve import HOST, listening
from saedb.cli.browser.site import Site
from saedb.cypher import connect
from saedb.cypher.server.local import LocalServer, Running

FOLDER: Final = Path(__file__).parent / "pictures"
CHROMIUM: Final = "/usr/bin/chromium"
QUIET: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
SIZE: Final = {"width": 1300, "height": 800}
LAYOUT_MILLISECONDS: Final = 20_000
ZOOMS: Final = 2
ZOOM_MILLISECONDS: Final = 1_000

FAMILY: Final = """
MATCH p = (u:Feature {run: 'demo'})-[e:EVOLVES_TO]->(d:Feature)
WHERE e.pearson > 0.3 AND u.top_tokens[0] IN $words AND d.top_tokens[0] IN $words
RETURN p
"""
WORDS: Final = ("war", "battle", "peace", "military", "army")
BRANCHES: Final = {"hops": 3, "floor": "0.25"}
"""Of the feature that a search for the first word finds first."""


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    running = LocalServer().up()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(120_000)
        log_in(page, running)
        ask(page, FAMILY.replace("$words", str(list(WORDS))))
        page.screenshot(path=FOLDER / "neo4j-browser.png")
        explore(page)
        page.screenshot(path=FOLDER / "feature-browser.png")
        browser.close()


def explore(page: Page) -> None:
    """Show what a feature comes from and becomes in the feature browser."""
    with connect() as graph:
        site = Site(connection=graph.connection)
        feature = graph.query("search", run="demo", text=WORDS[0])["feature"][0]
        with listening(site, 0) as server:
            Thread(target=server.serve_forever).start()
            page.goto(f"http://{HOST}:{server.port}{site.href('/graph', feature=feature, **BRANCHES)}")
            page.get_by_text("Showing").first.wait_for()
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(ZOOM_MILLISECONDS)
            server.shutdown()


def log_in(page: Page, running: Running) -> None:
    """Open Neo4j Browser on the local server, by the link that logs in."""
    page.goto(running.login.as_uri())
    page.get_by_text("You are connected as user").first.wait_for()


def ask(page: Page, cypher: str) -> None:
    """Run a statement, and wait until its graph has come to rest."""
    page.locator(".monaco-editor").first.click()
    page.keyboard.insert_text(" ".join(cypher.split()))
    page.keyboard.press("Control+Enter")
    page.locator("svg .node").first.wait_for()
    page.get_by_title("Fullscreen", exact=True).first.click()
    page.wait_for_timeout(LAYOUT_MILLISECONDS)
    for _ in range(ZOOMS):
        page.get_by_label("zoom-in").click()
        page.wait_for_timeout(ZOOM_MILLISECONDS)


if __name__ == "__main__":
    main()
