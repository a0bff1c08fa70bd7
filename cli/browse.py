"""``saedb browse``: the feature browser."""

import webbrowser
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import click

from saedb.cli.options import ServerChoice, server_options

if TYPE_CHECKING:
    from saedb.cli.browser.site import Site

_PATIENCE = 1.0
"""Seconds for which a page waits for a server that does not answer; then it says so."""


@click.command()
@click.option("--run", help="Run to begin with (saedb runs).  [default: the newest ready one]")
@click.option("--feature", help="Feature to begin with, as 6-res-jb/2320.")
@click.option("--prompt", help="Stored prompt to begin with (saedb query prompts).")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 for any.  [default: 8350, or a free one]"
)
@click.option(
    "--open/--no-open", "is_opened", default=True, help="Whether to show it in your web browser.  [default: open]"
)
@server_options
def browse(
    run: str | None, feature: str | None, prompt: str | None, port: int | None, is_opened: bool, server: ServerChoice
) -> None:
    """Look through the features of a run in your web browser, until Ctrl-C.

    Search and filter features, see where each comes from and what becomes of it, draw their graph, and try prompts. It
    is served to this machine only, asks no other, and changes nothing but for the prompts that you save.

    \b
    saedb browse
    saedb browse --run gpt2 --feature 6-res-jb/2320
    saedb browse --no-open --port 9000
    """
    from saedb.cli.browser import warm
    from saedb.cli.browser.serve import HOST, serve
    from saedb.cli.browser.site import Site

    with server.connect(patience=_PATIENCE) as connection:
        site = Site(connection=connection)
        chosen = site.graph.run_id(run)
        address = _address(site, run and chosen, chosen, feature, prompt)

        with ExitStack() as serving:

            def ready(port: int) -> None:
                link = f"http://{HOST}:{port}{address}"
                click.echo(link)
                click.echo("Ctrl-C stops it.", err=True)
                serving.enter_context(warm.warming(site, chosen))
                if is_opened:
                    webbrowser.open(link)

            with suppress(KeyboardInterrupt):  # the server takes most of them for an end
                serve(site, port, ready)
        click.echo("\nStopped.", err=True)


def _address(site: "Site", named: str | None, run: str, feature: str | None, prompt: str | None) -> str:
    """Return the address of the page that is shown first; `named` is the run where the user named it."""
    if feature is not None and prompt is not None:
        raise click.UsageError("it begins with a feature or with a prompt; leave out one")
    if prompt is not None:
        from saedb.cypher.names import prompt_id

        return site.href("/prompt", run=named, prompt=prompt_id(site.connection, run, prompt))
    if feature is not None:
        return site.href("/feature", run=named, id=site.graph.feature(feature, run=run).id)
    return site.href("/", run=named)
