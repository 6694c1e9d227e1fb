//! What it costs to write tables and to read them, beside the bare writers and readers, in memory and in turn. Leaves the table in a file, for
//! `pandas_pyarrow.py`.

use std::hint::black_box;

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::FileWriter;
use arrow_schema::FieldRef;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use pipex::store::{Arrow, Codec, Parquet, Rows};
use ratio::{head, ratio};
use serde::{Deserialize, Serialize};
use serde_arrow::schema::{SchemaLike as _, TracingOptions};

#[path = "../../ratio/mod.rs"]
mod ratio;

const ROWS: u32 = 500_000;
const ROUNDS: usize = 9;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    second: i64,
    celsius: Option<f64>,
    pressure: f64,
    wind: f32,
}

fn readings() -> Vec<Reading> {
    let noise = |number: u32| f64::from(number.wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
    let reading = |number: u32| Reading {
        station: ["EWR", "JFK", "LGA"][number as usize % 3].to_owned(),
        second: 1_356_998_400 + i64::from(number) * 60,
        celsius: (number % 50 != 0).then(|| 12.0 + 10.0 * noise(number)),
        pressure: 1_000.0 + 30.0 * noise(number + 1),
        wind: (9.0 * noise(number + 2)) as f32,
    };
    (0..ROWS).map(reading).collect()
}

fn encode<T>(codec: &impl Codec<T>, value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec.encode(value, &mut bytes).expect("it can be written");
    bytes
}

fn to_batch(rows: &[Reading]) -> RecordBatch {
    let fields = Vec::<FieldRef>::from_type::<Reading>(TracingOptions::default()).expect("columns");
    serde_arrow::to_record_batch(&fields, &rows).expect("a batch")
}

fn to_rows(batch: &RecordBatch) -> Vec<Reading> {
    serde_arrow::from_record_batch(batch).expect("rows")
}

fn write_parquet(batch: &RecordBatch) -> Vec<u8> {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(zstd).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a writer");
    writer.write(batch).expect("a batch");
    writer.close().expect("the end");
    bytes
}

fn read_parquet(bytes: &Bytes) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).expect("a reader");
    let mut batches = reader.with_batch_size(ROWS as usize).build().expect("batches");
    batches.next().expect("a batch").expect("it can be read")
}

fn write_arrow(batch: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new(&mut bytes, &batch.schema()).expect("a writer");
    writer.write(batch).expect("a batch");
    writer.finish().expect("the end");
    drop(writer);
    bytes
}

fn read_arrow(bytes: &[u8]) -> RecordBatch {
    let mut batches = FileReader::try_new(std::io::Cursor::new(bytes), None).expect("a reader");
    batches.next().expect("a batch").expect("it can be read")
}

fn figure(name: &str, mut pipex: impl FnMut(), mut bare: impl FnMut()) {
    ratio(name, "", ROUNDS, ROWS, |_| pipex(), |_| bare());
}

fn main() {
    let path = std::env::args().nth(1).expect("a file for the table");
    let rows = readings();
    let batch = to_batch(&rows);
    let (parquet, arrow) = (encode(&Parquet, &batch), encode(&Arrow, &batch));
    std::fs::write(path, &parquet).expect("a file");
    assert!(Rows(Parquet).decode(&parquet).is_ok_and(|back: Vec<Reading>| back == rows));
    let (bare_parquet, bare_arrow) = (Bytes::from(write_parquet(&batch)), write_arrow(&batch));
    let decode = |bytes: &[u8]| -> RecordBatch { Parquet.decode(bytes).expect("a batch") };
    head();
    figure(
        "write a batch as Parquet / `ArrowWriter`",
        || drop(black_box(encode(&Parquet, &batch))),
        || drop(black_box(write_parquet(&batch))),
    );
    figure(
        "the same / and read it back, as pipex does",
        || drop(black_box(encode(&Parquet, &batch))),
        || drop(black_box(read_parquet(&write_parquet(&batch).into()))),
    );
    figure(
        "read it / `ParquetRecordBatchReader`",
        || drop(black_box(decode(&parquet))),
        || drop(black_box(read_parquet(&bare_parquet))),
    );
    figure(
        "write a vector of structs as Parquet / serde_arrow and `ArrowWriter`",
        || drop(black_box(encode(&Rows(Parquet), &rows))),
        || drop(black_box(write_parquet(&to_batch(&rows)))),
    );
    figure(
        "the same / and read all of it back",
        || drop(black_box(encode(&Rows(Parquet), &rows))),
        || drop(black_box(to_rows(&read_parquet(&write_parquet(&to_batch(&rows)).into())))),
    );
    figure(
        "read it / the reader and serde_arrow",
        || drop(black_box(Codec::<Vec<Reading>>::decode(&Rows(Parquet), &parquet))),
        || drop(black_box(to_rows(&read_parquet(&bare_parquet)))),
    );
    figure(
        "write a batch as Arrow / `FileWriter`",
        || drop(black_box(encode(&Arrow, &batch))),
        || drop(black_box(write_arrow(&batch))),
    );
    figure(
        "read it / `FileReader`",
        || drop(black_box(Codec::<RecordBatch>::decode(&Arrow, &arrow))),
        || drop(black_box(read_arrow(&bare_arrow))),
    );
}
