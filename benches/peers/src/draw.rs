//! The picture of the figures: `draw FIGURES.csv PICTURE.svg`. Cost against the number of tasks, both in powers of ten.

use std::collections::BTreeMap;
use std::error::Error;
use std::{env, fs};

use plotters::coord::Shift;
use plotters::prelude::*;

/// Of a lightness that is legible on white and on black.
const GREY: RGBColor = RGBColor(122, 122, 122);

/// By how it is called; two lines of pipex are of one colour.
const COLOURS: [(&str, RGBColor); 9] = [
    ("pipex, `prefect.cache`", RGBColor(222, 70, 60)),
    ("pipex, `cache`", RGBColor(222, 70, 60)),
    ("cached", RGBColor(196, 136, 20)),
    ("cacache", RGBColor(132, 104, 216)),
    ("ninja", RGBColor(38, 152, 104)),
    ("joblib", RGBColor(40, 138, 206)),
    ("luigi", RGBColor(204, 92, 170)),
    ("snakemake", RGBColor(128, 138, 52)),
    ("Prefect", GREY),
];

/// The medians of the whole processes' seconds, by peer and run.
type Lines = BTreeMap<(String, String), Vec<(f64, f64)>>;

fn read(path: &str) -> Result<Lines, Box<dyn Error>> {
    let mut turns: BTreeMap<(String, String, u32), Vec<f64>> = BTreeMap::new();
    for line in fs::read_to_string(path)?.lines().skip(1) {
        // The name of a peer may have commas, and is in quotes then.
        let (peer, rest) = match line.strip_prefix('"').and_then(|line| line.split_once("\",")) {
            Some(split) => split,
            None => line.split_once(',').ok_or("a line without columns")?,
        };
        let [tasks, run, part, _, seconds] = rest.split(',').collect::<Vec<_>>()[..] else { return Err(line.into()) };
        if part == "process" {
            turns.entry((peer.into(), run.into(), tasks.parse()?)).or_default().push(seconds.parse()?);
        }
    }
    let mut lines = Lines::new();
    for ((peer, run, tasks), mut seconds) in turns {
        seconds.sort_by(f64::total_cmp);
        lines.entry((peer, run)).or_default().push((f64::from(tasks), seconds[seconds.len() / 2]));
    }
    Ok(lines)
}

fn main() -> Result<(), Box<dyn Error>> {
    let [_, figures, picture] = &env::args().collect::<Vec<_>>()[..] else { return Err("draw FIGURES PICTURE".into()) };
    let lines = read(figures)?;
    let area = SVGBackend::new(picture, (980, 440)).into_drawing_area();
    let (charts, names) = area.split_horizontally(800);
    let charts = charts.split_evenly((1, 2));
    draw(&charts[0], "cold: all is made", "cold", &lines)?;
    draw(&charts[1], "warm: all is there", "warm", &lines)?;
    for (place, (name, colour)) in COLOURS.iter().enumerate() {
        let y = 60 + 26 * i32::try_from(place)?;
        let name = name.replace('`', "");
        names.draw(&PathElement::new([(8, y), (34, y)], stroke(&name, *colour)))?;
        names.draw(&Circle::new((21, y), 3, dot(&name, *colour)))?;
        names.draw(&Text::new(name, (42, y - 7), ("sans-serif", 14).into_font().color(colour)))?;
    }
    area.present()?;
    Ok(())
}

/// One chart: all lines of this run.
fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    run: &str,
    lines: &Lines,
) -> Result<(), Box<dyn Error>>
where
    B::ErrorType: 'static,
{
    let text = |size: i32| ("sans-serif", size).into_font().color(&GREY);
    let mut chart = ChartBuilder::on(area)
        .caption(title, text(16))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d((70.0..1_400_000.0).log_scale(), (0.001..300.0).log_scale())?;
    chart
        .configure_mesh()
        .axis_style(GREY)
        .bold_line_style(GREY.mix(0.3))
        .light_line_style(TRANSPARENT)
        .label_style(text(13))
        .x_desc("tasks")
        .y_desc("whole process")
        .axis_desc_style(text(13))
        .x_label_formatter(&|tasks| thousands(*tasks))
        .y_label_formatter(&|seconds| {
            if *seconds < 0.9 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.0} s") }
        })
        .draw()?;
    for (name, colour) in &COLOURS {
        let Some(points) = lines.get(&((*name).to_owned(), run.to_owned())) else { continue };
        chart.draw_series(LineSeries::new(points.iter().copied(), stroke(name, *colour)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, dot(name, *colour))))?;
    }
    Ok(())
}

fn stroke(name: &str, colour: RGBColor) -> ShapeStyle {
    colour.stroke_width(if name.starts_with("pipex") { 3 } else { 2 })
}

/// Filled, but for the second of two of one colour.
fn dot(name: &str, colour: RGBColor) -> ShapeStyle {
    if name.ends_with(" cache") || name.ends_with("`cache`") { colour.stroke_width(1) } else { colour.filled() }
}

fn thousands(number: f64) -> String {
    match number {
        ..1_000.0 => format!("{number:.0}"),
        ..1_000_000.0 => format!("{:.0},000", number / 1e3),
        _ => format!("{:.0},000,000", number / 1e6),
    }
}
