"""A real server without Graph Data Science, such as people have who run a Neo4j of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from saedb.cypher.address import DATABASE, USERNAME, Address
from saedb.cypher.server import jars, java, launch, process, ready
from saedb.cypher.server.layout import Layout
from saedb.cypher.server.settings import HOST, free_ports, memory
from saedb.ingest.progress import silent


@contextmanager
def without_data_science(folder: Path) -> Iterator[Address]:
    """Yield where the server is; its home is `folder`, and it ends with the block."""
    layout, ports, share, runtime = Layout(folder), free_ports(), memory(0), java.find()
    jars.fetch(silent)
    launch.prepare(layout, ports, share)
    launch.set_password(runtime, layout, share)
    for jar in layout.plugins.iterdir():  # on the class path alone it has no procedures
        jar.unlink()
    command = launch.server_command(runtime, layout, share)
    recorded = process.start(command, launch.environment(layout), layout.console)
    address = Address(
        uri=f"bolt://{HOST}:{ports.bolt}",
        username=USERNAME,
        password=layout.password.read_text().strip(),
        database=DATABASE,
        origin="a server without Graph Data Science",
    )
    try:
        lacks = ready.wait(address, ports.http, lambda: process.find(recorded, layout.root) is not None, silent)
        assert lacks == "it has not loaded Graph Data Science", lacks
        yield address
    finally:
        process.stop(psutil.Process(recorded.pid), patience=60)
