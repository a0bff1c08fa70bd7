"""The feature browser, served and looked at in a real Chromium.

    with browsing(graph.connection) as pages, pages.opened("/search?q=tax") as page:
        expect(page.locator("h1")).to_have_text("Search")

What a page must never do is checked where `opened` ends: write to the console, fail, or ask another host.
"""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from saedb.cli.browser.serve import HOST, listening
from saedb.cli.browser.site import Site
from saedb.cypher.connection import Connection

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium to show the page in: apt-get install chromium")


@dataclass(frozen=True)
class Pages:
    """The pages at an address, and the browser that opens them."""

    address: str
    browser: Browser

    @contextmanager
    def opened(self, path: str = "/", *, width: int = 1400, height: int = 900) -> Generator[Page]:
        """Yield a page once it has its content."""
        context = self.browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("request", lambda request: problems.extend(self._foreign(request.url)))
        page.goto(self.address + path)
        page.locator("#main").wait_for()
        yield page
        page.wait_for_load_state("networkidle")
        context.close()
        assert problems == []

    def _foreign(self, url: str) -> list[str]:
        is_own = url.startswith((f"{self.address}/", "data:", f"blob:{self.address}/"))
        return [] if is_own else [f"request: {url}"]


@contextmanager
def browsing(connection: Connection) -> Generator[Pages]:
    """Yield the pages over the runs of a server, for all tests of a module."""
    with listening(Site(connection=connection), 0) as server, sync_playwright() as playwright:
        thread = Thread(target=server.serve_forever)
        thread.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield Pages(f"http://{HOST}:{server.port}", browser)
        finally:
            browser.close()
            server.shutdown()
            thread.join()
