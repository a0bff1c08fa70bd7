"""A packed run: one file to share or to keep, with ``run.json`` and every table that it lists, without activations.

It is a zip, so that other tools read it too, and its members are stored as they are: the pages of a table are
compressed already, and doing it again takes 0.5 % off an edge file at 20 MB/s. So equal run directories give equal
bytes whatever the machine, and what is taken out of a file is never larger than the file.

A packed file may be a stranger's. Its ``run.json`` is checked first, and decides what is taken: each table that it
lists, once, of the size and with the sha256 that it states, under a name that a table may have. All is written into a
folder of its own, which becomes the run by one rename.
"""

import hashlib
import shutil
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from saedb.ingest.disk import sync
from saedb.ingest.errors import InputError, RunError, SaedbError
from saedb.ingest.identity import check_features
from saedb.ingest.naming import quoted
from saedb.ingest.progress import Report, silent
from saedb.ingest.record import FileRecord, RunRecord
from saedb.ingest.rundir import (
    RECORD_FILE,
    RunDirectory,
    content_of,
    locked,
    make_folder,
    record_of,
    replacing,
)

SUFFIX: Final = ".saedb.zip"
"""How the name of a packed run ends, unless the user gives another."""

_ARRIVING: Final = ".arriving"
_CHUNK: Final = 1 << 20
_LARGEST_RECORD: Final = 16 << 20
"""Bytes; a run of 126 SAEs takes 100 kB."""
_NOT_READ: Final = 0x61
"""Flags of a member that is encrypted, or a patch of something else."""
_UNREADABLE: Final = (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError)
"""What zipfile raises where a file is no zip, or one with a changed byte."""
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every member: the first that a zip can hold."""

_Advance = Callable[[int], None]


def is_packed(path: Path) -> bool:
    """Return whether a path is to be taken as a packed run rather than as a run directory."""
    return path.name.endswith(SUFFIX) or path.is_file()


def pack(run: RunDirectory, file: Path | None = None, *, force: bool = False, report: Report = silent) -> Path:
    """Return the file that a complete run was packed into.

    Args:
        run: the run directory.
        file: the file to make; by default it has the run's name, in the current folder.
        force: replace a file of that name even where it holds something else.
        report: progress, in kB.

    Raises:
        InputError: there is another file of that name, or no folder for it.
        RunError: the run is not complete, or a table is missing or damaged.
    """
    record = run.record
    if record.status != "complete":
        raise RunError(f"run {record.id} is not complete ({run.path}); first run the command that computes it again")
    file = Path(f"{record.id}{SUFFIX}") if file is None else file
    if not file.parent.is_dir():
        raise InputError(f"there is no folder {file.parent}; make it, or give another file with --to")
    if file.exists() and not force and not _is_of(file, record):
        raise InputError(f"{file} is there and holds something else; give another file with --to, or --force")
    with replacing(file) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(_member(RECORD_FILE), content_of(record))
        advance = _kilobytes("packing (kB)", record, report)
        for name, entry in sorted(record.files.items()):
            _add(archive, name, entry, run.path / name, advance)
    return file


def unpack(file: Path, runs_folder: Path, name: str | None = None, report: Report = silent) -> RunDirectory:
    """Return the run directory that a packed run became; the one that is there, where it has the same content.

    Args:
        file: the packed run.
        runs_folder: folder that holds one folder per run.
        name: name of the run here; by default the one that it was packed under.
        report: progress, in kB.

    Raises:
        InputError: the file is no packed run, or the name is none.
        RunError: the run in it is damaged or of another version, there is another of its name, or another process is
            unpacking into the folder.
    """
    with _opened(file) as archive:
        record = _record(archive, file)
        _check_members(archive, record, file)
        record = record if name is None else replace(record, id=name)
        path = runs_folder / record.id
        make_folder(runs_folder)
        with locked(runs_folder):
            _remove_unfinished(runs_folder)
            if not _is_there(path, record):
                advance = _kilobytes("unpacking (kB)", record, report)
                with _arriving(path) as folder:
                    for table, entry in record.files.items():
                        _take(archive, table, entry, folder / table, advance)
                    arrived = RunDirectory(folder, record)
                    check_features(arrived)
                    arrived.update()
    return RunDirectory.open(path)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _EARLIEST)
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    return member


def _add(archive: zipfile.ZipFile, name: str, entry: FileRecord, file: Path, advance: _Advance) -> None:
    """Add a table, which must be the recorded one."""
    member = _member(name)
    member.file_size = entry.bytes  # one above 4 GB needs other headers
    damaged = RunError(f"{file} is missing or damaged: it is not what run.json lists; compute or import the run again")
    if not file.is_file() or file.stat().st_size != entry.bytes:
        raise damaged
    with file.open("rb") as source, archive.open(member, "w") as target:
        if _copy(source, target, advance) != entry.sha256:
            raise damaged


def _take(archive: zipfile.ZipFile, name: str, entry: FileRecord, file: Path, advance: _Advance) -> None:
    """Write a table, which must be the recorded one."""
    make_folder(file.parent)
    with archive.open(name) as source, file.open("xb") as target:
        sha256 = _copy(source, target, advance)
    if sha256 != entry.sha256:
        raise RunError(f"{archive.filename} is damaged: {name} is not what run.json lists; pack the run again")
    sync(file)
    sync(file.parent)


def _copy(source: IO[bytes], target: IO[bytes], advance: _Advance) -> str:
    """Return the sha256 of what was copied."""
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        target.write(chunk)
        advance(len(chunk))
    return digest.hexdigest()


def _kilobytes(stage: str, record: RunRecord, report: Report) -> _Advance:
    """Return what reports so many bytes more of all tables."""
    total = sum(entry.bytes for entry in record.files.values())
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        report(stage, done // 1000, total // 1000)

    return advance


@contextmanager
def _opened(file: Path) -> Generator[zipfile.ZipFile]:
    """Yield a packed run, and say of what goes wrong while it is read what to do."""
    if not file.is_file():
        raise InputError(f"there is no file {file}; make one with: saedb pack RUN")
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except _UNREADABLE as error:
        reason = quoted(str(error)) if str(error) else "it ends too early"
        raise InputError(
            f"{file} is no packed run, or a damaged one ({reason}); make it with: saedb pack RUN"
        ) from error


def _is_of(file: Path, record: RunRecord) -> bool:
    """Return whether a file is this very run, packed."""
    try:
        with _opened(file) as archive:
            return _record_content(archive, file) == content_of(record)
    except SaedbError:
        return False


def _record_content(archive: zipfile.ZipFile, file: Path) -> bytes:
    if RECORD_FILE not in archive.namelist():
        raise InputError(f"{file} has no {RECORD_FILE}, so it is no packed run; make one with: saedb pack RUN")
    member = archive.getinfo(RECORD_FILE)
    _check_stored(member, file)
    if member.file_size > _LARGEST_RECORD:
        raise RunError(f"{file} has a {RECORD_FILE} of {member.file_size:,} bytes, which no run has; pack it again")
    return archive.read(member)


def _record(archive: zipfile.ZipFile, file: Path) -> RunRecord:
    record = record_of(_record_content(archive, file), file)
    if record.status != "complete":
        raise RunError(f"{file} holds run {record.id}, which is not complete; complete it, and pack it again")
    return record


def _check_members(archive: zipfile.ZipFile, record: RunRecord, file: Path) -> None:
    """Check that a packed run has what its record lists, and nothing else.

    Raises:
        RunError: it has not.
    """
    for wrong in _wrong(archive.infolist(), record):
        raise RunError(f"{file} is damaged or made by something else: {wrong}; pack the run again with: saedb pack")
    for member in archive.infolist():
        _check_stored(member, file)
    if sum(entry.bytes for entry in record.files.values()) > file.stat().st_size:
        raise RunError(f"{file} is damaged or made by something else: its members overlap; pack the run again")


def _wrong(members: list[zipfile.ZipInfo], record: RunRecord) -> Iterator[str]:
    """Yield what does not agree with the record."""
    times = Counter(member.filename for member in members)
    yield from (f"it has {count} members {quoted(name)}" for name, count in times.items() if count > 1)
    unknown = times.keys() - {RECORD_FILE, *record.files}
    yield from (f"it has {quoted(name)}, which run.json does not list" for name in sorted(unknown))
    yield from (f"it lacks {name}" for name in record.files if name not in times)
    for member in members:
        if member.filename in record.files and member.file_size != record.files[member.filename].bytes:
            stated = record.files[member.filename].bytes
            yield f"{member.filename} has {member.file_size:,} bytes, run.json says {stated:,}"


def _check_stored(member: zipfile.ZipInfo, file: Path) -> None:
    """Check that a member is a file, as it stands.

    Raises:
        RunError: it is a link or a folder, compressed or encrypted, or not within the packed run.
    """
    kind = stat.S_IFMT(member.external_attr >> 16)
    is_inside = member.header_offset in range(file.stat().st_size)
    is_as_it_stands = member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & _NOT_READ
    if not is_inside or not is_as_it_stands or kind not in (0, stat.S_IFREG):
        name = quoted(member.filename)
        raise RunError(f"{file} has {name} compressed, encrypted, or as a link; pack the run again with: saedb pack")


def _is_there(path: Path, record: RunRecord) -> bool:
    """Return whether the run is there already.

    Raises:
        RunError: something else is.
    """
    if not path.exists():
        return False
    if not (path / RECORD_FILE).is_file():
        raise RunError(f"{path} is there and is no run; move it away, or choose another name with --run")
    there = RunDirectory.open(path)
    if there.record.status != "complete" or there.content_hash != RunDirectory(path, record).content_hash:
        raise RunError(f"another run {record.id} is there ({path}); choose another name with --run")
    return True


@contextmanager
def _arriving(path: Path) -> Generator[Path]:
    """Yield a folder that takes the place of `path`, synced, when the block ends well."""
    folder = path.with_name(f".{path.name}{_ARRIVING}")
    make_folder(folder)
    try:
        yield folder
        folder.rename(path)
        sync(path.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_unfinished(runs_folder: Path) -> None:
    """Remove what processes left that were killed: whoever holds the lock of the runs knows that none is at it."""
    for folder in runs_folder.glob(f".*{_ARRIVING}"):
        shutil.rmtree(folder)
