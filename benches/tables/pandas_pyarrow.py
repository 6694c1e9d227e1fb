"""What pyarrow and pandas take for the same table, in memory: pandas_pyarrow.py FILE"""

import io
import sys
import time

import pandas
import pyarrow
import pyarrow.feather
import pyarrow.parquet

table = pyarrow.parquet.read_table(sys.argv[1])
frame = table.to_pandas()


def written(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def row(figure, work):
    times = []
    for _ in range(9):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    print(f"| {figure} | {sorted(times)[len(times) // 2] / table.num_rows * 1e9:.1f} ns |")


def write_parquet(to):
    pyarrow.parquet.write_table(table, to, compression="zstd")


def write_arrow(to):
    pyarrow.feather.write_feather(table, to, compression="uncompressed")


def write_frame(to):
    frame.to_parquet(to, compression="zstd")


parquet, arrow = written(write_parquet), written(write_arrow)
for threads in (False, True):
    of = "all cores" if threads else "one core"
    row(f"pyarrow: read Parquet, {of}", lambda: pyarrow.parquet.read_table(io.BytesIO(parquet), use_threads=threads))
row("pyarrow: write Parquet", lambda: written(write_parquet))
row("pandas: write Parquet", lambda: written(write_frame))
row("pandas: read Parquet", lambda: pandas.read_parquet(io.BytesIO(parquet)))
row("pyarrow: write Arrow", lambda: written(write_arrow))
row("pyarrow: read Arrow", lambda: pyarrow.feather.read_table(io.BytesIO(arrow)))
