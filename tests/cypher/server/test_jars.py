import functools
import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from saedb.cypher.server import jars, lock
from saedb.cypher.server.jars import Jar
from saedb.cypher.server.settings import free_ports
from saedb.ingest.errors import DownloadError


class Repository:
    """A Maven repository on this machine with three small jars, and what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        contents = {"alpha": b"a" * 3_000_000, "beta": b"b" * 10, "gamma": b"c" * 200_000}
        self.jars = [
            Jar(
                group="org.example.deep",
                artifact=name,
                version="1.0",
                classifier="linux" if name == "beta" else "",
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
            for name, content in contents.items()
        ]
        for jar, content in zip(self.jars, contents.values(), strict=True):
            self.put(jar, content)

    def put(self, jar: Jar, content: bytes) -> None:
        file = self.folder / jar.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """The repository that jgo's configuration names, with the lock and the cache made for it."""
    served = Repository(tmp_path / "repository")

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path.removeprefix("/"))
            super().do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    (tmp_path / "jars.lock.toml").write_text(lock.text(served.jars))
    monkeypatch.setattr(jars, "LOCK_FILE", tmp_path / "jars.lock.toml")
    monkeypatch.setenv("SAEDB_CACHE", str(tmp_path / "cache"))
    jars.locked.cache_clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=served.folder)) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        _use_repository(tmp_path, monkeypatch, http.server_port)
        yield served
        http.shutdown()
        thread.join()
    jars.locked.cache_clear()


def _use_repository(folder: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    (folder / "jgo.conf").write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(folder / "jgo.conf"))


def _cached_files() -> set[str]:
    return {file.name for file in jars.folder().rglob("*.*") if file.is_file() and file.name != ".lock"}


def test_a_fetch_brings_every_locked_jar_and_reports_up_to_the_whole_size(repository: Repository) -> None:
    reports: list[tuple[int, int | None]] = []
    assert jars.fetch(lambda _, done, total: reports.append((done, total))) == 3
    assert jars.missing() == []
    assert _cached_files() == {"alpha-1.0.jar", "beta-1.0-linux.jar", "gamma-1.0.jar"}
    assert reports[-1] == (3, 3)  # MB


def test_a_second_fetch_asks_for_nothing(repository: Repository) -> None:
    jars.fetch()
    repository.asked.clear()
    assert jars.fetch() == 0
    assert repository.asked == []


def test_a_jar_with_a_wrong_sha256_is_fetched_again(repository: Repository) -> None:
    jars.fetch()
    repository.asked.clear()
    wrong = repository.jars[1]
    wrong.file.write_bytes(b"x" * wrong.size)
    assert jars.missing() == [wrong]
    assert jars.fetch() == 1
    assert repository.asked == [wrong.path]
    assert wrong.file.read_bytes() == b"b" * 10


def test_a_jar_that_the_repository_has_wrong_gets_no_name_in_the_cache(repository: Repository) -> None:
    wrong = repository.jars[1]
    repository.put(wrong, b"x" * wrong.size)
    with pytest.raises(DownloadError, match=r"its sha256 is .* and should be"):
        jars.fetch()
    assert not wrong.file.exists()


def test_a_fetch_goes_on_where_the_last_one_broke_off(repository: Repository) -> None:
    absent = repository.jars[2]
    content = (repository.folder / absent.path).read_bytes()
    jars.fetch()
    absent.file.unlink()
    (repository.folder / absent.path).unlink()
    with pytest.raises(DownloadError, match=r"1 of 3 jars .* 404"):
        jars.fetch()
    repository.put(absent, content)
    repository.asked.clear()
    assert jars.fetch() == 1
    assert repository.asked == [absent.path]


def test_two_fetches_at_once_ask_for_each_jar_once(repository: Repository) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(lambda _: jars.fetch(), range(2))) == 3
    assert sorted(repository.asked) == sorted(jar.path for jar in repository.jars)


def test_without_a_network_the_error_names_the_folder_and_how_to_fill_it(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use_repository(tmp_path, monkeypatch, free_ports().bolt)
    with pytest.raises(DownloadError) as caught:
        jars.fetch()
    message = str(caught.value)
    assert "3 of 3 jars of the Neo4j server (3 MB)" in message
    assert str(tmp_path / "cache" / "jars") in message
    assert "SAEDB_CACHE" in message
    assert not any(name.endswith(".jar") for name in _cached_files())


def test_a_cache_that_cannot_be_written_is_named(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SAEDB_CACHE", str(tmp_path / "file"))
    with pytest.raises(
        DownloadError, match=r"cannot write 3 of 3 jars .* Not a directory; make room, or set SAEDB_CACHE"
    ):
        jars.fetch()
    assert repository.asked == []


def test_the_committed_lock_holds_every_root_and_no_addresses() -> None:
    text = jars.LOCK_FILE.read_text()
    coordinates = {jar.coordinates for jar in jars.locked()}
    assert set(lock.ROOTS) <= coordinates
    assert "://" not in text
    assert text == lock.text(list(jars.locked()))
