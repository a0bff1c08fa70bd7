"""Given maxima: thresholds that are shares of another run's largest activations, or of those in a file.

A table has the columns ``id`` and ``max``; the feature table of any run is one, and CSV and JSON lines will do. An
``.npz`` holds ``arr_0`` [SAEs, d_sae], the SAEs by depth in the model: so the paper (arXiv 2410.08869) published them.
"""

import zipfile
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from saedb.ingest.config import IngestConfig
from saedb.ingest.errors import InputError
from saedb.ingest.features import feature_ids
from saedb.ingest.rundir import FEATURES_FILE, RunDirectory
from saedb.ingest.sources import SaeSet
from saedb.ingest.tables import FEATURES

Floats = NDArray[np.float64]

_KINDS: Final = (".parquet", ".csv", ".jsonl", ".npz")
_COLUMNS: Final = pa.schema([("id", pa.string()), ("max", pa.float64())])
_PAPERS_ARRAY: Final = "arr_0"


def given(config: IngestConfig, found: SaeSet) -> Mapping[str, Floats] | None:
    """Return the largest activation of each feature by SAE id, each [d_sae]; None where the settings give none.

    A feature whose maximum is 0 has the threshold 0, as one that never fired in this run has.

    Raises:
        InputError: both settings are given, the file cannot be read, or lacks a feature or has no maximum for it.
        RunError: the run is missing or damaged.
    """
    if config.max_activations is not None and config.max_from is not None:
        raise InputError("max_activations and max_from both give maxima; give one of them")
    if config.max_from is not None:
        return _of_run(config.max_from, found)
    if config.max_activations is not None:
        return _of_file(Path(config.max_activations).expanduser(), found)
    return None


def of_thresholds(config: Mapping[str, Any], features: pa.Table) -> Floats:
    """Return the largest activations that the thresholds of a run are shares of: those it was given, or its own.

    Args:
        config: the settings of the run.
        features: rows of its feature table; of their columns, threshold and max.
    """
    share = config["relative_threshold"]
    if share == 0 or (config.get("max_from") is None and config.get("max_activations") is None):
        return features["max"].to_numpy()
    return features["threshold"].to_numpy() / share


def _of_run(name: str, found: SaeSet) -> Mapping[str, Floats]:
    run = RunDirectory.named(name)
    return _by_sae(run.read(FEATURES, FEATURES_FILE), run.path / FEATURES_FILE, found)


def _of_file(file: Path, found: SaeSet) -> Mapping[str, Floats]:
    match file.suffix.lower():
        case ".npz":
            return _by_depth(file, found)
        case ".parquet" | ".csv" | ".jsonl":
            return _by_sae(_table(file), file, found)
        case _:
            raise InputError(f"{file} is no table of maxima; its name should end in {', '.join(_KINDS)}")


def _table(file: Path) -> pa.Table:
    with _readable(file):
        match file.suffix.lower():
            case ".parquet":
                table = pq.read_table(pa.memory_map(str(file)))
            case ".csv":
                types = pacsv.ConvertOptions(column_types=_COLUMNS)
                table = pacsv.read_csv(file, convert_options=types)
            case _:
                types = pajson.ParseOptions(explicit_schema=_COLUMNS)
                table = pajson.read_json(file, parse_options=types)
        missing = [name for name in _COLUMNS.names if name not in table.column_names]
        if missing:
            raise InputError(
                f"{file} has no column {missing[0]!r}, it has {', '.join(table.column_names)}; name two id and max"
            )
        return table.select(_COLUMNS.names).cast(_COLUMNS)


def _by_sae(table: pa.Table, file: Path, found: SaeSet) -> dict[str, Floats]:
    index, values = pd.Index(table["id"].to_numpy()), table["max"].to_numpy()
    if not index.is_unique:
        raise InputError(f"{file} has the feature {index[index.duplicated()][0]} twice; keep one of its rows")
    ids = {source.id: feature_ids(found.model, source) for source in found.sources}
    rows = {sae: index.get_indexer(names) for sae, names in ids.items()}
    missing = [feature for sae, names in ids.items() for feature in names[rows[sae] < 0]]
    if missing:
        total = sum(len(names) for names in ids.values())
        raise InputError(
            f"{file} lacks {len(missing):,} of {total:,} features, {missing[0]} first;"
            " give maxima of the same model and SAEs"
        )
    return {sae: _checked(values[rows[sae]], names, file) for sae, names in ids.items()}


def _by_depth(file: Path, found: SaeSet) -> dict[str, Floats]:
    with _readable(file), file.open("rb") as stream, NpzFile(stream, allow_pickle=False) as arrays:
        if _PAPERS_ARRAY not in arrays:
            raise InputError(
                f"{file} has {', '.join(arrays) or 'no array'}, not {_PAPERS_ARRAY}; give one [SAEs, d_sae]"
            )
        values: Floats = arrays[_PAPERS_ARRAY].astype(np.float64)
    widths = sorted({source.d_sae for source in found.sources})
    if [len(widths), *values.shape] != [1, len(found.sources), widths[0]]:
        wanted = f"{len(found.sources)} SAEs of {' or '.join(map(str, widths))} features"
        raise InputError(f"{file}: {_PAPERS_ARRAY} is {list(values.shape)}, the run has {wanted}; give their maxima")
    return {
        source.id: _checked(maxima, feature_ids(found.model, source), file)
        for source, maxima in zip(found.sources, values, strict=True)
    }


def _checked(values: Floats, ids: NDArray[Any], file: Path) -> Floats:
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        value = "no maximum" if np.isnan(values[wrong[0]]) else f"the maximum {values[wrong[0]]}"
        raise InputError(f"{file} has {value} for {ids[wrong[0]]}; a largest activation is a number from 0")
    return values


@contextmanager
def _readable(file: Path) -> Generator[None]:
    """Turn what reading a file of another kind raises into one line."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"no file {file}; give a table of maxima") from None
    except (pa.ArrowException, OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file} cannot be read ({reason}); give a whole {file.suffix} file") from error
