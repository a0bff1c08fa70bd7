"""The model and SAEs of a run, loaded once, while the pages go on answering."""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from saedb.ingest.errors import SaedbError
from saedb.ingest.prompts import origin
from saedb.ingest.rundir import RunDirectory

if TYPE_CHECKING:
    from saedb.ingest.prompts.reader import PromptReader

Key = tuple[str, Path, str]


@dataclass(kw_only=True)
class _Loading:
    """What a thread is about, or has come to."""

    said: str = "Loading libraries ..."
    reader: "PromptReader | None" = None
    error: SaedbError | None = None


class Readers:
    """One reader for each run that was asked for; the last one is kept, as each holds a model."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loading: dict[Key, _Loading] = {}

    def reader(self, run: RunDirectory) -> "PromptReader | str":
        """Return what reads texts as a run did; while that is being loaded, what is being done.

        Raises:
            SaedbError: it cannot be loaded; the next time it is tried again.
        """
        origin.check(run)
        key = key_of(run)
        with self._lock:
            found = self._loading.get(key)
            if found is None:
                self._loading = {key: (found := _Loading())}
                Thread(target=_load, args=(run, found), daemon=True).start()
            if found.error is not None:
                del self._loading[key]
                raise found.error
        return found.reader or found.said


def key_of(run: RunDirectory) -> Key:
    """Return what tells a run from others, whatever was stored in it since."""
    return run.record.id, run.path, run.record.created


def _load(run: RunDirectory, loading: _Loading) -> None:
    def report(stage: str, done: int, total: int | None) -> None:
        loading.said = f"{stage.capitalize()}{'' if total is None or total <= 1 else f': {done} of {total}'} ..."

    try:
        from saedb.ingest.prompts.reader import PromptReader  # and with it SAELens, for seconds

        loading.reader = PromptReader.open(run, report=report)
    except SaedbError as error:
        loading.error = error
    except BaseException:
        loading.error = SaedbError("the model could not be loaded; the terminal says why")
        raise
