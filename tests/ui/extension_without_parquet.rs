use pipex::task;

#[derive(serde::Serialize, serde::Deserialize)]
struct Row {
    x: u64,
}

#[task(target = "{path}/{base}.parquet")]
fn table(rows: u64) -> Vec<Row> {
    (0..rows).map(|x| Row { x }).collect()
}

fn main() {}
