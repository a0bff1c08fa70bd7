"""Which text, model, SAEs and given activations a run was made from, where these are local files.

A path means another file from another folder, and the same path may hold something else tomorrow: so paths are
recorded as absolute ones, with a hash of what they hold. Names on the hub and ``demo`` have none.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sae_lens.constants import SAE_CFG_FILENAME, SAE_WEIGHTS_FILENAME

from saedb.ingest import files
from saedb.ingest.config import IngestConfig
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory

_NAMES_NO_PATH = "demo"


def settings(config: IngestConfig) -> dict[str, Any]:
    """Return the settings that decide what the tables hold, as JSON values, with absolute local paths.

    Raises:
        RunError: the run that maxima come from is not there.
    """
    return {
        **config.settings(),
        "inputs": [_absolute(_folder(name), name) for name in config.inputs],
        "model": _absolute(_folder(config.model), config.model),
        "dataset": _absolute(_path(config.dataset), config.dataset),
        "activations": _absolute(_path(config.activations), config.activations),
        "max_activations": _absolute(_path(config.max_activations), config.max_activations),
        "max_from": _absolute(_run(config.max_from), config.max_from),
    }


def contents(config: IngestConfig) -> Mapping[str, str]:
    """Return the sha256 over names and contents of local files, by the setting that names them.

    Left out is what is not local: for a name on the hub nothing is fetched or asked, so a repository that changed
    under its name is not noticed here (of SAEs the hashes of their weights tell).

    Raises:
        InputError: the text is of no kind that saedb reads.
        RunError: the run that maxima come from is not there.
    """
    parts: dict[str, tuple[Iterable[Path | None], Callable[[Path], Iterable[Path]]]] = {
        "inputs": (map(_folder, config.inputs), _of_saes),
        "model": ([_folder(config.model)], _of_model),
        "dataset": ([_path(config.dataset)], files.below),
        "activations": ([_path(config.activations)], _all_below),
        "max_activations": ([_path(config.max_activations)], _all_below),
        "max_from": ([_run(config.max_from)], lambda run: [run / FEATURES_FILE]),
    }
    found = {name: {path: below(path) for path in paths if path} for name, (paths, below) in parts.items()}
    return {name: _sha256(by_path) for name, by_path in found.items() if by_path}


def of_model(folder: Path) -> str:
    """Return the sha256 over the files of a model's folder, as `contents` has it under ``model``."""
    return _sha256({folder: _of_model(folder)})


def _absolute(path: Path | None, name: str | None) -> str | None:
    return str(path) if path else name


def _path(name: str | None) -> Path | None:
    """Return the absolute path that a name stands for, or None where it stands for none."""
    if name is None or name == _NAMES_NO_PATH:
        return None
    path = Path(name).expanduser()
    return path.resolve() if path.exists() else None


def _folder(name: str | None) -> Path | None:
    path = _path(name)
    return path if path is not None and path.is_dir() else None


def _run(name: str | None) -> Path | None:
    return RunDirectory.named(name).path.resolve() if name else None


def _of_saes(folder: Path) -> list[Path]:
    """Return the files of the SAE in a folder, or of those in its subfolders."""
    parents = [folder] if (folder / SAE_CFG_FILENAME).is_file() else sorted(folder.iterdir())
    paths = [parent / name for parent in parents for name in (SAE_CFG_FILENAME, SAE_WEIGHTS_FILENAME)]
    return [path for path in paths if path.is_file()]


def _of_model(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _all_below(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _sha256(found: Mapping[Path, Iterable[Path]]) -> str:
    digest = hashlib.sha256()
    for root, paths in found.items():
        for path in paths:
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{path.relative_to(root)}\0{content}\n".encode())
    return digest.hexdigest()
