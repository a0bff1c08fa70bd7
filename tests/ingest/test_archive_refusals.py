"""Packed files that a hostile hand made are refused, and write nothing."""

import hashlib
import json
import random
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from packedrun import EDGES_FILE, IDS, Member, check_nothing_came, make_run, members_of

from saedb.ingest.archive import SUFFIX, pack, unpack
from saedb.ingest.errors import RunError, SaedbError
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory
from saedb.ingest.tables import FEATURES, FORMAT


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


def remade(file: Path, change: Callable[[list[Member]], list[Member]]) -> Path:
    """Return a file of the changed members, made as a hostile hand would."""
    made = file.with_name("hostile.zip")
    with zipfile.ZipFile(made, "w") as opened:
        for member, content in change(members_of(file)):
            opened.writestr(member, content)
    return made


def with_record(change: Callable[[dict[str, Any]], object]) -> Callable[[list[Member]], list[Member]]:
    """Return what changes the record of a packed run."""

    def changed(members: list[Member]) -> list[Member]:
        record = json.loads(members[0][1])
        change(record)
        return [(members[0][0], json.dumps(record).encode()), *members[1:]]

    return changed


# name of the case, what is done to the members, the reason given
HOSTILE: list[tuple[str, Callable[[list[Member]], list[Member]], str]] = []


def hostile(name: str, reason: str, change: Callable[[list[Member]], list[Member]]) -> None:
    HOSTILE.append((name, change, reason))


def linked(members: list[Member]) -> list[Member]:
    member = zipfile.ZipInfo(members[1][0].filename)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return [members[0], (member, b"/etc/passwd"), *members[2:]]


def listed(name: str) -> Callable[[dict[str, Any]], object]:
    """Return what lists a member under another name."""
    return lambda record: record["files"].update({name: record["files"].pop(FEATURES_FILE)})


def resized(record: dict[str, Any]) -> None:
    record["files"][FEATURES_FILE]["bytes"] -= 1


def rehashed(record: dict[str, Any]) -> None:
    record["files"][FEATURES_FILE]["sha256"] = "0" * 64


def compressed(members: list[Member]) -> list[Member]:
    bomb = zipfile.ZipInfo(members[1][0].filename)
    bomb.compress_type = zipfile.ZIP_DEFLATED
    return [members[0], (bomb, b"0" * 100_000), *members[2:]]


for outside in ("../x", "/tmp/saedb-x", "a/../../x", "..\\x", "edges/x.parquet", "activations/000.npy", "run.json/x"):
    hostile(outside, "which run.json does not list", lambda m, name=outside: [*m, (zipfile.ZipInfo(name), b"x")])
    hostile(f"listed {outside}", "which is no table of a run", with_record(listed(outside)))
hostile("folder", "which run.json does not list", lambda m: [*m, (zipfile.ZipInfo("edges/"), b"")])
hostile("link", "run.json says", linked)
hostile("one missing", f"it lacks {FEATURES_FILE}", lambda m: [x for x in m if x[0].filename != FEATURES_FILE])
hostile("other size", "bytes, run.json says", with_record(resized))
hostile("other hash", f"{FEATURES_FILE} is not what run.json lists", with_record(rehashed))
hostile("bomb", "bytes, run.json says", compressed)
hostile("no record", "so it is no packed run", lambda m: m[1:])
hostile("incomplete", "which is not complete", with_record(lambda r: r.update(status="computing")))
hostile(
    "later", f"is of format {FORMAT + 1}, this saedb reads {FORMAT}", with_record(lambda r: r.update(format=FORMAT + 1))
)
hostile("run name", "run name '../x' must be letters", with_record(lambda r: r.update(id="../x")))
hostile("large record", "which no run has", lambda m: [(m[0][0], b" " * (16 << 20) + m[0][1]), *m[1:]])
hostile("deep record", "is damaged", lambda m: [(m[0][0], b"[" * 100_000), *m[1:]])


@pytest.mark.parametrize(("change", "reason"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_file_is_refused_in_one_line_and_leaves_nothing(
    packed: Path, there: Path, change: Callable[[list[Member]], list[Member]], reason: str
) -> None:
    file = remade(packed, change)
    with pytest.raises(SaedbError) as caught:
        unpack(file, there)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    check_nothing_came(there)


def test_a_link_of_the_recorded_size_is_refused(packed: Path, there: Path) -> None:
    def change(members: list[Member]) -> list[Member]:
        members[1][0].external_attr = (stat.S_IFLNK | 0o777) << 16
        return members

    with pytest.raises(RunError, match="compressed, encrypted, or as a link"):
        unpack(remade(packed, change), there)
    check_nothing_came(there)


def test_a_compressed_table_of_the_recorded_size_is_refused(packed: Path, there: Path) -> None:
    def change(members: list[Member]) -> list[Member]:
        members[1][0].compress_type = zipfile.ZIP_LZMA
        return members

    with pytest.raises(RunError, match="compressed, encrypted, or as a link"):
        unpack(remade(packed, change), there)


def test_features_that_are_called_otherwise_are_refused(run: RunDirectory, there: Path, tmp_path: Path) -> None:
    table = run.read(FEATURES, FEATURES_FILE)
    ids = pa.array(["x" * 9000, *IDS[1:]])
    run.write(FEATURES, FEATURES_FILE, [table.set_column(0, table.schema.field(0), ids)])
    with pytest.raises(RunError, match=r"has a feature that is none of run\.json's"):
        unpack(pack(run, tmp_path / "long.zip"), there)
    check_nothing_came(there)


@pytest.mark.filterwarnings("ignore:Duplicate name")  # what zipfile says to the hand that makes this
def test_two_members_of_one_name_are_refused(packed: Path, there: Path) -> None:
    with pytest.raises(RunError, match="it has 2 members"):
        unpack(remade(packed, lambda members: [*members, members[-1]]), there)
    check_nothing_came(there)


def test_members_that_share_their_bytes_are_refused(packed: Path, there: Path) -> None:
    (record_member, record), *_ = members_of(packed)
    values = json.loads(record)
    inner = zipfile.ZipInfo(FEATURES_FILE)
    content = {FEATURES_FILE: random.Random(0).randbytes(50_000)}
    inner.compress_size = inner.file_size = len(content[FEATURES_FILE])
    inner.CRC = zlib.crc32(content[FEATURES_FILE])
    content[EDGES_FILE] = inner.FileHeader() + content[FEATURES_FILE]
    for name, data in content.items():
        values["files"][name] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    file = packed.with_name("hostile.zip")
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr(record_member, json.dumps(values))
        opened.writestr(zipfile.ZipInfo(EDGES_FILE), content[EDGES_FILE])
        inner.header_offset = opened.start_dir - len(content[EDGES_FILE])
        opened.filelist.append(inner)
    with pytest.raises(SaedbError, match=r"its members overlap|Overlapped entries"):  # the latter from Python 3.11.8 on
        unpack(file, there)
    check_nothing_came(there)


def test_no_changed_byte_comes_out_as_another_run(run: RunDirectory, packed: Path, tmp_path: Path) -> None:
    content = packed.read_bytes()
    directory = content.index(b"PK\x01\x02")
    places = [*range(0, directory, 61), *range(directory, len(content), 3)]
    file, refusals = tmp_path / "changed.zip", list[str]()
    for place in places:
        file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        runs = tmp_path / "there" / str(place)
        try:
            arrived = unpack(file, runs)
        except SaedbError as error:
            refusals.append(str(error))
            arrived = None
        assert arrived.content_hash == run.content_hash if arrived else not list(runs.glob("[!.]*"))
    assert len(refusals) > len(places) / 2
    assert not any("\n" in refusal for refusal in refusals)
