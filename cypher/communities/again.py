"""The command that finds a partition again, as users would type it."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from saedb.cypher.communities.settings import NAME, CommunitySettings

_ASKED: Final = ("engine", "algorithm", "measure", "min_similarity", "resolution", "seed", "runs")
"""Settings that a partition stores."""


def again(run: str, partition: Mapping[str, Any], names: Collection[str], *, swept: bool, more: str = "") -> str:
    """Return the command that gives a partition again with its levels, consensus and sweep.

    Args:
        run: id of the run.
        partition: its properties or its row in the query `partitions`.
        names: of all partitions of the run.
        swept: whether other resolutions were tried.
        more: an option that is to be added; one of the same flag gives way.
    """
    default, name = CommunitySettings(), partition["partition"]
    options = [f"--name {name}"] if name != NAME else []
    options += [
        f"--{setting.replace('_', '-')} {_text(partition[setting])}"
        for setting in _ASKED
        if partition[setting] not in (None, getattr(default, setting))
    ]
    options += ["--levels"] if f"{name}.1" in names else []
    options += ["--sweep"] if swept else []
    flag = more.partition(" ")[0]
    kept = [option for option in options if option.partition(" ")[0] != flag]
    return " ".join(["saedb communities", run, *kept, *([more] if more else [])])


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
