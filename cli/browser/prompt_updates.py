"""How the prompt page answers who uses it: reads a text, shows a token of it, and saves it."""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from dash import ALL as EVERY
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from saedb.cli.browser import prompt_parts as parts
from saedb.cli.browser import prompt_picture
from saedb.cli.browser.parts import feature_href
from saedb.cli.browser.prompt_readers import Readers, key_of
from saedb.cli.browser.prompt_state import ALL, LONGEST, PATH, Asked, number, threshold, top
from saedb.cli.browser.site import SEARCH, SHOWN, Site, parsed
from saedb.cypher import prompts
from saedb.cypher.defaults import PROMPT_FLOOR
from saedb.cypher.explore.facts import communities, facts
from saedb.cypher.library import find
from saedb.cypher.promptview import view
from saedb.cypher.runs import directory_of
from saedb.ingest.errors import SaedbError
from saedb.ingest.prompts.prompt import Prompt, check_text
from saedb.ingest.prompts.stored import StoredPrompts
from saedb.ingest.prompts.tokens import chosen
from saedb.ingest.rundir import RunDirectory

if TYPE_CHECKING:
    from saedb.ingest.prompts.activations import PromptActivations

HIDDEN: Final = {"display": "none"}
_ADDRESS: Final = State("address", "search")
_TOKENS: Final = {"type": "prompt-token", "position": EVERY}


def text_of(site: Site, run: str, asked: Asked) -> str:
    """Return the text that an address asks for, its own or that of a stored prompt.

    Raises:
        SaedbError: there is no such prompt.
    """
    if asked.stored is None:
        return asked.text
    return StoredPrompts.of(directory_of(site.connection, run)).prompt(asked.stored, run).text


def state(asked: Asked, text: str) -> dict[str, Any]:
    """Return what the page keeps of its state beside the controls."""
    return {"text": text, "stored": asked.stored, "token": asked.token}


def register(app: Dash, site: Site) -> None:
    """Tell the app what happens when somebody uses the page."""
    _register_changes(app, site)
    _register_shown(app, site, Readers())
    _register_marks(app)
    _register_saving(app, site)


def _asked(kept: dict[str, Any], above: Any, count: Any, measure: str, floor: Any) -> Asked:
    return Asked(
        text=kept["text"], stored=kept["stored"], token=kept["token"], threshold=threshold(above), top=top(count),
        measure=measure, floor=number("the lowest value of an edge", floor, PROMPT_FLOOR),
    )  # fmt: skip


def _register_changes(app: Dash, site: Site) -> None:
    @app.callback(
        Output("prompt-state", "data"),
        Input("prompt-read", "n_clicks"),
        Input(_TOKENS, "n_clicks"),
        State("prompt-text", "value"),
        State("prompt-state", "data"),
        prevent_initial_call=True,
    )
    def change(read: int | None, tokens: list[int | None], text: str | None, kept: dict[str, Any]) -> Any:  # pyright: ignore[reportUnusedFunction]
        if ctx.triggered_id == "prompt-read" and read:
            check_text(text or "")
            return {"text": text, "stored": None, "token": None}
        if isinstance(ctx.triggered_id, dict) and any(tokens):
            return {**kept, "token": str(ctx.triggered_id["position"])}
        return no_update

    @app.callback(
        SEARCH,
        SHOWN,
        Input("prompt-state", "data"),
        Input("prompt-threshold", "value"),
        Input("prompt-top", "value"),
        Input("prompt-measure", "value"),
        Input("prompt-floor", "value"),
        _ADDRESS,
        State("address", "pathname"),
        prevent_initial_call=True,
    )
    def keep(kept: dict[str, Any], *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        *given, text, path = values
        query, asked = parsed(text or ""), _asked(kept, *given)
        if path != PATH or asked.query() == Asked.of(query).query():
            return no_update, no_update
        return site.moved(PATH, run=query.get("run"), **asked.query())


def _register_shown(app: Dash, site: Site, readers: Readers) -> None:
    @app.callback(
        Output("prompt-said", "children"),
        Output("prompt-strip", "children"),
        Output("prompt-legend", "children"),
        Output("prompt-figure", "figure"),
        Output("prompt-figure", "style"),
        Output("prompt-table", "children"),
        Output("prompt-saving", "style"),
        Output("prompt-poll", "disabled"),
        Input("prompt-state", "data"),
        Input("prompt-poll", "n_intervals"),
        Input("prompt-threshold", "value"),
        Input("prompt-top", "value"),
        Input("prompt-measure", "value"),
        Input("prompt-floor", "value"),
        _ADDRESS,
    )
    def show(kept: dict[str, Any], _: int | None, *values: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        *given, text = values
        try:
            asked, query = _asked(kept, *given), parsed(text or "")
            if asked.is_empty:
                return *_nothing("Type a text and press Read."), True
            directory = directory_of(site.connection, site.run(query))
            prompt = _prompt(site, readers, directory, asked)
            if isinstance(prompt, str):
                return *_nothing(prompt, is_waiting=True), False
            return *_shown(site, query.get("run"), directory, prompt, asked), True
        except SaedbError as error:
            return *_nothing(f"{error}.", is_error=True), True

    @app.callback(
        SEARCH,
        Output("address", "pathname", allow_duplicate=True),
        Input("prompt-figure", "clickData"),
        prevent_initial_call=True,
    )
    def follow(clicked: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
        address = clicked and clicked["points"][0].get("customdata")
        if not address:
            return no_update, no_update
        found = urlsplit(address)
        return f"?{found.query}", found.path


def _nothing(said: str, *, is_waiting: bool = False, is_error: bool = False) -> tuple[Any, ...]:
    """Return what the page shows without a text: only a line; while it waits, what was there stays."""
    line = html.P(said, className="note" if is_error else "muted")
    rest = (no_update,) * 6 if is_waiting else (None, None, no_update, HIDDEN, None, HIDDEN)
    return line, *rest


def _prompt(site: Site, readers: Readers, directory: RunDirectory, asked: Asked) -> Prompt | str:
    """Return what a text activates; while the model is being loaded, what is being done."""
    if asked.stored is not None and asked.threshold is None:
        return StoredPrompts.of(directory).prompt(asked.stored, directory.record.id)
    check_text(asked.text)
    reader = readers.reader(directory)
    if isinstance(reader, str):
        return reader
    found: PromptActivations = site.kept.get(
        ("prompt", *key_of(directory), asked.text), lambda: reader.read(asked.text)
    )
    return found.prompt(threshold=asked.threshold)


def _shown(site: Site, run: str | None, directory: RunDirectory, prompt: Prompt, asked: Asked) -> tuple[Any, ...]:
    position = None if asked.token == ALL else chosen(prompt.tokens, prompt.counted, asked.token)
    found = view(directory, prompt, position=position, top=asked.top, measure=asked.measure, floor=asked.floor)
    known = communities(site.connection, facts(site.connection, directory.record.id))
    labels = {each.number: each.label for each in known}
    drawn = prompt_picture.picture(site, found, labels)
    addresses = {feature.id: feature_href(site, feature.id, run) for feature in found.features}
    figure: Any = prompt_picture.drawn(drawn, found, addresses)
    style = {"height": f"{figure.layout.height}px"} if found.features else HIDDEN
    said: list[Any] = [html.Span(parts.said(found))]
    if asked.stored is not None:
        said += ["  ", parts.opened(site, run, asked, found)]
    elif len(prompt.text) > LONGEST:
        said += [html.Span(f" The address has no text of over {LONGEST:,} characters: save it to come back to it.")]
    is_new = asked.stored is None or asked.threshold is not None
    return (
        html.P(said), parts.strip(prompt), parts.legend(drawn), figure, style,
        parts.rows(site, directory.record.id, found) if found.features else None, {} if is_new else HIDDEN,
    )  # fmt: skip


def _register_marks(app: Dash) -> None:
    @app.callback(
        Output(_TOKENS, "aria-pressed"),
        Input("prompt-strip", "children"),
        State("prompt-state", "data"),
        State(_TOKENS, "id"),
        State(_TOKENS, "disabled"),
        prevent_initial_call=True,
    )
    def mark(_: Any, kept: dict[str, Any], ids: list[dict[str, Any]], disabled: list[bool | None]) -> list[str]:  # pyright: ignore[reportUnusedFunction]
        open_ = [str(id_["position"]) for id_, is_off in zip(ids, disabled, strict=True) if not is_off]
        pressed = kept["token"] or (open_[-1] if open_ else None)
        return ["true" if str(id_["position"]) == pressed else "false" for id_ in ids]


def _register_saving(app: Dash, site: Site) -> None:
    @app.callback(
        Output("prompt-saved", "children"),
        Output("prompt-stored", "children"),
        Input("prompt-save", "n_clicks"),
        State("prompt-name", "value"),
        State("prompt-state", "data"),
        State("prompt-threshold", "value"),
        _ADDRESS,
        prevent_initial_call=True,
    )
    def save(clicks: int | None, name: str | None, kept: dict[str, Any], above: Any, text: str | None) -> Any:  # pyright: ignore[reportUnusedFunction]
        if not clicks:
            return no_update, no_update
        query = parsed(text or "")
        run = site.run(query)
        directory = directory_of(site.connection, run)
        found: PromptActivations = site.kept.get(("prompt", *key_of(directory), kept["text"]), _not_read)
        named = prompts.name_of(directory, kept["text"], name or None)
        prompt = found.prompt(threshold=threshold(above), name=named)
        is_new = prompts.save(site.connection, directory, prompt)
        rows = site.graph.rows(find("prompts"), {"run": run, "limit": 50})
        link = dcc.Link(named, href=site.href(PATH, run=query.get("run"), prompt=named))
        return [" Saved as " if is_new else " Saved already as ", link, "."], parts.stored(site, query.get("run"), rows)


def _not_read() -> Any:
    raise SaedbError("press Read again before you save: the text is no longer kept")
