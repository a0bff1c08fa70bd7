"""The guide that Neo4j Browser opens at the side: what the graph holds, and questions to click on.

It names no run: every statement looks for the newest one. Browser takes the slides out of the page, runs a block of
class ``runnable`` by its play button, and writes what is put into an input with ``value-for`` into the texts of that
``value-key``. Scripts in it would not run.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from saedb.cypher import schema
from saedb.cypher.library import GROUPS
from saedb.cypher.neo4jbrowser import colours, question
from saedb.cypher.neo4jbrowser.question import Blank, Question
from saedb.cypher.neo4jbrowser.style import CIRCLES

TITLE: Final = "saedb"
SEARCH: Final = "search"
ORIGIN: Final = "origin"

# The play button is as large as the block's own text; the statement is smaller, and most people need not read it.
_SLIDE: Final = "padding: 0 18px 24px"
_STATEMENT: Final = (
    "font-size: 24px; line-height: 16px; max-height: 132px; overflow: auto; padding-top: 12px !important"
)
_CYPHER: Final = "font-size: 12px; font-weight: 400"
_LEGEND: Final = 36
"""Layers whose colours are shown."""
_BOX: Final = "display: inline-block; min-width: 22px; padding: 1px 4px; border-radius: 3px; text-align: center"
_INPUT: Final = "width: 100%; color: #10131A; background: #FFFFFF; padding: 4px 6px; border-radius: 3px; margin: 2px 0"
_HEADINGS: Final = {
    "evolution": "How features evolve",
    "gates": "Gates",
    "communities": "Communities",
    "edges": "Links between features",
    "features": "Single features",
}


def html() -> str:
    """Return the guide."""
    slides = "\n".join(f'<slide>\n<div style="{_SLIDE}">{"".join(slide)}</div></slide>' for slide in _slides())
    return (
        f'<article class="guide">\n<title>{TITLE}</title>\n<carousel class="deck container-fluid">\n'
        f"{slides}\n</carousel>\n</article>\n"
    )


def _slides() -> Iterator[Iterable[str]]:
    own, library = question.own(), question.library()
    search = next(q for q in library if q.name == SEARCH)
    origin = next(q for q in own if q.name == ORIGIN)
    yield _holds([q for q in own if q.group == question.HOLDS])
    yield _first(search, origin)
    yield _pictures([q for q in own if q.group == question.PICTURES and q is not origin])
    for group in GROUPS:
        yield _group(group, [q for q in library if q.group == group])
    yield _further()


def _holds(questions: list[Question]) -> Iterator[str]:
    yield "<h3>What this graph holds</h3>"
    yield "<p>The features of sparse autoencoders, layer by layer, and how they evolve through a language model.</p>"
    yield "<p>Click on the play button of a block to run it. A click on its text puts it into the editor above, "
    yield "where it can be changed. Every question is about the newest run.</p>"
    for item in questions:
        yield from _block(item)
    yield "<h4>Circles</h4><ul>"
    for node in schema.NODES:
        if node is not schema.LANE:  # gone when a run is ready
            yield f"<li>{_circle(node.label)} {escape(node.meaning)}</li>"
    yield "</ul><h4>Arrows</h4><ul>"
    for kind in schema.RELATIONSHIPS:
        arrow = f"({kind.source})-[{kind.type}]-&gt;({kind.target})"
        yield f"<li><code>{arrow}</code> {escape(kind.meaning)}</li>"
    yield "</ul><h4>Colours of the layers</h4><p>"
    yield " ".join(_box(str(layer), colours.of_layer(layer)) for layer in range(_LEGEND))
    yield "</p>"


def _first(search: Question, origin: Question) -> Iterator[str]:
    yield "<h3>Where does a feature come from?</h3>"
    yield "<p><b>1.</b> Look for features by a word. The answer is a table; its first column has their ids.</p>"
    yield from _block(search, is_headed=False)
    yield "<p><b>2.</b> See the way of one of them through the layers, as a graph.</p>"
    yield from _block(origin, is_headed=False)
    yield "<p><b>3.</b> Click on a circle: its label, tokens and examples stand at the right. A double click shows "
    yield "all of its neighbours. The number on an arrow is Pearson correlation.</p>"
    yield "<p>The same with every measure, in the terminal: <code>saedb feature ID --trace</code></p>"


def _pictures(questions: list[Question]) -> Iterator[str]:
    yield "<h3>Pictures</h3>"
    for item in questions:
        yield from _block(item)


def _group(group: str, questions: list[Question]) -> Iterator[str]:
    yield f"<h3>{_HEADINGS.get(group, group.capitalize())}</h3>"
    for item in questions:
        yield from _block(item)


def _further() -> Iterator[str]:
    yield "<h3>Further</h3><ul>"
    yield "<li>All questions of this guide are among the favourites: the star at the left.</li>"
    yield "<li>In the terminal: <code>saedb query</code> lists them, <code>saedb query NAME --help</code> tells "
    yield "what each can be asked, <code>--show</code> prints its Cypher, <code>--run</code> names another run.</li>"
    yield "<li>A click on a label above a graph changes its colour, size and caption.</li>"
    yield "<li><code>:style reset</code> gives Browser's own colours, <code>:help</code> its commands.</li>"
    yield f"<li>{_link('https://arxiv.org/abs/2410.08869', 'The paper')}: Evolution of SAE Features Across Layers</li>"
    yield f"<li>{_link('https://neo4j.com/docs/cypher-cheat-sheet/5/', 'Cypher on one page')}</li></ul>"


def _block(item: Question, *, is_headed: bool = True) -> Iterator[str]:
    """Yield one question: its text, its blanks, and its statement."""
    if is_headed:
        yield f"<h4>{escape(item.title)}</h4>"
    for paragraph in item.description.split("\n\n"):
        if paragraph:
            yield f"<p>{escape(paragraph)}</p>"
    if item.marked is None:
        yield f"<p>It takes several steps, so ask in the terminal:<br/><code>{escape(item.command)}</code></p>"
        return
    yield from (_input(item, blank) for blank in item.blanks)
    yield f'<pre class="code runnable" style="{_STATEMENT}"><span style="{_CYPHER}">{_text(item)}</span></pre>\n'
    if item.nothing:
        yield f"<p><small>No rows? {escape(item.nothing)}.</small></p>"


def _input(item: Question, blank: Blank) -> str:
    return (
        f"<p>{escape(blank.name)}: {escape(blank.meaning)}<br/>"
        f'<input value-for="{_key(item, blank)}" value="{escape(blank.example)}" style="{_INPUT}"/></p>'
    )


def _text(item: Question) -> str:
    """Return the statement with a place for every blank that follows its input."""
    assert item.marked is not None
    text = escape(item.marked.rstrip(), quote=False)
    for blank in item.blanks:
        place = f'<span value-key="{_key(item, blank)}">{escape(blank.example, quote=False)}</span>'
        text = text.replace(blank.mark, place)
    return text


def _key(item: Question, blank: Blank) -> str:
    return f"{item.group}-{item.name}-{blank.name}"


def _circle(label: str) -> str:
    circle = CIRCLES.get(label)
    return _box(label, circle.colour) if circle else f"<b>{label}</b>"


def _box(text: str, colour: str) -> str:
    return f'<span style="{_BOX}; background: {colour}; color: {colours.text_on(colour)}">{text}</span>'


def _link(address: str, text: str) -> str:
    return f'<a href="{address}" target="_blank" rel="noreferrer">{text}</a>'
