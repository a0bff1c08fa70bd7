from typing import Any

import pytest

from saedb.cypher.communities.settings import CommunitySettings
from saedb.ingest.errors import InputError

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"engine": "locl"}, "there is no engine 'locl'; did you mean local"),
    ({"algorithm": "cpm"}, "Graph Data Science has no cpm; local has it: --engine local"),
    ({"algorithm": "walktrap", "engine": "local"}, "the local engine has no walktrap"),
    ({"min_similarity": 0.0}, r"the lowest similarity is 0\.0; weights must be positive"),
    ({"min_similarity": float("nan")}, "the lowest similarity is nan"),
    ({"resolution": float("nan")}, "the resolution is nan; it must be positive"),
    ({"resolution": float("inf")}, "the resolution is inf"),
    ({"seed": -1}, "the seed is -1"),
    ({"runs": 0}, "runs is 0; it must be from 1 to 1000"),
    ({"algorithm": "louvain", "resolution": 2.0}, "louvain of Graph Data Science takes no resolution"),
    ({"algorithm": "components", "runs": 5}, "components of Graph Data Science gives the same at every run"),
    ({"algorithm": "components", "sweep": True}, "takes no resolution; leave out --sweep"),
    ({"engine": "local", "levels": True}, "leiden of the local engine has no levels"),
    ({"engine": "local", "fast": True}, "only Graph Data Science works with several threads"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=[str(values) for values, _ in REFUSED])
def test_what_does_not_go_together_is_refused_with_what_to_do(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CommunitySettings(**values)


def test_what_goes_together_is_taken() -> None:
    for values in (
        {"algorithm": "louvain", "engine": "local", "resolution": 2.0, "levels": True, "runs": 3},
        {"algorithm": "cpm", "engine": "local", "resolution": 0.05, "sweep": True},
        {"levels": True, "sweep": True, "fast": True, "runs": 20},
        {"algorithm": "components"},
    ):
        CommunitySettings(**values)  # type: ignore[arg-type]
