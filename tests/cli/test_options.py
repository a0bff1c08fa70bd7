import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from saedb.cli.options import ServerChoice, server_options
from saedb.ingest import places


@click.command()
@server_options
def where(server: ServerChoice) -> None:
    click.echo(f"{server.uri} {server.username} {server.database} {places.home()}")


def test_home_holds_while_the_command_runs_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDB_HOME", "/before")
    result = CliRunner().invoke(where, ["--home", str(tmp_path), "--uri", "bolt://a"])
    assert result.output == f"bolt://a None None {tmp_path}\n"
    assert os.environ["SAEDB_HOME"] == "/before"
    monkeypatch.delenv("SAEDB_HOME")
    CliRunner().invoke(where, ["--home", str(tmp_path)])
    assert "SAEDB_HOME" not in os.environ


def test_a_password_is_not_an_option() -> None:
    assert CliRunner().invoke(where, ["--password", "x"]).exit_code == 2


def test_the_first_line_on_stderr_says_which_server(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @server_options
    def command(server: ServerChoice) -> None:
        server.address()

    monkeypatch.setenv("NEO4J_PASSWORD", "x")
    result = CliRunner().invoke(command, ["--uri", "bolt://a"])
    assert (result.exit_code, result.stderr, result.stdout) == (0, "server: bolt://a (given)\n", "")
