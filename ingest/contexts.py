"""Contexts: the text as the model reads it, and which of its tokens count."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from sae_lens.tokenization_and_batching import concat_and_batch_sequences
from sae_lens.util import get_special_token_ids
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from saedb.ingest import tables
from saedb.ingest.document import Document
from saedb.ingest.errors import InputError
from saedb.ingest.progress import Report, silent

CALIBRATION_CONTEXTS: Final = 32
"""Contexts from which the medians of residual norms are taken."""

OUTLIER_NORM: Final = 10.0
"""A token whose residual norm is over this many times the median at some hook is an attention sink or alike."""

_TOKEN_BITS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """Tokens in the contexts that the model reads."""

    tokens: NDArray[np.int32]
    """Ids in the model's vocabulary, [n, context_size]."""
    documents: NDArray[np.int32]
    """Number of the document of each token, [n, context_size]; -1 for BOS and separators, which belong to none."""
    document_ids: tuple[str, ...]
    """Id of each document, by number."""
    prepend_bos: bool
    """Whether each context starts with BOS; never where the tokenizer has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Which tokens counts, moments and maxima include."""

    mask: NDArray[np.bool_]
    """True where a token counts, [n, context_size]."""
    left_out: Mapping[str, int]
    """Tokens that do not count, by the first reason that applied."""


def pack(
    documents: Iterable[Document],
    tokenizer: PreTrainedTokenizerBase,
    *,
    context_size: int,
    prepend_bos: bool,
    max_tokens: int,
    report: Report = silent,
) -> Contexts:
    """Return the documents packed as SAELens packs them, in as many contexts as `max_tokens` tokens fill, rounded up.

    BOS starts each context if `prepend_bos`, and stands between documents, as SAELens' activation store has it. The
    rest of the text that does not fill a context is left out.

    Raises:
        InputError: there is not enough text for one context, or a context is shorter than two tokens.
    """
    if context_size < 2:
        raise InputError(f"a context size of {context_size} leaves no token after the first; give 2 or more")
    number = -(-max_tokens // context_size)
    ids: list[str] = []
    packed: list[Tensor] = []
    bos = _bos(tokenizer)
    batches = concat_and_batch_sequences(
        tokens_iterator=_tagged(documents, tokenizer, bos, ids),
        context_size=context_size,
        begin_batch_token_id=bos if prepend_bos else None,
        sequence_separator_token_id=bos,
    )
    for context in batches:
        packed.append(context)
        report("tokenise", len(packed) * context_size, number * context_size)
        if len(packed) >= number:
            break
    if not packed:
        raise InputError(f"the text does not fill one context of {context_size} tokens; give more text")
    tagged = torch.stack(packed).numpy()
    tokens = (tagged & (2**_TOKEN_BITS - 1)).astype(np.int32)
    numbers = ((tagged >> _TOKEN_BITS) - 1).astype(np.int32)
    return Contexts(
        tokens=tokens,
        documents=numbers,
        document_ids=tuple(ids[: int(numbers.max()) + 1]),
        prepend_bos=prepend_bos and bos is not None,
    )


def _bos(tokenizer: PreTrainedTokenizerBase) -> int | None:
    bos = tokenizer.bos_token_id
    return bos if isinstance(bos, int) else None


def _tagged(
    documents: Iterable[Document], tokenizer: PreTrainedTokenizerBase, bos: int | None, ids: list[str]
) -> Iterator[Tensor]:
    """Yield the token ids of each document with its number, plus one, in the upper bits, and append its id to `ids`.

    Packing moves tokens about without looking at them, except that it compares them with BOS: so BOS is not tagged.
    """
    for document in documents:
        # verbose: a document may well be longer than the model's context
        found = tokenizer(document.text, add_special_tokens=False, verbose=False)["input_ids"]
        tokens = torch.tensor(found, dtype=torch.int64)
        if not len(tokens):
            continue
        ids.append(document.id)
        tag = torch.full_like(tokens, len(ids) << _TOKEN_BITS)
        if bos is not None:
            tag[tokens == bos] = 0
        yield tokens | tag


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Return the ids that never count: BOS, EOS, padding and separator, as SAELens leaves them out of training."""
    return frozenset(get_special_token_ids(tokenizer))


def median_norms(
    tokens: NDArray[np.int32], special: Collection[int], norms: Mapping[str, NDArray[np.float32]]
) -> dict[str, float]:
    """Return the median residual norm of each hook over tokens that are neither special nor first in their context.

    Args:
        tokens: ids of the first `CALIBRATION_CONTEXTS` contexts, [n, context_size].
        special: ids that never count.
        norms: Euclidean norms by hook, each [n, context_size].

    Raises:
        InputError: all tokens are special or first in their context.
    """
    ordinary = countable(tokens, special, norms={}, medians={}).mask
    if not ordinary.any():
        raise InputError("the text has only special tokens; give other text, or a longer context with --context-size")
    return {hook: float(np.median(values[ordinary])) for hook, values in norms.items()}


def countable(
    tokens: NDArray[np.int32],
    special: Collection[int],
    norms: Mapping[str, NDArray[np.float32]],
    medians: Mapping[str, float],
) -> Counted:
    """Return which tokens count: not special, not first in their context, no outlier norm at any hook.

    Args:
        tokens: ids, [n, context_size]; any number of contexts.
        special: ids that never count.
        norms: Euclidean norms by hook, each [n, context_size]; none for no rule on norms.
        medians: by hook, from `median_norms`.
    """
    first = np.zeros(tokens.shape, dtype=np.bool_)
    first[:, 0] = True
    outlier = np.zeros(tokens.shape, dtype=np.bool_)
    for hook, values in norms.items():
        outlier |= ~(values <= OUTLIER_NORM * medians[hook])  # not "greater": NaN is an outlier too
    reasons = {"special token": np.isin(tokens, list(special)), "position 0": first, "outlier norm": outlier}
    mask = np.ones(tokens.shape, dtype=np.bool_)
    left_out: dict[str, int] = {}
    for reason, applies in reasons.items():
        left_out[reason] = int((mask & applies).sum())
        mask &= ~applies
    return Counted(mask=mask, left_out=left_out)


def document_rows(contexts: Contexts) -> pa.Table:
    """Return the rows of ``documents.parquet``."""
    numbers = np.arange(len(contexts.document_ids), dtype=np.int32)
    return tables.rows(tables.DOCUMENTS, {"document": numbers, "id": contexts.document_ids})


def rows(contexts: Contexts, counted: NDArray[np.bool_]) -> pa.Table:
    """Return the rows of ``tokens.parquet``; `counted` is [n, context_size]."""
    context, position = np.indices(contexts.tokens.shape, dtype=np.int32)
    return tables.rows(
        tables.TOKENS,
        {
            "context": context.ravel(),
            "position": position.ravel(),
            "token": contexts.tokens.ravel(),
            "document": contexts.documents.ravel(),
            "counted": counted.ravel(),
        },
    )
