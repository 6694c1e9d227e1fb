use pipex::{Outputs, task};

#[task(target(rows = "{path}/{base}/rows.csv", table = "{path}/{base}/table.npy"))]
fn split(rows: u64) -> (Vec<Row>, Vec<u64>) {
    (Vec::new(), (0..rows).collect())
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Row {
    x: u64,
}

#[derive(Outputs)]
struct Fit {
    model: Vec<f64>,
    report: Vec<String>,
}

#[task(target(model = "{path}/{base}/model.json", report = "{path}/{base}/report.md"))]
fn fit(rows: u64) -> Result<Fit, std::io::Error> {
    Ok(Fit { model: Vec::new(), report: vec![rows.to_string()] })
}

fn main() {}
