import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from saedb.ingest.errors import InputError
from saedb.ingest.prompts.tokens import chosen, token_texts

TOKENS = ("<s>", "The", " cat", " and", " the", " cat", " 3")
COUNTED = (1, 2, 3, 4, 5, 6)


def byte_level() -> PreTrainedTokenizerFast:
    """Return a tokenizer of single bytes, as GPT-2's is of many."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({byte: number for number, byte in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


BYTES = byte_level()


def texts_of(tokenizer: PreTrainedTokenizerFast, text: str) -> tuple[str, ...]:
    return token_texts(tokenizer, tokenizer(text, add_special_tokens=False)["input_ids"])


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), min_size=1, max_size=30))
def test_the_texts_of_tokens_joined_are_the_text(text: str) -> None:
    parts = texts_of(BYTES, text)
    assert "".join(part for part in parts if part != "\ufffd") == text
    assert len(parts) == len(text.encode())


def test_a_character_belongs_to_its_last_token() -> None:
    assert texts_of(BYTES, "aé!") == ("a", "\ufffd", "é", "!")


def test_words_keep_the_space_that_parts_them() -> None:
    assert texts_of(tiny.tokenizer(), "the cat sat") == ("the", " cat", " sat")


@pytest.mark.parametrize(
    ("asked", "position"),
    [(None, 6), ("2", 2), ("3", 3), (" and", 3), ("The", 1), ("AND", 3), ("the", 4), (" 6 ", 6)],
)
def test_a_token_is_meant_by_its_position_or_its_text(asked: str | None, position: int) -> None:
    assert chosen(TOKENS, COUNTED, asked) == position


def test_the_last_token_that_counts_is_the_default() -> None:
    assert chosen(TOKENS, (1, 3), None) == 3


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("7", r"there is no token 7; there are 0 '<s>', 1 'The', 2 ' cat', 3 ' and'"),
        ("-1", "there is no token '-1'"),
        ("", "there is no token ''"),
        ("dog", r"there is no token 'dog'; there are 0 '<s>'"),
        ("cat", r"the token 'cat' stands at 2 and 5; choose one by its position, such as --token 5"),
        ("THE", r"the token 'THE' stands at 1 and 4"),
        ("0", r"token 0 '<s>' does not count in this run .*; choose one of 1 'The', 2 ' cat'"),
        ("²", "there is no token '²'"),
    ],
)
def test_a_token_that_is_none_is_told_with_those_that_are(asked: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        chosen(TOKENS, COUNTED, asked)


def test_of_many_tokens_the_first_are_listed() -> None:
    with pytest.raises(InputError, match=r"39 'x', \.\.\.$"):
        chosen(("x",) * 100, tuple(range(100)), "y")
