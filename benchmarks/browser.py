"""How long the feature browser takes on a graph as large as GPT-2 small's.

1. A made-up run is loaded into a server of its own.
2. Every page is asked for as a browser does it, by the callback of the address, first on a server that has answered
   nothing of the kind yet.
3. What pages read later is read by itself, past what they keep: lists in several orders, the parts of the overview,
   the neighbourhoods that the graph shows, each with its layout.
4. In Chromium, where there is one, pages are opened from nothing until their heading stands.
"""

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Final

from benchmarks.figures import Figure, Goal, Kind
from benchmarks.graphs import Shape, made_up_run
from benchmarks.loading import empty_server
from saedb.cli.browser.app import create
from saedb.cli.browser.picture import laid_out
from saedb.cli.browser.serve import HOST, listening
from saedb.cli.browser.site import Site
from saedb.cypher.connection import Connection
from saedb.cypher.explore import Scope, Start, flow, read, spread
from saedb.cypher.explore.facts import facts
from saedb.cypher.explore.listing import Filter, Sort, count, listed
from saedb.cypher.library import shipped
from saedb.cypher.load import load
from saedb.cypher.server.local import LocalServer
from saedb.ingest.measures import BY_NAME

PAGE: Final = Kind(
    name="page of the feature browser",
    unit="s",
    meaning="Median seconds until the server of the pages has answered for an address, everything read from the graph"
    " that the page shows at once. What it keeps of earlier answers, it keeps here too; the first time is told apart.",
)
PART: Final = Kind(
    name="part of a page",
    unit="s",
    meaning="Median seconds of what a page reads by itself after it is there, or when a control is used; nothing is"
    " kept between the runs but by Neo4j.",
)
PAINT: Final = Kind(
    name="first paint",
    unit="s",
    meaning="Median seconds in headless Chromium from an address to the page's heading, in a new profile each time, so"
    " that every script is loaded.",
)

_SECOND, _TWO = Goal.at_most(1), Goal.at_most(2)
_CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_OUTPUTS: Final = (("page", "children"), ("shown", "data"), ("title", "data"), ("notice", "children"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """How large the run is, and how often each page is asked for."""

    shape: Shape
    rounds: int


FULL: Final = Visit(shape=Shape(layers=12, width=24_576, edges=2_000_000), rounds=7)
QUICK: Final = Visit(shape=Shape(layers=4, width=600, edges=8_000), rounds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the pages are asked about."""

    run: str
    hub: str
    word: str
    chain: list[str]


def browser(sizes: Visit) -> Iterator[Figure]:
    """Yield every figure as soon as it is there."""
    with empty_server() as server, tempfile.TemporaryDirectory() as folder:
        run = made_up_run(Path(folder) / "made-up", sizes.shape)
        with Connection(server.address()) as connection:
            load(connection, run, way="bulk")
        yield from on_server(server, sizes)


def on_server(server: LocalServer, sizes: Visit) -> Iterator[Figure]:
    """Yield every figure, measured on a server with one run."""
    with Connection(server.address()) as connection:
        site = Site(connection=connection)
        known = _known(site)
        for address in _addresses(known):
            yield _figure(PAGE, _named(address), _asking(site, address), _SECOND, sizes.rounds)
        for name, part in _parts(site, known).items():
            yield _figure(PART, name, part, _SECOND, sizes.rounds)
        yield from _paints(site, known, sizes.rounds)


def _known(site: Site) -> _Known:
    run = site.graph.run_id()
    hub = site.graph.rows(shipped()["hubs"], {"limit": 1})[0]
    chain = site.graph.rows(shipped()["pass-through-chains"], {"limit": 1})[0]
    return _Known(run=run, hub=hub["feature"], word=str(hub["label"]).split()[0], chain=chain["features"])


def _addresses(known: _Known) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        ("/", {}),
        ("/search", {}),
        ("/search", {"q": known.word}),
        ("/search", {"layer": 5, "state": "appearing"}),
        ("/search", {"community": 3}),
        ("/search", {"min_density": 0.001, "max_density": 0.01}),
        ("/feature", {"id": known.hub}),
        ("/feature", {"id": known.chain[0]}),
        ("/query", {}),
        ("/query", {"name": "disappearing", "layer": 5}),
        ("/prompt", {}),
    ]


def _named(address: tuple[str, Mapping[str, Any]]) -> str:
    path, query = address
    return " ".join([path, *(f"{name}={value}" for name, value in query.items())])


def _asking(site: Site, address: tuple[str, Mapping[str, Any]]) -> Callable[[], object]:
    """Return what asks the app for an address, and checks that it got a page."""
    path, query = address
    client = create(site).server.test_client()
    body = {
        "output": f"..{'...'.join('.'.join(output) for output in _OUTPUTS)}..",
        "outputs": [{"id": id_, "property": name} for id_, name in _OUTPUTS],
        "inputs": [
            {"id": "address", "property": "pathname", "value": path},
            {"id": "address", "property": "search", "value": site.href("", **query)},
        ],
        "state": [{"id": "shown", "property": "data", "value": None}],
        "changedPropIds": ["address.pathname"],
    }

    def ask() -> None:
        answer = client.post("/_dash-update-component", data=json.dumps(body), content_type="application/json")
        assert b"cannot be shown" not in answer.data, f"{_named(address)} cannot be shown"

    return ask


def _parts(site: Site, known: _Known) -> dict[str, Callable[[], object]]:
    return {**_lists(site, known), **_overview(site, known), **_graphs(site, known)}


def _lists(site: Site, known: _Known) -> dict[str, Callable[[], object]]:
    connection, all_ = site.connection, facts(site.connection, known.run)

    def page(asked: Filter, by: str, *, descending: bool = False, skip: int = 0) -> Callable[[], object]:
        sort = Sort(by=by, is_descending=descending)
        return lambda: listed(connection, all_, asked, sort, skip=skip, limit=50)

    appearing = Filter(layers=(5,), state="appearing")
    return {
        "search, all by layer": page(Filter(), "feature"),
        "search, all, a third of the way": page(Filter(), "feature", skip=all_.features // 3),
        "search, all by density": page(Filter(), "density", descending=True),
        "search, all by label": page(Filter(), "label"),
        "search, all by the best correlation": page(Filter(), "best_out", descending=True),
        f"search, {known.word} by relevance": page(Filter(text=known.word), "relevance"),
        f"search, {known.word} by density": page(Filter(text=known.word), "density", descending=True),
        "search, appearing in a layer by density": page(appearing, "density", descending=True),
        "search, a community": page(Filter(community=0), "feature"),
        "search, how many appear in a layer": lambda: count.__wrapped__(connection, all_, appearing),
        f"search, how many have {known.word}": lambda: count.__wrapped__(connection, all_, Filter(text=known.word)),
    }


def _overview(site: Site, known: _Known) -> dict[str, Callable[[], object]]:
    connection, run = site.connection, known.run
    pearson, lift = BY_NAME["pearson"], BY_NAME["lift"]
    saes = flow.summary(connection, run).sources
    bars = spread.bars(connection, run, lift)
    most = max(bars, key=lambda bar: bar.edges)

    def layers(passed: float) -> Callable[[], object]:
        return lambda: flow.layers(connection, run, passed=passed, vanishing=0.3, dead_and_rare=False)

    return {
        "overview, states of all layers": layers(0.95),
        "overview, states at another threshold": layers(0.8),
        "overview, 100 communities": lambda: flow.spans(connection, run, "main", 100),
        "overview, edges by Pearson": lambda: spread.bars(connection, run, pearson),
        "overview, edges by lift": lambda: spread.bars(connection, run, lift),
        "overview, edges of a bar of Pearson": lambda: spread.edges(connection, run, pearson, 19, None, 200),
        "overview, edges of a bar of lift": lambda: spread.edges(connection, run, lift, most.number, saes, 200),
    }


def _graphs(site: Site, known: _Known) -> dict[str, Callable[[], object]]:
    def drawn(start: Start, floor: float, hops: int) -> Callable[[], object]:
        scope = Scope(run=known.run, start=start, measure="pearson", floor=floor, hops=hops)
        return lambda: laid_out(read(site.connection, scope), site.colour)

    return {
        "graph of a hub, 1 hop": drawn(Start(kind="feature", value=known.hub), 0.1, 1),
        "graph of a hub, 2 hops": drawn(Start(kind="feature", value=known.hub), 0.3, 2),
        "graph of a feature of a chain": drawn(Start(kind="feature", value=known.chain[0]), 0.3, 2),
        "graph of the largest community": drawn(Start(kind="community", value="main/0"), 0.1, 0),
        "graph of a path": drawn(Start(kind="path", value=",".join(known.chain)), 0.1, 0),
    }


def _figure(kind: Kind, case: str, run: Callable[[], object], goal: Goal, rounds: int) -> Figure:
    first, *seconds = [_seconds(run) for _ in range(rounds + 1)]
    measured = f"first {first:.3f} s, then {rounds} runs, {min(seconds):.3f} to {max(seconds):.3f} s"
    return kind.figure(case, statistics.median(seconds), goal, measured=measured)


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _paints(site: Site, known: _Known, rounds: int) -> Iterator[Figure]:
    """Yield how long pages take in Chromium; without one, that they were not measured."""
    addresses = [address for address in _addresses(known) if address[0] not in ("/query",)]
    if _CHROMIUM is None:
        for address in addresses:
            yield PAINT.figure(_named(address), None, _TWO, measured="no Chromium here")
        return
    from playwright.sync_api import sync_playwright

    with listening(site, 0) as server, sync_playwright() as playwright:
        thread = Thread(target=server.serve_forever)
        thread.start()
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu"])

        def open_(address: str) -> None:
            context = chromium.new_context()
            page = context.new_page()
            page.goto(address, wait_until="commit")
            page.locator("#main h1").first.wait_for()
            context.close()

        for path, query in addresses:
            url = f"http://{HOST}:{server.port}{site.href(path, **query)}"
            yield _figure(PAINT, _named((path, query)), lambda url=url: open_(url), _TWO, rounds)
        chromium.close()
        server.shutdown()
        thread.join()
