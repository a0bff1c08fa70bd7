"""Of which runs recovery and copies can be measured, and whether they are there already."""

from dataclasses import asdict

from saedb.ingest import hooks, rundir
from saedb.ingest.computed import check_computed
from saedb.ingest.errors import InputError
from saedb.ingest.residuals.settings import ResidualSettings
from saedb.ingest.rundir import FEATURES_FILE, TOKENS_FILE, RunDirectory


def check(run: RunDirectory) -> None:
    """Check that a run was computed, and that every pair of its SAEs reads the residual stream at two places.

    Raises:
        InputError: it was imported, or an SAE reads something else.
        RunError: it is not complete.
    """
    check_computed(run, "an SAE leaves over")
    saes = {sae.id: sae for sae in run.record.saes}
    for pair in run.record.pairs:
        for sae in (saes[id_] for id_ in pair):
            if sae.hook is None or not hooks.is_stream(sae.hook):
                raise InputError(
                    f"the SAE {sae.id} of run {run.record.id} reads {sae.hook}, and recovery and copies compare the"
                    " residual stream with itself; compute a run of SAEs of the residual stream: saedb ingest"
                )
        sizes = [saes[id_].d_in for id_ in pair]
        if sizes[0] != sizes[1]:
            raise InputError(
                f"the SAEs {pair[0]} and {pair[1]} of run {run.record.id} read {sizes[0]} and {sizes[1]} values, and"
                " must be of one model; compute another run: saedb ingest"
            )


def is_done(run: RunDirectory, settings: ResidualSettings) -> bool:
    """Return whether a run has the tables that these settings give, of its edges and features as they are."""
    found = run.record.residuals
    return found is not None and found.made_from == made_from(run, settings, found.device)


def made_from(run: RunDirectory, settings: ResidualSettings, device: str) -> str:
    """Return the hash of all that decides the tables."""
    hashes = {name: run.record.files[name].sha256 for name in (FEATURES_FILE, TOKENS_FILE, *run.edge_files)}
    weights = [sae.sha256 for sae in run.record.saes]
    return rundir.digest({"settings": asdict(settings), "files": hashes, "saes": weights, "device": device})
