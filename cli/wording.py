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


def recovered_in_words(
    recovered: float | None,
    control: float | None,
    slope: float | None,
    correlation: float | None,
    tokens: int | None,
    *,
    vanishes: bool,
) -> str:
    """Return how much of a feature is in the error of the next SAE, and how that is read; nothing where not measured.

    Args:
        recovered: that share.
        control: the same along a random direction.
        slope: what the error has more of for each unit of its activation.
        correlation: of the error along its direction with its activation.
        tokens: those that it is of.
        vanishes: whether nothing in the next SAE needs the feature.
    """
    if recovered is None:
        return ""
    known = (
        (control, "random direction {:.3f}"),
        (slope, "slope {:.2f}"),
        (correlation, "correlation {:.2f}"),
        (tokens, "{:,} tokens"),
    )
    beside = [form.format(value) for value, form in known if value is not None]
    read = "1: as much as its activation"
    beside += ["it vanishes"] if vanishes else []
    return f"{recovered:.3f} of it is in the next SAE's error ({', '.join(beside)}; {read})"


def copied_in_words(copied: float | None, ratio: float | None) -> str:
    """Return how far the residual stream of the layer before has a feature, and how that is read; or nothing.

    Args:
        copied: correlation of its activation with that by its own SAE on that stream.
        ratio: mean of the latter over its mean activation.
    """
    if ratio is None:
        return ""
    if copied is None:
        return "the stream of the layer before has nothing of it: this layer computes it"
    read = "1: carried by the stream, 0: computed by this layer"
    return f"{copied:.3f} correlation with the stream of the layer before, {ratio:.2f} of its mean ({read})"
