"""A tiny model, SAEs and text in a folder, for runs that take a second."""

import json
import random
from pathlib import Path

import tiny

from saedb.ingest.config import IngestConfig

HOOKS = [f"blocks.{block}.hook_resid_pre" for block in range(3)]
DOCUMENTS = 120


def make_inputs(folder: Path) -> None:
    """Make the folders ``model`` and ``saes``, and ``text.jsonl`` of some 3,200 tokens."""
    tiny.save_model(folder / "model", "llama")
    for number, hook in enumerate(HOOKS):
        tiny.save_sae(folder / "saes" / f"layer{number}", hook)
    words = random.Random(0)
    texts = [" ".join(words.choices(tiny.WORDS, k=words.randint(4, 50))) for _ in range(DOCUMENTS)]
    (folder / "text.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))


def tiny_config(folder: Path, tokens: int = 1200) -> IngestConfig:
    """Make the inputs in a folder, and return the settings of a run of so many tokens in several shards."""
    make_inputs(folder)
    return IngestConfig(
        inputs=(str(folder / "saes"),),
        model=str(folder / "model"),
        dataset=str(folder / "text.jsonl"),
        tokens=tokens,
        batch_contexts=16,
        shard_contexts=32,
    )
