"""Packing as TransformerLens 2 does it: one text of many documents, cut into rows.

So arXiv 2410.08869 read its text, by ``tokenize_and_concatenate`` of TransformerLens 2.7; version 3 tokenises document
by document. Which tokens share a row with which decides what is active on the first and last of them, and so which
features are dead on so many tokens.

1. So many documents at a time are joined, EOS between them, and the text is cut into 20 pieces of as many characters.
   Each piece is tokenised by itself, with what else the tokenizer adds.
2. Padding is taken out. Where a tokenizer pads with EOS, as TransformerLens sets up that of GPT-2, the separators go
   with it: there documents follow one another without a mark.
3. The tokens are cut into rows, BOS stands before each, and those that do not fill a row are left out: after every so
   many documents, not only at the end.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from saedb.ingest.contexts import NO_DOCUMENT, Contexts
from saedb.ingest.document import Document
from saedb.ingest.errors import InputError
from saedb.ingest.progress import Report, silent

DOCUMENTS: Final = 1000
"""Documents that are joined: what `datasets` maps at once."""
_PIECES: Final = 20

Tokens = NDArray[np.int32]


def concatenate(
    documents: Iterable[Document],
    tokenizer: PreTrainedTokenizerBase,
    *,
    context_size: int,
    prepend_bos: bool,
    max_tokens: int,
    report: Report = silent,
) -> Contexts:
    """Return the documents packed in as many contexts as `max_tokens` tokens fill, rounded up; all are of half 0.

    Args:
        documents: the text, blank documents among them, as they count towards the characters of a piece.
        tokenizer: the model's, a fast one, with EOS.
        context_size: tokens per context.
        prepend_bos: whether BOS starts each context.
        max_tokens: tokens wanted.
        report: told the tokens packed.

    Raises:
        InputError: there is not enough text for one context, a context is shorter than two tokens, or the tokenizer has
            no EOS, or does not say where its tokens stand in the text.
    """
    _check(tokenizer, context_size)
    bos = tokenizer.bos_token_id if prepend_bos and isinstance(tokenizer.bos_token_id, int) else None
    wanted, length = -(-max_tokens // context_size), context_size - (bos is not None)
    tokens, owners, ids, ready = [np.empty((0, length), np.int32)], [np.empty((0, length), np.int32)], list[str](), 0
    for batch in _batches(documents):
        read, owner = _tokenised(batch, tokenizer)
        rows = len(read) // length
        tokens.append(read[: rows * length].reshape(rows, length))
        owners.append(
            np.where(owner < 0, owner, owner + len(ids)).astype(np.int32)[: rows * length].reshape(rows, length)
        )
        ids += [document.id for document in batch]
        ready += rows
        report("tokenise", min(ready, wanted) * context_size, wanted * context_size)
        if ready >= wanted:
            break
    if not ready:
        raise InputError(f"the text does not fill one context of {context_size} tokens; give more text")
    return _contexts(np.concatenate(tokens)[:wanted], np.concatenate(owners)[:wanted], ids, bos)


def _check(tokenizer: PreTrainedTokenizerBase, context_size: int) -> None:
    if context_size < 2:
        raise InputError(f"a context size of {context_size} leaves no token after the first; give 2 or more")
    if tokenizer.eos_token is None:
        raise InputError("the tokenizer has no EOS to stand between documents; leave out --packing transformer-lens")
    if not tokenizer.is_fast:
        raise InputError("the tokenizer does not say where tokens stand; leave out --packing transformer-lens")


def _batches(documents: Iterable[Document]) -> Iterator[Sequence[Document]]:
    left = iter(documents)
    while batch := list(islice(left, DOCUMENTS)):
        yield batch


def _tokenised(documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase) -> tuple[Tokens, Tokens]:
    """Return the tokens of documents that are joined, without padding, and the number of each one's document."""
    separator = str(tokenizer.eos_token)
    texts = ["".join(document.pieces()) for document in documents]
    whole = separator.join(texts)
    begin = np.cumsum([0, *(len(text) + len(separator) for text in texts[:-1])])
    size = (len(whole) - 1) // _PIECES + 1
    pieces = [whole[n * size : (n + 1) * size] for n in range(_PIECES)]
    # verbose: a piece may well be longer than the model's context
    found: Any = tokenizer(pieces, return_offsets_mapping=True, return_attention_mask=False, verbose=False)
    tokens = np.concatenate([np.array(part, np.int32) for part in found["input_ids"]])
    places = np.concatenate([_places(part, n * size) for n, part in enumerate(found["offset_mapping"])])
    owners = np.searchsorted(begin, places, side="right") - 1
    special = (tokens == tokenizer.bos_token_id) | (tokens == tokenizer.eos_token_id)
    owners[special] = NO_DOCUMENT
    kept = tokens != tokenizer.pad_token_id
    return tokens[kept], owners[kept].astype(np.int32)


def _places(offsets: Sequence[tuple[int, int]], start: int) -> NDArray[np.int64]:
    """Return where the tokens of a piece begin in the joined text."""
    return np.array([first for first, _ in offsets], np.int64) + start


def _contexts(tokens: Tokens, owners: Tokens, ids: Sequence[str], bos: int | None) -> Contexts:
    """Return the rows with BOS before them, and only the documents that are in one."""
    present = np.unique(owners[owners >= 0])
    numbers = np.where(owners < 0, NO_DOCUMENT, np.searchsorted(present, owners)).astype(np.int32)
    if bos is not None:
        tokens, numbers = _before(tokens, bos), _before(numbers, NO_DOCUMENT)
    return Contexts(
        tokens=tokens,
        documents=numbers,
        document_ids=tuple(ids[int(number)] for number in present),
        halves=np.zeros(len(present), np.int8),
        prepend_bos=bos is not None,
    )


def _before(rows: Tokens, value: int) -> Tokens:
    """Return rows that begin with a value."""
    return np.concatenate([np.full((len(rows), 1), value, np.int32), rows], axis=1)
