"""``saedb prompt``: the features that a text activates."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saedb.cli.options import ServerChoice, server_options
from saedb.cli.output import Output, output_option, show
from saedb.cypher.defaults import PROMPT_MEASURE, PROMPT_TOP
from saedb.ingest.config import Device
from saedb.ingest.errors import GraphError, ServerError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from saedb.cypher.connection import Connection
    from saedb.cypher.promptview import PromptView
    from saedb.ingest.prompts.prompt import Prompt
    from saedb.ingest.rundir import RunDirectory


@click.command()
@click.argument("text", required=False)
@click.option("--run", help="The run whose model and SAEs read it.  [default: the newest ready one]")
@click.option("--token", metavar="POSITION|TEXT", help="The token to show.  [default: the last one that counts]")
@click.option("--all", "everywhere", is_flag=True, help="Show all tokens, each feature where it is most active.")
@click.option(
    "--threshold",
    type=click.FloatRange(min=0, max=1),
    metavar="SHARE",
    help="Active means above this share of the feature's largest activation.  [default: as in the run]",
)
@click.option(
    "--top",
    type=click.IntRange(min=1, max=1_000_000),
    default=PROMPT_TOP,
    show_default=True,
    help="Features of each SAE that are shown.",
)
@click.option("--measure", default=PROMPT_MEASURE, show_default=True, help="Of the edges among them.")
@click.option("--save/--no-save", default=True, show_default=True, help="Store it in the run and in the graph.")
@click.option("--name", help="Name to store it by.  [default: made of its text]")
@click.option("--show", "stored", metavar="NAME", help="Only show a stored prompt, without reading it again.")
@click.option("--forget", metavar="NAME", help="Only take a stored prompt away.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@output_option
@server_options
def prompt(
    text: str | None,
    run: str | None,
    token: str | None,
    everywhere: bool,
    threshold: float | None,
    top: int,
    measure: str,
    save: bool,
    name: str | None,
    stored: str | None,
    forget: str | None,
    device: Device,
    output: Output,
    server: ServerChoice,
) -> None:
    """Show which features are active on a text, layer by layer, with the edges among them.

    The run's model and SAEs read TEXT; "-" takes it from stdin. Every activation above the threshold, on any token that
    counts, is stored as a Prompt in the run directory and in the graph. With --no-save nothing is stored, and no server
    is needed: --run may then be a folder, and its default is the newest of the runs folder.

    \b
    saedb prompt 'The capital of France is'
    saedb prompt 'The capital of France is' --token France --top 10
    saedb prompt 'The capital of France is' --name france --threshold 0.1
    saedb prompt - --run gpt2 --all --no-save < text.txt
    saedb prompt --show france --token France
    saedb prompt --forget france
    """
    if (text, stored, forget).count(None) != 2:
        raise click.UsageError("give one of TEXT, --show NAME and --forget NAME")
    if token is not None and everywhere:
        raise click.UsageError("--token shows one token, --all shows all; leave out one")
    if text is None and (threshold, name) != (None, None):
        raise click.UsageError("--threshold and --name are of a TEXT that is read; leave them out")
    if forget is not None:
        _forget(forget, run, server)
        return
    from saedb.cypher import measured
    from saedb.cypher.promptview import view
    from saedb.cypher.runs import ready_directory
    from saedb.ingest.prompts.stored import StoredPrompts
    from saedb.ingest.prompts.tokens import chosen

    text = _given(text)
    measured.named(measure)
    with _connected(server, save=save) as connection:
        directory = ready_directory(connection, run)
        if text is None:
            found = StoredPrompts.of(directory).prompt(str(stored), directory.record.id)
        else:
            found = _read(directory, text, name, threshold, device)
        position = None if everywhere else chosen(found.tokens, found.counted, token)
        shown = view(directory, found, position=position, top=top, measure=measure)
        _show(shown, output)
        if connection is not None and text is not None:
            _save(connection, directory, found)
        login = _login() if connection is not None and server.is_local else None
    _next(shown, is_saved=save or text is None, login=login)


def _given(text: str | None) -> str | None:
    """Return the text, which may be on stdin.

    Raises:
        InputError: it is empty, or none that can be stored.
    """
    from saedb.ingest.prompts.prompt import check_text

    if text is None:
        return None
    read = sys.stdin.read().removesuffix("\n") if text == "-" else text
    check_text(read)
    return read


def _connected(server: ServerChoice, *, save: bool) -> "AbstractContextManager[Connection | None]":
    if not save:
        return nullcontext()
    try:
        return server.connect()
    except (GraphError, ServerError) as error:
        raise type(error)(f"{error}; or only show it: --no-save") from error


def _read(run: "RunDirectory", text: str, name: str | None, threshold: float | None, device: Device) -> "Prompt":
    """Return a text as the run's model and SAEs read it."""
    from saedb.cli.progress import progress_bars
    from saedb.cypher.prompts import name_of
    from saedb.ingest.prompts.origin import check

    check(run)
    name = name_of(run, text, name)
    with progress_bars() as report:
        report("load libraries", 0, 1)
        from saedb.ingest.prompts.reader import PromptReader

        report("load libraries", 1, 1)
        reader = PromptReader.open(run, device=device, report=report)
    return reader.read(text).prompt(threshold=threshold, name=name)


def _save(connection: "Connection", run: "RunDirectory", prompt: "Prompt") -> None:
    from saedb.cli.progress import progress_bars
    from saedb.cypher import prompts

    with progress_bars() as report:
        is_new = prompts.save(connection, run, prompt, report)
    count = f"{len(prompt.features):,} activations on {len(prompt.counted):,} tokens"
    click.echo(f"Stored as {prompt.id}: {count}." if is_new else f"Stored already as {prompt.id}: {count}.", err=True)


def _forget(name: str, run: str | None, server: ServerChoice) -> None:
    from saedb.cypher import prompts
    from saedb.cypher.runs import ready_directory

    with server.connect() as connection:
        directory = ready_directory(connection, run)
        prompts.forget(connection, directory, name)
    click.echo(f"Forgot the prompt {name} of run {directory.record.id}.", err=True)


def _show(shown: "PromptView", output: Output) -> None:
    from saedb.cli.prompt_page import COLUMNS, page

    if output == "table":
        click.echo(page(shown))
    else:
        show(shown.rows(), COLUMNS, output, empty="no feature is active there; try a lower --threshold")


def _login() -> Path:
    from saedb.cypher.server.local import LocalServer

    return LocalServer().layout.login


def _next(shown: "PromptView", *, is_saved: bool, login: Path | None) -> None:
    from saedb.cli.prompt_page import steps

    lines = steps(shown, is_saved=is_saved, login=login)
    click.echo("\n".join(["", "Next:", *(f"  {line}" for line in lines)]), err=True)
