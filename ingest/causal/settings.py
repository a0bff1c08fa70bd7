"""What an ablation is made with."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from saedb.ingest.errors import InputError

Direction = Literal["sae", "decoder"]

DIRECTIONS: Final[tuple[Direction, ...]] = get_args(Direction)


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationSettings:
    """Settings of an ablation; effects of other settings are computed again."""

    direction: Direction = "sae"
    """``sae``: the feature's activation becomes 0 in the SAE's own reconstruction, the error stays; ``decoder``: the
    residual loses its component along the feature's decoder row on tokens where the feature fires at all, above 0."""
    contexts: int = 32
    """Contexts of each upstream feature, at most, drawn from those in which it is active; and up to a quarter as many
    in which it only fires, on tokens that do not count or below its threshold."""
    controls: int = 8
    """Downstream features without an edge from it that each edge is compared with."""
    seed: int = 0
    """Random seed of the sample, and of the contexts."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is not allowed.
        """
        if self.direction not in DIRECTIONS:
            raise InputError(f"no direction {self.direction!r}; there are {' and '.join(DIRECTIONS)}")
        if self.contexts < 1 or self.controls < 0:
            raise InputError(f"{self.contexts} contexts and {self.controls} controls; give at least 1, and 0")
