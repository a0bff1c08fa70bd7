"""Fail points: where a run or a graph commits, a test can have the process killed.

Only tests set the environment variable ``SAEDB_FAIL_AT``: to the name of a point, as in ``table renamed``, or with the
number of the time that it is reached, as in ``shard array synced:3``. Without the variable a point does nothing.
"""

import os
import signal
from collections import Counter
from typing import Final, Literal, get_args

Kind = Literal["shard array", "shard summary", "directions", "table", "record"]
"""What is committed."""

Step = Literal["written", "synced", "renamed"]
"""How far: under a temporary name, that on the disk for good, or under its own name."""

POINTS: Final = tuple(f"{kind} {step}" for kind in get_args(Kind) for step in get_args(Step))
"""Every point by name."""

Moment = Literal[
    "batch committed",
    "removal committed",
    "staging begun",
    "staging imported",
    "staging ready",
    "server stopped",
    "swap begun",
    "store aside",
    "store in place",
    "logs aside",
    "swap done",
    "server checked",
    "old store removed",
]
"""What a load or a drop has just done to a graph."""

MOMENTS: Final[tuple[Moment, ...]] = get_args(Moment)

VARIABLE: Final = "SAEDB_FAIL_AT"

_reached: Counter[str] = Counter()


def reached(kind: Kind, step: Step) -> None:
    """Kill this process, as by ``kill -9``, if the environment asks for that here."""
    _at(f"{kind} {step}")


def passed(moment: Moment) -> None:
    """Kill this process, as by ``kill -9``, if the environment asks for that after this."""
    _at(moment)


def _at(point: str) -> None:
    name, _, time = os.environ.get(VARIABLE, "").partition(":")
    if name != point:
        return
    _reached[name] += 1
    if _reached[name] == int(time or 1):
        os.kill(os.getpid(), signal.SIGKILL)
