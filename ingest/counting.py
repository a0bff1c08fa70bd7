"""Which engine counts a pair of SAEs, and with how much of the machine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from saedb.ingest import memory
from saedb.ingest.gather import Task, gathered
from saedb.ingest.kernel import Kept
from saedb.ingest.memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where a run counts; none of it changes a result."""

    device: str
    """``cpu`` or ``cuda``."""
    threads: int
    memory: Memory

    def count(self, task: Task, progress: Callable[[int], None] = lambda _: None) -> Iterator[Kept]:
        """Yield the edges of a pair of SAEs, ordered by upstream and then by downstream feature.

        Args:
            task: what is counted.
            progress: called with a number of upstream features that are done.
        """
        if self.device == "cuda":
            from saedb.ingest.scatter import scattered

            return scattered(task, device=self.device, memory=memory.of_device(), progress=progress)
        return gathered(task, threads=self.threads, memory=self.memory.left(), progress=progress)
