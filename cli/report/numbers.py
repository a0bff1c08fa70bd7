"""The numbers of a report as files: a CSV for each section that has any."""

from collections.abc import Iterable
from pathlib import Path

from saedb.cli.report.page import Chapter, csv_name, csv_text
from saedb.ingest.errors import InputError
from saedb.ingest.rundir import replacing


def check_folder(folder: Path) -> None:
    """Check that files may be written into a folder, which need not be there yet; its parent must.

    Raises:
        InputError: it is a file, or lies in no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder with --csv")
    if not folder.exists() and not folder.parent.is_dir():
        raise InputError(f"there is no folder {folder.parent}; make it, or give another with --csv")


def write(folder: Path, run: str, chapters: Iterable[Chapter]) -> list[Path]:
    """Write the numbers of every section, in place of those of a report before; return the files."""
    folder.mkdir(exist_ok=True)
    files: list[Path] = []
    for section in (section for chapter in chapters for section in chapter.sections):
        if section.data is not None:
            file = folder / csv_name(run, section)
            with replacing(file) as temporary:
                temporary.write_text(csv_text(section.data), encoding="utf-8")
            files.append(file)
    return files
