import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import killed
import psutil
import pytest

from saedb.cypher.server import process
from saedb.cypher.server.process import Recorded

SLEEPS = "import time; time.sleep(600)"
IGNORES_SIGTERM = (
    f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ignoring', flush=True); {SLEEPS}"
)


def _start(code: str, home: Path) -> Recorded:
    command = [sys.executable, "-c", code, process.home_argument(home)]
    return process.start(command, os.environ, home / "console.log")


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Recorded]:
    recorded = _start(SLEEPS, tmp_path)
    yield recorded
    if psutil.pid_exists(recorded.pid):
        child = psutil.Process(recorded.pid)
        child.kill()
        child.wait()


def test_a_started_process_is_found_again_in_a_session_of_its_own(sleeper: Recorded, tmp_path: Path) -> None:
    found = process.find(sleeper, tmp_path)
    assert found is not None
    assert os.getsid(found.pid) == found.pid


def test_a_process_that_started_at_another_time_is_not_the_homes_own(sleeper: Recorded, tmp_path: Path) -> None:
    assert process.find(replace(sleeper, started=sleeper.started - 60), tmp_path) is None


def test_the_process_of_another_home_is_not_the_homes_own(sleeper: Recorded, tmp_path: Path) -> None:
    assert process.find(sleeper, tmp_path / "copy") is None


def test_a_process_that_ended_is_not_found(sleeper: Recorded, tmp_path: Path) -> None:
    child = psutil.Process(sleeper.pid)
    child.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the process table
    assert process.find(sleeper, tmp_path) is None
    child.wait()
    assert process.find(sleeper, tmp_path) is None


def test_a_stop_is_gentle_first(sleeper: Recorded) -> None:
    assert process.stop(psutil.Process(sleeper.pid), patience=60)
    assert not psutil.pid_exists(sleeper.pid)


def test_a_process_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    recorded = _start(IGNORES_SIGTERM, tmp_path)
    while "ignoring" not in (tmp_path / "console.log").read_text():
        os.sched_yield()
    assert not process.stop(psutil.Process(recorded.pid), patience=0.1)
    assert not psutil.pid_exists(recorded.pid)


def test_ctrl_c_waits_for_the_end_of_what_must_not_be_interrupted() -> None:
    done: list[str] = []

    def work() -> None:
        with process.uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["all of it"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_process_is_stopped_by_another_than_its_parent(sleeper: Recorded) -> None:
    """Its parent, such as a notebook that lives on, does not notice: the system keeps it in the process table."""
    assert killed.run(_stopped, sleeper.pid) == 0


def _stopped(pid: int) -> None:
    assert process.stop(psutil.Process(pid), patience=60)
