"""What a home remembers about its server between two commands: the ports, and the process that was started last."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from saedb.cypher.server.process import Recorded
from saedb.cypher.server.settings import Ports
from saedb.ingest.errors import ServerError


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One home's server as it was left."""

    ports: Ports
    process: Recorded | None = None
    """None after a clean stop."""
    was_ready: bool = False
    """Whether the process has answered a query since it was started."""

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """Return what was written, or None in a home that never had a server."""
        if not file.exists():
            return None
        try:
            entries = json.loads(file.read_text(encoding="utf-8"))
            process = entries["process"]
            return cls(
                ports=Ports(**entries["ports"]),
                process=Recorded(**process) if process else None,
                was_ready=entries["was_ready"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ServerError(f"{file} is damaged ({error}); end the server's Java process, then delete it") from error

    def write(self, file: Path) -> None:
        """Replace the file in one step."""
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(file)

    def stopped(self) -> Self:
        """Return the state after a clean stop, with the same ports."""
        return replace(self, process=None, was_ready=False)
