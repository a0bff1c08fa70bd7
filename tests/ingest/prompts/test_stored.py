from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_graph import bare_run, whole

from saedb.ingest.archive import pack, unpack
from saedb.ingest.errors import InputError, RunError
from saedb.ingest.naming import checked_name
from saedb.ingest.prompts.prompt import Prompt, prompt_id
from saedb.ingest.prompts.stored import StoredPrompts
from saedb.ingest.rundir import PROMPTS_FILE, RunDirectory

ONE = Prompt(
    id="one", text="courts of law", created="2026-01-01T00:00:00+00:00", tokens=("<s>", "courts", " of", " law"),
    counted=(1, 2, 3), threshold=0.1, features=(whole("0/0"), whole("0/0"), whole("3/0")), positions=(1, 3, 1),
    activations=(0.1, 2.5, 1e-300),
)  # fmt: skip
OTHER = Prompt(id="other", text="x", created="2026-01-02T00:00:00+00:00", tokens=("x",), counted=(0,))


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return bare_run(tmp_path / "runs")


def write(run: RunDirectory, stored: StoredPrompts) -> None:
    with run.writing():
        stored.write(run)


def test_a_prompt_is_read_back_as_it_was_stored(run: RunDirectory) -> None:
    assert StoredPrompts.of(run).ids == []
    for prompt in (ONE, OTHER):
        write(run, StoredPrompts.of(run).added(prompt))
    found = StoredPrompts.of(RunDirectory.open(run.path))
    assert found.ids == ["one", "other"]
    assert (found.prompt("one", "r"), found.of_text("x"), found.of_text("y")) == (ONE, OTHER, None)
    write(run, found.without(["one"]))
    assert StoredPrompts.of(run).ids == ["other"]
    write(run, StoredPrompts.of(run).without(["other"]).added(replace(OTHER, activations=(), text="z")))
    assert StoredPrompts.of(run).of_text("z") == replace(OTHER, text="z")


def test_an_unknown_name_is_told_with_those_that_are_there(run: RunDirectory) -> None:
    with pytest.raises(InputError, match="run r has no prompt 'one'; it has none"):
        StoredPrompts.of(run).prompt("one", "r")
    with pytest.raises(InputError, match=r"the last are other \(all: saedb query prompts --run r\)"):
        StoredPrompts.of(run).added(OTHER).prompt("one", "r")


def test_a_table_that_was_not_recorded_yet_is_adopted(run: RunDirectory) -> None:
    write(run, StoredPrompts.of(run).added(ONE))
    run.update(files={name: entry for name, entry in run.record.files.items() if name != PROMPTS_FILE})
    again = RunDirectory.open(run.path)
    assert StoredPrompts.of(again).ids == []
    with again.writing():
        assert StoredPrompts.of(again).ids == ["one"]


def test_a_damaged_table_is_named(run: RunDirectory) -> None:
    write(run, StoredPrompts.of(run).added(ONE))
    (run.path / PROMPTS_FILE).write_bytes(b"garbage")
    with pytest.raises(RunError, match=r"prompts\.parquet is damaged"):
        StoredPrompts.of(run)


def test_prompts_travel_with_a_packed_run(run: RunDirectory, tmp_path: Path) -> None:
    write(run, StoredPrompts.of(run).added(ONE))
    there = unpack(pack(run, tmp_path / "run.saedb.zip"), tmp_path / "elsewhere")
    assert StoredPrompts.of(there).prompt("one", "r") == ONE


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_text_gives_a_name_of_its_own(text: str) -> None:
    found = prompt_id(text)
    assert checked_name("name", found) == found
    assert len(found) < 28
    assert found == prompt_id(text) != prompt_id(text + " ")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("The capital of France is", "the-capital-of-"),
        ("  What a fine, long sentence this one is!", "what-a-fine-long-"),
        ("x" * 50, "x" * 20 + "-"),
        ("東京", ""),
    ],
)
def test_a_name_begins_with_the_first_words(text: str, start: str) -> None:
    name = prompt_id(text)
    assert name.startswith(start)
    assert len(name) == len(start) + 6


def test_a_given_name_must_be_one() -> None:
    assert prompt_id("x", "france") == "france"
    with pytest.raises(InputError, match="name of a prompt 'a b' must be letters"):
        prompt_id("x", "a b")
