"""Starts, recognises and stops the Java process of one home.

A process is the home's own if the recorded pid lives, was started at the recorded time, and names the home on its
command line. A pid that the system gave to another program, or a state file copied with its home, matches none.
"""

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

_POLL_SECONDS = 0.05
CLOCK_TOLERANCE = 2.0  # seconds: the system rounds its own start to whole ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is kept about a process, to know it again."""

    pid: int
    started: float
    """Seconds from the machine's start to the process's: unlike a time of day, it stays when the clock is set."""


def home_argument(neo4j_home: Path) -> str:
    """Return the argument that marks a server's process as that of one home."""
    return f"--home-dir={neo4j_home}"


def start(command: list[str], environment: Mapping[str, str], console: Path) -> Recorded:
    """Return the record of a new process in a session of its own, which Ctrl-C in the terminal does not reach.

    What it prints goes to `console`. It is spawned, not held as a `subprocess.Popen`, because it outlives this program.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    pid = os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(console), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    child = psutil.Process(pid)
    _await_command_line(child)
    return Recorded(pid=pid, started=started(child))


@contextlib.contextmanager
def uninterrupted() -> Generator[None]:
    """Put Ctrl-C off until the block has ended, so that no process is started that nobody has noted."""
    if threading.current_thread() is not threading.main_thread():  # no other thread is ever interrupted
        yield
        return
    received: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if received:
        signal.raise_signal(signal.SIGINT)


def _await_command_line(child: psutil.Process) -> None:
    """Wait until `find` can recognise a new process: the system tells no command line before the program is loaded."""
    with contextlib.suppress(psutil.ZombieProcess):  # it has ended already
        while not child.cmdline():
            time.sleep(0.01)


def find(recorded: Recorded, neo4j_home: Path) -> psutil.Process | None:
    """Return the process if it lives and is the home's own."""
    try:
        process = psutil.Process(recorded.pid)
        is_same = abs(started(process) - recorded.started) < CLOCK_TOLERANCE
        return process if is_same and home_argument(neo4j_home) in process.cmdline() else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # gone or ended, or someone else's by now
        return None


def stop(process: psutil.Process, patience: float) -> bool:
    """Stop a process by SIGTERM; return False if it had to be killed after ``patience`` seconds."""
    process.send_signal(signal.SIGTERM)
    if has_ended(process, patience):
        return True
    process.kill()
    has_ended(process)
    return False


def has_ended(process: psutil.Process, patience: float = math.inf) -> bool:
    """Return whether a process ends within ``patience`` seconds.

    It has ended, too, when only its parent has not noticed yet, such as a notebook that started it: psutil would wait
    for that parent.
    """
    deadline = time.monotonic() + patience
    while _is_alive(process):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    with contextlib.suppress(psutil.TimeoutExpired):  # of a parent that is not this process
        process.wait(0)
    return True


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def started(process: psutil.Process) -> float:
    """Return the seconds from the machine's start to the process's, which stay when the clock is set."""
    return process.create_time() - psutil.boot_time()
