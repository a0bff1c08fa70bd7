"""The steps of a run, in the order in which the data flows.

1. encode: contexts through model and SAEs into the activation store, and which tokens count;
2. statistics of each feature, and with them its threshold;
3. edges of each pair of SAEs, and how many of them chance alone would give;
4. gates and splits;
5. examples of each feature;
6. labels and states: the feature table.

What is finished stays finished: a run that was stopped goes on where it was, and ends with the same tables.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from operator import add

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from saedb.ingest import contexts, filling, hooks, null, quality
from saedb.ingest.activations import ACTIVATIONS_FOLDER, ActivationStore
from saedb.ingest.bootstrap import Bootstrap
from saedb.ingest.chosen import count_chosen, with_chosen
from saedb.ingest.config import IngestConfig
from saedb.ingest.cosines import nearest
from saedb.ingest.counting import Machine
from saedb.ingest.directions import write_directions
from saedb.ingest.edges import Side, comparable, edges
from saedb.ingest.encode import LoadedSae, decoder_rows
from saedb.ingest.errors import InputError
from saedb.ingest.examples import example_rows, top_hits
from saedb.ingest.features import best_on_edges, feature_ids, feature_rows, meeting_edges, short_examples
from saedb.ingest.gather import Task
from saedb.ingest.kernel import Kept
from saedb.ingest.labels import promoted_words, top_words
from saedb.ingest.materials import Materials
from saedb.ingest.memory import Memory
from saedb.ingest.motifs.settings import GateSettings, SplitSettings
from saedb.ingest.motifs.stage import Dictionary, MemoryBoundError, Motifs
from saedb.ingest.pieces import Pieces
from saedb.ingest.record import TokenCounts
from saedb.ingest.rule import EdgeRule
from saedb.ingest.rundir import DOCUMENTS_FILE, EXAMPLES_FILE, FEATURES_FILE, TOKENS_FILE, RunDirectory, edges_file
from saedb.ingest.sources import SaeSource
from saedb.ingest.stages import Stages
from saedb.ingest.states import APPEARING, DISAPPEARING, states
from saedb.ingest.statistics import FeatureStatistics, feature_statistics
from saedb.ingest.stretches import StoredText
from saedb.ingest.tables import DOCUMENTS, EDGES, EXAMPLES, FEATURES, TOKENS
from saedb.ingest.vocabulary import Vocabulary, vocabulary
from saedb.ingest.wholewords import whole_words

Statistics = Mapping[str, FeatureStatistics]
"""By SAE id."""


class Computation:
    """A run with all that it is made from, and the steps that compute it."""

    def __init__(
        self, config: IngestConfig, run: RunDirectory, materials: Materials, stages: Stages, memory: Memory
    ) -> None:
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
        self._memory = memory
        settings = run.record.config
        self._machine = Machine(device=settings["device"], threads=settings["threads"], memory=memory)
        self._rule = EdgeRule.of(config)
        self._text = StoredText(self._store, materials.documents, materials.contexts.first_half_contexts)

    def complete(self) -> None:
        """Compute what is missing, and mark the run as complete."""
        before = self._run.record.timings
        try:
            self._warn(filling.fill(self._store, self._run, self._config, self._materials, self._stages))
            self._write_tokens()
            statistics = self._statistics()
            self._note_quality(statistics)
            self._write_directions()
            self._write_edges(statistics)
            self._note_chance(statistics)
            self._write_motifs(statistics)
            self._write_examples()
            self._write_features(statistics)
        finally:
            taken = self._stages.timings
            self._run.update(timings={k: before.get(k, 0.0) + taken.get(k, 0.0) for k in [*before, *taken]})
        self._run.update(status="complete")
        if not self._config.keep_activations:
            self._store.remove()

    def _warn(self, lines: Sequence[str]) -> None:
        self._run.update(warnings=tuple(dict.fromkeys([*self._run.record.warnings, *lines])))

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
        self._run.write(TOKENS, TOKENS_FILE, contexts.rows(self._materials.contexts, counted))

    def _statistics(self) -> dict[str, FeatureStatistics]:
        found: dict[str, FeatureStatistics] = {}
        maxima = self._materials.maxima or {}
        with self._stages.stage("statistics", len(self._sources)) as stage:
            for source in self._sources:
                found[source.id] = feature_statistics(
                    self._text,
                    source.id,
                    source.d_sae,
                    context_size=self._store.context_size,
                    relative_threshold=self._config.relative_threshold,
                    maxima=maxima.get(source.id),
                )
                stage.advance()
        return found

    def _note_quality(self, statistics: Statistics) -> None:
        sums = quality.total(self._store.summary(shard).quality for shard in self._store.shards)
        records = tuple(
            replace(
                record,
                l0=float(statistics[record.id].n_positive.sum() / statistics[record.id].tokens),
                explained_variance=sums[record.id].explained_variance if record.id in sums else None,
                dead=float(statistics[record.id].dead.mean()),
            )
            for record in self._run.record.saes
        )
        self._run.update(saes=records)
        measured = [s for s in self._sources if s.id in sums]
        for source in measured:
            found, stated = sums[source.id], source.expected_l0
            self._warn(quality.warnings(source.id, found, expected_l0=stated, count_all=self._config.count_all))

    def _write_directions(self) -> None:
        for sae in self._materials.saes:
            write_directions(self._run, sae.id, decoder_rows(sae.sae))

    def _write_edges(self, statistics: Statistics) -> None:
        pairs = [(u, d) for u, d in self._run.record.pairs if not self._run.has(edges_file(u, d), EDGES)]
        if not pairs:
            return
        sides = {
            s.id: Side(
                sae=s.id, hook=s.hook, statistics=statistics[s.id], ids=self._ids[s.id], decoder=decoder_rows(s.sae)
            )
            for s in self._materials.saes
        }
        with self._stages.stage("edges", sum(len(sides[u].ids) for u, _ in pairs)) as stage:
            for u, d in pairs:
                task = self._task(u, d, statistics)
                kept = self._with_nearest(self._machine.count(task, stage.advance), task, sides)
                evidence = None if self._bootstrap is None else self._bootstrap.evidence(u, d, statistics)
                found = edges(kept, sides[u], sides[d], halves=self._config.split_half, evidence=evidence)
                self._run.write(EDGES, edges_file(u, d), found)

    def _with_nearest(self, kept: Iterable[Kept], task: Task, sides: Mapping[str, Side]) -> Iterable[Kept]:
        """Return the pairs that the rule takes, and with them those that the decoders make edges."""
        upstream, downstream = sides[task.upstream], sides[task.downstream]
        if self._config.min_decoder_cosine is None or not comparable(upstream, downstream):
            return kept
        with self._stages.stage("decoder cosines", len(upstream.ids)) as stage:
            pairs = nearest(
                upstream.decoder,
                downstream.decoder,
                floor=self._config.min_decoder_cosine,
                count=self._config.nearest_decoders,
                device=self._machine.device,
                progress=stage.advance,
            )
            memory = self._memory.left() // 4
            chosen = count_chosen(task, pairs.upstream, pairs.downstream, memory=memory)
        return with_chosen(kept, chosen)

    def _task(self, upstream: str, downstream: str, statistics: Statistics) -> Task:
        return Task(
            text=self._text,
            upstream=upstream,
            downstream=downstream,
            statistics=(statistics[upstream], statistics[downstream]),
            rule=self._rule,
            halves=self._config.split_half,
        )

    @cached_property
    def _bootstrap(self) -> Bootstrap | None:
        if not self._config.bootstrap:
            return None
        return Bootstrap(self._text, len(self._materials.contexts.document_ids), self._config.bootstrap)

    def _note_chance(self, statistics: Statistics) -> None:
        pairs = self._run.record.pairs
        if self._run.record.null is not None or not pairs or not self._config.null_tokens:
            return
        size = self._store.context_size
        with self._stages.stage("null", len(pairs)) as stage:
            counts: list[null.NullCounts] = []
            for u, d in pairs:
                sample = null.sample(self._text, u, d, tokens=self._config.null_tokens, context_size=size)
                thresholds = statistics[u].threshold, statistics[d].threshold
                if len(sample.counted) > size:  # a single context cannot be rotated
                    counts.append(
                        null.null_counts(
                            sample, (u, d), thresholds, self._rule, context_size=size, machine=self._machine
                        )
                    )
                stage.advance()
        self._run.update(null=reduce(add, counts).record() if counts else None)

    def _write_motifs(self, statistics: Statistics) -> None:
        """Write gates and splits, where they are not there yet; too little memory for them does not cost the run."""
        if self._run.record.gates is not None and self._run.record.splits is not None:
            return
        dictionaries = {
            sae: Dictionary(
                ids=self._ids[sae], threshold=s.threshold, positional=s.positional, n_active=int(s.n_active.sum())
            )
            for sae, s in statistics.items()
        }
        motifs = Motifs(self._run, self._stages, self._memory, self._text, dictionaries)
        try:
            motifs.write_gates(GateSettings())
            motifs.write_splits(SplitSettings())
        except MemoryBoundError as error:
            self._warn([str(error)])

    def _write_examples(self) -> None:
        if self._run.has(EXAMPLES_FILE, EXAMPLES):
            return
        with self._stages.stage("examples", len(self._sources)) as stage:
            self._run.write(EXAMPLES, EXAMPLES_FILE, self._examples(stage.advance))

    def _examples(self, advance: Callable[[], None]) -> Iterator[pa.Table]:
        contexts, pieces = self._materials.contexts, Pieces(self._materials.model.tokenizer)
        documents = contexts.documents.ravel()
        for source in self._sources:
            hits = top_hits(self._text, source.id, source.d_sae, documents=documents, count=self._config.examples)
            ids = self._ids[source.id]
            yield example_rows(self._text, source.id, hits, contexts=contexts, pieces=pieces, ids=ids)
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
        examples = short_examples(self._run.parts(EXAMPLES, EXAMPLES_FILE, "feature", "rank", "tokens", "at"))
        whole = whole_words(self._run.parts(EXAMPLES, EXAMPLES_FILE, "feature", "tokens", "at"))
        for source, loaded in zip(self._sources, self._materials.saes, strict=True):
            ids, found = self._ids[source.id], statistics[source.id]
            before, after = self._materials.set.before(source), self._materials.set.after(source)
            best_in, best_out = self._best(ids, before, source), self._best(ids, source, after)
            yield feature_rows(
                source,
                ids,
                found,
                state_in=self._states(best_in, found, APPEARING, computed=before is not None),
                state_out=self._states(best_out, found, DISAPPEARING, computed=after is not None),
                best_in=best_in,
                best_out=best_out,
                top=top_words(self._text, source.id, source.d_sae, tokens=self._tokens.ravel(), vocabulary=words),
                promoted=self._promoted(loaded, words, advance),
                examples=[examples.get(feature, []) for feature in ids],
                whole=whole,
            )

    def _promoted(
        self, loaded: LoadedSae, words: Vocabulary, advance: Callable[[int], None]
    ) -> Sequence[Sequence[str]]:
        if hooks.is_residual(loaded.hook):
            return promoted_words(self._materials.model, loaded.sae.W_dec, words, advance)
        advance(len(loaded.sae.W_dec))
        return [()] * len(loaded.sae.W_dec)

    def _best(
        self, ids: NDArray[np.object_], upstream: SaeSource | None, downstream: SaeSource | None
    ) -> NDArray[np.float64]:
        """Return the highest Pearson of each of an SAE's features with those of its neighbour, one of the two."""
        if upstream is None or downstream is None:
            return np.full(len(ids), np.nan)
        end = "source" if ids is self._ids[upstream.id] else "target"
        edges_ = meeting_edges(self._run, (upstream.id, downstream.id), end, "pearson")
        return best_on_edges(edges_, end, "pearson", ids)

    def _states(
        self, best: NDArray[np.float64], statistics: FeatureStatistics, alone: str, *, computed: bool
    ) -> NDArray[np.object_]:
        return states(
            best,
            alone=alone,
            computed=np.full(len(best), computed),
            dead=statistics.dead & self._config.separate_dead,
            rare=statistics.rare(min_support=self._config.min_support, min_documents=self._config.min_documents),
            passed=self._config.passed_through,
            vanishing=self._config.vanishing,
        )
