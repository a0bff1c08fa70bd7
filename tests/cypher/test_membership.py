import pyarrow as pa

from saedb.cypher.membership import community_rows, shared_words, word_counts
from saedb.ingest.record import CommunitiesRecord

LABELS = [
    "phrases related to maps",
    "words related to old maps",
    "phrases related to cakes",
    "words related to cakes and bread",
    "phrases related to rain",
]
RECORD = CommunitiesRecord(
    method="leiden", measure="jaccard", min_similarity=0.1, resolution=1.0, seed=1, count=2, modularity=0.5
)


def test_a_word_counts_once_a_label_whatever_its_case() -> None:
    assert word_counts(["Map map", "a map_of-maps"]) == {"map": 2, "of": 1, "maps": 1}


def test_the_shared_words_are_those_that_other_labels_lack() -> None:
    frequencies = word_counts(LABELS)
    assert shared_words(LABELS[:2], frequencies, len(LABELS)) == "maps"
    assert shared_words(LABELS[2:4], frequencies, len(LABELS)) == "cakes"


def test_labels_that_share_no_word_have_no_name() -> None:
    assert shared_words(["rain", "snow"], word_counts(["rain", "snow"]), 2) is None
    assert shared_words([], {}, 0) is None


def test_a_community_has_its_members_layers_size_and_words() -> None:
    members = pa.table({"feature": ["b", "a", "d", "c"], "community": [0, 0, 1, 1]})
    features = pa.table(
        {"id": list("abcde"), "layer": [2, 10, 3, 3, 4], "label": ["maps", "old maps", None, None, "rain"]}
    )
    first, second = community_rows(members, features, RECORD)
    assert (first["id"], first["size"], first["layers"], first["label"]) == (0, 2, [2, 10], "maps")
    assert (second["id"], second["size"], second["layers"], second["label"]) == (1, 2, [3], None)
    assert first["modularity"] == 0.5
    assert "count" not in first
