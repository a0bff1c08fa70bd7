import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from saedb.cypher.connection import Connection
from saedb.cypher.removal import drop
from saedb.cypher.server.local import LocalServer


@pytest.fixture
def connection(server: LocalServer) -> Iterator[Connection]:
    with Connection(server.address()) as connection:
        yield connection


@pytest.fixture
def home(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the test server's home the user's, with a folder of runs of the test's own."""
    monkeypatch.setenv("SAEDB_HOME", str(server.layout.home))
    monkeypatch.setenv("SAEDB_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("NEO4J_URI", raising=False)
    yield tmp_path
    with Connection(server.address()) as connection:
        for row in connection.read("MATCH (r:Run) WHERE r.id IN ['tiny', 'small'] RETURN r.id AS id"):
            drop(connection, row["id"])


@pytest.fixture
def arguments(home: Path) -> list[str]:
    """Make a tiny model, SAEs and text, and return the command that relates them."""
    import tiny  # and with it SAELens, for seconds

    tiny.save_model(home / "model", "llama")
    for block in range(3):
        tiny.save_sae(home / "saes" / f"layer{block}", f"blocks.{block}.hook_resid_pre")
    words = random.Random(0)
    texts = [" ".join(words.choices(tiny.WORDS, k=words.randint(4, 50))) for _ in range(200)]
    (home / "text.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    given = ["--model", str(home / "model"), "--dataset", str(home / "text.jsonl"), "--tokens", "2400", "--run", "tiny"]
    return ["ingest", str(home / "saes"), *given]
