"""The metadata of an SAE, read once: what SAELens knows of it, checked and put in a typed record.

SAELens' own metadata object answers None to every attribute that it lacks; here a needed one that lacks is an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError
from sae_lens.loading.pretrained_sae_loaders import handle_config_defaulting
from sae_lens.registry import SAE_CLASS_REGISTRY
from sae_lens.saes.transcoder import Transcoder

from saedb.ingest import hooks
from saedb.ingest.errors import InputError
from saedb.ingest.sources import Folder, Release, SaeSource

_NEURONPEDIA_ID: Final = re.compile(r"[^/]+/(?P<layer>\d+)-(?P<set>[^/]+)")

REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "abstopk": "has activations below 0, which saedb would drop",
        "temporal": "encodes a token by the ones before it, and saedb encodes each alone",
    }
)
"""Architectures that are SAEs but cannot be analysed, with the reason."""

BATCH_TOP_K: Final = ("batchtopk", "matryoshka_batchtopk")
"""Architectures of training only: the trained SAE is saved as jumprelu, with the threshold that replaces the batch."""

_NEEDS_FACTOR: Final = ("expected_average_only_in", "covariance_whitening")
"""Normalisations that SAELens folds into the weights at the end of training."""

_Size = Annotated[int, Field(gt=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metadata:
    hook_name: str
    model_name: str
    model_from_pretrained_kwargs: dict[str, Any] | None = None
    context_size: _Size | None = None
    prepend_bos: bool | None = None
    dataset_path: str | None = None
    neuronpedia_id: str | None = None
    hook_head_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Config:
    architecture: str
    d_in: _Size
    d_sae: _Size
    normalize_activations: str = "none"
    metadata: _Metadata


_CONFIG: Final = TypeAdapter(_Config)


def layer(neuronpedia_id: str | None) -> int | None:
    """Return the layer number in ``{model}/{layer}-{set}``; None for ids of other forms, like those of embeddings."""
    match = _NEURONPEDIA_ID.fullmatch(neuronpedia_id or "")
    return int(match["layer"]) if match else None


def describe(
    config: Mapping[str, Any],
    location: Release | Folder,
    *,
    set_name: str,
    keep_set_name: bool,
    neuronpedia_id: str | None = None,
    expected_l0: float | None = None,
) -> SaeSource:
    """Return the record of an SAE from its configuration.

    Args:
        config: as SAELens 6 saves it in ``cfg.json``; see `modern`.
        location: where the weights are, and what errors name.
        set_name: the set's name where Neuronpedia has none.
        keep_set_name: use `set_name` even where Neuronpedia has another.
        neuronpedia_id: ``{model}/{layer}-{set}``, instead of the metadata's.
        expected_l0: as the release states it.

    Raises:
        InputError: a needed field is missing or wrong, or saedb cannot analyse such an SAE.
    """
    checked = _checked(config, location)
    metadata = checked.metadata
    neuronpedia_id = neuronpedia_id or metadata.neuronpedia_id
    match = _NEURONPEDIA_ID.fullmatch(neuronpedia_id or "")
    return SaeSource(
        location=location,
        layer=int(match["layer"])
        if match
        else max(hooks.block(metadata.hook_name), 0),  # the embedding is before block 0
        set=match["set"] if match and not keep_set_name else set_name,
        hook=metadata.hook_name,
        d_in=checked.d_in,
        d_sae=checked.d_sae,
        architecture=checked.architecture,
        model_name=metadata.model_name,
        model_kwargs=metadata.model_from_pretrained_kwargs or {},
        context_size=metadata.context_size,
        prepend_bos=metadata.prepend_bos,
        dataset=metadata.dataset_path,
        normalisation=checked.normalize_activations,
        neuronpedia_id=neuronpedia_id if match else None,
        expected_l0=expected_l0,
    )


def modern(config: Mapping[str, Any], where: object) -> dict[str, Any]:
    """Return the content of a ``cfg.json`` of any version of SAELens as version 6 would have written it.

    Raises:
        InputError: SAELens has no such architecture.
    """
    architecture = config.get("architecture", "standard")
    if architecture in BATCH_TOP_K:
        raise InputError(
            f"{where} is a training checkpoint of architecture {architecture}, whose encode depends on the batch; give "
            "the SAE that its save_inference_model writes, with the threshold"
        )
    if architecture not in SAE_CLASS_REGISTRY:
        known = ", ".join(sorted(SAE_CLASS_REGISTRY))
        raise InputError(f"{where}: unknown architecture {architecture!r}; SAELens loads {known}")
    return handle_config_defaulting(dict(config))


def check_scaling(source: SaeSource, factor: float | None = None) -> None:
    """Refuse an SAE whose ``encode`` would leave out the scaling of its input that it was trained with.

    Args:
        source: the SAE.
        factor: the one that SAELens' directory states for it.

    Raises:
        InputError: it normalises by a factor that nobody states.
    """
    if source.normalisation in _NEEDS_FACTOR and factor is None:
        raise InputError(
            f"{source.location} is a training checkpoint: the factor of {source.normalisation} is not in its weights; "
            "give the SAE that SAELens saves at the end of training"
        )


def _checked(config: Mapping[str, Any], location: Release | Folder) -> _Config:
    try:
        checked = _CONFIG.validate_python(config)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{location}: {field} in its cfg.json: {first['msg'].lower()}; save it with SAELens"
        ) from error
    if issubclass(SAE_CLASS_REGISTRY[checked.architecture][0], Transcoder):
        raise InputError(f"{location} is a transcoder, which does not rebuild what it reads; saedb takes SAEs only")
    if checked.architecture in REFUSED:
        reason = REFUSED[checked.architecture]
        raise InputError(f"{location} is of architecture {checked.architecture}, which {reason}; choose other SAEs")
    if checked.metadata.hook_head_index is not None:
        raise InputError(f"{location} reads one attention head; saedb takes SAEs of whole hook points only")
    hooks.depth(checked.metadata.hook_name)
    return checked
