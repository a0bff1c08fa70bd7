"""Make the demo's SAEs, their figures and their model card again: ``python -m saedb.ingest.demo.train``.

1. Run the model on the training and the held-out text, and keep the residual stream at every hook (4 GB of disk).
2. Train one SAE per layer, two at a time.
3. Put them into ``saes/``.
4. Measure them there, on held-out documents.
5. Write ``saes/quality.json`` and ``MODEL_CARD.md``.

What is finished is kept in the scratch folder under a digest of the recipe, so that a killed run goes on.
"""

import argparse
import logging
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from pydantic import TypeAdapter
from sae_lens import SAE
from transformer_lens.model_bridge import TransformerBridge

from saedb.ingest.demo import fit
from saedb.ingest.demo.activations import Activations, cached
from saedb.ingest.demo.card import card
from saedb.ingest.demo.model import load_model
from saedb.ingest.demo.quality import LayerQuality, Quality, clean_cross_entropy, measure
from saedb.ingest.demo.recipe import CARD, HOOKS, LAYERS, QUALITY, SAES, Recipe, hook_name
from saedb.ingest.demo.text import documents
from saedb.ingest.model import LanguageModel
from saedb.ingest.places import cache

_PROCESSES = 2
"""With one thread each; two threads on one SAE of this size are slower."""

_log = logging.getLogger(__name__)


def make(recipe: Recipe, scratch: Path) -> Quality:
    """Return the figures of the SAEs made by ``recipe``, which are in ``saes/`` then, beside the figures."""
    own = scratch / recipe.digest()
    own.mkdir(parents=True, exist_ok=True)
    bridge = load_model()
    model = LanguageModel(bridge, HOOKS)
    training = cached(model, "train", recipe.train_contexts, scratch)
    heldout = cached(model, "heldout", recipe.heldout_contexts, scratch)
    train_all(recipe, training, own)
    for layer in LAYERS:
        shutil.copytree(own / hook_name(layer), SAES / hook_name(layer), dirs_exist_ok=True)
    quality = Quality(
        recipe=recipe,
        train_documents=len(documents("train")),
        train_tokens=int(training.counted.sum()),
        heldout_documents=len(documents("heldout")),
        heldout_left_out=1 - heldout.counted.mean().item(),
        layers=_measure_all(bridge, heldout, own),
    )
    QUALITY.write_bytes(TypeAdapter(Quality).dump_json(quality, indent=1) + b"\n")
    return quality


def train_all(recipe: Recipe, training: Activations, folder: Path) -> None:
    """Train the SAEs that ``folder`` does not have yet."""
    with ProcessPoolExecutor(
        _PROCESSES, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    ) as pool:
        work = [pool.submit(fit.train, recipe, training, layer, folder / hook_name(layer)) for layer in LAYERS]
        for future in work:
            future.result()


def _measure_all(model: TransformerBridge, heldout: Activations, folder: Path) -> tuple[LayerQuality, ...]:
    record = TypeAdapter(LayerQuality)
    rows: list[LayerQuality] = []
    ce_clean = clean_cross_entropy(model, heldout)
    for layer in LAYERS:
        file = folder / f"quality-{layer}.json"
        if not file.exists():
            sae = SAE.load_from_disk(SAES / hook_name(layer))
            file.write_bytes(record.dump_json(measure(model, sae, heldout, layer, ce_clean)))
        rows.append(record.validate_json(file.read_bytes()))
        _log.info("%s", rows[-1])
    return tuple(rows)


def _start_worker() -> None:
    _log_to_stderr()
    torch.set_num_threads(1)


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")


def main() -> None:
    """Make everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--scratch", type=Path, default=cache() / "demo-training", help="folder of the work in progress"
    )
    _log_to_stderr()
    CARD.write_text(card(make(Recipe(), parser.parse_args().scratch)), encoding="utf-8")


if __name__ == "__main__":
    main()
