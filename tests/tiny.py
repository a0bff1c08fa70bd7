"""A tiny random language model, its tokenizer, and tiny random SAEs, in the formats of the real ones."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from sae_lens import SAE
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from saedb.ingest.config import IngestConfig

Kind = Literal["gpt2", "llama", "gemma"]

D_MODEL = 16
BLOCKS = 3
CONTEXT_SIZE = 12
WORDS = ["the", "a", "cat", "dog", "sat", "on", "mat", "and", "ran", ".", "of", "in", "is", "it", "was", "he", "she"]


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words; ``<s>`` is BOS, ``</s>`` EOS and padding."""
    vocabulary = {word: number for number, word in enumerate(["<s>", "</s>", "<unk>", *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )


def save_model(folder: Path, kind: Kind = "gpt2") -> PreTrainedModel:
    """Save a random model with its tokenizer as transformers does, and return it."""
    torch.manual_seed(0)
    words = tokenizer()
    shared: dict[str, Any] = {"vocab_size": len(words), "bos_token_id": 0, "eos_token_id": 1}
    if kind == "gpt2":
        config = GPT2Config(n_layer=BLOCKS, n_head=2, n_embd=D_MODEL, n_positions=32, n_ctx=32, **shared)
        model: PreTrainedModel = GPT2LMHeadModel(config)
    else:
        shared |= {"num_hidden_layers": BLOCKS, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
        shared |= {"hidden_size": D_MODEL, "intermediate_size": 2 * D_MODEL, "max_position_embeddings": 32}
        model = (
            LlamaForCausalLM(LlamaConfig(**shared)) if kind == "llama" else Gemma2ForCausalLM(Gemma2Config(**shared))
        )
    for weights in model.parameters():  # transformers starts with values so small that every block is the identity
        weights.data += 0.3 * torch.randn_like(weights)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return model.eval()


def size(hook: str, kind: Kind = "gpt2") -> int:
    """Return the size of what a model of `save_model` has at a hook point."""
    site = hook.rpartition(".")[2]
    if site in ("hook_pre", "hook_pre_linear", "hook_post"):
        return 4 * D_MODEL if kind == "gpt2" else 2 * D_MODEL
    if site in ("hook_k", "hook_v", "hook_rot_k") and kind != "gpt2":
        return D_MODEL // 2  # one head of keys and values for two of queries
    return D_MODEL


def save_sae(
    folder: Path,
    hook: str,
    *,
    d_in: int | None = None,
    d_sae: int = 24,
    architecture: str = "standard",
    settings: Mapping[str, Any] | None = None,
    **metadata: Any,
) -> SAE[Any]:
    """Save a random SAE as SAELens does, and return it.

    Args:
        folder: where to.
        hook: the hook point that it reads.
        d_in: the size of what it reads; None: that of the GPT-2 of `save_model`.
        d_sae: features.
        architecture: as SAELens calls it.
        settings: more fields of its configuration, like ``normalize_activations``.
        metadata: what is added to the usual; None takes a field away.
    """
    usual = {"model_name": "tiny", "hook_name": hook, "context_size": CONTEXT_SIZE, "prepend_bos": True}
    kept = {name: value for name, value in (usual | metadata).items() if value is not None}
    config = {"architecture": architecture, "d_in": d_in or size(hook), "d_sae": d_sae, "metadata": kept}
    sae = SAE.from_dict(config | ({"k": 4} if architecture == "topk" else {}) | dict(settings or {}))
    torch.manual_seed(sum(map(ord, str(folder.name))))
    for weights in sae.parameters():
        weights.data = 0.5 * torch.randn_like(weights)
    if architecture == "matching_pursuit":  # which needs a decoder of unit rows to come to an end
        sae.W_dec.data /= sae.W_dec.norm(dim=1, keepdim=True)
    folder.mkdir(parents=True, exist_ok=True)
    sae.save_model(folder)
    return sae.eval()


def edit_config(folder: Path, **fields: Any) -> None:
    """Change fields of a saved SAE's ``cfg.json``; None takes a field away."""
    file = folder / "cfg.json"
    config = json.loads(file.read_text()) | fields
    file.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))


def cached_repository(cache: Path, name: str) -> Path:
    """Return the folder of the files of a repository in a cache of the hub."""
    folder = cache / f"models--{name.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs/main").write_text("0" * 40)
    snapshot = folder / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    return snapshot


def config_of_words(folder: Path, vocabulary: Sequence[str]) -> IngestConfig:
    """Return the settings of a run on ``model`` and ``saes`` in a folder, and a text of random words, which is made."""
    words = random.Random(0)
    texts = [" ".join(words.choices(vocabulary, k=words.randint(6, 30))) for _ in range(60)]
    (folder / "text.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    return IngestConfig(
        inputs=(str(folder / "saes"),),
        model=str(folder / "model"),
        dataset=str(folder / "text.jsonl"),
        tokens=960,
        batch_contexts=16,
        shard_contexts=16,
    )
