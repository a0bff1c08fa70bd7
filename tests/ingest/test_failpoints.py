import os
import signal
import subprocess
import sys
from typing import get_args

import pytest

from saedb.ingest import failpoints
from saedb.ingest.failpoints import POINTS, VARIABLE, reached

PROGRAM = """
from saedb.ingest.failpoints import reached
for _ in range(3):
    print("table", flush=True)
    reached("table", "written")
    reached("table", "renamed")
"""


def run(value: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, VARIABLE: value}
    return subprocess.run([sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(("value", "times"), [("table renamed", 1), ("table written:2", 2), ("table renamed:3", 3)])
def test_a_process_is_killed_at_the_point_and_time_asked_for(value: str, times: int) -> None:
    ended = run(value)
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == ["table"] * times


@pytest.mark.parametrize("value", ["", "table", "record renamed", "table renamed:4"])
def test_other_points_and_times_do_nothing(value: str) -> None:
    assert run(value).returncode == 0


def test_nothing_is_killed_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    for kind in get_args(failpoints.Kind):
        for step in get_args(failpoints.Step):
            assert f"{kind} {step}" in POINTS
            reached(kind, step)
