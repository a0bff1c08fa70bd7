import socket
import threading
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from saedb.cli.main import main
from saedb.cypher.neo4jbrowser import setup
from saedb.cypher.neo4jbrowser.serving import FileServer


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["browser-setup", *map(str, arguments)], catch_exceptions=False)


def test_the_files_are_written_and_what_to_do_with_them_is_told(tmp_path: Path) -> None:
    result = _run("--output", tmp_path / "new" / "folder")
    assert result.exit_code == 0, result.output
    written = [tmp_path / "new" / "folder" / name for name in ("style.grass", "guide.html", "favourites.zip")]
    assert result.stdout.splitlines() == [str(file) for file in written]
    assert all(file.stat().st_size > 1000 for file in written)
    assert all(file.name in result.stderr for file in written)


def test_the_same_can_be_written_again_but_another_file_stays(tmp_path: Path) -> None:
    _run("--output", tmp_path)
    assert _run("--output", tmp_path).exit_code == 0
    (tmp_path / "guide.html").write_text("mine")
    (tmp_path / "style.grass").unlink()
    result = _run("--output", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "guide.html is there and is something else" in result.stderr
    assert (tmp_path / "guide.html").read_text() == "mine"
    assert not (tmp_path / "style.grass").exists()
    assert _run("--output", tmp_path, "--force").exit_code == 0
    assert (tmp_path / "guide.html").read_text() != "mine"


@pytest.mark.parametrize("inside", ["", "folder"])
def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path: Path, inside: str) -> None:
    (tmp_path / "taken").touch()
    result = _run("--output", tmp_path / "taken" / inside)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert "taken" in result.stderr


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = _run("--output", tmp_path, "--serve", "--port", str(other.getsockname()[1]))
    assert result.exit_code == 1
    assert "name another with --port" in result.stderr


def test_browser_may_read_what_is_served_and_nothing_else_is() -> None:
    files = setup.contents()
    with FileServer(files, 0) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            address = f"http://127.0.0.1:{server.server_address[1]}"
            asked = requests.options(f"{address}/guide.html", headers={"Origin": "http://x"}, timeout=10)
            assert asked.ok
            assert asked.headers["Access-Control-Allow-Headers"] == "*"
            answer = requests.get(f"{address}/guide.html?x", timeout=10)
            assert answer.content == files["guide.html"]
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            for path in ("/", "/../guide.html/..", "/other"):
                assert requests.get(address + path, timeout=10).status_code == 404
        finally:
            server.shutdown()
