import pyarrow as pa
import pytest

from saedb.ingest.wholewords import whole_words


def examples(*rows: tuple[str, str, str, str]) -> pa.Table:
    tokens = [[before, token, after] for _, before, token, after in rows]
    return pa.table({"feature": [row[0] for row in rows], "tokens": tokens, "at": [1] * len(rows)})


@pytest.mark.parametrize(
    ("before", "token", "after", "form"),
    [
        ("the", " am", "endment of", "[am]endment"),
        ("a b", "ellig", "erent", "b[ellig]erent"),
        ("Represent", "ations", " of", "Represent[ations]"),
        ("", "Am", "end", "[Am]end"),
        ("the", " court", " of", None),
        ("the", " court", ", of", None),
        ("in 19", "th", " century", None),
        ("end.", "\n", "The", None),
        ("1,95", "0", "5x", None),
        ("can", "'t", "", None),
    ],
)
def test_the_word_around_a_token_is_made_of_letters(before: str, token: str, after: str, form: str | None) -> None:
    found = whole_words([examples(("a", before, token, after))])
    assert found == ({} if form is None else {"a": {token.strip().casefold(): form}})


def test_the_most_frequent_word_counts_and_of_equal_ones_that_of_the_most_active_example() -> None:
    rows = [
        ("a", "", " am", "ity"),
        ("a", "", " am", "end"),
        ("a", "", " am", "end"),
        ("b", "", "x", "y"),
        ("b", "", "x", "z"),
    ]
    assert whole_words([examples(*rows)]) == {"a": {"am": "[am]end"}, "b": {"x": "[x]y"}}


def test_a_token_that_is_as_often_a_word_stands_as_it_is() -> None:
    rows = [("a", "", " port", "ion"), ("a", "", " port", " of"), ("a", "", "age", "nt")]
    assert whole_words([examples(*rows)]) == {"a": {"age": "[age]nt"}}


def test_examples_of_a_feature_may_be_in_two_parts() -> None:
    parts = [examples(("a", "", " am", "ity")), examples(("a", "", " am", "end"), ("a", "", " am", "end"))]
    assert whole_words(parts) == {"a": {"am": "[am]end"}}
