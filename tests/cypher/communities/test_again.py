from dataclasses import asdict

from saedb.cypher.communities.again import again
from saedb.cypher.communities.table import Partition

PLAIN = Partition(
    partition="main", is_default=True, algorithm="leiden", engine="gds", measure="jaccard", min_similarity=0.1,
    resolution=1.0, seed=42,
)  # fmt: skip


def test_the_defaults_need_no_options() -> None:
    assert again("r", asdict(PLAIN), ["main"], swept=False) == "saedb communities r"


def test_everything_that_differs_is_asked_for_again() -> None:
    other = Partition(
        partition="fine", is_default=False, algorithm="cpm", engine="local", measure="pearson", min_similarity=0.25,
        resolution=0.05, seed=7, runs=20,
    )  # fmt: skip
    assert again("r", asdict(other), ["fine", "fine.1"], swept=True) == (
        "saedb communities r --name fine --engine local --algorithm cpm --measure pearson --min-similarity 0.25"
        " --resolution 0.05 --seed 7 --runs 20 --levels --sweep"
    )


def test_an_option_that_is_added_takes_the_place_of_its_own() -> None:
    three = asdict(PLAIN) | {"runs": 3}
    assert (
        again("r", three, ["main", "main.1"], swept=False, more="--runs 20") == "saedb communities r --levels --runs 20"
    )
    assert again("r", three, ["main"], swept=True, more="--sweep") == "saedb communities r --runs 3 --sweep"


def test_what_a_partition_does_not_have_is_left_out() -> None:
    components = asdict(PLAIN) | {"algorithm": "components", "resolution": None, "seed": None}
    assert again("r", components, ["main"], swept=False) == "saedb communities r --algorithm components"
