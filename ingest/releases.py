"""SAEs of the releases in SAELens' directory of pretrained SAEs."""

import difflib
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from typing import Final

from sae_lens.constants import SAE_CFG_FILENAME, SAE_WEIGHTS_FILENAME
from sae_lens.loading.pretrained_sae_loaders import load_sae_config_from_huggingface
from sae_lens.loading.pretrained_saes_directory import PretrainedSAELookup, get_pretrained_saes_directory

from saedb.ingest import hub, metadata
from saedb.ingest.errors import InputError
from saedb.ingest.naming import checked_name, name_of
from saedb.ingest.sources import Release, SaeSource

_INSTEAD: Final = "or give folders of SAEs as SAELens saves them, made where there is a network"


def read(
    release: str, *, layers: Collection[int] | None, saes_glob: str | None = None, set_name: str | None = None
) -> Iterator[SaeSource]:
    """Yield the SAEs of a release, in its order; metadata is fetched only of those that `saes_glob` and `layers` leave.

    Args:
        release: its name in SAELens' directory.
        layers: Neuronpedia's layer numbers; SAEs of which the directory knows none are yielded whatever their layer.
        saes_glob: ids of the SAEs to take.
        set_name: the set's name, instead of Neuronpedia's and the release's.

    Raises:
        InputError: the release or the ids are unknown.
        DownloadError: metadata had to be fetched and could not be.
    """
    lookup = _lookup(release)
    ids = _chosen(lookup, layers, saes_glob)
    for sae_id in ids:
        with fetching(release, ids):
            try:
                config = load_sae_config_from_huggingface(release, sae_id)
            except (KeyError, ValueError) as error:
                raise InputError(
                    f"SAELens cannot read the metadata of {release}/{sae_id} ({error}); choose others"
                ) from error
        source = metadata.describe(
            config,
            Release(release=release, sae_id=sae_id, repository=lookup.repo_id, path=lookup.saes_map[sae_id]),
            set_name=checked_name("set", set_name) if set_name else name_of(release),
            keep_set_name=set_name is not None,
            neuronpedia_id=lookup.neuronpedia_id[sae_id],
            expected_l0=lookup.expected_l0[sae_id] or None,  # SAELens fills in 0 where none is stated
        )
        metadata.check_scaling(source, (lookup.norm_scaling_factor or {}).get(sae_id))
        yield source


def layers(name: str) -> frozenset[int]:
    """Return the layer numbers of a release's SAEs; none where the name is no release's."""
    lookup = get_pretrained_saes_directory().get(name)
    numbers = (metadata.layer(known) for known in lookup.neuronpedia_id.values()) if lookup else ()
    return frozenset(number for number in numbers if number is not None)


def fetching(release: str, ids: Sequence[str]) -> AbstractContextManager[None]:
    """Return a context in which SAELens may fetch files of SAEs, with an error that names them."""
    lookup = _lookup(release)
    path = lookup.saes_map[ids[0]]
    first = path if lookup.conversion_func else f"{path}/{SAE_CFG_FILENAME} and {path}/{SAE_WEIGHTS_FILENAME}"
    others = f", and those of {len(ids) - 1} more SAEs," if len(ids) > 1 else ""
    return hub.fetching(f"{first}{others} from {lookup.repo_id}", _INSTEAD)


def _lookup(release: str) -> PretrainedSAELookup:
    directory = get_pretrained_saes_directory()
    if release not in directory:
        near = ", ".join(difflib.get_close_matches(release, directory, n=3, cutoff=0.4))
        hint = f"near it are {near}" if near else "see SAELens' table of pretrained SAEs"
        raise InputError(f"{release!r} is no SAELens release and no folder; {hint}")
    return directory[release]


def _chosen(lookup: PretrainedSAELookup, layers: Collection[int] | None, saes_glob: str | None) -> list[str]:
    ids = [sae_id for sae_id in lookup.saes_map if saes_glob is None or fnmatchcase(sae_id, saes_glob)]
    if not ids:
        near = ", ".join(difflib.get_close_matches(str(saes_glob), lookup.saes_map, n=3, cutoff=0.0))
        raise InputError(f"no SAE of {lookup.release} is called like {saes_glob!r}; near it are {near}")
    numbers = {sae_id: metadata.layer(lookup.neuronpedia_id[sae_id]) for sae_id in ids}
    chosen = [sae_id for sae_id in ids if layers is None or numbers[sae_id] in (None, *layers)]
    if not chosen:
        there = ", ".join(map(str, sorted({number for number in numbers.values() if number is not None})))
        raise InputError(f"{lookup.release} has none of the layers asked for; it has {there}")
    return chosen
