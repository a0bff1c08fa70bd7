import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from saedb.ingest import places
from saedb.ingest.compiled import SOURCES, compiled, key, prefetch

PACKAGE = files("saedb.ingest")
TEXTS = {name: (PACKAGE / f"{name}.py").read_bytes() for name in SOURCES}
KEY = key(TEXTS.values())


@compiled
def first_row(matrix: np.ndarray, index: int) -> float:
    prefetch(matrix, np.uint64(index))
    return matrix[0].sum()


@pytest.mark.parametrize("changed", SOURCES)
def test_a_change_of_any_source_is_another_key(changed: str) -> None:
    assert key(text + b"\n" * (name == changed) for name, text in TEXTS.items()) != KEY


def test_a_line_that_moves_to_the_next_source_is_another_key() -> None:
    assert key([b"one\n", b"two\n"]) != key([b"one\ntwo\n", b""])


def test_every_module_with_compiled_functions_is_a_source() -> None:
    modules = [file.name.removesuffix(".py") for file in PACKAGE.iterdir() if file.name.endswith(".py")]
    compiling = {
        name for name in modules if re.search(r"^@(compiled|inlined)\b", (PACKAGE / f"{name}.py").read_text(), re.M)
    }
    assert {"kernel", "chunks", "statistics"} <= compiling <= set(SOURCES)


def test_every_module_from_which_the_kernel_takes_what_it_compiles_in_is_a_source() -> None:
    imported = re.findall(r"^from saedb\.ingest\.(\w+) import", (PACKAGE / "kernel.py").read_text(), re.M)
    assert {"cells", "rule", "measures", "compiled"} <= set(imported) <= set(SOURCES)


def test_machine_code_is_kept_in_the_cache_under_the_key(tmp_path: Path) -> None:
    environment = {**os.environ, "SAEDB_CACHE": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    program = (
        "import numpy as np; from saedb.ingest.chunks import _count;"
        "_count(np.zeros(1, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.bool_), np.zeros(0, np.bool_),"
        " np.zeros(0, np.int64))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    kept = [file.relative_to(tmp_path).parts[:2] for file in tmp_path.rglob("*.nbc")]
    assert set(kept) == {("compiled", KEY)}


@pytest.mark.skipif("NUMBA_CACHE_DIR" in os.environ, reason="the user chose another folder")
def test_this_process_keeps_it_in_the_users_cache() -> None:
    folder = Path(first_row.stats.cache_path)
    assert folder.is_relative_to(places.cache() / "compiled" / KEY)


def test_asking_for_memory_out_of_range_does_no_harm() -> None:
    matrix = np.arange(6.0).reshape(2, 3)
    assert [first_row(matrix, index) for index in (0, 1, 2, 1 << 40)] == [3.0] * 4
