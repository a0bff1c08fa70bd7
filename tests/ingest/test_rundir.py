import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from saedb.ingest.errors import InputError, RunError
from saedb.ingest.record import RunRecord, SaeRecord, TokenCounts
from saedb.ingest.rundir import (
    COMMUNITIES_FILE,
    DOCUMENTS_FILE,
    EXAMPLES_FILE,
    FEATURES_FILE,
    TOKENS_FILE,
    RunDirectory,
    edges_file,
    replacing,
)
from saedb.ingest.tables import COMMUNITIES, EDGES, FORMAT, rows

RECORD = RunRecord(
    id="small",
    kind="import",
    model="tiny",
    created="2026-01-01T00:00:00+00:00",
    config={"tokens": 10},
    saes=(
        SaeRecord(id="0-a", layer=0, set="a", depth=0, d_sae=3),
        SaeRecord(id="1-a", layer=1, set="a", depth=1, d_sae=3),
    ),
    pairs=(("0-a", "1-a"),),
    tokens=TokenCounts(
        read=10, counted=8, left_out={"special token": 2}, documents=2, context_size=5, prepend_bos=True
    ),
)
NAME = edges_file("0-a", "1-a")


def edge_rows(pearson: float = 0.5) -> pa.Table:
    return rows(EDGES, {"source": ["a"], "target": ["b"], "pearson": [pearson]})


def test_a_run_is_opened_with_the_record_it_was_created_with(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "small", RECORD)
    assert RunDirectory.open(tmp_path / "small").record == RECORD


def test_a_run_is_not_created_over_another(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path, RECORD)
    with pytest.raises(RunError, match="a run is there already"):
        RunDirectory.create(tmp_path, RECORD)


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no run at .*nowhere"):
        RunDirectory.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"format": Infinity}',
        f'{{"format": {FORMAT}}}',
        '{"format": "x"}',
        '{"format": null}',
    ],
)
def test_a_damaged_record_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match="is damaged") as caught:
        RunDirectory.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_record_of_a_later_format_asks_for_an_update(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    content = json.loads((run.path / "run.json").read_text()) | {"format": FORMAT + 1, "kind": "of the future"}
    (run.path / "run.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match=f"of format {FORMAT + 1}, this saedb reads {FORMAT}; update saedb"):
        RunDirectory.open(tmp_path)


def test_a_written_file_is_recorded_and_read_back(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    assert not run.has(NAME, EDGES)
    run.write(EDGES, NAME, [edge_rows(0.5), edge_rows(0.6)])
    again = RunDirectory.open(tmp_path)
    assert again.has(NAME, EDGES)
    assert again.edge_files == [NAME]
    assert again.record.files[NAME].rows == 2
    assert again.read(EDGES, NAME)["pearson"].to_pylist() == [0.5, 0.6]


def test_a_table_without_rows_is_a_file_too(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    run.write(EDGES, NAME, [])
    assert len(run.read(EDGES, NAME)) == 0


def test_a_write_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)

    def interrupted():
        yield edge_rows()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.write(EDGES, NAME, interrupted())
    assert not run.has(NAME, EDGES)
    assert not list((tmp_path / NAME).parent.iterdir())


def test_a_file_that_was_renamed_but_not_recorded_is_adopted(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    run.write(EDGES, NAME, [edge_rows()])
    recorded = run.record.files
    run.update(files={})
    assert RunDirectory.open(tmp_path).has(NAME, EDGES)
    assert RunDirectory.open(tmp_path).record.files == recorded


def test_a_file_that_takes_the_place_of_another_is_never_recorded_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    run.write(EDGES, NAME, [edge_rows()], warnings=("first",))
    seen: list[tuple[bool, tuple[str, ...] | None]] = []
    replace = Path.replace

    def watch(self: Path, target: Path) -> Path:
        if target.suffix == ".parquet":
            recorded = json.loads((tmp_path / "run.json").read_text())
            seen.append((NAME in recorded["files"], recorded["warnings"]))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watch)
    run.write(EDGES, NAME, [edge_rows(0.7)], warnings=("second",))
    assert seen == [(False, None)]
    found = RunDirectory.open(tmp_path).record
    assert (found.warnings, found.files[NAME]) == (("second",), run.record.files[NAME])


def test_a_file_made_with_other_settings_is_not_adopted(tmp_path: Path) -> None:
    other = RunDirectory.create(tmp_path / "other", replace(RECORD, config={"tokens": 11}))
    other.write(EDGES, NAME, [edge_rows()])
    run = RunDirectory.create(tmp_path / "run", RECORD)
    (run.path / NAME).parent.mkdir(parents=True)
    (other.path / NAME).rename(run.path / NAME)
    assert not run.has(NAME, EDGES)


def test_one_process_writes_a_run_at_a_time(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    other = RunDirectory.open(tmp_path)
    with run.writing(), pytest.raises(RunError, match="another process is writing"), other.writing():
        pass
    with other.writing():
        pass


def test_what_a_killed_process_had_not_finished_is_removed(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    (tmp_path / NAME).parent.mkdir(parents=True)
    left: list[Path] = []
    for file in (run.path / "run.json", run.path / NAME):
        with contextlib.suppress(KeyboardInterrupt), replacing(file, "table") as temporary:
            left.append(temporary)
            raise KeyboardInterrupt
    for file in left:
        file.write_text("half")  # as a process leaves it that is killed
    with RunDirectory.open(tmp_path).writing():
        assert not any(file.exists() for file in left)
    assert RunDirectory.open(tmp_path).record == RECORD


def test_a_run_is_not_created_beside_another_process_that_creates_it(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    with run.writing():
        (tmp_path / "run.json").unlink()
        with pytest.raises(RunError, match="another process is writing"):
            RunDirectory.create(tmp_path, RECORD)


def test_equal_content_has_equal_hashes_and_a_changed_table_another(tmp_path: Path) -> None:
    hashes = []
    for folder, pearson in (("a", 0.5), ("b", 0.5), ("c", 0.6)):
        run = RunDirectory.create(tmp_path / folder, RECORD)
        run.write(EDGES, NAME, [edge_rows(pearson)])
        run.update(timings={folder: 1.0})
        hashes.append(run.content_hash)
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    with contextlib.suppress(KeyboardInterrupt), replacing(file, "table") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]
    with replacing(file, "table") as temporary:
        temporary.write_text("after")
    assert file.read_text() == "after"
    assert list(tmp_path.iterdir()) == [file]


def test_reading_checks_the_table(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    run.write(EDGES, NAME, [edge_rows()])
    with pytest.raises(RunError, match="is no communities table"):
        run.read(COMMUNITIES, NAME)


def test_no_flipped_bit_is_read_as_other_values(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    values = np.random.default_rng(0).random(500)
    ids = [f"f{number}" for number in range(len(values))]
    run.write(EDGES, NAME, [rows(EDGES, {"source": ids, "target": ids, "pearson": values})])
    whole, content = run.read(EDGES, NAME), (run.path / NAME).read_bytes()
    changed = 0
    for place in range(0, len(content), 97):
        (run.path / NAME).write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with contextlib.suppress(RunError):
            changed += not run.read(EDGES, NAME).equals(whole)
    assert changed == 0


def changed_record(run: RunDirectory, *keys: str | int, value: Any) -> None:
    """Change one value in ``run.json``, as a stranger's hand could."""
    content = json.loads((run.path / "run.json").read_text())
    part = content
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    (run.path / "run.json").write_text(json.dumps(content))


ENTRY = {"sha256": "0" * 64, "bytes": 1, "rows": 1}
STRANGE_FILES = (
    "../features.parquet",
    "/features.parquet",
    "features.parquet/..",
    "run.json",
    ".lock",
    "activations/a.parquet",
    "edges/pair=0-a--2-a/edges.parquet",
    "edges/pair=0-a--1-a/../../edges.parquet",
    "a\n.parquet",
    "\0",
    "",
)
UNSAFE = ("../x", "a/b", "/a", "a b", "", ".a", "a\n", "a`}) DETACH DELETE n //", "\\u0027", "\0", "\ud800", "x" * 101)


@pytest.mark.parametrize("name", UNSAFE)
@pytest.mark.parametrize(
    "keys", [("id",), ("model",), ("saes", 0, "set"), ("saes", 0, "id"), ("pairs", 0, 0), ("files", NAME, "sha256")]
)
def test_a_name_that_no_run_may_hold_is_refused(tmp_path: Path, keys: tuple[str | int, ...], name: str) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    run.write(EDGES, NAME, [edge_rows()])
    changed_record(run, *keys, value=name)
    with pytest.raises(RunError, match=r"run\.json is damaged") as caught:
        RunDirectory.open(tmp_path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("key", ["layer", "depth", "d_sae", "d_in"])
@pytest.mark.parametrize("value", [-1, 2**63, 0.5, "x", [0]])
def test_numbers_of_an_sae_are_whole_and_from_zero_on(tmp_path: Path, key: str, value: Any) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    changed_record(run, "saes", 0, key, value=value)
    with pytest.raises(RunError, match=rf"run\.json is damaged \('saes\.0\.{key}'"):
        RunDirectory.open(tmp_path)


def test_half_a_surrogate_pair_anywhere_is_damage(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    changed_record(run, "dataset", value="\ud800")
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        RunDirectory.open(tmp_path)


@pytest.mark.parametrize("name", STRANGE_FILES)
def test_a_record_lists_no_file_but_tables_of_its_run(tmp_path: Path, name: str) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    changed_record(run, "files", name, value=ENTRY)
    with pytest.raises(RunError, match=r"it lists '.*', which is no table of a run") as caught:
        RunDirectory.open(tmp_path)
    assert str(caught.value).isprintable()


def test_every_table_that_a_run_may_have_is_listed(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    tables = {name: ENTRY for name in (FEATURES_FILE, TOKENS_FILE, DOCUMENTS_FILE, EXAMPLES_FILE, COMMUNITIES_FILE)}
    changed_record(run, "files", value={**tables, NAME: ENTRY, "later_stage.parquet": ENTRY})
    assert len(RunDirectory.open(tmp_path).record.files) == 7


@pytest.mark.parametrize("missing", [FEATURES_FILE, NAME])
def test_a_complete_run_lists_every_table_that_its_graph_needs(tmp_path: Path, missing: str) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    changed_record(run, "files", value={name: ENTRY for name in (FEATURES_FILE, NAME) if name != missing})
    RunDirectory.open(tmp_path)
    changed_record(run, "status", value="complete")
    with pytest.raises(RunError, match=f"it does not list {missing}; compute or import the run again"):
        RunDirectory.open(tmp_path)


def test_two_saes_of_one_id_are_refused(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, RECORD)
    changed_record(run, "saes", value=[json.loads((tmp_path / "run.json").read_text())["saes"][0]] * 2)
    with pytest.raises(RunError, match="there are 2 SAEs 0-a"):
        RunDirectory.open(tmp_path)


def test_an_sae_of_a_release_with_a_long_name_passes(tmp_path: Path) -> None:
    set_ = "x" * 100
    sae = SaeRecord(id=f"31-{set_}", layer=31, set=set_, depth=0, d_sae=3)
    run = RunDirectory.create(tmp_path, replace(RECORD, saes=(sae,), pairs=()))
    assert RunDirectory.open(tmp_path).record == run.record


def test_no_record_is_made_with_a_name_that_could_not_be_read_again() -> None:
    with pytest.raises(InputError, match="model 'a b' must be letters"):
        replace(RECORD, model="a b")


def test_a_run_is_found_by_name_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    RunDirectory.create(tmp_path / "runs" / "small", RECORD)
    RunDirectory.create(tmp_path / "else where", RECORD)
    assert RunDirectory.named("small").path == tmp_path / "runs" / "small"
    assert RunDirectory.named("else where").path == Path("else where")
    assert RunDirectory.named("runs/small").path == Path("runs/small")
    RunDirectory.create(tmp_path / "small", RECORD)
    assert RunDirectory.named("small").path == Path("small")


@pytest.mark.parametrize("name", ["../small", "runs/../../small", "/small", "./absent", "small/run.json"])
def test_a_path_is_never_looked_for_among_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs" / "deeper"))
    RunDirectory.create(tmp_path / "runs" / "small", RECORD)
    (tmp_path / "runs" / "deeper").mkdir()
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    with pytest.raises(RunError, match=r"no run at"):
        RunDirectory.named(name)


@pytest.mark.parametrize(
    "name", ["", "a b", "..", "a\nb", "a\0b", "~nobody-there/a", "`}) DETACH DELETE n //", "x" * 2**20]
)
def test_a_name_that_no_run_can_have_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((InputError, RunError)) as caught:
        RunDirectory.named(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
