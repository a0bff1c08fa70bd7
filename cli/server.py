"""``saedb up``, ``down``, ``status``: the local Neo4j server; ``doctor``: any server, and this machine."""

import webbrowser
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from saedb.cli.options import ServerChoice, home_option, server_options
from saedb.cli.output import Output, columns_of, output_option, show

if TYPE_CHECKING:
    from saedb.cypher.doctor import Check
    from saedb.cypher.server.local import Running, Status

_COLOURS: Final = {"ok": "green", "warn": "yellow", "bad": "red"}


@click.command()
@click.option("--open", "opens", is_flag=True, help="Open Neo4j Browser, logged in.")
@home_option
def up(opens: bool) -> None:
    """Start the local Neo4j server, with Graph Data Science and Neo4j Browser.

    The first time it is fetched (160 MB) and gets a random password. A server that runs already is left alone.
    The link to Neo4j Browser is a page on this machine that only you can read; it logs in.

    \b
    saedb up
    saedb up --open
    saedb up --home ./other-graphs
    """
    from saedb.cli.progress import progress_bars
    from saedb.cypher.server.local import LocalServer

    with progress_bars() as report:
        running = LocalServer().up(report)
    if running.moved_from is not None:
        click.echo("Another program uses the ports of last time: the addresses are new.", err=True)
    click.echo("Already running." if running.was_running else "Neo4j is up.", err=True)
    click.echo(_described(running))
    if opens and not webbrowser.open(running.login.as_uri()):
        click.echo("No web browser was found to open it with.", err=True)


@click.command()
@home_option
def down() -> None:
    """Stop the local Neo4j server. Its data stay.

    \b
    saedb down
    """
    from saedb.cypher.server.local import LocalServer

    match LocalServer().down():
        case "stopped":
            click.echo("Stopped.", err=True)
        case "killed":
            click.echo("It did not stop within two minutes and was killed; the next start recovers its data.", err=True)
        case "not running":
            click.echo("It was not running.", err=True)


@click.command()
@home_option
@output_option
def status(output: Output) -> None:
    """Show whether the local Neo4j server runs, where, and how much disk it takes.

    \b
    saedb status
    saedb status --output json
    """
    from saedb.cypher.server.local import LocalServer

    found = LocalServer().status()
    if output == "table":
        click.echo(_status_lines(found))
    else:
        row = asdict(found) | {"home": str(found.home)}
        show([row], columns_of([row]), output)


@click.command()
@output_option
@server_options
def doctor(server: ServerChoice, output: Output) -> None:
    """Check everything that saedb needs, and say how to mend what is missing.

    Of the server: versions, rights, indexes, runs left unfinished; of the local one also Java, disk, memory and ports.
    It changes nothing. Exit status 1 if something is bad.

    \b
    saedb doctor
    saedb doctor --output json
    saedb doctor --uri neo4j+s://graphs.example.org
    """
    checks: list[Check] = []
    for check in _examinations(server):
        checks.append(check)
        if output == "table":
            label = click.style(f"{check.level:<5}", fg=_COLOURS[check.level])
            click.echo(f"{label} {check.name:<13} {check.found}")
            if check.mend:
                click.echo(f"{'':19} -> {check.mend}")
    if output != "table":
        rows = [asdict(check) for check in checks]
        show(rows, columns_of(rows), output)
    if any(check.level == "bad" for check in checks):
        raise click.exceptions.Exit(1)


def _examinations(server: ServerChoice) -> "Iterator[Check]":
    from saedb.cypher.doctor import examine
    from saedb.cypher.server.doctor import local_server, machine
    from saedb.cypher.server.local import LocalServer

    yield from machine()
    if server.is_local:
        yield from local_server()
        status = LocalServer().status()
        if status.state != "running" or status.problem is not None:
            return
    yield from examine(server.address())


def _described(running: "Running") -> str:
    return "\n".join(
        (
            f"Browser    {running.login.as_uri()}   (logs in)",
            f"           {running.browser}   (asks for the password)",
            f"Bolt       {running.address.uri}",
            f"User       {running.address.username}",
            f"Password   in {running.password_file}",
            f"Home       {running.home}",
            "",
            "Next:      saedb demo      (a real graph in a few minutes)",
            "           saedb browse    (look through its features)",
            "           saedb query     (questions to ask)",
            "           saedb down      (stop the server; the data stay)",
        )
    )


def _status_lines(found: "Status") -> str:
    lines = [("State", found.state), ("Problem", found.problem), ("Browser", found.login), ("", found.browser)]
    lines += [("Bolt", found.uri), ("Pid", found.pid), ("Home", found.home), ("Disk", f"{found.disk / 1e6:,.0f} MB")]
    lines += [("Versions", f"Neo4j {found.neo4j}, GDS {found.gds}, Browser {found.neo4j_browser}")]
    return "\n".join(f"{name:<10} {value}" for name, value in lines if value is not None)
