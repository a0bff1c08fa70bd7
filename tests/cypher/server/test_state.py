from pathlib import Path

import pytest

from saedb.cypher.server.process import Recorded
from saedb.cypher.server.settings import Ports
from saedb.cypher.server.state import State
from saedb.ingest.errors import ServerError

STATE = State(ports=Ports(bolt=1, http=2), process=Recorded(pid=3, started=4.25), was_ready=True)


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    assert State.read(file) is None
    for state in (STATE, STATE.stopped()):
        state.write(file)
        assert State.read(file) == state
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


def test_a_stop_keeps_the_ports() -> None:
    assert STATE.stopped() == State(ports=STATE.ports)


@pytest.mark.parametrize("text", ["", "{}", '{"ports": {"bolt": 1}, "process": null, "was_ready": false}'])
def test_a_damaged_state_is_one_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text)
    with pytest.raises(ServerError, match=r"state\.json is damaged"):
        State.read(file)
