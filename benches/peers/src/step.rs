//! One task as a program of its own, as ninja and snakemake start them: `step load STATION TO`, `step clean FROM TO`, `step merge FOLDER TO`.

use std::{env, fs, io};

mod work;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let [_, step, from, to] = &arguments[..] else { panic!("step load|clean|merge FROM TO") };
    let values = match &**step {
        "load" => work::load(from.parse().unwrap()),
        "clean" => work::clean(&work::read(from)?),
        _ => vec![work::merge(fs::read_dir(from)?.map(|entry| work::read(entry?.path())))?],
    };
    fs::write(to, work::to_bytes(&values))
}
