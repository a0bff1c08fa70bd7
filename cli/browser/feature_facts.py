"""The head of a feature's page: what it is, where it stands, and what is not known of it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from dash import dcc, html
from dash.development.base_component import Component

from saedb.cli.browser.parts import (
    NO_LABEL,
    aria,
    dot,
    fact,
    feature_href,
    feature_link,
    labelled,
    number,
    tokens,
)
from saedb.cli.browser.site import Site
from saedb.cli.table import clean
from saedb.cli.wording import copied_in_words, recovered_in_words, short_id, state_in_words
from saedb.cypher.explore.surroundings import Surroundings
from saedb.cypher.feature import FeatureRecord
from saedb.ingest.states import DEAD, RARE

_AXIS: Final = "tokens by activation; heights are logarithms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A feature and what its page needs to speak of it."""

    site: Site
    run: str | None
    """The run that the address names."""
    record: FeatureRecord
    around: Surroundings


def head(shown: Shown) -> Iterator[Component]:
    """Yield the way to its neighbours, its label and its ids."""
    record, around = shown.record, shown.around
    yield html.Nav(list(_ways(shown)), className="ways", **aria(label="From this feature"))
    yield html.H1(
        clean(record.label) if record.label else NO_LABEL.capitalize(), className="" if record.label else "muted"
    )
    yield html.P(
        [
            html.Code(short_id(record.id)),
            html.Span(record.id, className="mono muted"),
            html.Span(f"layer {record.layer}"),
            *([html.Span(["reads ", html.Code(around.hook)])] if around.hook else []),
            html.Span(["run ", record.run]),
        ],
        className="ids",
    )
    yield from _labels(shown)


def _ways(shown: Shown) -> Iterator[Component]:
    record, around = shown.record, shown.around
    for text, other in (("previous", around.previous), ("next", around.next)):
        if other is None:
            yield html.Span(text, className="muted")
        else:
            yield dcc.Link(text, href=feature_href(shown.site, other, shown.run), title=other)
    yield dcc.Link("see as graph", href=shown.site.href("/graph", run=shown.run, feature=short_id(record.id)))
    if record.url and record.url.startswith("https://"):
        yield html.A("Neuronpedia", href=record.url, target="_blank", rel="noreferrer")
    if around.other_runs:
        links = [dcc.Link(run, href=feature_href(shown.site, record.id, run)) for run in around.other_runs]
        yield html.Span(["the same id in run ", *_joined(links)])


def _joined(links: Sequence[Component]) -> list[Any]:
    return [part for place, link in enumerate(links) for part in ([", ", link] if place else [link])]


def _labels(shown: Shown) -> Iterator[Component]:
    """Yield where its label is from, and its other labels."""
    first, *others = shown.around.labels or (None,)
    if first is None:
        return
    also = [html.Li([clean(label.text), html.Span(f" {label.source}", className="muted")]) for label in others if label]
    yield html.P(f"label from {first.source}", className="muted")
    if also:
        yield html.Details([html.Summary(f"other labels ({len(also)})"), html.Ul(also)])


def missing(shown: Shown) -> Iterator[str]:
    """Yield what is not known of the feature, and why, one sentence each."""
    record = shown.record
    if DEAD in (record.state_in, record.state_out):
        yield "It is dead: never active on a counted token, so it has no examples, edges or gates."
    elif RARE in (record.state_in, record.state_out):
        seldom = "" if record.n_active is None else f" (on {record.n_active:,} tokens)"
        yield f"It is rare: active too seldom{seldom} to be compared with others, so it has no edges."
    if shown.around.kind == "import":
        yield (
            f"Run {record.run} was imported from a table of edges: how active its features are, on which tokens and in "
            "which texts was not in it."
        )
    if shown.around.kind == "decoders":
        yield (
            f"Run {record.run} was made of the decoders alone, without a text: how active its features are, and on "
            "what, is not known."
        )
    if record.positional:
        yield (
            "It is positional: over half of its activation is on one position of the context, whatever the text. "
            "Chains and gates leave such features out."
        )


def facts(shown: Shown) -> Component:
    """Return what is known of it as a list."""
    return html.Dl(list(_facts(shown)), className="facts")


def _facts(shown: Shown) -> Iterator[Component]:
    record, around = shown.record, shown.around
    if record.density is not None:
        share = f"{number(record.density)} of the counted tokens"
        yield fact("density", share if record.n_active is None else f"{share} ({record.n_active:,})")
    known = {"mean": record.mean, "max": record.max, "threshold": record.threshold}
    if values := [f"{name} {number(value)}" for name, value in known.items() if value is not None]:
        yield fact("activation", ", ".join(values))
    back = state_in_words(record.state_in, record.best_in, "from the layer before")
    on = state_in_words(record.state_out, record.best_out, "to the next layer")
    yield fact("back", back or _unknown("before", is_compared=around.is_compared_back, best=record.best_in))
    yield fact("forward", on or _unknown("after", is_compared=around.is_compared_on, best=record.best_out))
    low = bool(record.low_necessity)
    if said := recovered_in_words(
        record.recovered,
        record.recovered_control,
        record.recovered_slope,
        record.recovered_correlation,
        record.recovered_tokens,
        vanishes=low,
    ):
        yield fact("in error", said)
    if said := copied_in_words(record.copied, record.copied_ratio):
        yield fact("copied", said)
    if record.top_tokens:
        yield fact("top tokens", html.Span(tokens(record.top_tokens), className="mono"))
    if record.promoted_tokens:
        yield fact("promotes", html.Span(tokens(record.promoted_tokens), className="mono"))
    yield fact("community", *_community(shown))


def _unknown(where: str, *, is_compared: bool, best: float | None) -> str:
    if not is_compared:
        return f"no layer {where} it was compared"
    return "no state is known" if best is None else f"best Pearson {best:.3f}; no state is known"


def _community(shown: Shown) -> Iterator[Any]:
    found, site = shown.record.community, shown.site
    if found is None:
        yield "in none of the default partition"
        return
    yield dot(site.colour(found.number))
    yield dcc.Link(
        f"{found.number} {clean(found.label or '')}".rstrip(),
        href=site.href("/search", run=shown.run, community=found.number),
    )
    layers = f", layers {min(found.layers)} to {max(found.layers)}" if found.layers else ""
    stays = "" if found.stability is None else f"; stays in it in {found.stability:.0%} of runs with other seeds"
    yield f" ({found.size:,} features{layers}{stays}) "
    yield dcc.Link("its graph", href=site.href("/graph", run=shown.run, community=f"{found.partition}/{found.number}"))


def histogram(record: FeatureRecord) -> Component | None:
    """Return how many tokens have which activation, as bars; None where that is not known."""
    counts, largest = record.histogram, record.max
    if not any(counts) or not largest:
        return None
    top = math.log1p(max(counts))
    bars = [
        html.Div(
            title=_bar(place, count, len(counts), largest), style={"height": f"{100 * math.log1p(count) / top:.1f}%"}
        )
        for place, count in enumerate(counts)
    ]
    line = [] if record.threshold is None else [_threshold(record.threshold, largest)]
    said = f"{_AXIS}. At most {max(counts):,} in a bar."
    return html.Figure(
        [
            html.Div([*bars, *line], className="bars", role="img", **aria(label=said)),
            html.Div([html.Span("0"), html.Span(number(largest))], className="axis"),
            html.Figcaption(said + (" Above the line it counts as active." if line else "")),
        ],
        className="histogram",
    )


def _bar(place: int, count: int, bars: int, largest: float) -> str:
    low, high = (number(largest * end / bars) for end in (place, place + 1))
    return f"{count:,} tokens from {low} to {high}"


def _threshold(threshold: float, largest: float) -> Component:
    share = min(threshold / largest, 1)
    return html.Span(
        className="threshold", title=f"threshold {number(threshold)}", style={"left": f"{100 * share:.1f}%"}
    )


def chain(shown: Shown) -> Component | None:
    """Return the features that are one another's best match from layer to layer, the joints with their correlation."""
    found = shown.record.chain
    if found is None:
        return None
    boxes: list[Any] = []
    for feature, pearson in zip_longest(found.features, found.pearson):
        is_own = feature.id == shown.record.id
        box = [
            feature_link(shown.site, feature.id, run=shown.run),
            html.Span(labelled(feature.label), className="muted", title=clean(feature.label or "")),
        ]
        boxes.append(html.Li(box, className="own" if is_own else "", **(aria(current="true") if is_own else {})))
        if pearson is not None:
            boxes.append(html.Li(f"{pearson:.3f}", className="joint", title="Pearson correlation"))
    return html.Ol(boxes, className="chain")
