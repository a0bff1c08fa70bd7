"""The run directory: the contract between `saedb.ingest` and `saedb.cypher`, and the source of truth.

Each file is written under a temporary name, synced, renamed, and then recorded with its hash in ``run.json``, which is
itself replaced atomically. A process killed in between leaves either nothing or a whole file that is checked and
adopted when the run goes on. One process writes a run at a time; the lock goes with its process.
"""

import hashlib
import json
import os
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import filelock
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from saedb.ingest import places, tables
from saedb.ingest.disk import sync
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.failpoints import Kind, Step, reached
from saedb.ingest.naming import checked_name, quoted
from saedb.ingest.record import FileRecord, RunRecord
from saedb.ingest.tables import Table

FEATURES_FILE: Final = "features.parquet"
TOKENS_FILE: Final = "tokens.parquet"
DOCUMENTS_FILE: Final = "documents.parquet"
EXAMPLES_FILE: Final = "examples.parquet"
LABELS_FILE: Final = "labels.parquet"
COMMUNITIES_FILE: Final = "communities.parquet"
RESOLUTIONS_FILE: Final = "resolutions.parquet"
GATES_FILE: Final = "gates.parquet"
SPLITS_FILE: Final = "splits.parquet"
PROMPTS_FILE: Final = "prompts.parquet"
RECOVERY_FILE: Final = "recovery.parquet"
COPIES_FILE: Final = "copies.parquet"
HEATMAPS_FILE: Final = "heatmaps.parquet"
EFFECTS_FILE: Final = "effects.parquet"

_ADOPTED: Final = {
    LABELS_FILE: tables.LABELS,
    COMMUNITIES_FILE: tables.COMMUNITIES,
    RESOLUTIONS_FILE: tables.RESOLUTIONS,
    PROMPTS_FILE: tables.PROMPTS,
    EFFECTS_FILE: tables.EFFECTS,
}
"""Tables that say all of what they hold: others have a part of it in ``run.json``, and are found again."""

RECORD_FILE: Final = "run.json"

_TABLE: Final = re.compile(r"[a-z][a-z_]*\.parquet")
TEMPORARY: Final = ".unfinished"
"""How the name of a file ends that is being written."""
_LONGEST_PATH: Final = 4096
"""Characters that Linux takes."""
_RECORD: Final = TypeAdapter(RunRecord)


def edges_file(source: str, target: str) -> str:
    """Return the name of the edge file of a pair of SAEs, relative to the run directory."""
    return f"edges/pair={source}--{target}/edges.parquet"


class RunDirectory:
    """One run on disk."""

    def __init__(self, path: Path, record: RunRecord) -> None:
        self.path = path
        self.record = record

    @classmethod
    def create(cls, path: Path, record: RunRecord) -> Self:
        """Return a new run directory that holds only its ``run.json``.

        Raises:
            RunError: there is a run already, or another process is making one.
        """
        make_folder(path)
        with locked(path):
            if (path / RECORD_FILE).exists():
                raise RunError(f"a run is there already: {path}; choose another name with --run")
            run = cls(path, record)
            run.update()
        return run

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the run at `path`, its record checked.

        Raises:
            RunError: there is none, or ``run.json`` is damaged or of a later version.
        """
        try:
            content = (path / RECORD_FILE).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise RunError(f"no run at {path} (run.json is missing); see: saedb runs") from None
        return cls(path, record_of(content, path))

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the run that a path means, or else the one of this name in the folder of the runs.

        Raises:
            InputError: it can be neither.
            RunError: as for `open`.
        """
        path = _expanded(name)
        if not (path / RECORD_FILE).is_file() and os.sep not in name:
            path = places.runs() / checked_name("run name", name)
        return cls.open(path)

    @classmethod
    def newest(cls) -> Self:
        """Return the newest complete run of the folder of the runs; one that cannot be read is none.

        Raises:
            RunError: there is none.
        """
        found: list[Self] = []
        for file in places.runs().glob(f"*/{RECORD_FILE}"):
            with suppress(RunError):
                found.append(cls.open(file.parent))
        complete = [run for run in found if run.record.status == "complete"]
        if not complete:
            raise RunError(f"there is no complete run in {places.runs()}; make one with: saedb demo or saedb ingest")
        return max(complete, key=lambda run: (run.record.created, run.record.id))

    @contextmanager
    def writing(self) -> Generator[None]:
        """Hold the run's lock, which goes with the process; the record is read again under it.

        What a process that was killed had not finished is removed, and what it had not recorded is adopted.

        Raises:
            RunError: another process is writing this run.
        """
        with locked(self.path):
            self.record = type(self).open(self.path).record
            for left in self.path.rglob(f"*{TEMPORARY}"):
                left.unlink()
            for name, table in _ADOPTED.items():
                self.has(name, table)
            yield

    def update(self, **changes: Any) -> None:
        """Change fields of the record and replace ``run.json`` atomically."""
        self.record = replace(self.record, **changes)
        with replacing(self.path / RECORD_FILE, "record") as temporary:
            temporary.write_bytes(content_of(self.record))

    def has(self, name: str, table: Table) -> bool:
        """Return whether a finished file is there; a whole file not yet recorded is adopted."""
        file = self.path / name
        if name in self.record.files:
            return file.exists()
        if not file.exists() or _input_hash(file) != self._input:
            return False
        self._recorded(name, tables.read(table, file).num_rows)
        return True

    def write(self, table: Table, name: str, batches: Iterable[pa.Table], **changes: Any) -> None:
        """Write the rows of a table, part by part, and record the file.

        Where it takes the place of another, that is forgotten first: what is recorded is never another content than
        the file's.

        Args:
            table: its declaration.
            name: of the file, relative to the run directory.
            batches: rows.
            changes: fields of the record that tell of the file, changed together with its entry; None without it.
        """
        schema = table.schema.with_metadata({**(table.schema.metadata or {}), "saedb.input": self._input})
        file = self.path / name
        make_folder(file.parent)
        count = 0
        with replacing(file, "table") as temporary:
            with pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer:
                for batch in batches:
                    writer.write_table(batch.cast(schema), row_group_size=table.group)
                    count += batch.num_rows
            if name in self.record.files:
                others = {other: entry for other, entry in self.record.files.items() if other != name}
                self.update(files=others, **dict.fromkeys(changes))
        self._recorded(name, count, **changes)

    def read(self, table: Table, name: str, *columns: str) -> pa.Table:
        """Return the rows of a finished file, checked against the table's declaration; all columns or those named."""
        return tables.read(table, self.path / name, columns or None)

    def parts(self, table: Table, name: str, *columns: str) -> Iterator[pa.Table]:
        """Yield some columns of a finished file, so many rows at a time."""
        return tables.parts(table, self.path / name, columns)

    @property
    def edge_files(self) -> list[str]:
        """Names of the edge files, in the order of the pairs."""
        return [edges_file(source, target) for source, target in self.record.pairs]

    @property
    def content_hash(self) -> str:
        """Hash of the run's id and of every recorded file: equal for equal graphs."""
        parts = [self.record.id, *(f"{name} {f.sha256}" for name, f in sorted(self.record.files.items()))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def _input(self) -> str:
        return digest(self.record.config)

    def _recorded(self, name: str, count: int, **changes: Any) -> None:
        file = self.path / name
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        entry = FileRecord(sha256=sha256, bytes=file.stat().st_size, rows=count)
        self.update(files={**self.record.files, name: entry}, **changes)


def content_of(record: RunRecord) -> bytes:
    """Return what ``run.json`` holds of a record."""
    return f"{json.dumps(asdict(record), indent=1)}\n".encode()


def record_of(content: bytes, path: Path) -> RunRecord:
    """Return the record that the content of a ``run.json`` holds; `path`, where that is from, is what errors name.

    Raises:
        RunError: it is damaged, or of another version, or names what no run may name.
    """
    file = path / RECORD_FILE
    try:
        values: dict[str, Any] = json.loads(content)
        json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair is text in JSON and nowhere else
        version = int(values["format"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise RunError(f"{file} is damaged ({error}); compute or import the run again") from error
    tables.check_format(version, path)
    try:
        record = _RECORD.validate_python(values)
        _check_files(record)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise RunError(f"{file} is damaged ({quoted(where)}: {error.errors()[0]['msg']})") from error
    except InputError as error:
        raise RunError(f"{file} is damaged: {error}") from error
    return record


def _check_files(record: RunRecord) -> None:
    """Check that a record lists tables of its own, and of a complete run all that make the graph.

    Raises:
        InputError: it does not.
    """
    edges = [edges_file(source, target) for source, target in record.pairs]
    strange = [name for name in record.files if not _TABLE.fullmatch(name) and name not in edges]
    if strange:
        raise InputError(f"it lists {quoted(strange[0])}, which is no table of a run; compute or import the run again")
    needed = [FEATURES_FILE, *edges] if record.status == "complete" else []
    stages = {GATES_FILE: record.gates, SPLITS_FILE: record.splits}
    stages |= dict.fromkeys((RECOVERY_FILE, COPIES_FILE, HEATMAPS_FILE), record.residuals)
    needed += [file for file, found in stages.items() if found is not None]
    missing = [name for name in needed if name not in record.files]
    if missing:
        raise InputError(f"it does not list {missing[0]}; compute or import the run again")


def _expanded(name: str) -> Path:
    """Return the path that a user's text may be, ``~`` replaced.

    Raises:
        InputError: it can be none.
    """
    if "\0" not in name and len(name) < _LONGEST_PATH:
        with suppress(RuntimeError):  # ~ of nobody
            return Path(name).expanduser()
    raise InputError(f"{quoted(name)} is no name of a run and no folder; see: saedb runs")


def digest(config: Any) -> str:
    """Return the hash of a configuration, the same for equal JSON."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def now() -> str:
    """Return the time in ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are missing; synced."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync(folder.parent)


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold the lock of a folder, which goes with the process.

    Raises:
        RunError: another process has it.
    """
    lock = filelock.FileLock(path / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise RunError(f"another process is writing {path}; wait for it, or stop it") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def replacing(file: Path, kind: Kind | None = None) -> Generator[Path]:
    """Yield a temporary name beside `file` that takes its place, synced, when the block ends well.

    `kind` names the fail points on the way, of which there are none without it.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield temporary
        _reached(kind, "written")
        sync(temporary)
        _reached(kind, "synced")
        temporary.replace(file)
        _reached(kind, "renamed")
        sync(file.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _reached(kind: Kind | None, step: Step) -> None:
    if kind is not None:
        reached(kind, step)


def _input_hash(file: Path) -> str | None:
    try:
        metadata = pq.read_schema(file).metadata or {}
    except (pa.ArrowException, OSError):
        return None
    value = metadata.get(b"saedb.input")
    return value.decode() if value else None
