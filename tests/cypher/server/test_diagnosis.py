from pathlib import Path

import pytest

from saedb.cypher.server.diagnosis import Logs
from saedb.cypher.server.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    layout.create()
    return layout


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("Caused by: java.net.BindException: Address already in use", "taken one of its ports"),
        ("java.io.IOException: No space left on device", "disk is full"),
        ("Error: Could not reserve enough space for 4939776KB object heap", "not enough memory"),
        ("java.lang.OutOfMemoryError: Java heap space", "not enough memory"),
        ("FileLockException: Lock file has been locked by another process: x", "another Neo4j uses this store"),
        ("java.lang.UnsupportedClassVersionError: org/neo4j/X", "this Java cannot run it"),
        ("RuntimeException: Error starting Neo4j database server at /x", "its store is damaged"),
    ],
)
def test_the_reason_is_told_from_the_console(layout: Layout, written: str, reason: str) -> None:
    logs = Logs.at_start(layout)
    layout.console.write_text(f"INFO  Starting...\n{written}\n")
    assert reason in (logs.reason() or "")
    assert written in logs.last_lines()


def test_a_setting_of_the_users_own_is_blamed_only_where_there_are_some(layout: Layout) -> None:
    logs = Logs.at_start(layout)
    layout.console.write_text("Unrecognized setting. No declared setting with name: db.nothing\n")
    assert logs.reason() is None
    layout.own.write_text("db.nothing=1\n")
    assert logs.reason() == f"it does not take a setting of {layout.own}; mend it there"


def test_a_log_that_ends_in_half_a_transaction_is_known(layout: Layout) -> None:
    logs = Logs.at_start(layout)
    assert not logs.tell_of_torn_log()
    layout.console.write_text("you can specify 'internal.dbms.tx_log.fail_on_corrupted_log_files=false'\n")
    assert logs.tell_of_torn_log()


def test_the_debug_log_of_earlier_starts_is_not_read(layout: Layout) -> None:
    debug = layout.logs / "debug.log"
    debug.write_text("java.io.IOException: No space left on device\n")
    logs = Logs.at_start(layout)
    assert logs.reason() is None
    with debug.open("a") as stream:
        stream.write("ERROR Unable to start `DatabaseId{1[neo4j]}`\n")
    assert "damaged" in (logs.reason() or "")


def test_unknown_failures_show_the_end_of_the_console(layout: Layout) -> None:
    logs = Logs.at_start(layout)
    layout.console.write_text("".join(f"line {number}\n" for number in range(20)))
    assert logs.reason() is None
    assert logs.last_lines().splitlines()[-1] == "  line 19"
