import json
from pathlib import Path

import pytest
import tiny
from huggingface_hub import constants


@pytest.fixture
def unreachable_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the hub's clients at a port where nobody listens; return their cache, which is empty."""
    cache = tmp_path / "hub"
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    return cache


@pytest.fixture
def cached_release(unreachable_hub: Path) -> Path:
    """Put tiny SAEs in the hub's cache as if ``gpt2-small-res-jb`` were downloaded; return their folder."""
    snapshot = tiny.cached_repository(unreachable_hub, "jbloom/GPT2-Small-SAEs-Reformatted")
    for block in range(12):
        _save_as_sae_lens_3_did(snapshot / f"blocks.{block}.hook_resid_pre", f"blocks.{block}.hook_resid_pre")
    _save_as_sae_lens_3_did(snapshot / "blocks.11.hook_resid_post", "blocks.11.hook_resid_post")
    return snapshot


def _save_as_sae_lens_3_did(folder: Path, hook: str) -> None:
    """Save an SAE with the flat cfg.json of that release, which has neither version nor architecture."""
    tiny.save_sae(folder, hook)
    config = {
        "model_name": "gpt2-small",
        "hook_point": hook,
        "d_in": tiny.D_MODEL,
        "d_sae": 24,
        "dtype": "torch.float32",
        "context_size": tiny.CONTEXT_SIZE,
        "dataset_path": "Skylion007/openwebtext",
    }
    (folder / "cfg.json").write_text(json.dumps(config))
