//! A function that saves its own output: `PIPEX=cache cargo run --example own_output`, twice.
//!
//! Any library may write the file, in any format. It writes to a temporary path with the target's extension, which is renamed
//! when the function returns `Ok`: a picture is there whole, or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use pipex::{flow, task};

/// Draws a curve as SVG.
#[task(save = false, target = "{path}/{base}.svg", load = fs::read_to_string)]
fn draw(points: &[(f64, f64)], #[target] to: &Path) -> io::Result<String> {
    let mut svg = fs::File::create(to)?;
    writeln!(svg, r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1.1 -1.1 2.2 2.2">"#)?;
    let path: String = points.iter().map(|(x, y)| format!("{x:.3},{y:.3} ")).collect();
    writeln!(svg, r#"<polyline points="{path}" fill="none" stroke="teal" stroke-width="0.02"/></svg>"#)?;
    println!("drew {} points", points.len());
    fs::read_to_string(to)
}

/// Takes the picture's text: in memory if it has just been drawn, else loaded by the function above.
#[task(target = "{path}/{base}-size.json")]
fn size(svg: &str) -> usize {
    svg.len()
}

#[flow(path = "out/own_output")]
fn rose() -> pipex::Result<usize> {
    let angles = (0..=400).map(|step| f64::from(step) * std::f64::consts::TAU / 400.0);
    let points = angles.map(|angle| ((3.0 * angle).cos() * angle.cos(), (3.0 * angle).cos() * angle.sin()));
    size(draw(points.collect::<Vec<_>>()).base("rose").run()?).run()?.load()
}

#[pipex::main]
fn main() -> pipex::Result<()> {
    println!("out/own_output/rose.svg has {} bytes", rose()?);
    Ok(())
}
