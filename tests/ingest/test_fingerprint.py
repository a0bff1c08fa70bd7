from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny

from saedb.ingest import fingerprint
from saedb.ingest.config import IngestConfig
from saedb.ingest.errors import RunError
from saedb.ingest.record import RunRecord
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory

NAMES = IngestConfig(inputs=("gpt2-small-res-jb",), model="gpt2", dataset="NeelNanda/pile-10k")


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """Make a local file or folder for every setting that can name one."""
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    tiny.save_sae(tmp_path / "saes" / "layer0", "blocks.0.hook_resid_pre")
    for file in ("model/config.json", "text.txt", "cache/layers.0/0_9.safetensors", "maxima.csv"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("something")
    run = RunDirectory.create(
        tmp_path / "runs" / "other", RunRecord(id="o", kind="import", model="tiny", created="", config={})
    )
    (run.path / FEATURES_FILE).write_text("something")
    return {
        "inputs": ("saes",),
        "model": "model",
        "dataset": "text.txt",
        "activations": "cache",
        "max_activations": "maxima.csv",
        "max_from": "other",
    }


def test_names_on_the_hub_are_kept_and_have_no_contents() -> None:
    settings = fingerprint.settings(NAMES)
    assert (settings["inputs"], settings["model"], settings["dataset"]) == (
        ["gpt2-small-res-jb"],
        "gpt2",
        "NeelNanda/pile-10k",
    )
    assert fingerprint.contents(NAMES) == {}


def test_local_paths_are_absolute_and_a_run_is_found_by_name(local: Mapping[str, Any], tmp_path: Path) -> None:
    settings = fingerprint.settings(IngestConfig(**local))
    assert settings["inputs"] == [str(tmp_path / "saes")]
    for name in ("model", "dataset", "activations", "max_activations"):
        assert settings[name] == str(tmp_path / local[name])
    assert settings["max_from"] == str(tmp_path / "runs" / "other")


FILES = {
    "inputs": "saes/layer0/cfg.json",
    "model": "model/config.json",
    "dataset": "text.txt",
    "activations": "cache/layers.0/0_9.safetensors",
    "max_activations": "maxima.csv",
    "max_from": f"runs/other/{FEATURES_FILE}",
}


@pytest.mark.parametrize("name", FILES)
def test_changed_contents_change_the_hash_of_their_setting_only(
    local: Mapping[str, Any], tmp_path: Path, name: str
) -> None:
    config = IngestConfig(**local)
    before = fingerprint.contents(config)
    assert before.keys() == FILES.keys()
    (tmp_path / FILES[name]).write_text("something else")
    after = fingerprint.contents(config)
    assert {key for key in before if before[key] != after[key]} == {name}


def test_a_run_that_is_not_there_is_one_line(local: Mapping[str, Any]) -> None:
    with pytest.raises(RunError, match=r"no run at .*missing"):
        fingerprint.settings(replace(IngestConfig(**local), max_from="missing"))
