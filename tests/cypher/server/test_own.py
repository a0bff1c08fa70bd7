from pathlib import Path

import pytest

from saedb.cypher.server import own
from saedb.ingest.errors import ServerError


def _read(folder: Path, text: str) -> dict[str, str]:
    file = folder / "own.conf"
    file.write_text(text)
    return own.read(file)


def test_a_home_needs_no_settings_of_its_own(tmp_path: Path) -> None:
    assert own.read(tmp_path / "own.conf") == {}


def test_settings_are_read_without_comments(tmp_path: Path) -> None:
    text = "# mine\n\n  server.memory.pagecache.size = 2g \ndb.logs.query.enabled=INFO\n"
    assert _read(tmp_path, text) == {"server.memory.pagecache.size": "2g", "db.logs.query.enabled": "INFO"}


@pytest.mark.parametrize(
    "line",
    [
        "server.memory.pagecache.size",
        "server.memory.pagecache.size: 2g",
        "=2g",
        "db.logs.query.enabled=",
        "db.logs.query.enabled=INFO # loud",
        "db.logs.query.enabled=INFO\\",
        "server.default\\u005flisten_address=0.0.0.0",
    ],
)
def test_a_line_that_neo4j_would_misread_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(ServerError, match=r"own\.conf, line 2: .* is no setting; write name=value"):
        _read(tmp_path, f"# mine\n{line}\n")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("server.default_listen_address=0.0.0.0", "answers this machine only"),
        ("server.bolt.listen_address=:7687", "answers this machine only"),
        ("server.https.listen_address=0.0.0.0:7473", "answers this machine only"),
        ("dbms.security.auth_enabled=false", "always asks for the password"),
        ("server.directories.data=/tmp", "choose another with --home"),
        ("server.memory.heap.initial_size=1g", "only server.memory.heap.max_size"),
        ("server.jvm.additional=-Dx=y", "only server.memory.heap.max_size"),
        ("server.bolt.enabled=false", "saedb and Neo4j Browser rely on it"),
        ("initial.dbms.default_database=mine", "saedb and Neo4j Browser rely on it"),
        ("server.bolt.tls_level=REQUIRED", "write server.bolt.tls_level=OPTIONAL"),
        ("server.memory.heap.max_size=50%", "no size of at least 1 MB"),
        ("server.memory.pagecache.size=12", "no size of at least 1 MB"),
    ],
)
def test_what_the_local_server_rests_on_cannot_be_set(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(ServerError, match=reason) as caught:
        _read(tmp_path, line)
    assert "\n" not in str(caught.value)


def test_a_setting_stands_once(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"line 2: db\.logs\.query\.enabled stands there twice"):
        _read(tmp_path, "db.logs.query.enabled=INFO\ndb.logs.query.enabled=OFF\n")


@pytest.mark.parametrize(
    ("text", "size"), [("4g", 4096), ("4GiB", 4096), ("1 tb", 2**20), ("2048k", 2), ("3145728", 3), ("5M", 5)]
)
def test_sizes_are_read_as_neo4j_reads_them(text: str, size: int) -> None:
    assert own.megabytes({own.HEAP: text}, own.HEAP) == size
