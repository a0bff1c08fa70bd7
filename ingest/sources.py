"""What is known of SAEs before their weights are read: one typed record per SAE, and the set that a run analyses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Where SAELens' directory of pretrained SAEs has an SAE."""

    release: str
    sae_id: str
    repository: str
    """Repository on the Hugging Face hub."""
    path: str
    """Folder or file in the repository."""

    def __str__(self) -> str:
        return f"{self.release}/{self.sae_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A local folder in SAELens' format: ``cfg.json`` and ``sae_weights.safetensors``."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaeSource:
    """One SAE, described by its metadata; what its metadata does not say is None."""

    location: Release | Folder
    layer: int
    """Neuronpedia's number of the source where there is one, else the block of the hook."""
    set: str
    depth: int = 0
    """Rank along the model among the SAEs of the run, from 0."""
    hook: str
    d_in: int
    d_sae: int
    architecture: str
    model_name: str
    """The model's name as SAELens passes it to TransformerLens."""
    model_kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """SAELens' ``model_from_pretrained_kwargs``, e.g. ``{"center_writing_weights": True}``."""
    context_size: int | None = None
    prepend_bos: bool | None = None
    dataset: str | None = None
    """Text that it was trained on."""
    normalisation: str = "none"
    """SAELens' ``normalize_activations``; `saedb.ingest.saes.load` returns an SAE whose ``encode`` does it."""
    neuronpedia_id: str | None = None
    """``{model}/{layer}-{set}``, for an SAE whose features have pages on Neuronpedia."""
    expected_l0: float | None = None
    """L0 as the release states it."""

    @property
    def id(self) -> str:
        """``{layer}-{set}``, the middle part of its features' ids."""
        return f"{self.layer}-{self.set}"


Pair = tuple[SaeSource, SaeSource]
"""An upstream and a downstream SAE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaeSet:
    """The SAEs of a run, checked to belong together."""

    model: str
    """The first part of feature ids: Neuronpedia's name of the model where known."""
    model_to_load: str
    """What `saedb.ingest.model.load_model` loads unless the user names another: a model's name, or ``demo``."""
    sources: tuple[SaeSource, ...]
    """Ordered by depth in the model, those of one hook point as given; ``sources[i].depth == i``."""
    missing: tuple[int, ...]
    """Layer numbers between two neighbours that have no SAE; none where the user names the pairs."""
    pairs: tuple[Pair, ...]
    """The pairs for which edges are computed."""

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hook points that the SAEs read, each once, by depth."""
        return tuple(dict.fromkeys(source.hook for source in self.sources))

    def after(self, source: SaeSource) -> SaeSource | None:
        """Return the SAE further along the model whose edges say what becomes of the features of `source`.

        Of several that it is paired with, one of its own set, and then the nearest; None where it is paired with none.
        """
        deeper = [d for u, d in self.pairs if u.id == source.id and d.hook != source.hook]
        return min(deeper, key=lambda d: (d.set != source.set, d.depth), default=None)

    def before(self, source: SaeSource) -> SaeSource | None:
        """Return the SAE before it along the model whose edges say where its features come from, as in `after`."""
        shallower = [u for u, d in self.pairs if d.id == source.id and u.hook != source.hook]
        return min(shallower, key=lambda u: (u.set != source.set, -u.depth), default=None)

    @property
    def context_size(self) -> int | None:
        """Tokens per context that the SAEs were trained with; None where no metadata says."""
        return next((s.context_size for s in self.sources if s.context_size is not None), None)

    @property
    def prepend_bos(self) -> bool:
        """Whether contexts start with the BOS token: SAELens' default, true, where no metadata says."""
        return next((s.prepend_bos for s in self.sources if s.prepend_bos is not None), True)
