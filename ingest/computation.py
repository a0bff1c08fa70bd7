"""The steps of a run, in the order in which the data flows.

1. encode: contexts through model and SAEs into the activation store, and which tokens count;
2. statistics of each feature, and with them its threshold;
3. edges of each pair of SAEs;
4. examples of each feature;
5. labels and states: the feature table.

What is finished stays finished: a run that was stopped goes on where it was, and ends with the same tables.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest import contexts, hooks, quality
from saedb.ingest.activations import ActivationStore
from saedb.ingest.config import IngestConfig
from saedb.ingest.edges import EdgeRule, Side, edge_blocks, edges
from saedb.ingest.encode import Calibration, Encoder, LoadedSae, decoder_rows
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.examples import example_rows, top_hits
from saedb.ingest.features import best_pearson, feature_ids, feature_rows, short_examples
from saedb.ingest.labels import promoted_words, top_words
from saedb.ingest.materials import Materials
from saedb.ingest.record import TokenCounts
from saedb.ingest.rundir import DOCUMENTS_FILE, EXAMPLES_FILE, FEATURES_FILE, TOKENS_FILE, RunDirectory, edges_file
from saedb.ingest.stages import Stages
from saedb.ingest.states import APPEARING, DISAPPEARING, states
from saedb.ingest.statistics import FeatureStatistics, feature_statistics
from saedb.ingest.tables import DOCUMENTS, EDGES, EXAMPLES, FEATURES, TOKENS
from saedb.ingest.vocabulary import Vocabulary, vocabulary

Statistics = Mapping[str, FeatureStatistics]
"""By SAE id."""

ACTIVATIONS_FOLDER: Final = "activations"

_TABLES_ROOM: Final = 100_000_000
"""Bytes of disk for everything but the activations."""


class Computation:
    """A run with all that it is made from, and the steps that compute it."""

    def __init__(self, config: IngestConfig, run: RunDirectory, materials: Materials, stages: Stages) -> None:
        self._config = config
        self._run = run
        self._materials = materials
        self._stages = stages
        self._sources = materials.set.sources
        self._tokens = materials.contexts.tokens
        self._ids = {s.id: feature_ids(materials.set.model, s) for s in self._sources}
        self._store = ActivationStore(
            run.path / ACTIVATIONS_FOLDER, self._tokens, {s.id: s.d_sae for s in self._sources}, config.shard_contexts
        )

    def complete(self) -> None:
        """Compute what is missing, and mark the run as complete."""
        before = self._run.record.timings
        try:
            self._encode()
            self._write_tokens()
            statistics = self._statistics()
            self._note_quality(statistics)
            self._write_edges(statistics)
            self._write_examples()
            self._write_features(statistics)
        finally:
            taken = self._stages.timings
            self._run.update(timings={k: before.get(k, 0.0) + taken.get(k, 0.0) for k in [*before, *taken]})
        self._run.update(status="complete")
        if not self._config.keep_activations:
            self._store.remove()

    def _encode(self) -> None:
        missing = [shard for shard in self._store.shards if not self._store.has(shard)]
        if not missing:
            return
        tokenizer = self._materials.model.tokenizer
        special = contexts.special_tokens(tokenizer)
        encoder = Encoder(self._materials.model, self._materials.saes, special, self._config.batch_contexts)
        with self._stages.stage("calibrate", 1) as stage:
            calibration = encoder.calibrate(self._tokens, count_all=self._config.count_all)
            stage.advance()
        self._check_disk(calibration, missing)
        size = self._store.context_size
        with self._stages.stage("encode", self._tokens.size) as stage:
            for shard in missing:
                part = self._store.contexts(shard)
                rows, summary = encoder.shard(
                    self._tokens[part],
                    calibration.medians,
                    lambda done, start=part.start: stage.to((start + done) * size),
                )
                self._store.write(shard, rows, summary)

    def _check_disk(self, calibration: Calibration, shards: list[int]) -> None:
        parts = [self._store.contexts(shard) for shard in shards]
        tokens = sum(part.stop - part.start for part in parts) * self._store.context_size
        needed = tokens * self._store.bytes_per_token(calibration.l0) + _TABLES_ROOM
        free = shutil.disk_usage(self._run.path).free
        if free < needed:
            raise RunError(
                f"about {needed / 1e9:.1f} GB are needed at {self._run.path}, {free / 1e9:.1f} GB are free;"
                " make room and run the same command again, or take fewer --tokens under another --run"
            )

    def _write_tokens(self) -> None:
        if self._run.has(TOKENS_FILE, TOKENS):
            return
        summaries = [self._store.summary(shard) for shard in self._store.shards]
        counted = np.concatenate([s.counted for s in summaries])
        if not counted.any():
            raise InputError("no token of the text counts, all are special or outliers; give other text")
        reasons = dict.fromkeys(reason for s in summaries for reason in s.left_out)
        counts = TokenCounts(
            read=counted.size,
            counted=int(counted.sum()),
            left_out={reason: sum(s.left_out.get(reason, 0) for s in summaries) for reason in reasons},
            documents=len(self._materials.contexts.document_ids),
            context_size=self._store.context_size,
            prepend_bos=self._materials.contexts.prepend_bos,
        )
        self._run.update(tokens=counts)
        self._run.write(DOCUMENTS, DOCUMENTS_FILE, [contexts.document_rows(self._materials.contexts)])
        self._run.write(TOKENS, TOKENS_FILE, [contexts.rows(self._materials.contexts, counted)])

    def _statistics(self) -> dict[str, FeatureStatistics]:
        found: dict[str, FeatureStatistics] = {}
        with self._stages.stage("statistics", len(self._sources)) as stage:
            for source in self._sources:
                found[source.id] = feature_statistics(
                    self._store, source.id, self._config.relative_threshold, self._materials.documents
                )
                stage.advance()
        return found

    def _note_quality(self, statistics: Statistics) -> None:
        sums = quality.total(self._store.summary(shard).quality for shard in self._store.shards)
        records = tuple(
            replace(
                record,
                l0=sums[record.id].l0,
                explained_variance=sums[record.id].explained_variance,
                dead=float(statistics[record.id].dead.mean()),
            )
            for record in self._run.record.saes
        )
        suspicious = [
            line for s in self._sources for line in quality.warnings(s.id, sums[s.id], expected_l0=s.expected_l0)
        ]
        warnings = dict.fromkeys([*self._run.record.warnings, *suspicious])
        self._run.update(saes=records, warnings=tuple(warnings))

    def _write_edges(self, statistics: Statistics) -> None:
        rule = EdgeRule.of(self._config)
        sides = {
            s.id: Side(sae=s.id, statistics=statistics[s.id], ids=self._ids[s.id], decoder=decoder_rows(s.sae))
            for s in self._materials.saes
        }
        pairs = [(u, d) for u, d in self._run.record.pairs if not self._run.has(edges_file(u, d), EDGES)]
        if not pairs:
            return
        units = sum(len(edge_blocks(self._store, u, d)) for u, d in pairs) * len(self._store.shards)
        with self._stages.stage("edges", units) as stage:
            for u, d in pairs:
                found = edges(
                    self._store,
                    sides[u],
                    sides[d],
                    rule,
                    documents=self._materials.documents,
                    progress=stage.advance,
                )
                self._run.write(EDGES, edges_file(u, d), found)

    def _write_examples(self) -> None:
        if self._run.has(EXAMPLES_FILE, EXAMPLES):
            return
        with self._stages.stage("examples", len(self._sources)) as stage:
            self._run.write(EXAMPLES, EXAMPLES_FILE, self._examples(stage.advance))

    def _examples(self, advance: Callable[[], None]) -> Iterator[pa.Table]:
        documents, tokenizer = self._materials.contexts.documents.ravel(), self._materials.model.tokenizer
        for source in self._sources:
            hits = top_hits(self._store, source.id, documents, self._config.examples)
            yield example_rows(hits, self._materials.contexts, tokenizer, self._ids[source.id])
            advance()

    def _write_features(self, statistics: Statistics) -> None:
        if self._run.has(FEATURES_FILE, FEATURES):
            return
        with self._stages.stage("labels", sum(s.d_sae for s in self._sources)) as stage:
            words = vocabulary(self._materials.model.tokenizer, self._tokens)
            self._run.write(FEATURES, FEATURES_FILE, self._features(statistics, words, stage.advance))

    def _features(
        self, statistics: Statistics, words: Vocabulary, advance: Callable[[int], None]
    ) -> Iterator[pa.Table]:
        examples = short_examples(self._run.read(EXAMPLES, EXAMPLES_FILE))
        for source, loaded in zip(self._sources, self._materials.saes, strict=True):
            ids, found = self._ids[source.id], statistics[source.id]
            yield feature_rows(
                source,
                ids,
                found,
                state_in=self._state(source.id, found, "target"),
                state_out=self._state(source.id, found, "source"),
                top=top_words(self._store, source.id, self._tokens.ravel(), words),
                promoted=self._promoted(loaded, words, advance),
                examples=[examples.get(feature, []) for feature in ids],
            )

    def _promoted(
        self, loaded: LoadedSae, words: Vocabulary, advance: Callable[[int], None]
    ) -> Sequence[Sequence[str]]:
        if hooks.is_residual(loaded.hook):
            return promoted_words(self._materials.model, loaded.sae.W_dec, words, advance)
        advance(len(loaded.sae.W_dec))
        return [()] * len(loaded.sae.W_dec)

    def _state(self, sae: str, statistics: FeatureStatistics, end: Literal["source", "target"]) -> NDArray[np.object_]:
        """Return the states of an SAE's features: looking forward where they are edges' source, else looking back."""
        forward, ids = end == "source", self._ids[sae]
        file = next((edges_file(u, d) for u, d in self._run.record.pairs if (u if forward else d) == sae), None)
        none = np.full(len(ids), np.nan)
        return states(
            none if file is None else best_pearson(self._run.read(EDGES, file), end, ids),
            alone=DISAPPEARING if forward else APPEARING,
            computed=np.full(len(ids), file is not None),
            dead=statistics.dead & self._config.separate_dead,
            rare=statistics.rare(min_support=self._config.min_support, min_documents=self._config.min_documents),
            passed=self._config.passed_through,
            vanishing=self._config.vanishing,
        )
