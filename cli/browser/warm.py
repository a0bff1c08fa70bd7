"""Every kind of page made once when the feature browser starts.

Neo4j plans a statement when it first meets it, and reads from disk what nobody has asked for yet: seconds that whoever
opens the first pages would wait for.
"""

import logging
from threading import Thread

from saedb.cli.browser.site import Site
from saedb.cli.browser.views import views
from saedb.ingest.errors import SaedbError

_log = logging.getLogger(__name__)
_FEATURE = "MATCH (f:Feature {run: $run})-[:EVOLVES_TO]->() RETURN f.id AS id LIMIT 1"


def start(site: Site, run: str) -> Thread:
    """Return the thread that makes the pages of a run: it ends with the process, if not before."""
    thread = Thread(target=warm, args=(site, run), name="warm", daemon=True)
    thread.start()
    return thread


def warm(site: Site, run: str) -> list[str]:
    """Return the addresses of the pages that were made; one that cannot be made is left to whoever asks for it."""
    made: list[str] = []
    try:
        feature = next((row["id"] for row in site.connection.read(_FEATURE, run=run)), None)
    except SaedbError as error:
        _log.info("no page was made beforehand: %s", error)
        return made
    named = {"/feature": {"id": feature}, "/graph": {"feature": feature}} if feature else {}
    for page in views():
        try:
            page.layout(site, {"run": run, **named.get(page.PATH, {})})
            made.append(page.PATH)
        except SaedbError as error:
            _log.info("page %s was not made beforehand: %s", page.PATH, error)
    return made
