"""The features of two runs compared: which are in both, and whose state is another."""

from typing import Final

import pandas as pd

DIRECTIONS: Final = ("state_in", "state_out")
TRANSITION: Final = ["direction", "a", "b"]


def in_one_list(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Return the features of both runs by depth and index.

    Args:
        a: columns id, sae, depth, index and the states.
        b: the same of the other run.

    Returns:
        columns id and sae, whether it is ``in_a`` and ``in_b``, and each state with ``_a`` or ``_b`` behind its name.
    """
    joined = a.merge(b, on=["id", "sae", "index"], how="outer", suffixes=("_a", "_b"), indicator="found")
    depth = joined["depth_a"].fillna(joined["depth_b"])
    in_order = joined.assign(
        depth=depth, in_a=joined["found"] != "right_only", in_b=joined["found"] != "left_only"
    ).sort_values(["depth", "sae", "index"], ignore_index=True)
    return in_order.drop(columns=["found", "depth_a", "depth_b", "depth", "index"])


def counts_by_sae(features: pd.DataFrame) -> pd.DataFrame:
    """Return how many features of each SAE are in one run only, and in both."""
    in_a, in_b = features["in_a"], features["in_b"]
    where = pd.DataFrame({"sae": features["sae"], "only_a": ~in_b, "only_b": ~in_a, "both": in_a & in_b})
    return pd.DataFrame(where.groupby("sae", sort=False, as_index=False).sum())


def transitions(features: pd.DataFrame, limit: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return how many features have which other state in the second run, most first, and examples.

    A feature without a state in one run, because its neighbour was not computed there, has not changed. Every
    transition gets its first example before one gets its second.
    """
    parts = [
        pd.DataFrame(
            {"feature": features["id"], "direction": name, "a": features[f"{name}_a"], "b": features[f"{name}_b"]}
        )
        for name in DIRECTIONS
    ]
    both = pd.concat(parts).dropna()
    changed = both.loc[both["a"] != both["b"]]
    groups = changed.groupby(TRANSITION)
    counts = groups.size().reset_index(name="features")
    counts = counts.sort_values(["features", *TRANSITION], ascending=[False, True, True, True], ignore_index=True)
    turns = changed.assign(turn=groups.cumcount()).merge(counts, on=TRANSITION)
    in_turn = turns.sort_values(["turn", "features"], ascending=[True, False], kind="stable", ignore_index=True)
    return counts, in_turn.loc[:, ["feature", *TRANSITION]].head(limit)
