"""The wheel holds every package and data file, and works where torch is not installed."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("ingest", "cypher", "cli")
UV = Path(sys.executable).parent / "uv"
WITHOUT_TORCH = (
    "click",
    "docstring-parser",
    "rich",
    "neo4j",
    "pyarrow",
    "pandas",
    "platformdirs",
    "filelock",
    "psutil",
    "pydantic",
)


def _source_files() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file() and not (ROOT / name).is_symlink()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in _source_files():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", out, source], check=True)
    (built,) = out.glob("*.whl")
    return built


def test_pyproject_lists_every_folder_of_python_files() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {Path(name).parent for name in _source_files() if name.endswith(".py")}
    packages = {"saedb." + ".".join(folder.parts) for folder in folders if folder.parts and folder.parts[0] in PACKAGES}
    assert listed == packages


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    expected = {f"saedb/{name}" for name in _source_files() if name.split("/")[0] in PACKAGES}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if name.startswith("saedb/")}
    assert found == expected


def test_the_wheel_answers_help_and_shows_a_query_without_torch(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    install = [UV, "pip", "install", "--quiet", "--python", environment / "bin/python"]
    subprocess.run([*install, "--constraint", ROOT / "requirements.txt", *WITHOUT_TORCH], check=True)
    subprocess.run([*install, "--no-deps", wheel], check=True)

    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def saedb(*arguments: str) -> str:
        command = [environment / "bin/saedb", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path, env=clean).stdout

    assert "pass-through-chains" in saedb("query")
    assert "MATCH" in saedb("query", "pass-through", "--show")
    assert "import-edges" in saedb("--help")
