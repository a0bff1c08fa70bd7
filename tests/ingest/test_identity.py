from pathlib import Path
from typing import Any

import pytest

from saedb.ingest.errors import RunError
from saedb.ingest.identity import check_features
from saedb.ingest.record import RunRecord, SaeRecord
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory
from saedb.ingest.tables import FEATURES, rows

RIGHT: dict[str, Any] = {"id": "tiny/3-a/1", "sae": "3-a", "layer": 3, "depth": 0, "index": 1}


def run_of(folder: Path, *features: dict[str, Any]) -> RunDirectory:
    sae = SaeRecord(id="3-a", layer=3, set="a", depth=0, d_sae=2)
    record = RunRecord(id="small", kind="import", model="tiny", created="", config={}, saes=(sae,))
    run = RunDirectory.create(folder, record)
    columns = {name: [feature[name] for feature in features] for name in RIGHT}
    run.write(FEATURES, FEATURES_FILE, [rows(FEATURES, columns)])
    return run


def test_features_of_the_saes_of_the_run_pass(tmp_path: Path) -> None:
    check_features(run_of(tmp_path, RIGHT, RIGHT | {"id": "tiny/3-a/0", "index": 0}))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x" * 9000},
        {"id": "other/3-a/1"},
        {"id": "tiny/3-a/01"},
        {"sae": "4-a", "id": "tiny/4-a/1"},
        {"layer": 4},
        {"depth": 1},
        {"index": 2, "id": "tiny/3-a/2"},
        {"index": -1, "id": "tiny/3-a/-1"},
        {"sae": "`}) DETACH DELETE n //\n", "id": "tiny/`}) DETACH DELETE n //\n/1"},
    ],
    ids=str,
)
def test_a_feature_of_another_name_or_place_is_refused_in_one_line(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(RunError, match=r"has a feature that is none of run\.json's") as caught:
        check_features(run_of(tmp_path, RIGHT, RIGHT | change))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000
