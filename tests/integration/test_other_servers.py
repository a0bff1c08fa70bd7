"""Servers of the user's own: with certificates, without Graph Data Science, with a full disk."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
import trustme
from integration.noscience import without_data_science
from relay import relayed
from toygraph import check_tables, make_run

from saedb.cypher.address import Address
from saedb.cypher.communities.stage import detect
from saedb.cypher.connection import Connection
from saedb.cypher.graph import Graph
from saedb.cypher.load import load
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer
from saedb.ingest.errors import GraphError, ServerError

OWN = """\
# Certificates on Bolt
dbms.ssl.policy.bolt.enabled=true
dbms.ssl.policy.bolt.base_directory=certificates/bolt
server.bolt.tls_level=OPTIONAL
server.memory.heap.max_size=700m
"""


@dataclass(frozen=True)
class Certified:
    """A local server with a certificate for localhost, and the file of the authority that signed it."""

    server: LocalServer
    authority: Path

    def address(self, scheme: str, host: str = "localhost") -> Address:
        address = self.server.address()
        return replace(address, uri=f"{scheme}://{host}:{_port(address)}")


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Certified]:
    server = LocalServer(tmp_path_factory.mktemp("certified"))
    server.layout.create()
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    folder = server.layout.root / "certificates" / "bolt"
    folder.mkdir(parents=True)
    certificate.private_key_pem.write_to_path(folder / "private.key")
    for part in certificate.cert_chain_pems:
        part.write_to_path(folder / "public.crt", append=True)
    file = server.layout.home / "authority.pem"
    authority.cert_pem.write_to_path(file)
    server.layout.own.write_text(OWN)
    server.up()
    yield Certified(server, file)
    server.down()


@pytest.mark.parametrize("scheme", ["bolt+s", "neo4j+s"])
def test_a_certificate_of_an_authority_that_is_named_is_trusted(
    certified: Certified, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.authority))
    with Connection(certified.address(scheme)) as connection:
        assert connection.read("RETURN 1 AS n") == [{"n": 1}]


@pytest.mark.parametrize("scheme", ["bolt+s", "neo4j+s"])
def test_a_certificate_of_nobody_known_is_one_line_with_the_two_ways_out(certified: Certified, scheme: str) -> None:
    address = certified.address(scheme)
    with pytest.raises(GraphError, match="let SSL_CERT_FILE name the file of its CA") as caught, Connection(address):
        pass
    assert "\n" not in str(caught.value)
    unchecked = str(caught.value).rpartition(" ")[2]
    assert unchecked == address.uri.replace("+s", "+ssc")
    with Connection(replace(address, uri=unchecked)) as connection:
        assert connection.read("RETURN 1 AS n") == [{"n": 1}]


def test_a_certificate_for_another_name_is_one_line(certified: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.authority))
    wrong = certified.address("bolt+s", "127.0.0.1")
    with pytest.raises(GraphError, match=r"is for another name.*; name the server as its certificate does"):
        Connection(wrong).__enter__()


def test_a_server_without_certificates_says_so(server: LocalServer) -> None:
    plain = server.address()
    encrypted = replace(plain, uri=plain.uri.replace("bolt", "bolt+s"))
    with pytest.raises(GraphError, match=f"does not speak TLS; use {plain.uri} if the way there is safe"):
        Connection(encrypted).__enter__()


def test_the_users_own_heap_is_the_one_of_the_process(certified: Certified) -> None:
    assert "-Xmx700m" in psutil.Process(certified.server.status().pid).cmdline()


def test_a_setting_that_neo4j_does_not_know_is_named(tmp_path: Path) -> None:
    local = LocalServer(tmp_path)
    local.layout.create()
    local.layout.own.write_text("db.nothing.of.the.kind=1\n")
    with pytest.raises(ServerError, match=r"own\.conf; mend it there\n(.*\n)*.*db\.nothing\.of\.the\.kind"):
        local.up()
    assert local.status().state == "stopped"


def test_without_data_science_everything_works_but_communities_which_offer_a_way(tmp_path: Path) -> None:
    run = make_run(tmp_path, "toy")
    with without_data_science(tmp_path / "server") as address, Connection(address) as connection:
        load(connection, run)
        check_tables(connection, run)
        assert len(Graph(connection).query("top-edges", limit=3)) == 3
        assert len(Graph(connection).search("topic1", limit=5)) == 5
        with pytest.raises(GraphError, match="has no Graph Data Science library; use --engine local, which needs none"):
            detect(connection, run)
        drop(connection, "toy")
        assert connection.read("MATCH (n:Feature) RETURN count(n) AS n") == [{"n": 0}]


@pytest.mark.soak
def test_a_log_that_ends_in_half_a_transaction_does_not_stop_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neo4j takes half a minute to give up on it."""
    local = LocalServer(tmp_path)
    with Connection(local.up().address) as connection:
        connection.write("CREATE (:Kept)")
        with _no_space(local), pytest.raises(GraphError):
            connection.write("UNWIND range(1, 20000) AS i CREATE (:Lost {text: 'some text ' + i})")
    local.down()
    with caplog.at_level(logging.WARNING, "saedb"), Connection(local.up().address) as connection:
        assert connection.read("MATCH (n) RETURN labels(n) AS labels") == [{"labels": ["Kept"]}]
    assert "the last transaction was written in part" in caplog.text
    local.down()


@contextmanager
def _no_space(local: LocalServer) -> Iterator[None]:
    """Let the server write no file beyond 64 kB, which to it is a disk without space."""
    process = psutil.Process(local.status().pid)
    limits = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, limits)


def test_a_server_on_a_full_disk_says_so_and_comes_back_with_all_data(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    local = LocalServer(tmp_path)
    with Connection(local.up().address) as connection:
        connection.write("UNWIND range(1, 100) AS i CREATE (:Kept {i: i})")
        with _no_space(local):
            with pytest.raises(
                GraphError, match=r"could not write, as on a full disk .*; make room there, then"
            ) as full:
                connection.write("UNWIND range(1, 20000) AS i CREATE (:Lost {text: 'some text ' + i})")
            with pytest.raises(
                GraphError, match=r"serves 'neo4j' no longer, as after a full disk .*saedb up"
            ) as halted:
                connection.read("RETURN 1")
        assert all("\n" not in str(error.value) for error in (full, halted))
        assert local.status().problem == str(halted.value)
    with caplog.at_level(logging.WARNING, "saedb"):
        running = local.up()
    assert not running.was_running
    assert "the server runs but does not answer" in caplog.text
    with Connection(running.address) as connection:
        assert connection.read("MATCH (n) RETURN labels(n) AS labels, count(n) AS n") == [
            {"labels": ["Kept"], "n": 100}
        ]
    local.down()


def test_a_server_that_refuses_the_login_is_not_restarted(server: LocalServer) -> None:
    pid, password = server.status().pid, server.layout.password.read_text()
    server.layout.password.write_text("not this one")
    try:
        with pytest.raises(ServerError, match=r"runs but refuses saedb .* must hold the password of the user neo4j"):
            server.up()
    finally:
        server.layout.password.write_text(password)
    assert server.status().pid == pid


def test_a_transaction_goes_on_over_a_connection_that_was_lost(server: LocalServer) -> None:
    address = server.address()
    with relayed(_port(address)) as relay, Connection(_at(address, relay.port)) as connection:
        cutter = threading.Timer(0.5, relay.cut)  # into the statement, or before it: both are lost connections
        cutter.start()
        count = "UNWIND range(1, 3000) AS a UNWIND range(1, 1000) AS b RETURN count(a + b) AS n"
        assert connection.read(count) == [{"n": 3_000_000}]
        cutter.join()
        relay.cut()
        assert connection.read("RETURN 1 AS n") == [{"n": 1}]


def test_a_server_that_is_lost_for_good_is_one_line_after_a_limit(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saedb.cypher.connection.RETRY_SECONDS", 1.0)
    address = server.address()
    with relayed(_port(address)) as relay, Connection(_at(address, relay.port)) as connection:
        relay.close()
        lost = r"^lost the connection to .*; run the same command again when it is back"
        with pytest.raises(GraphError, match=rf"{lost} \(tried for 30 s\)$"):
            connection.read("RETURN 1")
        with pytest.raises(GraphError, match=rf"{lost}$"):
            connection.run("RETURN 1")


def _port(address: Address) -> int:
    return int(address.uri.rpartition(":")[2])


def _at(address: Address, port: int) -> Address:
    return replace(address, uri=f"bolt://127.0.0.1:{port}")
