"""The ``saedb`` command: its subcommands by subject, and how errors leave it.

Subcommands live in modules that import nothing heavy, so that ``--help`` answers at once.
"""

import errno
import importlib
import logging
from typing import Any, Final

import click

from saedb.ingest.errors import SaedbError

COMMANDS: Final[dict[str, dict[str, str]]] = {
    "Start here": {"demo": "ingest"},
    "Local server": {
        "up": "server",
        "down": "server",
        "status": "server",
        "doctor": "server",
        "browser-setup": "browser_setup",
    },
    "Runs": {
        "ingest": "ingest",
        "estimate": "estimate",
        "import-edges": "load",
        "decoder-edges": "decoder_edges",
        "load": "load",
        "runs": "load",
        "drop": "load",
        "diff": "diff",
        "pack": "pack",
        "labels": "labels",
        "communities": "communities",
        "gates": "motifs",
        "splits": "motifs",
        "ablate": "ablate",
        "residuals": "residuals",
    },
    "Questions": {
        "query": "query",
        "feature": "query",
        "browse": "browse",
        "prompt": "prompt",
        "report": "report_command",
        "export": "export",
        "overlay": "overlay",
        "cypher": "query",
        "schema": "schema",
    },
}
"""Subcommands by subject, each with its module in saedb.cli."""

_MODULES: Final = {name: module for group in COMMANDS.values() for name, module in group.items()}


class CommandLine(click.Group):
    """Imports a subcommand when it is asked for, lists them by subject, and turns errors into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help page."""
        del ctx
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, imported now, or None."""
        del ctx
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"saedb.cli.{_MODULES[cmd_name]}")
        return getattr(module, cmd_name.replace("-", "_"))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each subject."""
        limit = formatter.width - 6 - max(map(len, _MODULES))
        for subject, names in COMMANDS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(subject):
                formatter.write_dl([(name, c.get_short_help_str(limit)) for name, c in commands if c])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand; what the user can mend becomes one line and exit status 1, Ctrl-C 130."""
        try:
            return super().invoke(ctx)
        except SaedbError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            message = _system_error(error)
            if message is None:
                raise
            raise click.ClickException(message) from error
        except (KeyboardInterrupt, click.Abort):  # click makes the one at a prompt into the other
            click.echo("\nStopped. Run the same command again to go on.", err=True)
            raise click.exceptions.Exit(130) from None


def _system_error(error: OSError) -> str | None:
    where = f" ({error.filename})" if error.filename else ""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return f"no space left on the disk{where}; make room, then run the same command again"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"not allowed to write or read{where}; check its permissions"
        case errno.ENAMETOOLONG | errno.ENOTDIR | errno.EEXIST | errno.EISDIR:
            return f"{error.strerror}{where}; name another file or folder"
        case _:
            return None


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-v", "--verbose", is_flag=True, help="Tell on stderr what each stage does and how long it takes.")
@click.version_option(package_name="saedb")
def main(verbose: bool) -> None:
    """See how SAE features evolve through a language model, as a graph database.

    \b
    First time:     saedb demo
    Your own SAEs:  saedb ingest gpt2-small-res-jb --layers 4-8 --tokens 1000000
    Then ask:       saedb query
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("saedb").setLevel(logging.INFO if verbose else logging.WARNING)
    if not verbose:
        logging.getLogger("neo4j").setLevel(logging.CRITICAL)  # it logs each retry
