"""What Neo4j is told at every start: its memory, its ports, ``neo4j.conf``, and Java's options."""

import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from saedb.cypher.neo4jbrowser import GUIDE
from saedb.cypher.server.own import HEAP, PAGE_CACHE, TRANSACTIONS, megabytes

HOST = "127.0.0.1"

NOTHING_OWN: Final[Mapping[str, str]] = MappingProxyType({})

# Above the ports that services register and below those that systems give to outgoing connections, so that a
# recorded port stays free while the server is down, and a Neo4j of the user's own keeps 7474 and 7687.
_PORTS = range(20_000, 32_000)

# The browser itself then refuses what Neo4j Browser loads from elsewhere: fonts, statistics, error reports.
_CONTENT_SECURITY = (
    "default-src 'self'; script-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "font-src 'self' data:; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    "connect-src 'self' ws: wss: http://127.0.0.1:* http://localhost:*"
)

# What the official launcher passes, and one for Graph Data Science, which measures its objects with jol.
_JAVA_OPTIONS = (
    "-XX:+UseG1GC",
    "-XX:-OmitStackTraceInFastThrow",
    "-XX:+UnlockExperimentalVMOptions",
    "-XX:+TrustFinalNonStaticFields",
    "-XX:+DisableExplicitGC",
    "-Djdk.nio.maxCachedBufferSize=1024",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dlog4j2.disable.jmx=true",
    "-Dlog4j.layout.jsonTemplate.maxStringLength=32768",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "-Dfile.encoding=UTF-8",
    "-Djol.skipHotspotSAAttach=true",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """How much memory the server may use, in MB."""

    heap: int
    page_cache: int
    transaction: int
    """All transactions together; a part of the heap."""


def memory(machine: int, own: Mapping[str, str] = NOTHING_OWN) -> Memory:
    """Return the server's share of a machine's memory: about a quarter, at least 1.25 GB and at most 24.

    With 16 GB, a browser and an editor find room beside it.

    Args:
        machine: all of the memory, in bytes.
        own: the user's own settings, which go before.
    """
    total = machine // 2**20
    heap = megabytes(own, HEAP) or min(max(total // 5, 1024), 8192)
    return Memory(
        heap=heap,
        page_cache=megabytes(own, PAGE_CACHE) or min(max(total // 16, 256), 16_384),
        transaction=megabytes(own, TRANSACTIONS) or heap // 3,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports that the server listens on, at 127.0.0.1 only."""

    bolt: int
    http: int

    def taken(self) -> list[int]:
        """Return those that cannot be listened on now."""
        return [port for port in (self.bolt, self.http) if not _is_free(port)]


def free_ports() -> Ports:
    """Return two ports that nobody listens on, drawn by chance so that two homes hardly draw the same."""
    free = (port for port in random.sample(_PORTS, len(_PORTS)) if _is_free(port))
    return Ports(bolt=next(free), http=next(free))


def _is_free(port: int) -> bool:
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False


def browser(ports: Ports) -> str:
    """Return where Neo4j Browser is."""
    return f"http://{HOST}:{ports.http}/browser/"


def neo4j_conf(ports: Ports, memory: Memory, own: Mapping[str, str] = NOTHING_OWN) -> str:
    """Return the text of ``neo4j.conf``; the user's own settings go before saedb's.

    The heap is not in it: it is one of Java's options. None of saedb's settings holds a path: the folders are Neo4j's
    defaults, and a path beyond ASCII would be misread.
    """
    settings = {
        "server.default_listen_address": HOST,
        "server.bolt.listen_address": f":{ports.bolt}",
        # Neo4j Browser asks for this one; with a port alone the answer has the host that the question named.
        "server.bolt.advertised_address": f":{ports.bolt}",
        "server.http.listen_address": f":{ports.http}",
        "server.http.advertised_address": f":{ports.http}",
        "server.https.enabled": "false",
        PAGE_CACHE: f"{memory.page_cache}m",
        "db.memory.transaction.max": f"{memory.transaction}m",
        TRANSACTIONS: f"{memory.transaction}m",
        "dbms.security.auth_enabled": "true",
        "dbms.security.procedures.unrestricted": "gds.*",
        "dbms.security.http_static_content_security_policy_header": _CONTENT_SECURITY,
        "browser.remote_content_hostname_whitelist": "localhost,127.0.0.1",
        "browser.post_connect_cmd": f"guide {browser(ports)}{GUIDE}",
        "client.allow_telemetry": "false",
        "dbms.usage_report.enabled": "false",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        "db.tx_log.rotation.retention_policy": "keep_none",
        # Else a stop waits five seconds more, even with no connection open.
        "internal.server.bolt.thread_pool_shutdown_wait_time": "1s",
        # Else an empty home takes half a gigabyte.
        "db.tx_log.preallocate": "false",
        **{name: value for name, value in own.items() if name != HEAP},
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


CUT_TORN_LOG: Final[Mapping[str, str]] = MappingProxyType({"internal.dbms.tx_log.fail_on_corrupted_log_files": "false"})
"""The setting of one start that drops what follows the last whole transaction of the log; Neo4j keeps it in a zip."""


def java_options(memory: Memory) -> list[str]:
    """Return Java's options for the server."""
    return [f"-Xms{min(512, memory.heap)}m", f"-Xmx{memory.heap}m", *_JAVA_OPTIONS]
