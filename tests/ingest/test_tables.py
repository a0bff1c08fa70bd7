from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from saedb.ingest.errors import RunError
from saedb.ingest.measures import EVIDENCE, MEASURES
from saedb.ingest.tables import (
    COMMUNITIES,
    DOCUMENTS,
    EDGES,
    EXAMPLES,
    FEATURES,
    FORMAT,
    GATES,
    PROMPTS,
    SPLITS,
    TOKENS,
    Table,
    parts,
    read,
    rows,
)

ALL = (TOKENS, DOCUMENTS, FEATURES, EDGES, EXAMPLES, COMMUNITIES, GATES, SPLITS, PROMPTS)


def edge_file(path: Path, table: pa.Table | None = None) -> Path:
    pq.write_table(rows(EDGES, {"source": ["a"], "target": ["b"], "pearson": [0.5]}) if table is None else table, path)
    return path


def test_every_measure_is_a_column_of_the_edges() -> None:
    assert [c.name for c in EDGES.columns] == ["source", "target", *(m.name for m in (*MEASURES, *EVIDENCE))]


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_every_column_says_what_it_means(table: Table) -> None:
    assert table.meaning
    assert all(column.meaning for column in table.columns)
    assert len({column.name for column in table.columns}) == len(table.columns)


def test_what_is_left_out_is_null_and_so_is_nan() -> None:
    found = rows(EDGES, {"source": ["a", "a"], "target": ["b", "c"], "pearson": [0.5, float("nan")], "support": [3, 4]})
    assert found.schema.equals(EDGES.schema)
    assert found["pearson"].to_pylist() == [0.5, None]
    assert found["jaccard"].to_pylist() == [None, None]
    assert found["support"].to_pylist() == [3, 4]


def test_an_unknown_column_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="weight"):
        rows(EDGES, {"source": ["a"], "target": ["b"], "weight": [1.0]})


def test_a_file_is_read_back_as_written(tmp_path: Path) -> None:
    assert read(EDGES, edge_file(tmp_path / "edges.parquet"))["pearson"].to_pylist() == [0.5]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"edges\.parquet is missing"):
        read(EDGES, tmp_path / "edges.parquet")


def test_a_cut_file_is_damaged(tmp_path: Path) -> None:
    file = edge_file(tmp_path / "edges.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(RunError, match=r"edges\.parquet is damaged"):
        read(EDGES, file)


def test_a_file_of_another_table_is_refused_with_the_columns_that_differ(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is no features table \(differs in .*'source'"):
        read(FEATURES, edge_file(tmp_path / "features.parquet"))


def test_a_file_of_an_earlier_format_has_to_be_made_again(tmp_path: Path) -> None:
    table = rows(EDGES, {"source": ["a"], "target": ["b"]})
    earlier = table.replace_schema_metadata({**table.schema.metadata, b"saedb.format": b"1"})
    with pytest.raises(RunError, match=r"of format 1, of an earlier saedb; .*: compute or import it again"):
        read(EDGES, edge_file(tmp_path / "edges.parquet", earlier))


def test_a_file_of_a_later_format_asks_for_an_update(tmp_path: Path) -> None:
    table = rows(EDGES, {"source": ["a"], "target": ["b"]})
    later = table.replace_schema_metadata({**table.schema.metadata, b"saedb.format": str(FORMAT + 1).encode()})
    with pytest.raises(RunError, match=f"of format {FORMAT + 1}, this saedb reads {FORMAT}; update saedb"):
        read(EDGES, edge_file(tmp_path / "edges.parquet", later))


def test_a_table_comes_in_parts_with_the_columns_asked_for(tmp_path: Path) -> None:
    whole = read(EDGES, edge_file(tmp_path / "edges.parquet"))
    found = list(parts(EDGES, tmp_path / "edges.parquet", ["source", "pearson"]))
    assert pa.Table.from_batches([b for part in found for b in part.to_batches()]).equals(
        whole.select(["source", "pearson"]).replace_schema_metadata(found[0].schema.metadata)
    )


def test_a_part_of_a_damaged_table_is_one_line(tmp_path: Path) -> None:
    file = edge_file(tmp_path / "edges.parquet")
    content = bytearray(file.read_bytes())
    content[40] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(RunError, match=r"edges\.parquet is damaged"):
        list(parts(EDGES, file, ["source", "pearson"]))
