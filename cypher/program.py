"""Queries that one statement cannot answer: Python files whose docstring is the header.

    '''Title: one sentence.

    @group evolution
    @param run: run  the run to search
    @param feature: feature  the feature
    @column step: integer  ...
    '''

    def rows(connection: Connection, *, run: str, feature: str) -> Iterator[Row]:

``rows`` takes every declared parameter by its name, ids of runs and features whole, and yields the declared columns.
Such a file is read for a list or a help page, and run for an answer only.
"""

import ast
import re
from collections.abc import Callable, Iterable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from saedb.cypher.source import Source, fail

if TYPE_CHECKING:
    from saedb.cypher.connection import Row

SUFFIX: Final = ".py"
FUNCTION: Final = "rows"
_TAG: Final = re.compile(r"^@(group|param|column)\b", re.MULTILINE)


def is_query(text: str) -> bool:
    """Return whether a Python file means to be a query: other files may lie beside it."""
    return _TAG.search(text) is not None


def of_program(text: str, file: Path) -> Source:
    """Return a ``.py`` file taken apart, without running it.

    Raises:
        InputError: it is no Python, or has no docstring or no function of the right form.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        fail(file, getattr(error, "lineno", None) or 1, f"this is no Python: {getattr(error, 'msg', error)}")
    docstring = ast.get_docstring(tree, clean=False)
    function = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == FUNCTION), None)
    if docstring is None:
        fail(file, 1, "the header of a Python query is its docstring, and there is none")
    if function is None or len(function.args.args) != 1:
        form = f"def {FUNCTION}(connection, *, run, ...), each parameter by its name"
        fail(file, function.lineno if function else 1, f"a Python query has one function {form}")
    first = tree.body[0].lineno
    lines = docstring.rstrip().splitlines()
    return Source(
        file=file,
        header=tuple((first + number, line.strip()) for number, line in enumerate(lines)),
        cypher=None,
        used={argument.arg: argument.lineno for argument in function.args.kwonlyargs},
        bare={},
    )


def function(file: Path) -> "Callable[..., Iterable[Row]]":
    """Return the function of a Python query that yields its rows; the file is run for it."""
    spec = spec_from_file_location(f"saedb_query_{file.stem.replace('-', '_')}", file)
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, FUNCTION)
