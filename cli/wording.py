"""Ids as short as people write them, and states in words."""

from collections.abc import Mapping
from typing import Final, overload

_EXPLAINED: Final = {
    "dead": "dead (never active on a counted token)",
    "rare": "rare (active too seldom to compare)",
}


def short_id(feature: str) -> str:
    """Return the id of a feature without its model, as the command line takes it."""
    return "/".join(feature.rsplit("/", 2)[-2:])


@overload
def words(name: str) -> str: ...
@overload
def words(name: None) -> None: ...
def words(name: str | None) -> str | None:
    """Return the name of a state, a measure or a column in words."""
    return None if name is None else name.replace("_", " ")


def state_in_words(state: str | None, best: float | None, where: str) -> str:
    """Return a state with the correlation that decides it; nothing where there is no state.

    Args:
        state: of a feature, in one direction.
        best: highest Pearson correlation on an edge in this direction.
        where: the direction, such as ``to the next layer``.
    """
    if state is None:
        return ""
    if state in _EXPLAINED:
        return _EXPLAINED[state]
    return f"{words(state)}: " + (f"no edge {where}" if best is None else f"best Pearson {where} {best:.3f}")


def duration(seconds: float) -> str:
    """Return a time in the largest unit of which there are two, such as ``3 min``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def effect_in_words(values: Mapping[str, float]) -> str | None:
    """Return the effect of an edge with its standard error, given all of its numbers by name; None without."""
    effect, error = (values.get(name) for name in ("effect", "effect_se"))
    if effect is None:
        return None
    return f"{effect:.2f}" if error is None else f"{effect:.2f} ± {error:.2f}"
