from dataclasses import fields

import click
import pytest
from click.testing import CliRunner

from saedb.cli.main import main
from saedb.cli.settings import options_of
from saedb.ingest.motifs.settings import GateSettings, SplitSettings


@pytest.mark.parametrize("record", [GateSettings, SplitSettings])
def test_every_field_is_an_option_with_its_default_and_what_it_means(record: type) -> None:
    @click.command()
    @options_of(record)
    def command(**settings: object) -> None:
        assert record(**settings) == record()

    assert CliRunner().invoke(command, catch_exceptions=False).exit_code == 0
    options = {option.name: option for option in command.params if isinstance(option, click.Option)}
    assert list(options) == [field.name for field in fields(record)]
    assert all(option.help and option.show_default for option in options.values())


def test_a_flag_has_both_ways_and_numbers_keep_their_type() -> None:
    @click.command()
    @options_of(GateSettings)
    def command(**settings: object) -> None:
        click.echo(f"{settings['positional']} {settings['candidates']!r} {settings['min_f1']!r}")

    given = ["--positional", "--candidates", "3", "--min-f1", "1"]
    assert CliRunner().invoke(command, given).stdout == "True 3 1.0\n"
    assert CliRunner().invoke(command, ["--no-positional"]).stdout == "False 8 0.6\n"
    assert CliRunner().invoke(command, ["--candidates", "few"]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gates", "any", "--min-f1", "2"], "min_f1 is 2.0; it must be from 0 to 1"),
        (["gates", "any", "--candidates", "9"], "candidates is 9; it must be from 2 to 8"),
        (["gates", "any", "--min-gain", "nan"], "min_gain is nan; it must be from 0 to 1"),
        (["splits", "any", "--max-overlap=-1"], "max_overlap is -1.0; it must be from 0 to 1"),
    ],
)
def test_a_setting_out_of_its_range_is_one_line_before_anything_is_looked_up(
    arguments: list[str], message: str
) -> None:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stderr) == (1, f"Error: {message}\n")
