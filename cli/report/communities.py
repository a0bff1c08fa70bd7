"""The chapter on communities: which there are, how large, in which layers, how stable, and whether about one thing.

All of it is asked of the query library, so that a reader can ask the same again and go on from there.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from saedb.cli.report import community_figures as figures
from saedb.cli.report import community_tables as tables
from saedb.cli.report.community_tables import Answers
from saedb.cli.report.page import Chapter, Section
from saedb.cypher.communities.again import again
from saedb.cypher.communities.settings import COHERENT, MANY_RUNS, WITH_RESOLUTION, WITH_SEED

if TYPE_CHECKING:
    from saedb.cypher.graph import Graph
    from saedb.ingest.progress import Report


_ENGINES: Final = {"gds": "by Graph Data Science on the server", "local": "by leidenalg and igraph"}


def chapter(graph: "Graph", run: str, partition: str | None, report: "Report") -> Chapter:
    """Return the chapter on a partition of a run, which must exist; None: on its default."""
    answers = tables.asked(graph, run, partition, report)
    if answers is None:
        note = f"No communities were looked for. This finds some: `saedb communities {run}`"
        return Chapter(anchor="communities", heading="Communities", text=(), note=note)
    text = (
        "Communities are groups of features, over several layers, that are tied more to each other than to the rest. "
        f"These are those of the partition `{answers.name}`. For one of them: `{_query(answers)}`."
    )
    sections = (_partition, _sizes, _layers, _resolutions, _stability, _coherence, _lists, _bridges)
    return Chapter(
        anchor="communities",
        heading="Communities",
        text=(text,),
        sections=tuple(section(answers) for section in sections),
    )


def _partition(answers: Answers) -> Section:
    text = [
        "How the features were divided. Modularity is the weight of edges inside communities beyond what chance would "
        "put there; it is that at resolution 1, so that partitions of the same measure and floor can be compared. Runs "
        f"are those with different seeds; coherent are communities with a coherence of {COHERENT} and more."
    ]
    if len(answers.likeness):
        text.append(
            f"The others are compared with `{answers.name}`: NMI and ARI are 1 for equal partitions, and ARI is 0 for "
            f"what chance gives. A community of `{answers.name}` is kept where the other partition has one that "
            "overlaps it by more than half; else it is merged (one other has most of it), split, or dissolved."
        )
    return Section(
        anchor="partition",
        heading="The partition",
        text=tuple(text),
        facts=_facts(answers),
        tables=tables.partition_tables(answers),
        data=tables.partition_numbers(answers),
    )


def _facts(answers: Answers) -> tuple[tuple[str, str], ...]:
    chosen = answers.partition
    inside, all_ = (int(column.to_numpy().sum()) for column in (answers.communities["size"], answers.saes["features"]))
    facts = (
        ("partition", answers.name + (", the default of the run" if chosen["is_default"] else "")),
        ("algorithm", f"{chosen['algorithm']}, {_ENGINES[chosen['engine']]}"),
        ("weight of the edges", f"{chosen['measure']}, from {chosen['min_similarity']:g} on (the floor)"),
        ("resolution", _number(chosen["resolution"], "{:g}")),
        ("seed", _number(chosen["seed"], "{}")),
        ("runs with different seeds", _number(chosen["runs"], "{:,}")),
        ("communities", f"{chosen['communities']:,} of two features and more"),
        ("features in them", f"{inside:,} of {all_:,} ({inside / all_:.1%})"),
        ("modularity", _number(chosen["modularity"], "{:.4f}")),
        ("mean stability", _number(chosen["stability"], "{:.4f}")),
    )
    return tuple((name, value) for name, value in facts if value)


def _sizes(answers: Answers) -> Section:
    text = "Each point is a community, the largest first; both axes are logarithmic."
    if answers.known("stability"):
        text += " Its colour is its stability: the features of the blue ones stay together whatever the seed."
    return Section(
        anchor="sizes",
        heading="Sizes",
        text=(text, *_thinned(answers)),
        figure=figures.sizes(figures.drawn(answers.communities)),
        data=answers.communities.filter(["rank", "community", "label", "size", "stability"]),
    )


def _layers(answers: Answers) -> Section:
    features = tables.layers(answers)
    text = (
        f"{_largest(len(features), len(answers.communities))}, one in each row, and the layers of the run. A cell has "
        "the number of the community's features in that layer, and is the darker the larger their share of it is."
    )
    return Section(
        anchor="layers",
        heading="Layers",
        text=(text,),
        figure=figures.spans(answers.communities.head(len(features)), features),
        data=answers.evolution,
    )


def _resolutions(answers: Answers) -> Section:
    text = (
        "What other resolutions give: higher ones find more and smaller communities. Where their number hardly "
        "changes, the graph has a scale of its own. The dotted line is the resolution of this partition; NMI is how "
        "like a result is to it, 1 for the same."
    )
    section = Section(anchor="resolutions", heading="Other resolutions", text=(text,))
    if answers.resolutions.empty:
        return replace(section, note=_unknown(answers, "Other resolutions", WITH_RESOLUTION["local"], "--sweep"))
    figure = figures.resolutions(answers.resolutions, answers.partition["resolution"])
    return replace(section, figure=figure, data=answers.resolutions)


def _stability(answers: Answers) -> Section:
    text = (
        "Stability is the share of the runs with other seeds in which a feature stays with its community, on average "
        "over its features. At 1 the features of a community always stay together, though others may join them: "
        "recovery, the mean overlap (Jaccard) with the community most like it in those runs, falls then, too."
    )
    section = Section(anchor="stability", heading="Stability", text=(text,))
    if not answers.known("stability"):
        return replace(section, note=_unknown(answers, "Other seeds", WITH_SEED["local"], f"--runs {MANY_RUNS}"))
    return replace(
        section,
        text=(text, *_thinned(answers)),
        figure=figures.stability(answers.communities, figures.drawn(answers.communities)),
        data=answers.communities.filter(["community", "label", "size", "stability", "recovery"]),
    )


def _coherence(answers: Answers) -> Section:
    text = (
        "Coherence is the mean cosine of the decoder directions of a community's features that lie in one layer. The "
        f"paper (arXiv 2410.08869, figure 5) takes {COHERENT} and more for a community that is about one thing."
    )
    section = Section(anchor="coherence", heading="Coherence", text=(text,))
    values = answers.known("coherence")
    if not values:
        missing = "Not known: the run has no decoder directions. It was imported, or packed, which leaves them out."
        return replace(section, note=missing)
    counts = (
        "Orange is what random features of the same layers have: what lies close to it has nothing in common. "
        f"Communities that reach {COHERENT}: {sum(value >= COHERENT for value in values):,} of {len(values):,}."
    )
    if without := len(answers.communities) - len(values):
        counts += f" Without a coherence, because no layer has two of their features: {without:,}."
    return replace(
        section,
        text=(text, counts, *_thinned(answers)),
        figure=figures.coherence(figures.drawn(answers.communities)),
        data=answers.communities.filter(["community", "label", "size", "coherence", "chance"]),
    )


def _lists(answers: Answers) -> Section:
    text = (
        "The numbers are those of the figures. Conductance is the share of the weight of a community's edges that "
        "leads out of it: 0 where nothing does."
    )
    data = answers.communities.drop(columns="rank")
    return Section(anchor="lists", heading="Lists", text=(text,), tables=tables.community_tables(answers), data=data)


def _bridges(answers: Answers) -> Section:
    text = (
        "Features tied to their own community and to others. Inside and outside are the sums of the weights of a "
        "feature's edges; the list is by the smaller of the two. The other community is the one that most of the "
        "weight outside leads to."
    )
    section = Section(anchor="bridges", heading="Bridges", text=(text,))
    if answers.bridges.empty:
        return replace(section, note="No feature has edges both inside its community and to others.")
    return replace(section, tables=(tables.bridge_table(answers),), data=answers.bridges)


def _largest(shown: int, all_: int) -> str:
    return "The communities" if shown == all_ else f"The {shown} largest communities"


def _thinned(answers: Answers) -> tuple[str, ...]:
    """Return a sentence on what the figures leave out, where they do."""
    all_, shown = len(answers.communities), len(figures.drawn(answers.communities))
    if shown == all_:
        return ()
    return (f"Of {all_:,} communities {shown:,} are drawn, of the small ones the fewest; the CSV has all.",)


def _unknown(answers: Answers, what: str, offered: Collection[str], option: str) -> str:
    """Return what to say where an option of `saedb communities` was not given: the command that gives it."""
    base, is_part, _ = answers.name.partition(".")
    if is_part:
        where = f"`saedb report {answers.run} --partition {base}`"
        return f"{what} are tried of a partition, not of its levels and its consensus: {where}"
    algorithm = str(answers.partition["algorithm"])
    if algorithm not in offered:
        return f"{what} make no difference to {algorithm}."
    names, swept = answers.partitions["partition"].tolist(), not answers.resolutions.empty
    command = again(answers.run, answers.partition, names, swept=swept, more=option)
    return f"{what} were not tried. This does: `{command}`"


def _query(answers: Answers) -> str:
    option = "" if answers.partition["is_default"] else f" --partition {answers.name}"
    return f"saedb query community NUMBER --run {answers.run}{option}"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
