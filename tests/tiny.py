"""A tiny random language model, its tokenizer, and tiny random SAEs, in the formats of the real ones."""

import json
from pathlib import Path
from typing import Any, Literal

import torch
from sae_lens import SAE
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

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


def save_model(folder: Path, kind: Literal["gpt2", "llama"] = "gpt2") -> PreTrainedModel:
    """Save a random model with its tokenizer as transformers does, and return it."""
    torch.manual_seed(0)
    words = tokenizer()
    shared: dict[str, Any] = {"vocab_size": len(words), "bos_token_id": 0, "eos_token_id": 1}
    if kind == "gpt2":
        config = GPT2Config(n_layer=BLOCKS, n_head=2, n_embd=D_MODEL, n_positions=32, n_ctx=32, **shared)
        model: PreTrainedModel = GPT2LMHeadModel(config)
    else:
        config = LlamaConfig(
            num_hidden_layers=BLOCKS,
            num_attention_heads=2,
            num_key_value_heads=1,
            hidden_size=D_MODEL,
            intermediate_size=32,
            max_position_embeddings=32,
            **shared,
        )
        model = LlamaForCausalLM(config)
    for weights in model.parameters():  # transformers starts with values so small that every block is the identity
        weights.data += 0.3 * torch.randn_like(weights)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return model.eval()


def size(hook: str) -> int:
    """Return the size of what the GPT-2 of `save_model` has at a hook point."""
    return 4 * D_MODEL if hook.endswith("mlp.hook_post") else D_MODEL


def save_sae(
    folder: Path,
    hook: str,
    *,
    d_in: int | None = None,
    d_sae: int = 24,
    architecture: str = "standard",
    **metadata: Any,
) -> SAE[Any]:
    """Save a random SAE as SAELens does, and return it; `metadata` is added to the usual, None takes a field away."""
    usual = {"model_name": "tiny", "hook_name": hook, "context_size": CONTEXT_SIZE, "prepend_bos": True}
    kept = {name: value for name, value in (usual | metadata).items() if value is not None}
    config = {"architecture": architecture, "d_in": d_in or size(hook), "d_sae": d_sae, "metadata": kept}
    sae = SAE.from_dict(config | ({"k": 4} if architecture == "topk" else {}))
    torch.manual_seed(sum(map(ord, str(folder.name))))
    for weights in sae.parameters():
        weights.data = 0.5 * torch.randn_like(weights)
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
