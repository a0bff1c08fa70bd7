"""Which text, model and SAEs a run was made from, where these are local files.

A path means another file from another folder, and the same path may hold something else tomorrow: so paths are
recorded as absolute ones, with a hash of what they hold. Names on the hub and ``demo`` have none.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sae_lens.constants import SAE_CFG_FILENAME, SAE_WEIGHTS_FILENAME

from saedb.ingest import files
from saedb.ingest.config import IngestConfig

_NAMES_NO_PATH = "demo"


def settings(config: IngestConfig) -> dict[str, Any]:
    """Return the settings that decide what the tables hold, as JSON values, with absolute local paths."""
    return {
        **config.settings(),
        "inputs": [str(_folder(name) or name) for name in config.inputs],
        "model": str(_folder(config.model) or config.model) if config.model else None,
        "dataset": str(_path(config.dataset) or config.dataset),
    }


def contents(config: IngestConfig) -> Mapping[str, str]:
    """Return the sha256 over names and contents of local files by ``inputs``, ``model`` and ``dataset``.

    Left out is what is not local: for a name on the hub nothing is fetched or asked, so a repository that changed
    under its name is not noticed here (of SAEs the hashes of their weights tell).

    Raises:
        InputError: the text is of no kind that saedb reads.
    """
    parts = {
        "inputs": {path: _of_saes(path) for name in config.inputs if (path := _folder(name))},
        "model": {path: _of_model(path) for name in [config.model] if name and (path := _folder(name))},
        "dataset": {path: files.below(path) for name in [config.dataset] if (path := _path(name))},
    }
    return {name: _sha256(found) for name, found in parts.items() if found}


def _path(name: str) -> Path | None:
    """Return the absolute path that a name stands for, or None where it stands for none."""
    path = Path(name).expanduser()
    return path.resolve() if name != _NAMES_NO_PATH and path.exists() else None


def _folder(name: str) -> Path | None:
    path = _path(name)
    return path if path is not None and path.is_dir() else None


def _of_saes(folder: Path) -> list[Path]:
    """Return the files of the SAE in a folder, or of those in its subfolders."""
    parents = [folder] if (folder / SAE_CFG_FILENAME).is_file() else sorted(folder.iterdir())
    paths = [parent / name for parent in parents for name in (SAE_CFG_FILENAME, SAE_WEIGHTS_FILENAME)]
    return [path for path in paths if path.is_file()]


def _of_model(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _sha256(found: Mapping[Path, Iterable[Path]]) -> str:
    digest = hashlib.sha256()
    for root, paths in found.items():
        for path in paths:
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{path.relative_to(root)}\0{content}\n".encode())
    return digest.hexdigest()
