"""Caches of activations as EleutherAI's delphi writes them."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from saedb.ingest.sources import Folder, SaeSet, SaeSource


def save_cache(
    folder: Path,
    latents: NDArray[np.float32],
    tokens: NDArray[np.int64] | None,
    *,
    splits: int = 3,
    config: dict[str, Any] | None = None,
) -> None:
    """Save the latents of one hook point, [contexts, context_size, d_sae], as `LatentCache.save_splits` does.

    `config` is what `save_config` writes beside them, if not None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    locations = np.argwhere(np.abs(latents) > 1e-5)
    activations = latents[tuple(locations.T)].astype(np.float16)
    bounds = torch.linspace(0, latents.shape[2], splits + 1).long().tolist()
    for start, stop in pairwise(bounds):
        chosen = (locations[:, 2] >= start) & (locations[:, 2] < stop)
        small = locations[:, 0].max(initial=0) < 2**16
        part = (locations[chosen] - [0, 0, start]).astype(np.uint16 if small else np.uint32)
        tensors = {"locations": part, "activations": activations[chosen]}
        save_file(tensors | ({} if tokens is None else {"tokens": tokens}), folder / f"{start}_{stop - 1}.safetensors")
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config, indent=4))


def random_latents(contexts: int = 7, context_size: int = 5, d_sae: int = 24, seed: int = 0) -> NDArray[np.float32]:
    """Return latents, a tenth of them above 0, that half precision holds exactly."""
    random = np.random.default_rng(seed)
    dense = random.uniform(0.5, 3.0, (contexts, context_size, d_sae)) * (
        random.random((contexts, context_size, d_sae)) < 0.1
    )
    return dense.astype(np.float16).astype(np.float32)


def flat(latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return latents by token, [tokens, d_sae]."""
    return latents.reshape(-1, latents.shape[2])


def sae_set(*hooks: str, d_sae: int = 24) -> SaeSet:
    """Return SAEs with these hook points, called 0-a, 1-a, ..."""
    sources = tuple(
        SaeSource(
            location=Folder(path=Path("here")),
            layer=depth,
            set="a",
            depth=depth,
            hook=hook,
            d_in=4,
            d_sae=d_sae,
            architecture="standard",
            model_name="tiny",
        )
        for depth, hook in enumerate(hooks)
    )
    return SaeSet(model="tiny", model_to_load="tiny", sources=sources, pairs=(), missing=())


TOKENS = np.arange(35, dtype=np.int64).reshape(7, 5)
"""A text of seven contexts of five tokens."""

ONE = sae_set("blocks.5.hook_resid_post")


def one_cache(path: Path) -> Path:
    """Save a cache of `ONE`, and return the folder of its hook point."""
    save_cache(path / "layers.5", random_latents(), TOKENS)
    return path / "layers.5"
