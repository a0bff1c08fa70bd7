"""Why a start failed, told from what Neo4j and Java wrote."""

from dataclasses import dataclass
from pathlib import Path

from saedb.cypher.server.layout import Layout

_REASONS = (
    (
        ("Address already in use", "BindException"),
        "another program has taken one of its ports; run the command again, and it will choose others",
    ),
    (
        ("No space left on device", "Disk quota exceeded"),
        "the disk is full; make room, then run the command again",
    ),
    (
        (
            "insufficient memory",
            "Could not reserve enough space",
            "OutOfMemoryError",
            "Cannot allocate memory",
            "Could not allocate",
            "Failed to mark memory page as executable",
        ),
        "there is not enough memory for it; end other programs, then run the command again",
    ),
    (
        ("FileLockException", "Lock file has been locked by another process"),
        "another Neo4j uses this store; stop it, or choose another --home",
    ),
    (
        ("UnsupportedClassVersionError", "Unrecognized VM option", "Could not create the Java Virtual Machine"),
        "this Java cannot run it; unset SAEDB_JAVA, or let it name a Java 17 or 21",
    ),
)
_OWN_SIGNS = ("Unrecognized setting", "Error evaluating value for setting", "Failed to read config")
_TORN_SIGN = "fail_on_corrupted_log_files"  # Neo4j names this setting where the log ends in half a transaction
_DAMAGED_SIGNS = ("Failed to start DatabaseId", "Unable to start `DatabaseId", "Error starting Neo4j database server")
_SHOWN_LINES = 8
_SHOWN_WIDTH = 300
_TELLING = ("ERROR", "Caused by:", "Exception", "Error:", "Error occurred", "error:", "Could not")


@dataclass(frozen=True, slots=True)
class Logs:
    """What one start wrote: its console, and ``debug.log`` from where it was."""

    layout: Layout
    debug_offset: int

    @classmethod
    def at_start(cls, layout: Layout) -> "Logs":
        """Return the logs of a start that happens next."""
        debug = _debug(layout)
        return cls(layout, debug.stat().st_size if debug.exists() else 0)

    def reason(self) -> str | None:
        """Return what the logs say is wrong, with the next step, or None if they name nothing known."""
        text = self._console() + self._debug()
        for signs, reason in _REASONS:
            if any(sign in text for sign in signs):
                return reason
        if self.layout.own.exists() and any(sign in text for sign in _OWN_SIGNS):
            return f"it does not take a setting of {self.layout.own}; mend it there"
        if any(sign in text for sign in _DAMAGED_SIGNS):
            return (
                f"its store is damaged; move {self.layout.data} and {self.layout.password} away, start it empty, "
                "and load the runs again (a run's folder has everything)"
            )
        return None

    def tell_of_torn_log(self) -> bool:
        """Return whether the start failed because the log of transactions ends in the middle of one."""
        return _TORN_SIGN in self._console() + self._debug()

    def last_lines(self) -> str:
        """Return the last telling lines of the console, or of ``debug.log``, or the console's last lines."""
        console, debug = self._console().splitlines(), self._debug().splitlines()
        lines = _telling(console) or _telling(debug) or console
        return "\n".join(f"  {line.strip()[:_SHOWN_WIDTH]}" for line in lines[-_SHOWN_LINES:])

    def _console(self) -> str:
        return _read(self.layout.console, 0)

    def _debug(self) -> str:
        return _read(_debug(self.layout), self.debug_offset)


def _telling(lines: list[str]) -> list[str]:
    """Return the lines that name an error, each once, without Java's stack frames."""
    named = (line for line in lines if any(sign in line for sign in _TELLING))
    return list(dict.fromkeys(line for line in named if not line.startswith("\tat ")))


def _debug(layout: Layout) -> Path:
    return layout.logs / "debug.log"


def _read(file: Path, offset: int) -> str:
    if not file.exists():
        return ""
    with file.open("rb") as stream:
        stream.seek(offset if offset <= file.stat().st_size else 0)  # Neo4j rotates the log when it is large
        return stream.read().decode(errors="replace")
