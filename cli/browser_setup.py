"""``saedb browser-setup``: style, guide and favourites for Neo4j Browser on a server of the user's own."""

from pathlib import Path

import click


@click.command("browser-setup")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("saedb-browser"),
    show_default=True,
    metavar="FOLDER",
    help="Where the files go.",
)
@click.option("--force", is_flag=True, help="Replace what is there under their names.")
@click.option("--serve", is_flag=True, help="Serve the guide to Neo4j Browser on this machine, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=7475, show_default=True, help="With --serve: its port.")
def browser_setup(output: Path, force: bool, serve: bool, port: int) -> None:
    """Write colours, a guide and favourites for Neo4j Browser on your own server.

    The local server has them already. What is written names no run and no server.

    \b
    saedb browser-setup
    saedb browser-setup --output ./browser --serve
    """
    from saedb.cypher.neo4jbrowser import setup
    from saedb.cypher.neo4jbrowser.serving import FileServer

    files = setup.contents()
    setup.write(output, files, force=force)
    for name in files:
        click.echo(output / name)
    address = f"http://localhost:{port}/{setup.GUIDE}"
    lines = [
        "In Neo4j Browser:",
        f"  Colours     drop {setup.STYLE} on its page",
        f"  Favourites  drop {setup.FAVOURITES} on its page, and choose Save to favorites",
        f"  Guide       saedb browser-setup --serve, then there :guide {address}",
    ]
    if not serve:
        click.echo("\n".join(lines), err=True)
        return
    with FileServer(files, port) as server:
        lines[-1] = f"  Guide       :guide {server.address(setup.GUIDE)}     (served until Ctrl-C)"
        click.echo("\n".join(lines), err=True)
        server.serve_forever()
