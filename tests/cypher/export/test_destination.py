import os
import subprocess
import sys
from pathlib import Path

import pytest

from saedb.cypher.export.destination import check, opened
from saedb.cypher.export.formats import FORMATS, format_of
from saedb.ingest.errors import InputError


@pytest.mark.parametrize("format_", FORMATS)
def test_the_suffix_tells_the_format(format_: str) -> None:
    assert format_of(f"a.b/graph.{format_}") == format_
    assert format_of(f"GRAPH.{format_.upper()}") == format_
    assert format_of("graph.txt", format_) == format_


@pytest.mark.parametrize(
    ("output", "given", "message"),
    [
        ("graph.xml", None, r"the name 'graph.xml' tells no format; end it in .json, .graphml, .gexf, .csv, .parquet"),
        ("graph", None, "tells no format"),
        ("graph.json", "gml", "there is no format 'gml'; there is json, graphml, gexf, csv, parquet"),
        ("-", None, "add --format json or csv"),
        ("-", "parquet", "parquet cannot go to stdout, only json and csv can; name a file"),
    ],
)
def test_a_format_that_is_none_is_one_line(output: str, given: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        format_of(output, given)


def test_a_file_is_not_replaced_unasked_and_a_folder_never(tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    file.write_text("mine")
    with pytest.raises(InputError, match=r"graph.json is there already; replace it with --force"):
        check(str(file), overwrite=False)
    check(str(file), overwrite=True)
    (tmp_path / "folder.json").mkdir()
    for name in ("folder.json", os.devnull):
        with pytest.raises(InputError, match="is no file that could be replaced"):
            check(str(tmp_path / name), overwrite=True)
    with pytest.raises(InputError, match="there is no folder"):
        check(str(tmp_path / "none" / "graph.json"), overwrite=False)


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    with opened(str(file)) as stream:
        stream.write(b"whole")
        assert not file.exists()
    assert file.read_bytes() == b"whole"
    with pytest.raises(ZeroDivisionError), opened(str(file)) as stream:
        stream.write(b"%d" % (1 // 0))
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("graph.json", b"whole")]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    with opened(str(tmp_path / "link.json")) as stream:
        stream.write(b"new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


def test_what_a_killed_export_left_goes_with_the_next_one(tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    code = (
        "import os, signal, sys; from saedb.cypher.export.destination import opened\n"
        "with opened(sys.argv[1]) as stream:\n"
        "    stream.write(b'half'); stream.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, file], check=False).returncode == -9
    assert len([*tmp_path.iterdir()]) == 1
    assert not file.exists()
    running = tmp_path / f".graph.json.{os.getppid()}.unfinished"
    running.write_text("of another export that goes on")
    with opened(str(file)) as stream:
        stream.write(b"whole")
    assert {f.name for f in tmp_path.iterdir()} == {"graph.json", running.name}
