"""What a run is made from, loaded and checked: SAEs, model and text."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from saedb.ingest import delphi, maxima, model, saes, text
from saedb.ingest.concatenated import concatenate
from saedb.ingest.config import Device, IngestConfig
from saedb.ingest.contexts import Contexts
from saedb.ingest.delphi import Cache
from saedb.ingest.document import Document
from saedb.ingest.encode import LoadedSae
from saedb.ingest.errors import InputError
from saedb.ingest.model import LanguageModel
from saedb.ingest.packing import pack
from saedb.ingest.sources import SaeSet
from saedb.ingest.stages import Stages
from saedb.ingest.stretches import contiguous

DEFAULT_CONTEXT_SIZE: Final = 128
"""Where neither the settings nor the SAEs say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """The parts of a run that are given, not computed."""

    set: SaeSet
    saes: tuple[LoadedSae, ...]
    """By depth, as `set.sources`."""
    hashes: tuple[str, ...]
    """Of the SAEs' weights."""
    model: LanguageModel
    contexts: Contexts
    cache: Cache | None = None
    """Activations that others computed, instead of a pass over the text."""
    maxima: Mapping[str, NDArray[np.float64]] | None = None
    """Largest activations that thresholds are shares of, by SAE id; None: those of this run."""

    @property
    def documents(self) -> NDArray[np.int32]:
        """Number of the document of each token of the text, [tokens].

        A token of no document (BOS) counts to the one before it, or to the first: documents are contiguous.
        """
        return contiguous(self.contexts.documents.ravel())


def gather(config: IngestConfig, device: str, stages: Stages) -> Materials:
    """Return SAEs, model and text as the settings name them.

    Raises:
        InputError: one of them is missing, damaged, or does not fit the others.
        DownloadError: something had to be fetched and could not be.
    """
    found = saes.find(
        config.inputs, layers=config.layers, saes_glob=config.saes, set_name=config.set, pairs=config.pairs
    )
    maxima_given = maxima.given(config, found)
    cache = None if config.activations is None else delphi.open_cache(Path(config.activations).expanduser(), found)
    cached = None if cache is None else cache.tokens
    documents = iter(()) if cached is not None else _begun(_documents(config))
    loaded: list[LoadedSae] = []
    with stages.stage("load SAEs", len(found.sources)) as stage:
        for source in found.sources:
            loaded.append(LoadedSae(id=source.id, hook=source.hook, sae=saes.load(source, device)))
            stage.advance()
    with stages.stage("load model", 1) as stage:
        language_model = model.load_model(found, config.model, device=device)
        stage.advance()
    if cached is not None:
        packed = delphi.as_contexts(cached[: -(-config.tokens // cached.shape[1])], language_model.tokenizer)
    else:
        packed = _packed(config, found, language_model, documents, cache, stages)
    return Materials(
        set=found,
        saes=tuple(loaded),
        hashes=tuple(saes.weights_hash(s.sae) for s in loaded),
        model=language_model,
        contexts=packed,
        cache=cache,
        maxima=maxima_given,
    )


def _documents(config: IngestConfig) -> Iterator[Document]:
    return text.documents(
        config.dataset,
        column=config.column,
        split=config.split,
        revision=config.revision,
        blank=config.packing == "transformer-lens",
    )


def _begun(documents: Iterator[Document]) -> Iterator[Document]:
    """Return the documents with the first one read: a text that is missing is an error before anything is loaded."""
    first = next(documents, None)
    return documents if first is None else chain([first], documents)


def _packed(
    config: IngestConfig,
    found: SaeSet,
    language_model: LanguageModel,
    documents: Iterator[Document],
    cache: Cache | None,
    stages: Stages,
) -> Contexts:
    """Return the text in contexts; where it was cached without its tokens, in as many contexts as the cache has."""
    size = cache.context_size if cache else config.context_size or found.context_size or DEFAULT_CONTEXT_SIZE
    tokens = cache.contexts * size if cache else config.tokens
    how: Callable[..., Contexts] = concatenate if config.packing == "transformer-lens" else pack
    more = {} if how is concatenate else {"halves": config.halves and cache is None}
    with stages.stage("tokenise", -(-tokens // size) * size) as stage:
        packed = how(
            documents,
            language_model.tokenizer,
            context_size=size,
            prepend_bos=found.prepend_bos,
            max_tokens=tokens,
            report=stages.report,
            **more,
        )
        stage.to(packed.tokens.size)
    if cache is not None:
        cache.check_shape(packed.tokens)
    return packed


def resolved_device(device: Device) -> str:
    """Return ``cpu`` or ``cuda``.

    Raises:
        InputError: CUDA is asked for and not there.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device is cuda, but this torch sees no CUDA device; use --device cpu")
    return device
