"""Where saedb keeps things: the home (server and runs) and the cache (jars)."""

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """Return the folder of the local server and, by default, of the runs: ``SAEDB_HOME`` or the user's data folder."""
    return _from_environment("SAEDB_HOME") or platformdirs.user_data_path("saedb")


def runs() -> Path:
    """Return the folder that holds one folder per run: ``SAEDB_RUNS`` or ``runs`` in the home."""
    return _from_environment("SAEDB_RUNS") or home() / "runs"


def cache() -> Path:
    """Return the folder of what can be fetched again, shared by all homes: ``SAEDB_CACHE`` or the user's cache."""
    return _from_environment("SAEDB_CACHE") or platformdirs.user_cache_path("saedb")


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value).expanduser().absolute() if value else None
