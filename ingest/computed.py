"""Whether a run was computed: what reads its tokens, its model or its SAEs again asks so first."""

from saedb.ingest.errors import InputError, RunError
from saedb.ingest.rundir import RunDirectory


def check_computed(run: RunDirectory, unknown: str) -> None:
    """Check that a run was computed, and to its end.

    Args:
        run: the run.
        unknown: what edges alone do not tell, as it stands behind ``which features``.

    Raises:
        InputError: it was imported.
        RunError: it is not complete.
    """
    record = run.record
    if record.kind == "import":
        raise InputError(
            f"run {record.id} was imported, and edges do not tell which features {unknown}; compute one: saedb ingest"
        )
    if record.status != "complete":
        raise RunError(f"run {record.id} is not complete ({run.path}); first the command that computes it again")
