"""Records of settings as options: names, types, defaults and help come from the record itself."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import reduce
from typing import Any, Final, TypeVar, get_args, get_type_hints

import click
import docstring_parser

from saedb.ingest.config import PRESETS, IngestConfig

F = TypeVar("F", bound=Callable[..., Any])

_PRESET: Final = "saedb.preset"
_NO_OPTION: Final = {"inputs"}
"""Settings that a command takes in another way."""


def settings_options(command: F) -> F:
    """Add ``--preset`` and an option for every setting; the command gets them as keyword arguments."""
    described = "Named defaults; paper: all tokens counted, no minimum support, as in arXiv 2410.08869 (docs/paper.md)."
    return preset_option(PRESETS, described)(options_of(IngestConfig)(command))


def preset_option(presets: Mapping[str, Mapping[str, Any]], described: str) -> Callable[[F], F]:
    """Return what adds ``--preset``, whose values stand where no option is given; see `chosen_preset`."""

    def use(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
        del parameter
        context.meta[_PRESET] = value
        if value is not None:
            context.default_map = {**(context.default_map or {}), **presets[value]}

    return click.option(
        "--preset",
        type=click.Choice(sorted(presets)),
        help=described,
        callback=use,
        expose_value=False,
        is_eager=True,
    )


def chosen_preset() -> str | None:
    """Return the preset that the running command was given."""
    return click.get_current_context().meta.get(_PRESET)


def options_of(record: type[Any]) -> Callable[[F], F]:
    """Return what adds an option for every field of a dataclass; the command gets them as keyword arguments."""
    options = [_option(record, field) for field in fields(record) if field.name not in _NO_OPTION]
    return lambda command: reduce(lambda function, option: option(function), reversed(options), command)


def _option(record: type[Any], field: Any) -> Callable[[F], F]:
    flag = field.name.replace("_", "-")
    kind = get_type_hints(record)[field.name]
    choices = [choice for choice in get_args(kind) if isinstance(choice, str)]
    default = None if field.default is MISSING else field.default
    if kind is bool:
        return click.option(f"--{flag}/--no-{flag}", default=default, show_default=True, help=_help(record, field.name))
    types = [choice for choice in get_args(kind) if choice is not type(None)]
    return click.option(
        f"--{flag}",
        type=click.Choice(choices) if choices else (types or [kind])[0],
        default=default,
        show_default=default is not None,
        help=_help(record, field.name),
    )


def _help(record: type[Any], name: str) -> str:
    parsed = (docstring_parser.parse_from_object(base) for base in record.__mro__ if base is not object)
    described = {p.arg_name: p.description for docstring in parsed for p in docstring.params}
    return " ".join((described[name] or "").replace("`", "").split())
