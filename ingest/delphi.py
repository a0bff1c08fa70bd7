"""Activations that EleutherAI's delphi cached, instead of a pass over the text.

A cache is a folder per hook point, named after the module whose output the SAE read, like ``layers.5`` or
``gpt_neox.layers.3.mlp``. In it lie `latentfile`s, each with a stretch of the latents on the whole text, and a
``config.json`` that names the dataset and the context size.

What a cache lacks: activations of a magnitude up to 1e-5, more than the eleven bits of half precision, and residuals,
from which attention sinks and the quality of an SAE would be seen.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from transformers import PreTrainedTokenizerBase

from saedb.ingest import latentfile
from saedb.ingest.contexts import Contexts, special_tokens
from saedb.ingest.errors import InputError
from saedb.ingest.latentfile import AGAIN, LatentFile
from saedb.ingest.sources import SaeSet, SaeSource
from saedb.ingest.sparse import SparseRows, index_type

_MODULE: Final = re.compile(r"(?:.*\.)?(?:layers?|h|blocks)\.(?P<block>\d+)(?:\.(?P<part>.+))?")

_SITE_OF: Final[Mapping[str | None, str]] = {
    None: "hook_resid_post",
    "attn": "hook_attn_out",
    "attention": "hook_attn_out",
    "self_attn": "hook_attn_out",
    "mlp": "hook_mlp_out",
    "feed_forward": "hook_mlp_out",
    "post_feedforward_layernorm": "hook_mlp_out",  # of Gemma, where TransformerLens has the hook
}
"""TransformerLens' name of what a part of a block puts out; None is the block itself."""

_CONTEXT_SIZE: Final = ("cache_ctx_len", "ctx_len")
"""Names of the context size in ``config.json``, of later and of earlier versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The cached activations of the SAEs of a run."""

    path: Path
    tokens: NDArray[np.int32] | None
    """Ids in the model's vocabulary, [contexts, context_size]; None where the cache has none."""
    contexts: int
    """Number of contexts; where the cache has no tokens, up to the last one with an activation."""
    context_size: int
    dataset: str | None
    """What the text was taken from, where ``config.json`` says."""
    files: Mapping[str, tuple[LatentFile, ...]]
    """By SAE id, in the order of the latents."""

    def rows(self, sae: str, contexts: slice) -> SparseRows:
        """Return an SAE's activations above 0 on all tokens of some contexts, [tokens, d_sae].

        Memory grows with the activations in these contexts, by about 60 bytes each, not with the cache. Slices that
        cover all contexts meet every entry of the cache, or raise.

        Raises:
            InputError: an activation is not finite, stands twice, or is of a token or latent that there is not.
        """
        files = self.files[sae]
        chosen = range(*contexts.indices(self.contexts))
        parts = [file.above_zero(chosen, self.context_size) for file in files]
        row, column, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        width = sum(file.width for file in files)
        matrix = coo_array((values, (row, column)), shape=(len(chosen) * self.context_size, width)).tocsr()
        if matrix.nnz < len(values):  # SciPy adds up what stands twice
            raise InputError(f"{files[0].path.parent} has two activations of one latent on one token; {AGAIN}")
        return SparseRows(
            indptr=matrix.indptr.astype(np.int64),
            indices=matrix.indices.astype(index_type(width)),
            values=matrix.data,
            width=width,
        )

    def l0(self, sae: str) -> float:
        """Return how many activations of an SAE there are per token."""
        return sum(file.entries for file in self.files[sae]) / (self.contexts * self.context_size)

    def check_shape(self, tokens: NDArray[np.int32]) -> None:
        """Check that a text, [n, context_size], has the contexts that a cache without tokens was made on.

        More cannot be told: delphi shuffles the documents of its dataset, so the text must be in that order.

        Raises:
            InputError: their number or size is another.
        """
        if tokens.shape != (self.contexts, self.context_size):
            number, size = tokens.shape
            raise InputError(
                f"the text has {number:,} contexts of {size} tokens, {self.path} has {self.contexts:,} of"
                f" {self.context_size} and no tokens; {AGAIN}, with save_tokens"
            )


def open_cache(path: Path, found: SaeSet) -> Cache:
    """Return the cache in a folder, or in ``latents`` below it, all of it checked but the activations.

    A folder belongs to the SAE whose id or hook point it is named by, or that reads what its module puts out. Memory:
    16 bytes for each token of the text.

    Raises:
        InputError: an SAE has no folder or several, or a file is missing, damaged, of other latents or of another text.
    """
    folders = _folders_of(found.sources, path)
    files = {source.id: _files(folders[source.id], source) for source in found.sources}
    configs = [_config(folder) for folder in folders.values()]
    tokens = _tokens(list(chain.from_iterable(files.values())))
    last = max(chain.from_iterable(files.values()), key=lambda file: file.last_context)
    contexts = last.last_context + 1 if tokens is None else len(tokens)
    if last.last_context >= contexts:
        raise InputError(f"{last.path} has context {last.last_context}, its tokens are {contexts} contexts; {AGAIN}")
    if not contexts:
        raise InputError(f"{path} has no activations; {AGAIN}")
    return Cache(
        path=path,
        tokens=tokens,
        contexts=contexts,
        context_size=_context_size(configs, path) if tokens is None else tokens.shape[1],
        dataset=next((str(config["dataset_repo"]) for config in configs if "dataset_repo" in config), None),
        files=files,
    )


def as_contexts(tokens: NDArray[np.int32], tokenizer: PreTrainedTokenizerBase) -> Contexts:
    """Return cached tokens, [n, context_size], with the documents that they are of.

    delphi sets EOS between documents; where there is none in the text, each context counts as a document. Contexts of
    the first half of the text make its first half; a document that goes on in the second one is another document there.

    Raises:
        InputError: a token is not of the vocabulary.
    """
    flat = tokens.ravel()
    beyond = (flat < 0) | (flat >= len(tokenizer))
    if beyond.any():
        raise InputError(
            f"the cached text has token {flat[beyond][0]}, the model's vocabulary has {len(tokenizer):,};"
            " give the model that was cached with --model"
        )
    ends = flat == tokenizer.eos_token_id
    number = np.cumsum(ends) if ends.any() else np.repeat(np.arange(len(tokens)), tokens.shape[1])
    ordinary = ~np.isin(flat, list(special_tokens(tokenizer)))
    half = np.repeat(np.arange(len(tokens)) >= (len(tokens) + 1) // 2, tokens.shape[1])
    documents = np.full(flat.shape, -1, np.int32)
    present, documents[ordinary] = np.unique(2 * number[ordinary] + half[ordinary], return_inverse=True)
    return Contexts(
        tokens=tokens,
        documents=documents.reshape(tokens.shape),
        document_ids=tuple(f"cached:{n}" for n in range(len(present))),
        halves=(present % 2).astype(np.int8),
        prepend_bos=bool((tokens[:, 0] == tokenizer.bos_token_id).all()),
    )


def _folders_of(sources: Sequence[SaeSource], path: Path) -> dict[str, Path]:
    """Return the folder of each SAE, by id."""
    there = _folders(path)
    found = {source.id: _folder_of(source, there, path) for source in sources}
    owners = dict(zip(found.values(), found, strict=True))
    for sae, folder in found.items():
        if owners[folder] != sae:
            raise InputError(f"{folder} fits two SAEs, {sae} and {owners[folder]}; name the folders by SAE ids")
    return found


def _folders(path: Path) -> dict[str, Path]:
    """Return the folders of hook points, by name."""
    root = path / "latents" if (path / "latents").is_dir() else path
    if not root.is_dir():
        raise InputError(f"no folder {path}; give one that delphi cached activations in")
    found = {folder.name: folder for folder in sorted(root.iterdir()) if folder.is_dir() and latentfile.files(folder)}
    if found:
        return found
    if latentfile.files(root):
        raise InputError(f"{path} is the cache of one hook point; give the folder that it is in")
    raise InputError(
        f"{path} has no folder with files like 0_1023.safetensors; give one that delphi's save_splits made"
    )


def _folder_of(source: SaeSource, there: Mapping[str, Path], path: Path) -> Path:
    for name in (source.id, source.hook):
        if name in there:
            return there[name]
    fitting = [name for name in there if source.hook in _outputs(name)]
    if len(fitting) == 1:
        return there[fitting[0]]
    found = f"{', '.join(fitting)} for" if fitting else f"{', '.join(there)}, none of them known to be for"
    raise InputError(
        f"{path} has {found} the SAE {source.id} ({source.hook}); name the folder of its cache {source.id}"
    )


def _outputs(module: str) -> tuple[str, ...]:
    """Return TransformerLens' hook points for what a module puts out; none where that is not known."""
    match = _MODULE.fullmatch(module)
    if match is None or match["part"] not in _SITE_OF:
        return ()
    hook = f"blocks.{match['block']}.{_SITE_OF[match['part']]}"
    return (hook,) if match["part"] else (hook, f"blocks.{int(match['block']) + 1}.hook_resid_pre")


def _files(folder: Path, source: SaeSource) -> tuple[LatentFile, ...]:
    """Return the files of an SAE, checked to hold each latent once."""
    files = sorted(map(latentfile.described, latentfile.files(folder)), key=lambda file: file.first)
    ends = [0, *(file.first + file.width for file in files)]
    for end, file in zip(ends, files, strict=False):
        if file.first != end:
            what = "no file for latent" if file.first > end else "two files for latent"
            raise InputError(f"{folder} has {what} {min(file.first, end)}; {AGAIN} into an empty folder")
    if ends[-1] != source.d_sae:
        raise InputError(
            f"{folder} has {ends[-1]:,} latents, the SAE {source.id} has {source.d_sae:,}; give the SAE that was cached"
        )
    return tuple(files)


def _tokens(files: Sequence[LatentFile]) -> NDArray[np.int32] | None:
    """Return the text, checked to be the same in all files; None where none has it."""
    for before, file in pairwise(files):
        if before.has_tokens != file.has_tokens:
            having, lacking = (before, file) if before.has_tokens else (file, before)
            raise InputError(f"{having.path} has tokens, {lacking.path} has none; cache all hook points alike")
    if not files[0].has_tokens:
        return None
    tokens = files[0].tokens()
    for file in files[1:]:
        if not np.array_equal(file.tokens(), tokens):
            raise InputError(f"{file.path} is of another text than {files[0].path}; cache all hook points on one text")
    return tokens


def _config(folder: Path) -> Mapping[str, Any]:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}); {AGAIN}") from error
    if not isinstance(config, dict):
        raise InputError(f"{file} is not a JSON object; {AGAIN}")
    return config


def _context_size(configs: Sequence[Mapping[str, Any]], path: Path) -> int:
    given = (config.get(name) for config in configs for name in _CONTEXT_SIZE)
    sizes = {size for size in given if isinstance(size, int) and size > 0}
    if len(sizes) != 1:
        found = f"the context sizes {', '.join(map(str, sorted(sizes)))}" if sizes else "no context size"
        raise InputError(f"{path} has no tokens, and {found} in its config.json; {AGAIN}, with save_tokens")
    return sizes.pop()
