"""A packed run comes out as it went in, and what stops it on the way leaves nothing."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from packedrun import EDGES_FILE, check_nothing_came, make_run, members_of

from saedb.ingest.archive import SUFFIX, is_packed, pack, unpack
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory, locked
from saedb.ingest.tables import EDGES, FEATURES


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return make_run(tmp_path / "here")


@pytest.fixture
def packed(run: RunDirectory, tmp_path: Path) -> Path:
    return pack(run, tmp_path / f"small{SUFFIX}")


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Return the runs folder of the other machine."""
    return tmp_path / "there"


def test_a_run_comes_out_as_it_went_in(run: RunDirectory, packed: Path, there: Path) -> None:
    arrived = unpack(packed, there)
    assert arrived.path == there / "small"
    assert arrived.record == RunDirectory.open(run.path).record
    assert arrived.content_hash == run.content_hash
    for table, name in ((FEATURES, FEATURES_FILE), (EDGES, EDGES_FILE)):
        assert arrived.read(table, name).equals(run.read(table, name))
    assert (arrived.path / "run.json").read_bytes() == (run.path / "run.json").read_bytes()


def test_activations_stay_behind(packed: Path, there: Path) -> None:
    assert sorted(member.filename for member, _ in members_of(packed)) == [EDGES_FILE, FEATURES_FILE, "run.json"]
    assert not (unpack(packed, there).path / "activations").exists()


def test_equal_runs_give_equal_bytes(packed: Path, there: Path, tmp_path: Path) -> None:
    again = pack(unpack(packed, there), tmp_path / "again.zip")
    assert again.read_bytes() == packed.read_bytes()
    assert {member.date_time for member, _ in members_of(packed)} == {(1980, 1, 1, 0, 0, 0)}


def test_a_file_is_called_by_its_run(run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert pack(run) == Path("small.saedb.zip")
    assert unpack(Path("small.saedb.zip"), tmp_path / "there").content_hash == run.content_hash


def test_another_name_makes_another_run_of_the_same_tables(run: RunDirectory, packed: Path, there: Path) -> None:
    unpack(packed, there)
    other = unpack(packed, there, "other")
    assert (other.path, other.record.id) == (there / "other", "other")
    assert other.record.files == run.record.files
    assert other.content_hash != run.content_hash


def test_the_same_run_twice_is_the_one_that_is_there(packed: Path, there: Path) -> None:
    changed = (unpack(packed, there).path / "run.json").stat().st_mtime_ns
    assert (unpack(packed, there).path / "run.json").stat().st_mtime_ns == changed


def test_another_run_of_the_name_is_left_alone(packed: Path, there: Path) -> None:
    other = make_run(there, "small", pearson=0.6)
    with pytest.raises(RunError, match=r"another run small is there \(.*\); choose another name with --run"):
        unpack(packed, there)
    assert RunDirectory.open(other.path).content_hash == other.content_hash


def test_a_folder_of_the_name_that_is_no_run_is_left_alone(packed: Path, there: Path) -> None:
    (there / "small").mkdir(parents=True)
    with pytest.raises(RunError, match="is there and is no run; move it away, or choose another name with --run"):
        unpack(packed, there)


def test_a_run_that_is_not_complete_is_not_packed(run: RunDirectory, tmp_path: Path) -> None:
    run.update(status="computing")
    with pytest.raises(RunError, match=r"run small is not complete \(.*\); first run the command"):
        pack(run, tmp_path / "file.zip")
    assert not (tmp_path / "file.zip").exists()


@pytest.mark.parametrize("damage", ["missing", "longer", "other"])
def test_a_damaged_table_is_not_packed(run: RunDirectory, tmp_path: Path, damage: str) -> None:
    table = run.path / EDGES_FILE
    content = table.read_bytes()
    table.unlink()
    if damage != "missing":
        table.write_bytes(content + b"0" if damage == "longer" else content[:-9] + b"0" + content[-8:])
    with pytest.raises(RunError, match=r"edges\.parquet is missing or damaged: it is not what run\.json lists"):
        pack(run, tmp_path / "file.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]


def test_packing_again_makes_the_same_file_and_spares_another(run: RunDirectory, packed: Path, tmp_path: Path) -> None:
    content = packed.read_bytes()
    packed.write_bytes(content[:-1000] + b"0" + content[-999:])
    assert pack(run, packed).read_bytes() == content
    other = make_run(tmp_path / "other", pearson=0.6)
    with pytest.raises(InputError, match="is there and holds something else; give another file with --to, or --force"):
        pack(other, packed)
    assert packed.read_bytes() == content
    pack(other, packed, force=True)
    assert unpack(packed, tmp_path / "there").content_hash == other.content_hash


def test_a_file_that_is_no_packed_run_is_spared(run: RunDirectory, tmp_path: Path) -> None:
    file = tmp_path / "thesis.txt"
    file.write_text("years of work")
    with pytest.raises(InputError, match="holds something else"):
        pack(run, file)
    assert file.read_text() == "years of work"


def test_packing_into_no_folder_names_it(run: RunDirectory, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder .*absent; make it"):
        pack(run, tmp_path / "absent" / "file.zip")


def test_work_is_reported_in_kilobytes(run: RunDirectory, tmp_path: Path) -> None:
    reports: list[tuple[str, int, int | None]] = []
    file = pack(run, tmp_path / "file.zip", report=lambda *values: reports.append(values))
    unpack(file, tmp_path / "there", report=lambda *values: reports.append(values))
    total = sum(entry.bytes for entry in run.record.files.values()) // 1000
    assert [stage for stage, done, all_ in reports if done == all_ == total] == ["packing (kB)", "unpacking (kB)"]


def test_a_file_or_a_name_like_one_is_a_packed_run(run: RunDirectory, packed: Path) -> None:
    assert is_packed(packed)
    assert is_packed(Path("absent.saedb.zip"))
    assert is_packed(run.path / "run.json")
    assert not is_packed(run.path)
    assert not is_packed(Path("small"))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_part_of_a_file_is_refused(packed: Path, there: Path, share: float) -> None:
    content = packed.read_bytes()
    packed.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"is no packed run, or a damaged one \(.*\); make it with: saedb pack RUN"):
        unpack(packed, there)
    check_nothing_came(there)


def test_a_missing_file_is_named(there: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*absent\.zip; make one with: saedb pack RUN"):
        unpack(there / "absent.zip", there)


@pytest.mark.parametrize("name", ["", "../x", "/x", "a/b", "a b", ".", "..", ".hidden", "a\n", "x" * 101, "x" * 2**20])
def test_a_name_that_no_run_may_have_is_refused(packed: Path, there: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"^run name '.{0,130}' must be letters"):
        unpack(packed, there, name)
    check_nothing_came(there)


def interrupt(stage: str, done: int, total: int | None) -> None:
    raise KeyboardInterrupt


def test_what_stops_packing_or_unpacking_leaves_nothing(
    run: RunDirectory, packed: Path, there: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        pack(run, tmp_path / "other.zip", report=interrupt)
    with pytest.raises(KeyboardInterrupt):
        unpack(packed, there, report=interrupt)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", packed.name, "there"]
    check_nothing_came(there)


KILLED = """
import os, signal, sys
from pathlib import Path
from saedb.ingest.archive import unpack

def report(stage, done, total):
    if done == total:
        os.kill(os.getpid(), signal.SIGKILL)

unpack(Path(sys.argv[1]), Path(sys.argv[2]), report=report)
"""


def test_what_a_killed_process_left_is_no_run_and_goes_with_the_next(
    packed: Path, there: Path, run: RunDirectory
) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, packed, there], check=False)
    assert ended.returncode == -signal.SIGKILL
    left = [path for path in there.iterdir() if path.name != ".lock"]
    assert [path.name for path in left] == [".small.arriving"]
    assert not list(there.rglob("run.json"))
    assert unpack(packed, there, "other").record.files == run.record.files
    assert not left[0].exists()


def test_one_process_unpacks_into_a_folder_at_a_time(packed: Path, there: Path) -> None:
    there.mkdir()
    with locked(there), pytest.raises(RunError, match=r"another process is writing .*there; wait for it, or stop it"):
        unpack(packed, there)


def test_a_full_disk_leaves_nothing(packed: Path, there: Path, run: RunDirectory, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            unpack(packed, there)
        with pytest.raises(OSError, match="File too large"):
            pack(run, tmp_path / "other.zip")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    check_nothing_came(there)
    assert unpack(packed, there).content_hash == run.content_hash
