"""SAEs in local folders in SAELens' format."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sae_lens.constants import SAE_CFG_FILENAME, SAE_WEIGHTS_FILENAME
from safetensors import SafetensorError, safe_open

from saedb.ingest import metadata
from saedb.ingest.errors import InputError
from saedb.ingest.naming import checked_name, name_of
from saedb.ingest.sources import Folder, SaeSource


def read(path: Path, *, saes_glob: str | None = None, set_name: str | None = None) -> Iterator[SaeSource]:
    """Yield the SAE in a folder, or the SAEs in its subfolders; the set is called by the folder that holds theirs.

    Args:
        path: the folder.
        saes_glob: names of subfolders to take.
        set_name: the set's name, instead of the folder's and Neuronpedia's.

    Raises:
        InputError: there is no SAE, or one is damaged.
    """
    path = path.expanduser().resolve()
    found = [path] if (path / SAE_CFG_FILENAME).is_file() else _subfolders(path, saes_glob)
    for folder in found:
        name = checked_name("set", set_name) if set_name else name_of(folder.parent.name)
        source = metadata.describe(
            _config(folder), Folder(path=folder), set_name=name, keep_set_name=set_name is not None
        )
        _check_weights(folder / SAE_WEIGHTS_FILENAME, source)
        metadata.check_scaling(source)
        yield source


def _subfolders(path: Path, saes_glob: str | None) -> list[Path]:
    found = sorted(config.parent for config in path.glob(f"*/{SAE_CFG_FILENAME}"))
    if not found:
        needed = f"{SAE_CFG_FILENAME} and {SAE_WEIGHTS_FILENAME}"
        raise InputError(
            f"no {SAE_CFG_FILENAME} in {path} or its subfolders; give a folder with {needed}, or one of such"
        )
    chosen = [folder for folder in found if saes_glob is None or fnmatchcase(folder.name, saes_glob)]
    if not chosen:
        names = ", ".join(folder.name for folder in found)
        raise InputError(f"no folder in {path} is called like {saes_glob!r}; there are {names}")
    return chosen


def _config(folder: Path) -> dict[str, Any]:
    file = folder / SAE_CFG_FILENAME
    try:
        config = json.loads(file.read_bytes())
    except ValueError as error:  # not JSON, or not even text
        raise InputError(f"{file} is not JSON ({error}); save the SAE again with SAELens") from error
    if not isinstance(config, dict):
        raise InputError(f"{file} is not a JSON object; save the SAE again with SAELens")
    return metadata.modern(config, folder)


def _check_weights(file: Path, source: SaeSource) -> None:
    """Read the header, which tells a damaged file and shows the sizes, and none of the weights."""
    if not file.is_file():
        raise InputError(f"{file} is missing; the weights should lie beside {SAE_CFG_FILENAME}")
    try:
        with safe_open(file, framework="pt") as weights:
            shape = weights.get_slice("W_dec").get_shape()
            names = weights.keys()
    except (SafetensorError, OSError) as error:
        raise InputError(f"{file} is damaged ({error}); save or download it again") from error
    if source.architecture == "jumprelu" and "threshold" not in names:
        raise InputError(
            f"{file} has no threshold, which jumprelu and trained BatchTopK SAEs need; save it with SAELens"
        )
    if shape != [source.d_sae, source.d_in]:
        expected = [source.d_sae, source.d_in]
        raise InputError(
            f"{file}: W_dec is {shape}, {SAE_CFG_FILENAME} says {expected}; these two files differ in origin"
        )
