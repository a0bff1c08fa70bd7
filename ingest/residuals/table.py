"""The rows of the tables of recovery, copies and heat maps."""

import numpy as np
import pyarrow as pa

from saedb.ingest.residuals.groups import Dictionary, Upstream
from saedb.ingest.residuals.heatmaps import HeatMaps, Ranges
from saedb.ingest.residuals.settings import MAPS
from saedb.ingest.residuals.sums import CopiedSums, RecoverySums
from saedb.ingest.tables import COPIES, HEATMAPS, RECOVERY, rows


def recovery_rows(pair: tuple[str, str], side: Dictionary, known: Upstream, sums: RecoverySums) -> pa.Table:
    """Return a row for each upstream feature of a pair of SAEs."""
    own, random = sums.along_row(), sums.along_random()
    count = len(side.ids)
    return rows(
        RECOVERY,
        {
            "feature": side.ids,
            "sae": [pair[0]] * count,
            "next_sae": [pair[1]] * count,
            "feature_group": known.group,
            "necessity": known.necessity,
            "tokens": sums.tokens,
            "mean": np.divide(sums.x, sums.tokens, out=np.full(count, np.nan), where=sums.tokens > 0),
            "recovered": own.ratio,
            "slope": own.slope,
            "correlation": own.correlation,
            "control": random.ratio,
            "control_slope": random.slope,
            "control_correlation": random.correlation,
        },
    )


def copies_rows(pair: tuple[str, str], side: Dictionary, sums: CopiedSums) -> pa.Table:
    """Return a row for each downstream feature of a pair of SAEs."""
    return rows(
        COPIES,
        {
            "feature": side.ids,
            "sae": [pair[1]] * len(side.ids),
            "previous_sae": [pair[0]] * len(side.ids),
            "copied": sums.pearson(),
            "ratio": sums.ratio(),
            "positive": sums.positive,
            "tokens": sums.tokens,
        },
    )


def heatmap_rows(pair: tuple[str, str], maps: HeatMaps, ranges: Ranges) -> pa.Table:
    """Return a row for each cell of a pair's heat maps that is not empty."""
    x_edges, y_edges = ranges.edges()
    of, x, y = np.nonzero(maps.cells)
    return rows(
        HEATMAPS,
        {
            "sae": [pair[0]] * len(of),
            "next_sae": [pair[1]] * len(of),
            "directions": np.array(MAPS, dtype=object)[of],
            "x_low": x_edges[x],
            "x_high": x_edges[x + 1],
            "y_low": y_edges[y],
            "y_high": y_edges[y + 1],
            "count": maps.cells[of, x, y],
            "outside": maps.outside[of],
        },
    )
