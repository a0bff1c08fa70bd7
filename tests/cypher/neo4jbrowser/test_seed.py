"""The script that fills Browser's storage, run by the JavaScript engine that comes with playwright."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from playwright._impl._driver import compute_driver_executable

from saedb.cypher.neo4jbrowser import site, style

_RUN = """
const input = JSON.parse(require("fs").readFileSync(0, "utf8"));
const localStorage = {
  getItem: (key) => (key in input.stored ? input.stored[key] : null),
  setItem: (key, value) => { input.stored[key] = String(value); },
};
require("vm").runInNewContext(input.script, { localStorage });
console.log(JSON.stringify(input.stored));
"""

EXAMPLE = {"content": "// An example of Browser's own", "isStatic": True}
MINE = {"id": "mine", "content": "// Mine\nRETURN 1"}
SEED = site.seed()
NEWER = SEED.replace('"version": "', '"version": "newer').replace("// The longest chains", "// Longest chains")


def _seeded(stored: Mapping[str, Any], script: str = SEED) -> dict[str, Any]:
    """Return what is stored after the script ran, by key; before and after as JSON knows it."""
    given = {key: value if isinstance(value, str) else json.dumps(value) for key, value in stored.items()}
    node = compute_driver_executable()[0]
    asked = json.dumps({"script": script, "stored": given})
    answer = subprocess.run([node, "-e", _RUN], input=asked, capture_output=True, text=True, check=True)
    return {key: json.loads(value) for key, value in json.loads(answer.stdout).items()}


def _documents(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {item["id"]: item for item in stored["neo4j.documents"] if "id" in item}


def test_a_new_browser_gets_style_favourites_and_settings() -> None:
    stored = _seeded({})
    assert stored["neo4j.grass"] == style.rules()
    assert list(stored["neo4j.grass"]) == list(style.rules())  # later rules win
    assert stored["neo4j.settings"]["allowUserStats"] is False
    folders = {folder["id"] for folder in stored["neo4j.folders"]}
    assert {document["folder"] for document in stored["neo4j.documents"]} == folders


def test_favourites_of_before_and_browsers_examples_which_have_no_id_stay() -> None:
    stored = _seeded({"neo4j.documents": [EXAMPLE, EXAMPLE, MINE]})
    assert stored["neo4j.documents"][:3] == [EXAMPLE, EXAMPLE, MINE]
    assert len(stored["neo4j.documents"]) == 3 + len(_seeded({})["neo4j.documents"])


def test_the_same_version_touches_nothing() -> None:
    stored = _seeded({}) | {"neo4j.documents": [], "neo4j.grass": {}}
    assert _seeded(stored) == stored


def test_a_newer_version_keeps_what_the_user_made_changed_or_deleted_and_brings_the_rest() -> None:
    stored = _seeded({})
    changed, deleted, untouched, *rest = stored["neo4j.documents"]
    assert untouched["content"].startswith("// The longest chains")
    changed = {**changed, "content": "// Changed"}
    stored["neo4j.documents"] = [EXAMPLE, MINE, changed, untouched, *rest]
    stored["neo4j.grass"]["node.Feature"] = {"color": "#123456"}
    stored["neo4j.settings"] |= {"initialNodeDisplay": 7, "theme": "dark"}

    after = _seeded(stored, NEWER)
    documents = _documents(after)
    assert EXAMPLE in after["neo4j.documents"]
    assert documents["mine"] == MINE
    assert documents[changed["id"]] == changed
    assert deleted["id"] not in documents
    assert documents[untouched["id"]]["content"].startswith("// Longest chains")
    assert after["neo4j.grass"] == stored["neo4j.grass"]
    assert after["neo4j.settings"] == stored["neo4j.settings"]


def test_what_a_newer_version_no_longer_has_goes_unless_the_user_changed_it() -> None:
    stored = _seeded({})
    kept, gone = stored["neo4j.documents"][:2]
    stored["neo4j.documents"][0] = kept = {**kept, "content": "// Changed"}
    newer = NEWER.replace(f'"id": "{kept["id"]}"', '"id": "x"').replace(f'"id": "{gone["id"]}"', '"id": "y"')
    documents = _documents(_seeded(stored, newer))
    assert documents[kept["id"]] == kept
    assert gone["id"] not in documents


@pytest.mark.parametrize("damaged", ["", "no json", "null"])
def test_a_damaged_storage_is_filled_anew(damaged: str) -> None:
    keys = ("neo4j.documents", "neo4j.folders", "neo4j.grass", "neo4j.settings", "saedb.seed")
    assert _seeded(dict.fromkeys(keys, damaged)) == _seeded({})
