"""The prompts of a run on disk: a text is there once, under one name."""

from collections.abc import Sequence
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.naming import quoted
from saedb.ingest.prompts.prompt import Prompt
from saedb.ingest.rundir import RunDirectory

_COLUMNS: Final = [column.name for column in tables.PROMPTS.columns]
_LISTED: Final = 12
"""Names that an error lists."""


class StoredPrompts:
    """The table of prompts of a run."""

    def __init__(self, rows: pa.Table) -> None:
        self.rows = rows

    @classmethod
    def of(cls, run: RunDirectory) -> Self:
        """Return what a run has.

        Raises:
            RunError: the table is missing or damaged.
        """
        if rundir.PROMPTS_FILE not in run.record.files:
            return cls(tables.PROMPTS.schema.empty_table())
        return cls(run.read(tables.PROMPTS, rundir.PROMPTS_FILE))

    @property
    def ids(self) -> list[str]:
        """The names of all, in the order in which they came."""
        return self.rows["id"].to_pylist()

    def prompt(self, name: str, run: str) -> Prompt:
        """Return the prompt of this name; `run` is named where there is none.

        Raises:
            InputError: there is none.
        """
        found = self.rows.filter(pc.field("id") == name).to_pylist()
        if not found:
            known = self.ids[-_LISTED:]
            there = f"the last are {', '.join(known)}" if known else "it has none"
            raise InputError(f"run {run} has no prompt {quoted(name)}; {there} (all: saedb query prompts --run {run})")
        return _of_row(found[0])

    def of_text(self, text: str) -> Prompt | None:
        """Return the prompt with this text, or None."""
        found = self.rows.filter(pc.field("text") == text).to_pylist()
        return _of_row(found[0]) if found else None

    def without(self, names: Sequence[str]) -> Self:
        """Return it without some prompts."""
        return type(self)(self.rows.filter(~pc.field("id").isin(pa.array(names, pa.string()))))

    def added(self, prompt: Prompt) -> Self:
        """Return it with one more prompt."""
        row = {name: [getattr(prompt, name)] for name in _COLUMNS}
        return type(self)(pa.concat_tables([self.rows, tables.rows(tables.PROMPTS, row)]))

    def write(self, run: RunDirectory) -> None:
        """Replace the table of a run."""
        run.write(tables.PROMPTS, rundir.PROMPTS_FILE, [self.rows])


def _of_row(row: dict[str, object]) -> Prompt:
    return Prompt(**{name: tuple(value) if isinstance(value, list) else value for name, value in row.items()})  # pyright: ignore[reportArgumentType]
