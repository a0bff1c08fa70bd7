import pandas as pd

from saedb.cypher.communities.comparison import Division, Outcome, outcomes


def division(**members: str) -> Division:
    """Return a partition whose communities are called n0, n1, ..., given as the letters of their features."""
    numbers = {int(name[1:]): list(letters) for name, letters in members.items()}
    number = {letter: n for n, letters in numbers.items() for letter in letters}
    return Division(
        partition="p",
        number=pd.Series(number, dtype="int64"),
        sizes={n: len(letters) for n, letters in numbers.items()},
        labels={n: f"about {n}" for n in numbers},
    )


def kinds(one: Division, other: Division) -> dict[int, str]:
    return {outcome.community: outcome.kind for outcome in outcomes(one, other)}


def test_a_community_is_kept_merged_split_or_dissolved() -> None:
    one = division(n0="abcdefgh", n1="ijkl", n2="mnopqr", n3="stuvwxyz")
    other = division(n5="abcdefg", n6="ijklABCDE", n7="mno", n8="pqr", n9="sFGHIJKLM")
    assert kinds(one, other) == {0: "kept", 3: "dissolved", 2: "split", 1: "merged"}
    assert kinds(one, one) == dict.fromkeys(range(4), "kept")


def test_the_largest_come_first_with_the_parts_that_hold_a_tenth() -> None:
    one, other = division(n0="abcdefghijkl"), division(n1="abcd", n2="efgh", n3="i")
    assert list(outcomes(one, other)) == [Outcome(community=0, kind="split", overlap=4 / 12, parts={1: 4, 2: 4})]


def test_only_some_features_can_be_compared() -> None:
    one = division(n0="abcd", n1="ef").within(pd.Index(list("abx")))
    assert (one.sizes, one.labels, one.number.to_dict()) == ({0: 2}, {0: "about 0"}, {"a": 0, "b": 0})
    assert one.agreement(division(n7="ab")) is not None
    assert one.agreement(division(n7="ab")).ari == 1.0  # type: ignore[union-attr]
