"""A model of two blocks made by hand, with SAEs whose features are known to cause each other, or only to meet.

Its blocks write nothing, so that the residual stream is what the token embeds to: ``cat`` to a first and a second
direction at once, ``dog`` to the first alone, ``mat`` to a third.

Upstream features: CAUSE reads the first direction, COMPANION the second, OTHER the third. Downstream: CARRIED reads
the first alone, so that it meets COMPANION on every cat and does not hang on it (a common cause: the word); SUM reads
both; OTHER_CARRIED reads the third.
"""

from pathlib import Path
from typing import Final

import tiny
import torch
from sae_lens import SAE
from transformers import AutoModelForCausalLM

from saedb.ingest.config import IngestConfig

CAUSE, COMPANION, OTHER = range(3)
CARRIED, SUM, OTHER_CARRIED = range(3)

SIZE: Final = 4.0
"""How far a word goes along its directions."""
HOOKS: Final = ("blocks.0.hook_resid_pre", "blocks.1.hook_resid_pre")


def config(folder: Path) -> IngestConfig:
    """Return the settings of a run on a model, SAEs and a text in a folder, which are made."""
    _save_model(folder / "model")
    _save_sae(folder / "saes" / "layer0", HOOKS[0], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    _save_sae(folder / "saes" / "layer1", HOOKS[1], [[1, 0, 0], [1, 1, 0], [0, 0, 1]])
    return tiny.config_of_words(folder, ["cat", "dog", "mat", "the", "a"])


def _save_model(folder: Path) -> None:
    tiny.save_model(folder)
    words = tiny.tokenizer()
    model = AutoModelForCausalLM.from_pretrained(folder)
    for name, weights in model.named_parameters():
        if "c_proj" in name or "wpe" in name or "wte" in name:
            weights.data.zero_()
    directions = {"cat": (0, 1), "dog": (0,), "mat": (2,), "the": (3,), "a": (4,)}
    for word, written in directions.items():
        model.transformer.wte.weight.data[words.convert_tokens_to_ids(word), list(written)] = SIZE
    model.save_pretrained(folder)


def _save_sae(folder: Path, hook: str, reads: list[list[int]]) -> None:
    """Save an SAE whose features are sums of the first directions; each writes what it reads."""
    sae = tiny.save_sae(folder, hook, d_sae=len(reads))
    assert isinstance(sae, SAE)
    matrix = torch.zeros(len(reads), tiny.D_MODEL)
    matrix[:, : len(reads[0])] = torch.tensor(reads, dtype=torch.float32)
    for weights in sae.parameters():
        weights.data.zero_()
    sae.W_enc.data = matrix.T.contiguous()
    sae.W_dec.data = matrix
    sae.save_model(folder)
