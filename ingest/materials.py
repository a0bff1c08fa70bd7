"""What a run is made from, loaded and checked: SAEs, model and text."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from saedb.ingest import contexts, model, saes, text
from saedb.ingest.config import Device, IngestConfig
from saedb.ingest.contexts import Contexts
from saedb.ingest.encode import LoadedSae
from saedb.ingest.errors import InputError
from saedb.ingest.model import LanguageModel
from saedb.ingest.sources import SaeSet
from saedb.ingest.stages import Stages

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

    @property
    def documents(self) -> NDArray[np.int32]:
        """Number of the document of each token of the text, [tokens].

        A token of no document (BOS) counts to the one before it, so that documents are contiguous.
        """
        return np.maximum.accumulate(self.contexts.documents.ravel())


def gather(config: IngestConfig, device: str, stages: Stages) -> Materials:
    """Return SAEs, model and text as the settings name them.

    Raises:
        InputError: one of them is missing, damaged, or does not fit the others.
        DownloadError: something had to be fetched and could not be.
    """
    found = saes.find(config.inputs, layers=config.layers, saes_glob=config.saes, set_name=config.set)
    loaded: list[LoadedSae] = []
    with stages.stage("load SAEs", len(found.sources)) as stage:
        for source in found.sources:
            loaded.append(LoadedSae(id=source.id, hook=source.hook, sae=saes.load(source, device)))
            stage.advance()
    with stages.stage("load model", 1) as stage:
        language_model = model.load_model(found, config.model, device=device)
        stage.advance()
    return Materials(
        set=found,
        saes=tuple(loaded),
        hashes=tuple(saes.weights_hash(s.sae) for s in loaded),
        model=language_model,
        contexts=_contexts(config, found, language_model, stages),
    )


def _contexts(config: IngestConfig, found: SaeSet, language_model: LanguageModel, stages: Stages) -> Contexts:
    documents = text.documents(config.dataset, column=config.column, split=config.split, revision=config.revision)
    size = config.context_size or found.context_size or DEFAULT_CONTEXT_SIZE
    with stages.stage("tokenise", -(-config.tokens // size) * size) as stage:
        packed = contexts.pack(
            documents,
            language_model.tokenizer,
            context_size=size,
            prepend_bos=found.prepend_bos,
            max_tokens=config.tokens,
            report=stages.report,
        )
        stage.to(packed.tokens.size)
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
