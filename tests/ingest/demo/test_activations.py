from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter
from sae_lens import SAE

from saedb.ingest.demo.activations import cached, contexts
from saedb.ingest.demo.model import load_model, load_tokenizer
from saedb.ingest.demo.quality import Quality, reconstruction
from saedb.ingest.demo.recipe import HOOKS, LAYERS, QUALITY, SAES, hook_name
from saedb.ingest.model import LanguageModel


def test_more_contexts_begin_with_the_same_ones() -> None:
    tokenizer = load_tokenizer()
    few, more = (contexts(tokenizer, "heldout", count) for count in (20, 50))
    assert (more[:20] == few).all()
    assert (more[:, 0] == tokenizer.bos_token_id).all()
    assert more.shape == (50, 128)


@pytest.mark.slow
def test_the_stored_figures_are_those_of_the_saved_weights_and_a_stopped_run_goes_on(tmp_path: Path) -> None:
    model = LanguageModel(load_model(), HOOKS)
    whole = cached(model, "heldout", 40, tmp_path)
    streams = {layer: whole.at(layer) for layer in LAYERS}

    norms = np.load(whole.folder / "norms.npy", mmap_mode="r+")
    norms[:, 20:] = 0
    for hook in HOOKS:
        np.load(whole.folder / f"{hook}.npy", mmap_mode="r+")[20:] = 0
    again = cached(model, "heldout", 40, tmp_path)

    stored = {row.layer: row for row in TypeAdapter(Quality).validate_json(QUALITY.read_bytes()).layers}
    for layer in LAYERS:
        assert np.allclose(again.at(layer), streams[layer], rtol=1e-2, atol=1e-2)
        explained_variance, l0, _ = reconstruction(SAE.load_from_disk(SAES / hook_name(layer)), streams[layer])
        assert explained_variance == pytest.approx(stored[layer].explained_variance, abs=0.03)
        assert l0 == pytest.approx(stored[layer].l0, rel=0.1)
