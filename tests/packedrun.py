"""A small run to be packed, what a packed file holds, and what an unpacking that failed may leave."""

import zipfile
from pathlib import Path

from saedb.ingest.archive import SUFFIX
from saedb.ingest.record import RunRecord, SaeRecord
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory, edges_file
from saedb.ingest.tables import EDGES, FEATURES, rows

EDGES_FILE = edges_file("0-a", "1-a")
IDS = ["tiny/0-a/0", "tiny/0-a/1", "tiny/1-a/0"]

Member = tuple[zipfile.ZipInfo, bytes]


def make_run(folder: Path, name: str = "small", pearson: float = 0.5) -> RunDirectory:
    saes = tuple(SaeRecord(id=f"{layer}-a", layer=layer, set="a", depth=layer, d_sae=2) for layer in (0, 1))
    record = RunRecord(
        id=name, kind="import", model="tiny", created="2026-01-01T00:00:00+00:00", config={}, saes=saes,
        pairs=(("0-a", "1-a"),),
    )  # fmt: skip
    run = RunDirectory.create(folder / name, record)
    keys = {"id": IDS, "sae": ["0-a", "0-a", "1-a"], "layer": [0, 0, 1], "depth": [0, 0, 1], "index": [0, 1, 0]}
    run.write(FEATURES, FEATURES_FILE, [rows(FEATURES, {**keys, "label": ["one", None, "'quoted'"]})])
    run.write(EDGES, EDGES_FILE, [rows(EDGES, {"source": IDS[:2], "target": IDS[2:] * 2, "pearson": [pearson, 0.7]})])
    run.update(status="complete")
    (run.path / "activations").mkdir()
    (run.path / "activations" / "000000.values.npy").write_bytes(b"activations")
    return run


def members_of(file: Path) -> list[Member]:
    with zipfile.ZipFile(file) as opened:
        return [(member, opened.read(member)) for member in opened.infolist()]


def check_nothing_came(there: Path) -> None:
    outside = [path for path in there.parent.iterdir() if path.name not in ("here", "there", f"small{SUFFIX}")]
    assert [path.name for path in outside if path.suffix != ".zip"] == []
    assert not there.exists() or [path.name for path in there.iterdir() if path.name != ".lock"] == []
