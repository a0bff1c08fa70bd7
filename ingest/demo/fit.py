"""Train one layer's SAE with SAELens' trainer and save it in SAELens' format, weights in float16."""

import logging
import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sae_lens import SAETrainer, StandardTrainingSAE, StandardTrainingSAEConfig
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.sae import SAEMetadata
from safetensors.torch import save_file

from saedb.ingest.demo.activations import CONTEXT_SIZE, Activations
from saedb.ingest.demo.model import MODEL_NAME
from saedb.ingest.demo.recipe import Recipe, hook_name
from saedb.ingest.demo.text import DATASET

_log = logging.getLogger(__name__)


def train(recipe: Recipe, activations: Activations, layer: int, folder: Path) -> None:
    """Train the SAE of one layer and save it in ``folder``; a folder that exists is from an earlier run and stays."""
    if folder.exists():
        return
    started = time.monotonic()
    data = activations.at(layer)
    sae = _fit(recipe, data, layer)
    sae.fold_W_dec_norm()  # an activation is then a length in the residual stream
    _save(sae, folder)
    _log.info("%s: %d tokens, %.0f s", hook_name(layer), len(data), time.monotonic() - started)


def _fit(recipe: Recipe, data: npt.NDArray[np.float16], layer: int) -> StandardTrainingSAE:
    """Return the SAE trained on ``data``, ``[token, d_model]``, with the normalisation folded into its weights."""
    seed = recipe.seed + layer
    torch.manual_seed(seed)
    n_tokens, d_model = data.shape
    sae = StandardTrainingSAE(
        StandardTrainingSAEConfig(
            d_in=d_model,
            d_sae=recipe.d_sae,
            normalize_activations="expected_average_only_in",
            l1_coefficient=recipe.l1_coefficient,
            l1_warm_up_steps=recipe.l1_warm_up_steps,
            metadata=_metadata(layer, n_tokens, seed),
        )
    )
    mean, scale = _mean_and_scale(data)
    sae.b_dec.data = mean * scale
    steps = recipe.epochs * (n_tokens // recipe.batch_size)
    trainer = SAETrainer(
        cfg=SAETrainerConfig(
            total_training_samples=steps * recipe.batch_size,
            train_batch_size_samples=recipe.batch_size,
            lr=recipe.lr,
            lr_end=recipe.lr,  # asked for, not used: the constant schedule ends in a decay to 0
            lr_warm_up_steps=recipe.lr_warm_up_steps,
            lr_decay_steps=steps // 3,
            feature_sampling_window=100,  # the last window gives the L0 in the metadata
        ),
        sae=sae,
        data_provider=_batches(data, recipe.batch_size, seed),
    )
    trainer.activation_scaler.scaling_factor = scale
    return trainer.fit()


def _metadata(layer: int, n_tokens: int, seed: int) -> SAEMetadata:
    return SAEMetadata(
        model_name=MODEL_NAME,
        model_from_pretrained_kwargs={},  # the model as it is: nothing folded, nothing centred
        hook_name=hook_name(layer),
        dataset_path=DATASET,
        context_size=CONTEXT_SIZE,
        prepend_bos=True,
        sequence_separator_token="bos",
        unique_training_tokens=n_tokens,
        seed=seed,
    )


def _mean_and_scale(data: npt.NDArray[np.float16]) -> tuple[torch.Tensor, float]:
    """Return the mean token and the factor that brings the mean norm to the square root of d_model."""
    total = np.zeros(data.shape[1])
    norms = 0.0
    for chunk in np.array_split(data, math.ceil(len(data) / 65536)):
        wide = chunk.astype(np.float32)
        total += wide.sum(axis=0)
        norms += float(np.linalg.norm(wide, axis=1).sum())
    mean = torch.from_numpy(total / len(data)).float()
    return mean, math.sqrt(data.shape[1]) * len(data) / norms


def _batches(data: npt.NDArray[np.float16], size: int, seed: int) -> Iterator[torch.Tensor]:
    """Yield batches ``[size, d_model]`` without end, in a new order at each pass over the data."""
    generator = np.random.default_rng(seed)
    while True:
        order = generator.permutation(len(data))
        for start in range(0, len(data) - size + 1, size):
            yield torch.from_numpy(data[order[start : start + size]]).float()


def _save(sae: StandardTrainingSAE, folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    weights, _ = sae.save_inference_model(unfinished)
    save_file({name: value.half().contiguous() for name, value in sae.state_dict().items()}, weights)
    weights.chmod(0o644)  # safetensors lets only the owner read
    unfinished.rename(folder)
