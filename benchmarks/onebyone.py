"""The alternative to `saedb ablate`: hooks of TransformerLens, one edge and one context at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from saedb.ingest import hooks, tables
from saedb.ingest.encode import LoadedSae
from saedb.ingest.prompts.loading import Loaded
from saedb.ingest.rundir import FEATURES_FILE, TOKENS_FILE, RunDirectory

Edge = tuple[str, str]


class OneByOne:
    """Effects of edges in all contexts in which their sources fire."""

    def __init__(self, run: RunDirectory, parts: Loaded, edges: Sequence[Edge]) -> None:
        """Take a run with its model and SAEs; which contexts are needed is found here, outside of what is measured."""
        assert run.record.tokens is not None
        rows = run.read(tables.TOKENS, TOKENS_FILE)
        shape = -1, run.record.tokens.context_size
        self._tokens = torch.from_numpy(rows["token"].to_numpy().reshape(shape).astype(np.int64))
        self._counted = torch.from_numpy(rows["counted"].to_numpy().reshape(shape))
        features = run.read(tables.FEATURES, FEATURES_FILE)
        self._threshold = dict(zip(features["id"].to_pylist(), features["threshold"].to_pylist(), strict=True))
        self._bridge: TransformerBridge = parts.model._model
        self._saes = {sae.id: sae for sae in parts.saes}
        self._edges = edges
        self._contexts = self._firing()
        self.effects: dict[Edge, float] = {}
        self.copies = sum(len(contexts) for contexts in self._contexts.values())

    def find(self) -> None:
        """Find the effects of all edges; of one without a token with both active there is none."""
        clean: dict[int, dict[str, Tensor]] = {}
        for source, target in self._edges:
            change = total = 0.0
            for number in self._contexts[source]:
                if number not in clean:
                    clean[number] = self._read(number, [sae.hook for sae in self._saes.values()])
                one, all_of_it = self._of_context(source, target, number, clean[number])
                change, total = change + one, total + all_of_it
            if total:
                self.effects[source, target] = change / total

    @torch.no_grad()
    def _of_context(self, source: str, target: str, number: int, clean: dict[str, Tensor]) -> tuple[float, float]:
        """Return what the target loses on tokens with both active, and what it was there."""
        (up, u), (down, d) = self._place(source), self._place(target)

        def without(value: Tensor, hook: Any) -> Tensor:
            del hook
            activations = up.sae.encode(value)
            whole = up.sae.decode(activations)
            activations[..., u] = 0.0
            return up.sae.decode(activations) + (value - whole)

        active = up.sae.encode(clean[up.hook])[0, :, u] > self._threshold[source]
        before = down.sae.encode(clean[down.hook])[0, :, d].double()
        with self._bridge.hooks(fwd_hooks=[(up.hook, without)]):
            after = down.sae.encode(self._read(number, [down.hook])[down.hook])[0, :, d].double()
        both = active & (before > self._threshold[target]) & self._counted[number]
        return float((before - after)[both].sum()), float(before[both].sum())

    def _read(self, number: int, names: Sequence[str]) -> dict[str, Tensor]:
        stop = max(map(hooks.block, names)) + 1
        _, cache = self._bridge.run_with_cache(
            self._tokens[number : number + 1], names_filter=list(names), stop_at_layer=stop, prepend_bos=False
        )
        return {name: cache.cache_dict[name] for name in names}

    def _place(self, feature: str) -> tuple[LoadedSae, int]:
        _, sae, index = feature.rsplit("/", 2)
        return self._saes[sae], int(index)

    @torch.no_grad()
    def _firing(self) -> dict[str, list[int]]:
        """Return the contexts in which each source fires."""
        found: dict[str, list[int]] = {source: [] for source, _ in self._edges}
        up = {sae.id: sae for sae, _ in map(self._place, found)}
        for number in range(len(self._tokens)):
            read = self._read(number, [sae.hook for sae in up.values()])
            fires = {id_: (sae.sae.encode(read[sae.hook])[0] > 0).any(dim=0) for id_, sae in up.items()}
            for source, contexts in found.items():
                sae, index = self._place(source)
                if fires[sae.id][index]:
                    contexts.append(number)
        return found
