"""A run's model and SAEs, read again, so that other texts are seen as the run saw its own.

1. What the run's record names is found and loaded; SAEs whose weights are not those of the record are refused.
2. A text is tokenised as the run's was, behind BOS where its contexts start so. One that does not fit a context is
   refused rather than cut, since the last token is what is mostly asked about.
3. It goes through the encoder that the run used. Special tokens, the first one and attention sinks, by the medians that
   the run took, do not count.

A run reads many contexts at once and a prompt is read alone, so that the last bits of an activation may differ.
"""

from threading import Lock
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from saedb.ingest import contexts
from saedb.ingest.config import Device
from saedb.ingest.encode import Encoder
from saedb.ingest.errors import InputError
from saedb.ingest.full import full_in_one_line
from saedb.ingest.model import LanguageModel
from saedb.ingest.naming import quoted
from saedb.ingest.packing import token_ids
from saedb.ingest.progress import Report, silent
from saedb.ingest.prompts import origin
from saedb.ingest.prompts.activations import PromptActivations, scales
from saedb.ingest.prompts.loading import loaded
from saedb.ingest.prompts.prompt import check_text
from saedb.ingest.prompts.tokens import token_texts
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.tiles import tile_for

_SPECIAL: Final = "special token"
_FIRST: Final = "position 0"
_SINK: Final = "outlier norm"


class PromptReader:
    """Reads texts as a run's; kept in memory, it does so as often as is wanted, and for several threads."""

    def __init__(self, run: RunDirectory, model: LanguageModel, encoder: Encoder) -> None:
        """Take what `open` loaded."""
        assert run.record.tokens is not None
        self.run = run.record.id
        self.context_size = run.record.tokens.context_size
        self._counts_all: bool = run.record.config["count_all"]
        self._medians = run.record.medians
        self._tokenizer = model.tokenizer
        self._special = contexts.special_tokens(model.tokenizer)
        bos = model.tokenizer.bos_token_id
        self._bos = bos if isinstance(bos, int) and run.record.tokens.prepend_bos else None
        self._encoder = encoder
        self._scales = scales(run)
        self._path = run.path
        self._lock = Lock()  # neither a tokenizer nor a model with hooks can be used by two at once

    @classmethod
    def open(cls, run: RunDirectory, *, device: Device = "auto", report: Report = silent) -> Self:
        """Return a reader for a run, after its model and SAEs are loaded.

        Args:
            run: a complete run that was computed, not imported.
            device: where they run; ``auto`` is CUDA where there is any.
            report: progress.

        Raises:
            InputError: the run was imported, or its model or SAEs are not on this machine.
            RunError: the run is not complete, or its SAEs or model are no longer what it was computed with.
            DownloadError: something had to be fetched and could not be.
        """
        origin.check(run)
        parts = loaded(run, device=device, report=report)
        tile = tile_for(parts.device, (sae.sae.cfg.d_sae for sae in parts.saes))
        tf32 = bool(run.record.config["tf32"]) and parts.device == "cuda"
        special = contexts.special_tokens(parts.model.tokenizer)
        return cls(run, parts.model, Encoder(parts.model, parts.saes, special, 1, tile=tile, tf32=tf32))

    def read(self, text: str) -> PromptActivations:
        """Return what the SAEs make of a text.

        Raises:
            InputError: the text is empty or too long, none of its tokens counts, or the model gives something that is
                not finite.
            RunError: the GPU's memory is full.
        """
        check_text(text)
        with self._lock, full_in_one_line(self._path):
            ids = self._tokenised(text)
            rows, summary = self._encoder.shard(ids[None], self._medians, lambda _: None)
            texts = token_texts(self._tokenizer, ids.tolist())
        reasons = self._reasons(ids, summary.counted[0])
        if None not in reasons:
            raise InputError(
                f"no token of the prompt {quoted(text)} counts: they are special, first, or attention sinks; write more"
            )
        return PromptActivations(text=text, tokens=texts, left_out=reasons, rows=rows, scales=self._scales)

    def _tokenised(self, text: str) -> NDArray[np.int32]:
        """Return the ids of a text as the model reads them."""
        ids = token_ids(self._tokenizer, text)
        if self._bos is not None and (not len(ids) or ids[0] != self._bos):
            ids = np.concatenate([np.array([self._bos], np.int32), ids])
        if len(ids) > self.context_size:
            bos = "" if self._bos is None else ", BOS among them"
            raise InputError(
                f"the prompt has {len(ids):,} tokens{bos}, and the SAEs of run {self.run} read {self.context_size:,} at"
                " once; shorten it"
            )
        if not contexts.countable(ids[None], self._special, norms={}, medians={}).mask.any() and not self._counts_all:
            raise InputError(f"the prompt {quoted(text)} has no token that counts (special, or the first); write more")
        return ids

    def _reasons(self, ids: NDArray[np.int32], counted: NDArray[np.bool_]) -> tuple[str | None, ...]:
        if self._counts_all:
            return (None,) * len(ids)
        by_id = [_SPECIAL if token in self._special else None for token in ids.tolist()]
        reasons = [reason or (_FIRST if position == 0 else None) for position, reason in enumerate(by_id)]
        return tuple(r or (None if is_counted else _SINK) for r, is_counted in zip(reasons, counted, strict=True))
