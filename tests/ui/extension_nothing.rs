use pipex::task;

#[task(target = "{path}/plot.svg")]
fn plot(points: Vec<f64>) {
    drop(points);
}

fn main() {}
