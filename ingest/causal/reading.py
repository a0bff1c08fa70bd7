"""Contexts of a run as the model itself has them: read once for all pairs of SAEs, and kept while there is room."""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saedb.ingest import precision
from saedb.ingest.compaction import compact
from saedb.ingest.encode import LoadedSae
from saedb.ingest.model import LanguageModel
from saedb.ingest.sparse import SparseRows

KEPT_BYTES: Final = 2 * 10**9
"""Memory of the contexts that are kept for the features that come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A context as the model has it; tensors are where the model is."""

    tokens: Tensor
    """Ids, [context_size]."""
    at: Mapping[str, Tensor]
    """What is at each hook point, [context_size, d_in]."""
    tf32: bool = False
    """Whether encoders' matrix products are made in TF32."""
    _rows: dict[str, SparseRows] = field(default_factory=dict[str, SparseRows])

    def activations(self, sae: LoadedSae) -> SparseRows:
        """Return what an SAE makes of it, [context_size, d_sae]."""
        if sae.id not in self._rows:
            self._rows[sae.id] = compact(encoded(sae, self.at[sae.hook], tf32=self.tf32))[0]
        return self._rows[sae.id]

    @property
    def bytes(self) -> int:
        """Memory that its tensors take."""
        return sum(values.numel() * values.element_size() for values in self.at.values())


def encoded(sae: LoadedSae, inputs: Tensor, *, tf32: bool) -> Tensor:
    """Return what an SAE makes of its inputs, with matrix products as the run's were."""
    with precision.matrix_products(tf32=tf32):
        return sae.sae.encode(inputs)


class Contexts:
    """The contexts of a run, by number."""

    def __init__(
        self, model: LanguageModel, hooks: Sequence[str], tokens: NDArray[np.int32], *, tf32: bool = False
    ) -> None:
        """Take the hook points that are read, and the ids, [contexts, context_size]."""
        self._model = model
        self._tf32 = tf32
        self._hooks = list(dict.fromkeys(hooks))
        self._tokens = tokens
        self._kept: OrderedDict[int, Context] = OrderedDict()
        self._bytes = 0
        self.read = 0
        """Contexts that the model has read, one that was not kept as often as it was needed."""
        self.seconds = 0.0
        """How long that took."""

    def of(self, numbers: Sequence[int]) -> list[Context]:
        """Return some contexts; those that are kept from before without running the model."""
        missing = [number for number in numbers if number not in self._kept]
        if missing:
            for number, context in zip(missing, self._read(missing), strict=True):
                self._kept[number] = context
                self._bytes += context.bytes
        contexts = [self._kept[number] for number in numbers]
        for number in numbers:
            self._kept.move_to_end(number)
        while self._bytes > KEPT_BYTES and len(self._kept) > len(numbers):
            self._bytes -= self._kept.popitem(last=False)[1].bytes
        return contexts

    @torch.inference_mode()
    def _read(self, numbers: Sequence[int]) -> list[Context]:
        begin = time.perf_counter()
        ids = torch.from_numpy(self._tokens[list(numbers)].astype(np.int64)).to(self._model.device)
        found = self._model.read(ids, self._hooks)
        # tensors of their own, so that one context does not keep all of them
        contexts = [
            Context(tokens=tokens, at={hook: found[hook][place].clone() for hook in self._hooks}, tf32=self._tf32)
            for place, tokens in enumerate(ids)
        ]
        self.read, self.seconds = self.read + len(contexts), self.seconds + time.perf_counter() - begin
        return contexts
