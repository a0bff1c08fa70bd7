"""A model of three blocks made by hand, and SAEs of which it is known what they lack, copy and compute anew.

A word embeds to directions of its own. The first block writes nothing; the second one writes `WRITTEN` wherever the
word is ``dog``. The SAE of layer 1 has no feature for the direction of ``cat`` and ``sat``; that of layer 2 has one for
``mat``, which is only copied to it, and one for `WRITTEN`, which meets ``dog`` of layer 1 and is computed.
"""

from pathlib import Path
from typing import Final

import tiny
import torch
from sae_lens import SAE
from transformers import AutoModelForCausalLM

from saedb.ingest.config import IngestConfig

CAT, DOG, MAT, ARTICLE, OTHER, WRITTEN = range(6)
"""Directions of the residual stream."""
LAYERS: Final = ((CAT, DOG, MAT), (DOG, MAT), (MAT, WRITTEN))
"""The directions that the features of each SAE read and write."""
EMBEDDED: Final = {
    "cat": {CAT: 4.0}, "sat": {CAT: 2.0}, "dog": {DOG: 4.0}, "mat": {MAT: 4.0}, "the": {ARTICLE: 3.0, WRITTEN: 1.0},
    "a": {OTHER: 4.0},
}  # fmt: skip
"""A little of what the second block writes is on ``the`` from the start."""


def config(folder: Path, *, row_length: float = 1.0) -> IngestConfig:
    """Return the settings of a run on a model, SAEs and a text in a folder, which are made.

    Args:
        folder: where to.
        row_length: of all decoder rows; activations are smaller by it.
    """
    _save_model(folder / "model")
    for layer, directions in enumerate(LAYERS):
        _save_sae(folder / "saes" / f"layer{layer}", f"blocks.{layer}.hook_resid_pre", directions, row_length)
    return tiny.config_of_words(folder, [*EMBEDDED])


def _save_model(folder: Path) -> None:
    tiny.save_model(folder)
    words = tiny.tokenizer()
    model = AutoModelForCausalLM.from_pretrained(folder)
    for name, weights in model.named_parameters():
        if not name.endswith("ln_2.weight"):
            weights.data.zero_()
    for word, written in EMBEDDED.items():
        for direction, size in written.items():
            model.transformer.wte.weight.data[words.convert_tokens_to_ids(word), direction] = size
    model.transformer.wte.weight.data[0, -1] = 4.0  # BOS
    mlp = model.transformer.h[1].mlp
    model.transformer.h[1].ln_2.weight.data.fill_(1.0)
    mlp.c_fc.weight.data[DOG, 0], mlp.c_fc.bias.data[0] = 10.0, -20.0  # only where the direction is the largest
    mlp.c_proj.weight.data[0, WRITTEN] = 0.5
    model.save_pretrained(folder)


def _save_sae(folder: Path, hook: str, directions: tuple[int, ...], row_length: float) -> None:
    sae = tiny.save_sae(folder, hook, d_sae=len(directions))
    assert isinstance(sae, SAE)
    rows = torch.zeros(len(directions), tiny.D_MODEL)
    rows[range(len(directions)), list(directions)] = 1.0
    for weights in sae.parameters():
        weights.data.zero_()
    sae.W_enc.data = rows.T.contiguous() / row_length
    sae.W_dec.data = rows * row_length
    sae.save_model(folder)
