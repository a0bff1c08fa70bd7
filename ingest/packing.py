"""Packing: documents become contexts as SAELens' activation store makes them, in two halves that share no context.

1. Each document goes to the half that has fewer tokens so far, to the first where both have as many.
2. The documents of a half stand one after the other, with BOS between them, and are cut into contexts; BOS starts each
   context where the SAEs were trained so. What does not fill a context is left out.
3. Each half gives half of the contexts, or more where the other one has too few. Where only one has any, it is half 0.

What is found on one half can so be checked on the other: they share neither a context nor a document.
"""

from array import array
from collections.abc import Iterable
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from saedb.ingest.contexts import NO_DOCUMENT, Contexts
from saedb.ingest.document import Document
from saedb.ingest.errors import InputError
from saedb.ingest.progress import Report, silent

_INT32: Final = "i"

Tokens = NDArray[np.int32]


def pack(
    documents: Iterable[Document],
    tokenizer: PreTrainedTokenizerBase,
    *,
    context_size: int,
    prepend_bos: bool,
    max_tokens: int,
    halves: bool = True,
    report: Report = silent,
) -> Contexts:
    """Return the documents packed in as many contexts as `max_tokens` tokens fill, rounded up; no more text is read.

    A text that fills a context only as a whole is all in the first half.

    Args:
        documents: the text; a long document is tokenised piece by piece.
        tokenizer: the model's.
        context_size: tokens per context.
        prepend_bos: whether BOS starts each context; it stands between documents in any case.
        max_tokens: tokens wanted.
        halves: whether to pack in two halves; otherwise all is one stream in the order of the text, as in SAELens.
        report: told the tokens packed.

    Raises:
        InputError: there is not enough text for one context, or a context is shorter than two tokens.
    """
    if context_size < 2:
        raise InputError(f"a context size of {context_size} leaves no token after the first; give 2 or more")
    wanted = -(-max_tokens // context_size)
    shares = (wanted - wanted // 2, wanted // 2) if halves else (wanted, 0)
    bos = tokenizer.bos_token_id if isinstance(tokenizer.bos_token_id, int) else None
    streams = [_Stream(context_size, bos, prepend_bos=prepend_bos) for _ in shares]
    ready = 0
    for document in documents:
        stream = min(streams, key=lambda s: s.read) if halves else streams[0]
        stream.begin(document.id)
        for piece in document.pieces():
            stream.add(token_ids(tokenizer, piece))
            ready = sum(min(s.contexts, share) for s, share in zip(streams, shares, strict=True))
            report("tokenise", ready * context_size, wanted * context_size)
            if ready == wanted or stream.contexts >= wanted:
                break
        if ready == wanted:
            break
    return _joined(*streams, wanted=wanted)


def token_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> Tokens:
    """Return the ids of a text, without BOS or what else a tokenizer would add."""
    # verbose: a document may well be longer than the model's context
    found = tokenizer(text, add_special_tokens=False, return_attention_mask=False, verbose=False)["input_ids"]
    return np.array(found, dtype=np.int32)


class _Stream:
    """Documents one after the other, cut into contexts."""

    def __init__(self, context_size: int, bos: int | None, *, prepend_bos: bool) -> None:
        self.prepend_bos = prepend_bos and bos is not None
        self.read = 0
        """Tokens of documents."""
        self._size = context_size
        self._bos = bos
        self._begun: str | None = None
        self._ids: list[str] = []
        self._tokens = array(_INT32)  # grows in place, at 4 bytes a token
        self._documents = array(_INT32)

    @property
    def contexts(self) -> int:
        """Whole contexts so far."""
        return len(self._tokens) // self._size

    def begin(self, document_id: str) -> None:
        """Begin a document; one without tokens leaves no trace."""
        self._begun = document_id

    def add(self, tokens: Tokens) -> None:
        """Add tokens to the document that was begun last."""
        if not len(tokens):
            return
        separated = self._begun is not None and self._bos is not None
        if self._begun is not None:
            self._ids.append(self._begun)
            self._begun = None
        self.read += len(tokens)
        rest = tokens
        while len(rest):
            marked = separated if self._filled else self.prepend_bos
            separated = False
            if marked and rest[0] != self._bos:
                self._mark()
                if not self._filled:  # the separator was the last token of its context
                    continue
            room = self._size - self._filled
            self._put(rest[:room])
            rest = rest[room:]

    def absorb(self, other: Self) -> None:
        """Add the documents of another stream, which like this one has no context yet."""
        if self._filled and other._filled and other._tokens[0] != self._bos:
            self._mark()
        numbers = np.asarray(other._documents)
        self._tokens.extend(other._tokens)
        self._documents.frombytes(np.where(numbers < 0, numbers, numbers + len(self._ids)).astype(np.int32).tobytes())
        self._ids += other._ids

    def first(self, contexts: int) -> tuple[Tokens, Tokens, list[str]]:
        """Return tokens and numbers of documents, both [contexts, size], and the ids of these documents."""
        count = contexts * self._size
        tokens, documents = (np.asarray(a)[:count] for a in (self._tokens, self._documents))
        known = self._ids[: int(documents.max(initial=NO_DOCUMENT)) + 1]
        return tokens.reshape(-1, self._size), documents.reshape(-1, self._size), known

    @property
    def _filled(self) -> int:
        """Tokens in the context that is not whole yet."""
        return len(self._tokens) % self._size

    def _put(self, tokens: Tokens) -> None:
        numbers = np.full(len(tokens), len(self._ids) - 1, np.int32)
        if self._bos is not None:
            numbers[tokens == self._bos] = NO_DOCUMENT
        self._tokens.frombytes(tokens.tobytes())
        self._documents.frombytes(numbers.tobytes())

    def _mark(self) -> None:
        if self._bos is not None:
            self._put(np.array([self._bos], np.int32))


def _joined(first: _Stream, second: _Stream, *, wanted: int) -> Contexts:
    """Return up to `wanted` contexts: of each stream half of them, or more where the other has too few."""
    if not first.contexts and not second.contexts:
        first.absorb(second)
    elif not first.contexts:
        first, second = second, first
    share = min(second.contexts, max(wanted // 2, wanted - first.contexts))
    tokens, documents, ids = first.first(min(first.contexts, wanted - share))
    more_tokens, more_documents, more_ids = second.first(share)
    more_documents = np.where(more_documents < 0, more_documents, more_documents + len(ids)).astype(np.int32)
    if not len(tokens):
        raise InputError(f"the text does not fill one context of {tokens.shape[1]} tokens; give more text")
    return Contexts(
        tokens=np.concatenate([tokens, more_tokens]),
        documents=np.concatenate([documents, more_documents]),
        document_ids=(*ids, *more_ids),
        halves=np.repeat(np.array([0, 1], np.int8), [len(ids), len(more_ids)]),
        prepend_bos=first.prepend_bos,
    )
