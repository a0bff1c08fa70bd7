"""What two runs differ in, as tables. Ends of edges, and features, are told by id and label."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Run `b` compared with run `a`.

    An edge counts where its value of `measure` reaches `threshold`. Only pairs of SAEs that both runs compared can tell
    of an edge that it came or went.
    """

    a: str
    b: str
    measure: str
    threshold: float
    warnings: tuple[str, ...]
    """What was defined differently, or cannot be compared, and what that means; a line each."""
    features: "DataFrame"
    """Counts by ``sae``: ``only_a``, ``only_b``, ``both``."""
    edges: "DataFrame"
    """Counts by ``change`` (kept, lost, gained; only_a, only_b: the other run did not compare these SAEs) and by
    ``elsewhere``, what the other run has: above, below the threshold, unknown (an edge without the measure), absent."""
    kept: "DataFrame"
    """The strongest edges that count in both: ``source, source_label, target, target_label, a, b``, the values."""
    lost: "DataFrame"
    """The strongest that count in `a` only; with ``elsewhere``."""
    gained: "DataFrame"
    """The strongest that count in `b` only; with ``elsewhere``."""
    measures: "DataFrame"
    """By ``measure`` and ``unit``, over the ``edges`` that both runs have and one counts: ``mean_shift`` (b - a),
    ``mean_move`` and ``largest_move`` (absolute), and how many moved ``over_tenth``: null where a measure has no upper
    end, and 0.1 is nothing."""
    moved: "DataFrame"
    """Those of these edges that moved most in `measure`."""
    states: "DataFrame"
    """Numbers of ``features`` by ``direction`` (state_in, state_out) and state in ``a`` and ``b``, which differ."""
    changed: "DataFrame"
    """Some features of each of these changes: ``feature, label, direction, a, b``."""
