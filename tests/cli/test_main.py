import errno
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from saedb.cli.main import COMMANDS, CommandLine, main
from saedb.ingest.errors import RunError

HEAVY = ("torch", "numpy", "pandas", "pyarrow", "neo4j", "graphdatascience", "sae_lens", "transformers", "datasets")


def _raising(error: BaseException) -> CommandLine:
    @click.command()
    def command() -> None:
        raise error

    class Group(CommandLine):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return command

    return Group("saedb")


def test_help_lists_every_command_by_subject() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for subject, names in COMMANDS.items():
        assert subject in result.output
        for name in names:
            assert re.search(rf"^  {name}  +\S", result.output, re.MULTILINE), name


@pytest.mark.parametrize("name", [name for names in COMMANDS.values() for name in names])
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"saedb {name}" in result.output.split("Usage:")[1].split("\n", 1)[1]


@pytest.mark.parametrize("arguments", [["--help"], ["query", "--help"], ["ingest", "--help"], ["up", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from saedb.cli.main import main\n"
        f"try: main({arguments})\n"
        f"except SystemExit: print('loaded', sorted(set(sys.modules) & set({HEAVY})))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "loaded []"


def test_an_error_the_user_can_mend_is_one_line_and_status_1() -> None:
    result = CliRunner().invoke(_raising(RunError("no run x; see: saedb runs")), ["any"])
    assert (result.exit_code, result.stderr) == (1, "Error: no run x; see: saedb runs\n")


def test_a_full_disk_is_one_line_and_status_1() -> None:
    result = CliRunner().invoke(_raising(OSError(errno.ENOSPC, "No space left on device", "/runs/a")), ["any"])
    assert result.exit_code == 1
    assert result.stderr == "Error: no space left on the disk (/runs/a); make room, then run the same command again\n"


def test_an_error_of_ours_keeps_its_traceback() -> None:
    result = CliRunner().invoke(_raising(ValueError("bug")), ["any"])
    assert isinstance(result.exception, ValueError)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), click.Abort()])
def test_ctrl_c_is_status_130_and_says_how_to_go_on(interrupt: BaseException) -> None:
    result = CliRunner().invoke(_raising(interrupt), ["any"])
    assert result.exit_code == 130
    assert "again" in result.stderr


def test_an_unknown_command_is_status_2() -> None:
    assert CliRunner().invoke(main, ["nonsense"]).exit_code == 2
