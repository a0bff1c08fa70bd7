"""What a run's SAEs make of a text, and how large their activations are beside those of the run."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saedb.ingest import rundir, tables
from saedb.ingest.errors import InputError
from saedb.ingest.prompts.prompt import Prompt, prompt_id
from saedb.ingest.rundir import RunDirectory
from saedb.ingest.sparse import SparseRows

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large the activations of an SAE's features are in the run; all of shape [d_sae], 0 for a dead one."""

    ids: NDArray[np.object_]
    threshold: Floats
    max: Floats

    def bound(self, share: float | None) -> Floats:
        """Return the activation above which each feature is active: the run's threshold, or a share of its maximum."""
        return self.threshold if share is None else share * self.max


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PromptActivations:
    """All activations above 0 on the tokens of a text."""

    text: str
    tokens: tuple[str, ...]
    left_out: tuple[str | None, ...]
    """Why each token does not count, in the words of the run's record; None for one that does."""
    rows: Mapping[str, SparseRows]
    """By SAE, by depth: [tokens, d_sae]."""
    scales: Mapping[str, Scale]

    @property
    def counted(self) -> tuple[int, ...]:
        """Positions of the tokens that count."""
        return tuple(position for position, reason in enumerate(self.left_out) if reason is None)

    def prompt(self, *, threshold: float | None = None, name: str | None = None) -> Prompt:
        """Return the prompt with what is active on its tokens.

        Args:
            threshold: share of a feature's largest activation in the run that its activation must be above, from 0 on,
                lower ones keep more; None: the run's own thresholds.
            name: its id; None: made of its text.

        Raises:
            InputError: the name is none, or the threshold is below 0.
        """
        if threshold is not None and not 0.0 <= threshold < np.inf:
            raise InputError(f"the threshold is {threshold:g}; it must be a share of the largest activation, from 0 on")
        is_counted = np.array([reason is None for reason in self.left_out])
        features: list[str] = []
        positions: list[int] = []
        activations: list[float] = []
        for sae, rows in self.rows.items():
            position, scale = rows.row_of, self.scales[sae]
            active = is_counted[position] & (rows.values > scale.bound(threshold)[rows.indices])
            features += scale.ids[rows.indices[active]].tolist()
            positions += position[active].tolist()
            activations += rows.values[active].astype(np.float64).tolist()
        return Prompt(
            id=prompt_id(self.text, name),
            text=self.text,
            created=rundir.now(),
            tokens=self.tokens,
            counted=self.counted,
            threshold=threshold,
            features=tuple(features),
            positions=tuple(positions),
            activations=tuple(activations),
        )


def scales(run: RunDirectory) -> dict[str, Scale]:
    """Return the scale of each SAE of a run.

    Raises:
        RunError: the table of features is missing or damaged.
    """
    found = run.read(tables.FEATURES, rundir.FEATURES_FILE).select(["sae", "id", "index", "max", "threshold"])
    by_sae = dict(iter(found.to_pandas().sort_values("index").groupby("sae", sort=False)))
    return {
        str(sae): Scale(
            ids=rows["id"].to_numpy(dtype=object),
            threshold=rows["threshold"].fillna(0.0).to_numpy(),
            max=rows["max"].fillna(0.0).to_numpy(),
        )
        for sae, rows in by_sae.items()
    }
