"""What a run was computed with, found again and compared with its record."""

from pathlib import Path

from saedb.ingest import fingerprint, saes
from saedb.ingest.computed import check_computed
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.sources import SaeSet, SaeSource


def check(run: RunDirectory) -> None:
    """Check that a run was computed here or elsewhere, and to its end.

    Raises:
        InputError: it was imported.
        RunError: it is not complete.
    """
    check_computed(run, "a text activates")


def saes_of(run: RunDirectory) -> SaeSet:
    """Return the SAEs that a run was computed with, without their weights.

    Raises:
        InputError: they, or its model, are not on this machine.
        RunError: others are in their place, or another model is.
        DownloadError: a release's metadata had to be fetched and could not be.
    """
    config, known = run.record.config, [sae.id for sae in run.record.saes]
    for path in [*config["inputs"], config["model"]]:
        _check_there(run, path)
    _check_model(run)
    found = saes.find(
        config["inputs"],
        layers=config["layers"],
        saes_glob=config["saes"],
        set_name=config["set"],
        pairs=config["pairs"],
    )
    there = [source.id for source in found.sources]
    if there != known:
        raise RunError(
            f"the SAEs {', '.join(there)} are where run {run.record.id} had {', '.join(known)}; put those back, or"
            " compute another run: saedb ingest"
        )
    return found


def _check_there(run: RunDirectory, path: str | None) -> None:
    if path is not None and Path(path).is_absolute() and not Path(path).is_dir():
        raise InputError(
            f"this needs the SAEs and the model of run {run.record.id}, and {path} is not on this machine; put it back"
            " there, or compute the run here: saedb ingest"
        )


def _check_model(run: RunDirectory) -> None:
    """Check that a model in a folder is the one that the run was computed with."""
    before = run.record.config.get("local", {}).get("model")
    if before is not None and before != fingerprint.of_model(Path(run.record.config["model"])):
        raise RunError(
            f"the model in {run.record.config['model']} has changed since run {run.record.id} was computed; put the old"
            " one back, or compute another run: saedb ingest"
        )


def check_weights(run: RunDirectory, source: SaeSource, sha256: str) -> None:
    """Check that an SAE that was loaded is the one that a run was computed with, by the hash of its weights.

    Raises:
        RunError: it is not.
    """
    before = {record.id: record.sha256 for record in run.record.saes}
    if before[source.id] != sha256:
        raise RunError(
            f"the SAE {source.id} in {source.location} has changed since run {run.record.id} was computed; put the old"
            " one back, or compute another run: saedb ingest"
        )
