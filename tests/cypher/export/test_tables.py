import io
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from exported import HOSTILE, edge, edges, feature, features

from saedb.cypher.export import table
from saedb.cypher.export.formats import Format
from saedb.cypher.export.selection import EDGE_SCHEMA, FEATURE_SCHEMA
from saedb.cypher.query import Column, Query
from saedb.ingest.errors import InputError


def _written(format_: Format, schema: pa.Schema, *parts: pa.Table) -> io.BytesIO:
    stream = io.BytesIO()
    table.write(stream, format_, schema, parts)
    return io.BytesIO(stream.getvalue())


def test_parquet_gives_back_the_table() -> None:
    parts = (features(feature(0, top_tokens=["a", "b"], density=0.1, label=HOSTILE[2])), features(feature(1)))
    assert pq.read_table(_written("parquet", FEATURE_SCHEMA, *parts)).equals(pa.concat_tables(parts))


def test_csv_gives_back_every_number_exactly() -> None:
    rows = edges(edge(0, 1, pearson=0.1 + 0.2, lift=1e17 / 3, support=2**40), edge(1, 2))
    types = {field.name: field.type for field in EDGE_SCHEMA}
    read = pacsv.read_csv(_written("csv", EDGE_SCHEMA, rows), convert_options=pacsv.ConvertOptions(column_types=types))
    assert read.to_pylist() == rows.to_pylist()


@pytest.mark.parametrize("text", HOSTILE)
def test_csv_keeps_a_strangers_text_in_its_cell(text: str) -> None:
    read = pd.read_csv(
        _written("csv", FEATURE_SCHEMA, features(feature(0, label=text, url="end"))), lineterminator="\n"
    )
    assert (len(read), read["url"][0]) == (1, "end")
    parsed = pacsv.read_csv(
        _written("csv", FEATURE_SCHEMA, features(feature(0, label=text))),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
    )
    assert parsed["label"].to_pylist() == [text]


def test_csv_holds_lists_as_json() -> None:
    read = pd.read_csv(
        _written(
            "csv",
            FEATURE_SCHEMA,
            features(feature(0, top_tokens=["é", '"'])),
        )
    )
    assert read["top_tokens"][0] == '["é", "\\""]'


def test_a_table_without_rows_has_its_columns() -> None:
    assert _written("csv", EDGE_SCHEMA).getvalue().decode().startswith('"source","target","source_layer"')
    assert pq.read_table(_written("parquet", EDGE_SCHEMA)).schema.names == EDGE_SCHEMA.names


def _query(*columns: Column) -> Query:
    return Query(
        name="mine", group="mine", title="Mine", description="", examples=(), parameters=(), presets=(),
        columns=columns, cypher="RETURN 1", file=Path("mine.cypher"),
    )  # fmt: skip


def test_the_rows_of_a_query_have_the_declared_types() -> None:
    columns = (
        Column(name="feature", type="feature"), Column(name="n", type="integer"), Column(name="x", type="float"),
        Column(name="inputs", type="feature", many=True),
    )  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"feature": "m/1-s/0", "n": 1, "x": 0.5, "inputs": ["m/0-s/1"]},
        {"feature": "half a pair \ud800", "n": None, "x": 2, "inputs": []},
        {"feature": None, "n": 3, "x": float("nan"), "inputs": None},
    ]
    found = table.of_rows(_query(*columns), rows)
    assert found.schema.types == [pa.string(), pa.int64(), pa.float64(), pa.list_(pa.string())]
    assert found.column("feature").to_pylist() == ["m/1-s/0", "half a pair ?", None]
    assert found.column("x").to_pylist() == [0.5, 2.0, None]


def test_a_column_that_is_not_as_declared_is_one_line() -> None:
    with pytest.raises(InputError, match=r"^mine.cypher: column n is declared integer, but ") as caught:
        table.of_rows(_query(Column(name="n", type="integer")), [{"n": "seven"}])
    assert "\n" not in str(caught.value)
