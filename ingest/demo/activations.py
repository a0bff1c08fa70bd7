"""The model's residual stream on the demo's text, kept on disk while the SAEs are trained and measured.

A folder holds one float16 file per hook, ``[context, position, d_model]``, and the norms, ``[hook, context,
position]``. A context whose norms are zero has not been run yet, so a killed run goes on there.
"""

import logging
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedTokenizerBase

from saedb.ingest.contexts import CALIBRATION_CONTEXTS, countable, median_norms, special_tokens
from saedb.ingest.demo.recipe import HOOKS, hook_name
from saedb.ingest.demo.text import documents
from saedb.ingest.model import LanguageModel
from saedb.ingest.packing import pack

CONTEXT_SIZE = 128

_BATCH = 16
_SHUFFLE_SEED = 0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activations:
    """The residual stream of one split at every hook of the demo."""

    tokens: npt.NDArray[np.int32]
    """``[context, position]``."""
    counted: npt.NDArray[np.bool_]
    """``[context, position]``: false for special tokens, position 0 and attention sinks."""
    folder: Path

    def at(self, layer: int) -> npt.NDArray[np.float16]:
        """Return the stream that a layer reads on counted tokens, ``[token, d_model]``."""
        return np.load(self.folder / f"{hook_name(layer)}.npy", mmap_mode="r")[self.counted]


def contexts(
    tokenizer: PreTrainedTokenizerBase, split: Literal["train", "heldout"], count: int
) -> npt.NDArray[np.int32]:
    """Return contexts drawn at random from all documents of a split, ``[context, position]``.

    More contexts begin with the same ones.
    """
    packed = pack(
        documents(split),
        tokenizer,
        context_size=CONTEXT_SIZE,
        prepend_bos=True,
        max_tokens=sys.maxsize,
        halves=False,
    ).tokens
    order = list(range(len(packed)))
    random.Random(_SHUFFLE_SEED).shuffle(order)
    return packed[order[:count]]


def cached(model: LanguageModel, split: Literal["train", "heldout"], count: int, scratch: Path) -> Activations:
    """Return the stream on ``count`` contexts of a split, running the model on those not yet in ``scratch``."""
    folder = scratch / f"{split}-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    tokens = contexts(model.tokenizer, split, count)
    norms = _open(folder / "norms.npy", (len(HOOKS), *tokens.shape), np.float32)
    streams = {hook: _open(folder / f"{hook}.npy", (*tokens.shape, model.d_model), np.float16) for hook in HOOKS}
    started = time.monotonic()
    done = int(np.count_nonzero(norms[-1, :, 0]))
    for start in range(done, count, _BATCH):
        rows = slice(start, start + _BATCH)
        batch = model.residuals(torch.from_numpy(tokens[rows]))
        for hook, stream in streams.items():
            stream[rows] = batch[hook].numpy()
        # last: it says that the contexts are done
        norms[:, rows] = torch.stack([batch[hook] for hook in HOOKS]).norm(dim=-1).numpy()
    _log.info("%s: %d contexts, %d run now in %.0f s", split, count, count - done, time.monotonic() - started)
    return Activations(tokens=tokens, counted=_counted(model.tokenizer, tokens, norms), folder=folder)


def _counted(
    tokenizer: PreTrainedTokenizerBase, tokens: npt.NDArray[np.int32], norms: npt.NDArray[np.float32]
) -> npt.NDArray[np.bool_]:
    """Return which tokens count, by the rule of every run; ``norms`` is ``[hook, context, position]``."""
    special = special_tokens(tokenizer)
    by_hook = dict(zip(HOOKS, norms, strict=True))
    first = {hook: values[:CALIBRATION_CONTEXTS] for hook, values in by_hook.items()}
    medians = median_norms(tokens[:CALIBRATION_CONTEXTS], special, first)
    return countable(tokens, special, by_hook, medians).mask


def _open(path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> "np.memmap[Any, Any]":
    mode = "r+" if path.exists() else "w+"
    return np.lib.format.open_memmap(path, mode=mode, dtype=dtype, shape=shape)
