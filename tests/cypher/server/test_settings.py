import socket

import pytest

from saedb.cypher.server.own import HEAP, PAGE_CACHE, TRANSACTIONS
from saedb.cypher.server.settings import HOST, Memory, Ports, free_ports, java_options, memory, neo4j_conf

GB = 2**30


@pytest.mark.parametrize(
    ("machine", "share"),
    [
        (2 * GB, Memory(heap=1024, page_cache=256, transaction=341)),
        (8 * GB, Memory(heap=1638, page_cache=512, transaction=546)),
        (16 * GB, Memory(heap=3276, page_cache=1024, transaction=1092)),
        (64 * GB, Memory(heap=8192, page_cache=4096, transaction=2730)),
        (512 * GB, Memory(heap=8192, page_cache=16384, transaction=2730)),
    ],
)
def test_the_share_of_memory_grows_with_the_machine_between_two_bounds(machine: int, share: Memory) -> None:
    assert memory(machine) == share


@pytest.mark.parametrize("machine", [8 * GB, 16 * GB, 64 * GB, 512 * GB])
def test_a_browser_and_an_editor_find_room_beside_it(machine: int) -> None:
    share = memory(machine)
    others = 4096  # MB: the system, a browser and an editor
    assert share.heap + share.page_cache + 700 + others <= machine // 2**20


def test_the_users_own_sizes_go_before() -> None:
    own = {HEAP: "6g", PAGE_CACHE: "2g"}
    assert memory(16 * GB, own) == Memory(heap=6144, page_cache=2048, transaction=2048)
    assert memory(16 * GB, own | {TRANSACTIONS: "1g"}).transaction == 1024


def test_the_users_own_settings_go_before_and_the_heap_stays_an_option_of_java() -> None:
    own = {HEAP: "6g", "db.tx_log.preallocate": "true", "db.logs.query.enabled": "INFO"}
    lines = neo4j_conf(Ports(bolt=1, http=2), memory(16 * GB, own), own).splitlines()
    assert {"db.tx_log.preallocate=true", "db.logs.query.enabled=INFO"} < set(lines)
    assert "-Xmx6144m" in java_options(memory(16 * GB, own))
    assert not any("heap" in line for line in lines)
    assert len({line.partition("=")[0] for line in lines}) == len(lines)


def test_the_heap_is_one_of_javas_options() -> None:
    assert {"-Xmx3276m", "-Xms512m"} < set(java_options(memory(16 * GB)))


def test_drawn_ports_differ_and_a_taken_one_is_noticed() -> None:
    ports = free_ports()
    assert ports.bolt != ports.http
    assert ports.taken() == []
    with socket.create_server((HOST, ports.http)):
        assert ports.taken() == [ports.http]


def test_the_configuration_listens_on_this_machine_only_and_tells_nobody() -> None:
    text = neo4j_conf(Ports(bolt=1, http=2), memory(16 * GB))
    settings = dict(line.split("=", 1) for line in text.splitlines())
    assert settings["server.default_listen_address"] == "127.0.0.1"
    assert settings["server.bolt.listen_address"] == settings["server.bolt.advertised_address"] == ":1"
    assert settings["server.http.listen_address"] == settings["server.http.advertised_address"] == ":2"
    assert settings["dbms.usage_report.enabled"] == settings["client.allow_telemetry"] == "false"
    assert settings["browser.post_connect_cmd"] == "guide http://127.0.0.1:2/browser/saedb/guide.html"
    assert "https:" not in settings["dbms.security.http_static_content_security_policy_header"]
