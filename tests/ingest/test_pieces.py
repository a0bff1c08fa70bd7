import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from saedb.ingest.pieces import Pieces


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer whose tokens are single bytes, so that most characters are several tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({piece: number for number, piece in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def sentence_tokenizer() -> PreTrainedTokenizerFast:
    """Return one that leaves out the first space, as Llama 2's does, and writes unknown characters as bytes."""
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "▁a", "b", "▁b", "a"]
    model = models.BPE({piece: number for number, piece in enumerate(pieces)}, [("▁", "a"), ("▁", "b")])
    model.byte_fallback, model.unk_token = True, "<unk>"
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


BYTES, SENTENCES, WORDS = byte_tokenizer(), sentence_tokenizer(), tiny.tokenizer()
TOKENIZERS = {"bytes": BYTES, "sentences": SENTENCES, "words": WORDS}


def pieces_of(tokenizer: PreTrainedTokenizerFast, tokens: list[int], at: int = 0) -> list[str]:
    return Pieces(tokenizer).of([tokens], [at])[0]


def test_a_token_has_the_space_that_it_has_within_a_text() -> None:
    tokens = WORDS.convert_tokens_to_ids(["the", "cat", "sat"])
    assert pieces_of(WORDS, tokens) == ["the", " cat", " sat"]
    tokens = [SENTENCES.convert_tokens_to_ids(piece) for piece in ("▁a", "b", "▁b")]
    assert pieces_of(SENTENCES, tokens) == ["a", "b", " b"]
    assert pieces_of(SENTENCES, tokens[1:]) == ["b", " b"]


@pytest.mark.parametrize("tokenizer", [BYTES, SENTENCES])
def test_a_character_of_several_tokens_is_the_text_of_the_last_of_them_or_of_the_active_one(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    tokens = tokenizer("b😀b", add_special_tokens=False)["input_ids"][-6:]
    assert [pieces_of(tokenizer, tokens, at) for at in (0, 1, 3, 4, 5)] == [
        ["b", "", "", "", "😀", "b"],
        ["b", "😀", "", "", "", "b"],
        ["b", "", "", "😀", "", "b"],
        ["b", "", "", "", "😀", "b"],
        ["b", "", "", "", "😀", "b"],
    ]


@pytest.mark.parametrize("name", TOKENIZERS)
@given(tokens=st.lists(st.integers(0, 255), min_size=1, max_size=8), data=st.data())
def test_pieces_make_the_text_again_whatever_the_tokens(name: str, tokens: list[int], data: st.DataObject) -> None:
    tokenizer = TOKENIZERS[name]
    tokens = [token % len(tokenizer) for token in tokens]
    at = data.draw(st.integers(0, len(tokens) - 1))
    pieces, text = pieces_of(tokenizer, tokens, at), tokenizer.decode(tokens)
    assert len(pieces) == len(tokens)
    assert "".join(pieces) == text
    assert pieces[at] or not text


@given(st.text("aé€😀 \n", min_size=1, max_size=6), st.data())
def test_pieces_make_the_text_again_wherever_a_character_is_cut(text: str, data: st.DataObject) -> None:
    tokens = BYTES(text)["input_ids"][:7]
    at = data.draw(st.integers(0, len(tokens) - 1))
    pieces = pieces_of(BYTES, tokens, at)
    assert "".join(pieces) == BYTES.decode(tokens)
    assert pieces[at]


def test_windows_are_divided_each_for_itself() -> None:
    divided, windows = Pieces(BYTES), [BYTES(text)["input_ids"] for text in ("aé", "b", "é")]
    assert divided.of(windows, [0, 0, 1]) == [["a", "", "é"], ["b"], ["", "é"]]
    assert divided.of([], []) == []
