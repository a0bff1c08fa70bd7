"""What the paper did is declared once: presets of commands and queries, and the docs, say the same."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from saedb.cypher import library
from saedb.cypher.communities.settings import PRESETS as OF_COMMUNITIES
from saedb.cypher.communities.settings import CommunitySettings
from saedb.ingest import paper
from saedb.ingest.config import PRESETS, DecoderConfig, IngestConfig

DOCS = Path(__file__).parents[1] / "docs/paper.md"
RECORDS = {"ingest": IngestConfig, "communities": CommunitySettings, "decoder-edges": DecoderConfig}


def test_the_presets_of_the_commands_are_the_conventions() -> None:
    assert PRESETS["paper"] == paper.preset("ingest")
    assert OF_COMMUNITIES["paper"] == paper.preset("communities")
    config = IngestConfig(inputs=("gpt2-small-res-jb",), **PRESETS["paper"])
    assert (config.packing, config.count_all, config.halves, config.separate_dead) == (
        "transformer-lens", True, False, False,
    )  # fmt: skip
    assert (config.min_support, config.min_documents, config.min_lift, config.min_excess) == (0, 0, 0, -1)
    assert (config.relative_threshold, config.passed_through, config.vanishing) == (0.2, 0.95, 0.95)
    chosen = CommunitySettings(**OF_COMMUNITIES["paper"])
    assert (chosen.algorithm, chosen.seed) == ("leiden_directed", 42)
    assert DecoderConfig(inputs=("demo",)).min_decoder_cosine == paper.preset("decoder-edges")["min_decoder_cosine"]


@pytest.mark.parametrize("command", ["ingest", "communities"])
def test_above_a_tenth_leaves_a_tenth_out_and_takes_the_next_number(command: str) -> None:
    floor = paper.preset(command)["min_similarity"]
    assert floor > 0.1
    assert floor == np.nextafter(0.1, 1)


def test_every_setting_that_a_convention_names_is_one_of_its_command() -> None:
    for convention in paper.CONVENTIONS:
        for command, settings in convention.settings.items():
            if command in RECORDS:
                assert set(settings) <= {field.name for field in fields(RECORDS[command])}, convention
            else:
                assert command.startswith("query "), command


def test_the_presets_of_the_queries_are_the_conventions() -> None:
    declared = {
        query.name: {preset.name: dict(preset.values) for preset in query.presets}
        for query in library.shipped().values()
        if query.presets
    }
    assert declared == {name: {"paper": dict(paper.preset(f"query {name}"))} for name in declared}
    named = {command for c in paper.CONVENTIONS for command in c.settings if command.startswith("query ")}
    assert named == {f"query {name}" for name in declared}


def test_the_table_of_the_docs_is_that_of_the_conventions() -> None:
    assert paper.table() in DOCS.read_text(), "write it again: from saedb.ingest import paper; print(paper.table())"
