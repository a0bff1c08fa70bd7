"""Contexts: the text as the model reads it, and which of its tokens count."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sae_lens.util import get_special_token_ids
from transformers import PreTrainedTokenizerBase

from saedb.ingest import tables
from saedb.ingest.errors import InputError

CALIBRATION_CONTEXTS: Final = 32
"""Contexts from which the medians of residual norms are taken."""

OUTLIER_NORM: Final = 10.0
"""A token whose residual norm is over this many times the median at some hook is an attention sink or alike."""

NO_DOCUMENT: Final = -1
"""Number of the document of BOS and separators, which belong to none."""

_ROWS: Final = 1 << 20
"""Rows of a table that are made at once, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """Tokens in the contexts that the model reads."""

    tokens: NDArray[np.int32]
    """Ids in the model's vocabulary, [n, context_size]."""
    documents: NDArray[np.int32]
    """Number of the document of each token, [n, context_size], ascending but for `NO_DOCUMENT`."""
    document_ids: tuple[str, ...]
    """Id of each document, by number."""
    halves: NDArray[np.int8]
    """Half of the text that each document is in, 0 or 1, [documents]: those of half 0 come first."""
    prepend_bos: bool
    """Whether each context starts with BOS; never where the tokenizer has none."""

    @property
    def first_half_contexts(self) -> int:
        """Contexts before the first one that has a document of half 1."""
        last = self.documents.max(axis=1)
        second = np.flatnonzero(last >= np.count_nonzero(self.halves == 0))
        return int(second[0]) if len(second) else len(self.documents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Which tokens counts, moments and maxima include."""

    mask: NDArray[np.bool_]
    """True where a token counts, [n, context_size]."""
    left_out: Mapping[str, int]
    """Tokens that do not count, by the first reason that applied."""


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


def everything(tokens: NDArray[np.int32]) -> Counted:
    """Return that every token counts; `tokens` is [n, context_size]."""
    return Counted(mask=np.ones(tokens.shape, dtype=np.bool_), left_out={})


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
    return tables.rows(tables.DOCUMENTS, {"document": numbers, "id": contexts.document_ids, "half": contexts.halves})


def rows(contexts: Contexts, counted: NDArray[np.bool_]) -> Iterator[pa.Table]:
    """Yield the rows of ``tokens.parquet``, some contexts at a time; `counted` is [n, context_size]."""
    number, size = contexts.tokens.shape
    step = max(_ROWS // size, 1)
    for start in range(0, number, step):
        part = slice(start, start + step)
        context, position = np.indices(contexts.tokens[part].shape, dtype=np.int32)
        columns = {
            "context": context.ravel() + np.int32(start),
            "position": position.ravel(),
            "token": contexts.tokens[part].ravel(),
            "document": contexts.documents[part].ravel(),
            "counted": counted[part].ravel(),
        }
        yield tables.rows(tables.TOKENS, columns)
