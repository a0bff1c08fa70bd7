"""The SAEs of a run: found by release, folder or ``demo``, checked, ordered by depth, and loaded one by one."""

import dataclasses
import hashlib
import logging
import warnings
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from itertools import chain
from pathlib import Path
from typing import Any, Final

import torch
from sae_lens import SAE
from safetensors import SafetensorError

from saedb.ingest import folders, hooks, metadata, releases
from saedb.ingest import pairs as pairing
from saedb.ingest.errors import InputError
from saedb.ingest.layers import layer_numbers
from saedb.ingest.naming import name_of
from saedb.ingest.sources import Folder, Release, SaeSet, SaeSource

_log = logging.getLogger(__name__)

DEMO: Final = "demo"


def find(
    inputs: Sequence[str],
    *,
    layers: str | None = None,
    saes_glob: str | None = None,
    set_name: str | None = None,
    pairs: str | None = None,
) -> SaeSet:
    """Return the SAEs that `inputs` name, ordered by depth in the model, without their weights.

    Args:
        inputs: a SAELens release, folders in SAELens' format or folders of such folders, or ``demo``.
        layers: the layer numbers to take, like ``4-8`` or ``0,2,4-6``; all when None.
        saes_glob: the SAE ids of a release, or names of folders, to take, like ``layer_*/width_16k/*``.
        set_name: the set's name in ids, instead of Neuronpedia's or the folder's.
        pairs: the pairs to relate, by layer number or id, like ``4:6,5-res:5-mlp``; their SAEs alone are taken. None:
            as `saedb.ingest.pairs.neighbours`.

    Raises:
        InputError: an input is unknown or damaged, the SAEs do not belong together, or a pair is none of them.
        DownloadError: a release's metadata had to be fetched and could not be.
    """
    paired = None if pairs is None else pairing.layers(pairs)
    numbers = paired if layers is None else layer_numbers(layers)
    found = list(chain.from_iterable(_read(name, numbers, saes_glob, set_name) for name in inputs))
    chosen = [source for source in found if numbers is None or source.layer in numbers]
    lacking = (paired or frozenset()) - {source.layer for source in chosen}
    if lacking or not chosen:
        asked = layers if not lacking else ", ".join(map(str, sorted(lacking)))
        raise InputError(f"no SAE of layers {asked}; there are layers {_there(inputs, found)}")
    return _set(chosen, pairs, demo=DEMO in inputs)


def load(source: SaeSource, device: str | torch.device = "cpu") -> SAE[Any]:
    """Return an SAE ready for ``encode`` and ``decode``: float32, in evaluation mode, without gradients.

    Raises:
        InputError: the weights are damaged or do not fit the metadata.
        DownloadError: the weights had to be fetched and could not be.
    """
    with _warnings_logged():
        sae = _load(source.location, str(device)).eval().requires_grad_(False)
    sae.turn_off_forward_pass_hook_z_reshaping()  # what saedb gives it has the heads side by side already
    for name, weights in sae.state_dict().items():
        if not torch.isfinite(weights).all():
            raise InputError(f"{source.location}: {name} has values that are not finite; save or download it again")
    _check_threshold(sae, source)
    return sae


def weights_hash(sae: SAE[Any]) -> str:
    """Return the sha256 over names, shapes and values of the loaded weights: equal for equal weights, wherever from."""
    digest = hashlib.sha256()
    for name, weights in sorted(sae.state_dict().items()):
        digest.update(f"{name} {tuple(weights.shape)}\n".encode())
        digest.update(weights.contiguous().cpu().numpy())
    return digest.hexdigest()


def _there(inputs: Sequence[str], found: Sequence[SaeSource]) -> str:
    """Return the layer numbers of the SAEs that were found, and of the rest of their releases."""
    rest = chain.from_iterable(releases.layers(name) for name in inputs)
    return ", ".join(map(str, sorted({*rest, *(source.layer for source in found)})))


def _read(name: str, layers: frozenset[int] | None, saes_glob: str | None, set_name: str | None) -> Iterator[SaeSource]:
    path = Path(name).expanduser()
    if name == DEMO:
        yield from _demo(saes_glob, set_name)
    elif path.is_dir():
        yield from folders.read(path, saes_glob=saes_glob, set_name=set_name)
    elif name.startswith(("/", "./", "../", "~")):
        raise InputError(f"no folder {name}; give a folder of SAEs, a SAELens release or {DEMO}")
    else:
        yield from releases.read(name, layers=layers, saes_glob=saes_glob, set_name=set_name)


def _demo(saes_glob: str | None, set_name: str | None) -> Iterator[SaeSource]:
    with as_file(files("saedb.ingest.demo") / "saes") as path:
        yield from folders.read(path, saes_glob=saes_glob, set_name=set_name or DEMO)


def _set(sources: Sequence[SaeSource], pairs: str | None, *, demo: bool) -> SaeSet:
    """Return the checked set, by depth."""
    _differ(sources)
    ordered = _ranked(sources)
    if pairs is not None:
        used = {source.id for pair in pairing.named(pairs, ordered) for source in pair}
        ordered = _ranked([source for source in ordered if source.id in used])
    _agree(ordered)
    return SaeSet(
        model=_model_id(ordered[0]),
        model_to_load=DEMO if demo else ordered[0].model_name,
        sources=tuple(ordered),
        missing=() if pairs is not None else _missing(ordered),
        pairs=pairing.neighbours(ordered) if pairs is None else pairing.named(pairs, ordered),
    )


def _ranked(sources: Sequence[SaeSource]) -> list[SaeSource]:
    """Return the SAEs by depth, those of one hook point as given, with their ranks."""
    ordered = sorted(sources, key=lambda source: hooks.depth(source.hook))
    return [dataclasses.replace(source, depth=rank) for rank, source in enumerate(ordered)]


def _missing(sources: Sequence[SaeSource]) -> tuple[int, ...]:
    """Return the numbers of layers between two neighbours."""
    found: set[int] = set()
    for following in pairing.chains(sources):
        numbers = {source.layer for source in following}
        found |= set(range(min(numbers), max(numbers))) - numbers
    return tuple(sorted(found))


def _agree(sources: Sequence[SaeSource]) -> None:
    """Check that one model and one text can serve all SAEs."""
    for field, meaning in (
        ("model_name", "the model"),
        ("model_kwargs", "how the model is set up"),
        ("context_size", "the context size"),
        ("prepend_bos", "whether contexts start with BOS"),
    ):
        stated = [source for source in sources if getattr(source, field) is not None]
        for other in stated[1:]:
            a, b = getattr(stated[0], field), getattr(other, field)
            if a != b:
                raise InputError(
                    f"SAEs differ in {meaning}: {a} of {stated[0].location}, {b} of {other.location}; run them apart"
                )


def _differ(sources: Sequence[SaeSource]) -> None:
    """Check that no two SAEs share an id."""
    value, count = Counter(source.id for source in sources).most_common(1)[0]
    if count > 1:
        same = ", ".join(str(source.location) for source in sources if source.id == value)
        raise InputError(
            f"{count} SAEs have the same layer and set, {value}: {same};"
            " choose one of them with --saes, or give folders of different names"
        )


def _model_id(source: SaeSource) -> str:
    """Return the first part of feature ids: Neuronpedia's name, else the model's without its owner."""
    if source.neuronpedia_id is not None:
        return source.neuronpedia_id.partition("/")[0]
    return name_of(source.model_name.rstrip("/").rpartition("/")[2]) or "model"


def _load(location: Release | Folder, device: str) -> SAE[Any]:
    try:
        match location:
            case Folder(path=path):
                return SAE.load_from_disk(path, device=device, dtype="float32")
            case Release(release=release, sae_id=sae_id):
                with releases.fetching(release, [sae_id]):
                    return SAE.from_pretrained(release, sae_id, device=device, dtype="float32")
    except torch.OutOfMemoryError:
        raise
    except (SafetensorError, RuntimeError, KeyError, ValueError, OSError) as error:  # KeyError: a tensor is missing
        reason = " ".join(str(error).split())
        raise InputError(f"the weights of {location} do not load ({reason}); save or download it again") from error


def _check_threshold(sae: SAE[Any], source: SaeSource) -> None:
    """Refuse a BatchTopK SAE that was saved before training gave it a threshold: its L0 would be that of a ReLU."""
    trained_as = sae.cfg.metadata.training_architecture
    needed = source.architecture == "jumprelu" and trained_as in metadata.BATCH_TOP_K
    if needed and not (sae.get_parameter("threshold") > 0).any():
        raise InputError(
            f"{source.location} is a {trained_as} SAE whose threshold is 0, so that it would not be sparse;"
            " train it further, or choose another"
        )


@contextmanager
def _warnings_logged() -> Generator[None]:
    """Log what SAELens warns of, except that the model needs arguments: `saedb.ingest.model` passes them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        text = " ".join(str(warning.message).split())
        if "model_from_pretrained_kwargs" not in text:
            _log.warning("SAELens: %s", text)
