import socket

import pytest

from saedb.cypher.server.settings import HOST, Memory, Ports, free_ports, java_options, memory, neo4j_conf

GB = 2**30


@pytest.mark.parametrize(
    ("machine", "share"),
    [
        (2 * GB, Memory(heap=1024, page_cache=256, transaction=341)),
        (16 * GB, Memory(heap=3276, page_cache=1024, transaction=1092)),
        (512 * GB, Memory(heap=8192, page_cache=4096, transaction=2730)),
    ],
)
def test_the_share_of_memory_grows_with_the_machine_between_two_bounds(machine: int, share: Memory) -> None:
    assert memory(machine) == share


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
    assert "https:" not in settings["dbms.security.http_static_content_security_policy_header"]
