"""Reads the tables that `tests/parquet/main.rs` has written, or writes them anew."""

import json
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

NAMES = ["EWR", "JFK", "ä"]
CELSIUS = [1.5, None, -0.25]
COUNTS = [2**64 - 1, 0, 7]


def read(out):
    """Every reader finds the same; what made the tables is printed as JSON."""
    table = pq.read_table(out / "readings.parquet")
    assert table.column_names == ["station", "celsius", "count", "sky", "gusts", "place"], table
    assert table.schema.field("count").type == pa.uint64() and not table.schema.field("station").nullable
    assert table["station"].to_pylist() == NAMES and table["celsius"].to_pylist() == CELSIUS
    assert table["count"].to_pylist() == COUNTS and table["sky"].to_pylist() == ["Clear", "Cloudy", "Clear"]
    assert table["gusts"].to_pylist() == [[1, 2], [], [-3]]
    assert table["place"].to_pylist() == [{"latitude": 40.7, "longitude": -74.2}] * 3
    for name in ["readings.arrow", "readings.feather"]:
        assert feather.read_table(out / name).to_pylist() == table.to_pylist(), name
        with pa.memory_map(str(out / name)) as mapped:
            assert pa.ipc.open_file(mapped).read_all().num_rows == 3

    frame = pd.read_parquet(out / "readings.parquet")
    assert list(frame["station"]) == NAMES and frame["celsius"].isna().tolist() == [False, True, False]
    assert pd.read_feather(out / "readings.feather")["count"].tolist() == COUNTS

    query = f"SELECT station, celsius, count, gusts[1], place.latitude FROM '{out}/readings.parquet' ORDER BY count DESC"
    rows = duckdb.sql(query).fetchall()
    assert rows == [("EWR", 1.5, 2**64 - 1, 1, 40.7), ("ä", -0.25, 7, -3, 40.7), ("JFK", None, 0, None, 40.7)], rows
    value = duckdb.sql(f"SELECT value FROM parquet_kv_metadata('{out}/readings.parquet') WHERE key = 'pipex'")

    joined = pq.ParquetFile(out / "joined.parquet")
    assert joined.metadata.num_row_groups == 3 and joined.read().num_rows == 5
    assert joined.metadata.row_group(0).column(0).compression == "SNAPPY"
    assert pq.ParquetFile(out / "readings.parquet").metadata.row_group(0).column(0).compression == "ZSTD"

    notes = {name: pq.read_metadata(out / name).metadata[b"pipex"] for name in ["readings.parquet", "joined.parquet"]}
    assert value.fetchall() == [(notes["readings.parquet"],)]
    for name in ["readings.arrow", "readings.feather"]:
        notes[name] = pa.ipc.open_file(out / name).metadata[b"pipex"]
    print(json.dumps({name: json.loads(note) for name, note in notes.items()}))


def write(out):
    """The same tables a degree warmer, each by another program."""
    # What pipex has said of the table goes along.
    metadata = pq.read_metadata(out / "readings.parquet").metadata
    table = pq.read_table(out / "readings.parquet").replace_schema_metadata({"pipex": metadata[b"pipex"]})
    warmer = pa.compute.add(table["celsius"], 1.0)
    table = table.set_column(1, table.schema.field("celsius"), warmer)
    pq.write_table(table, out / "readings.parquet", write_page_checksum=True)
    feather.write_feather(table, out / "readings.arrow")
    # Columns in another order, in chunks.
    order = ["count", *[name for name in table.column_names if name != "count"]]
    chunks = pa.concat_tables([table.slice(0, 1), table.slice(1, 2)]).select(order)
    with pa.ipc.new_file(out / "readings.feather", chunks.schema) as writer:
        writer.write_table(chunks)


def write_by(program, path):
    """The table of a path by another program, with narrower numbers."""
    frame = pd.DataFrame({"station": NAMES, "count": pd.array([1, 2, 3], dtype="int32"), "celsius": CELSIUS})
    if program == "pandas":
        frame.to_parquet(path)
    else:
        duckdb.sql(f"COPY (SELECT * FROM frame) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


if __name__ == "__main__":
    command, path, *rest = sys.argv[1:]
    {"read": read, "write": write, "by": lambda path: write_by(*rest, path)}[command](Path(path))
