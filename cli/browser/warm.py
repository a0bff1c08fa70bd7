"""Every kind of page made once when the feature browser starts.

Neo4j plans a statement when it first meets it, and reads from disk what nobody has asked for yet: seconds that whoever
opens the first pages would wait for.
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, Thread

from saedb.cli.browser.site import Site
from saedb.cli.browser.views import views
from saedb.ingest.errors import SaedbError

_log = logging.getLogger(__name__)
_FEATURE = "MATCH (f:Feature {run: $run})-[:EVOLVES_TO]->() RETURN f.id AS id LIMIT 1"


@contextmanager
def warming(site: Site, run: str) -> Generator[None]:
    """Make the pages of a run in a thread, within the block; its end waits for the page that is being made.

    The connection may be closed only then: a driver cannot close what another thread reads from.
    """
    ended = Event()
    thread = Thread(target=warm, args=(site, run, ended), name="warm", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def warm(site: Site, run: str, ended: Event) -> list[str]:
    """Return the addresses of the pages that were made until it ended; one that cannot be made is left to who asks."""
    made: list[str] = []
    try:
        feature = next((row["id"] for row in site.connection.read(_FEATURE, run=run)), None)
    except SaedbError as error:
        _log.info("no page was made beforehand: %s", error)
        return made
    named = {"/feature": {"id": feature}, "/graph": {"feature": feature}} if feature else {}
    for page in views():
        if ended.is_set():
            break
        try:
            page.layout(site, {"run": run, **named.get(page.PATH, {})})
            made.append(page.PATH)
        except SaedbError as error:
            _log.info("page %s was not made beforehand: %s", page.PATH, error)
    return made
