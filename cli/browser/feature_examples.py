"""The texts in which a feature is most active, each token coloured by its activation."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from dash import html
from dash.development.base_component import Component

from saedb.cli.browser.feature_facts import Shown
from saedb.cli.browser.parts import number, token
from saedb.cli.table import clean
from saedb.ingest.errors import SaedbError
from saedb.ingest.feature_examples import Example, examples_of
from saedb.ingest.rundir import RunDirectory

_SHORT: Final = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_OPAQUE: Final = 0.85
"""Of the colour of a token with the feature's largest activation."""


def examples(shown: Shown) -> Iterator[Component]:
    """Yield the section of the examples; nothing where there is none and none is to be expected."""
    found, why = _from_directory(shown)
    if found:
        yield html.H2("Examples")
        largest = max(shown.record.max or 0.0, max(example.activation for example in found))
        colour = f"a token's colour is its activation over {number(largest)}"
        yield html.P(f"The {len(found)} contexts with the highest activation; {colour}.", className="muted")
        yield html.Ol([_example(example, largest) for example in found], className="examples")
    elif shown.record.examples:
        yield html.H2("Examples")
        yield html.P(
            f"Short ones, as the graph keeps them. More of them, token by token, are in the run directory, {why}.",
            className="muted",
        )
        yield html.Ol([html.Li(html.Span(_short(text))) for text in shown.record.examples], className="examples")


def _from_directory(shown: Shown) -> tuple[Sequence[Example], str]:
    """Return the examples of the run directory, or none and why it does not give them."""
    path = shown.around.path
    if path is None or not Path(path).is_dir():
        return (), "which is not on this machine"
    try:
        run = RunDirectory.open(Path(path))
        if run.content_hash != shown.around.content:
            return (), f"which has changed since it was loaded (saedb load {path})"
        return examples_of(run, shown.record.id), "which has none of it"
    except SaedbError as error:
        return (), f"which cannot be read: {error}"


def _example(example: Example, largest: float) -> Component:
    pieces = zip(example.tokens, example.activations, strict=True)
    return html.Li(
        [
            html.Span(number(example.activation), className="number", title="largest activation in it that counts"),
            html.Span([_token(text, a, largest, is_at=i == example.at) for i, (text, a) in enumerate(pieces)]),
        ],
        title=f"document {example.document}, context {example.context}, position {example.position}",
    )


def _token(text: str, activation: float, largest: float, *, is_at: bool) -> Component:
    style: dict[str, Any] = {}
    if activation > 0:
        share = min(activation / largest, 1) * _OPAQUE
        style = {"backgroundColor": f"rgba(232, 133, 52, {share:.3f})"}
    name = "token at" if is_at else "token"
    return html.Span(visible(text), className=name, style=style, title=f"{token(text)}: {number(activation)}")


def visible(text: str) -> str:
    """Return the text of a token with ends of lines and tabs as characters, and spaces where there is nothing else."""
    return token(text) if not text.strip(" ") else clean(text.replace("\n", "↵").replace("\t", "⇥"))


def _short(text: str) -> list[Any]:
    """Return a short example with what stands in ``[[ ]]`` marked."""
    parts = _SHORT.split(text)
    return [
        html.Mark(visible(part), className="token at") if place % 2 else visible(part) if part else ""
        for place, part in enumerate(parts)
    ]
