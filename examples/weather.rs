//! A year of real weather: over two thousand tasks, from one file of hourly observations to a report and a picture.
//!
//! ```console
//! $ PIPEX=cache cargo run --release --example weather
//! $ PIPEX=prefect.cache cargo run --release --example weather
//! ```
//!
//! Run it again, and nothing runs. Look at what is in `out/weather`, delete some of it, and run it once more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::civil::{Date, date};
use pipex::{Outputs, flow, grid, helper, task};
use plotters::prelude::*;
use serde::{Deserialize, Serialize};

type Error = Box<dyn std::error::Error + Send + Sync>;

const STATIONS: [&str; 3] = ["EWR", "JFK", "LGA"];

/// Every day of 2013.
fn days() -> impl Iterator<Item = Date> {
    date(2013, 1, 1).series(jiff::Span::new().days(1)).take_while(|day| day.year() == 2013)
}

/// An observation as NOAA has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Observation {
    origin: String,
    year: i16,
    month: i8,
    day: i8,
    hour: u8,
    #[serde(with = "na")]
    temp: Option<f64>,
    #[serde(with = "na")]
    humid: Option<f64>,
    #[serde(with = "na")]
    wind_speed: Option<f64>,
    #[serde(with = "na")]
    wind_gust: Option<f64>,
    #[serde(with = "na")]
    precip: Option<f64>,
    #[serde(with = "na")]
    pressure: Option<f64>,
    #[serde(with = "na")]
    visib: Option<f64>,
}

/// Missing values are the two letters `NA`.
mod na {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(number) => serializer.collect_str(number),
            None => serializer.serialize_str("NA"),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "NA" => Ok(None),
            number => number.parse().map(Some).map_err(D::Error::custom),
        }
    }
}

/// The observations of each station.
#[derive(Debug, Default, Outputs)]
struct Stations {
    ewr: Vec<Observation>,
    jfk: Vec<Observation>,
    lga: Vec<Observation>,
}

/// An hour in SI units.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Hour {
    hour: u8,
    celsius: Option<f64>,
    humidity_percent: Option<f64>,
    wind_m_s: Option<f64>,
    gust_m_s: Option<f64>,
    rain_mm: Option<f64>,
    pressure_hpa: Option<f64>,
    visibility_km: Option<f64>,
}

/// A day at a station.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Day {
    station: String,
    date: String,
    hours: usize,
    celsius_min: Option<f64>,
    celsius_mean: Option<f64>,
    celsius_max: Option<f64>,
    rain_mm: f64,
    wind_m_s_mean: Option<f64>,
    gust_m_s_max: Option<f64>,
}

/// A month at a station.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Month {
    month: String,
    days: usize,
    celsius_min: Option<f64>,
    celsius_mean: Option<f64>,
    celsius_max: Option<f64>,
    rain_mm: f64,
    rainy_days: usize,
    wind_m_s_mean: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Report {
    stations: BTreeMap<String, Year>,
}

/// What was remarkable.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Year {
    hours_observed: usize,
    hours_missing: usize,
    celsius_mean: Option<f64>,
    rain_mm: f64,
    hottest: Option<Extreme>,
    coldest: Option<Extreme>,
    wettest: Option<Extreme>,
    windiest: Option<Extreme>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Extreme {
    date: String,
    value: f64,
}

/// Reads the file once, and gives each station a file of its own: those that need one of them load that one.
#[task(remote, target(ewr = "{path}/hourly/EWR.csv", jfk = "{path}/hourly/JFK.csv", lga = "{path}/hourly/LGA.csv"))]
fn split(csv: &Path) -> Result<Stations, Error> {
    let mut stations = Stations::default();
    let mut reader = csv::Reader::from_path(csv)?;
    for (row, line) in reader.deserialize::<Observation>().zip(2..) {
        let row = row?;
        let station = match &*row.origin {
            "EWR" => &mut stations.ewr,
            "JFK" => &mut stations.jfk,
            "LGA" => &mut stations.lga,
            origin => return Err(format!("line {line}: {origin} is none of {}", STATIONS.join(", ")).into()),
        };
        if row.year != 2013 || Date::new(row.year, row.month, row.day).is_err() {
            return Err(format!("line {line}: not a day of 2013: {row:?}").into());
        }
        station.push(row);
    }
    let observations = stations.ewr.len() + stations.jfk.len() + stations.lga.len();
    tracing::info!(observations, "read {}", csv.file_name().unwrap_or_default().display());
    Ok(stations)
}

/// Turns a day's observations into SI units, and drops what cannot be: a wind of 469 m/s, say.
#[task(remote, target = "{path}/clean/{station}/{day}.csv", name = "clean {station} {day}", uses(drop_leaps, round))]
fn clean(hourly: &[Observation], station: &str, day: Date) -> Vec<Hour> {
    let wind = |mph: Option<f64>| mph.map(|mph| round(0.44704 * mph)).filter(|speed| *speed < 100.0);
    let of_day = hourly.iter().filter(|row| (row.year, row.month, row.day) == (day.year(), day.month(), day.day()));
    let hour = |row: &Observation| Hour {
        hour: row.hour,
        celsius: row.temp.map(|fahrenheit| round((fahrenheit - 32.0) / 1.8)),
        humidity_percent: row.humid,
        wind_m_s: wind(row.wind_speed),
        gust_m_s: wind(row.wind_gust),
        rain_mm: row.precip.map(|inches| round(25.4 * inches)),
        pressure_hpa: row.pressure,
        visibility_km: row.visib.map(|miles| round(1.609_344 * miles)),
    };
    let mut hours: Vec<Hour> = of_day.map(hour).collect();
    drop_leaps(&mut hours);
    hours
}

/// Drops a temperature that leaps away from those of the hours around it, and straight back: 14, -10.5, 14 °C.
#[helper]
fn drop_leaps(hours: &mut [Hour]) {
    let celsius: Vec<Option<f64>> = hours.iter().map(|hour| hour.celsius).collect();
    for (hour, around) in hours.iter_mut().skip(1).zip(celsius.windows(3)) {
        if let [Some(before), Some(now), Some(after)] = *around
            && ((now - before).min(now - after) > 15.0 || (before - now).min(after - now) > 15.0)
        {
            hour.celsius = None;
        }
    }
}

#[task(remote, target = "{path}/daily/{station}/{day}.json", name = "summary {station} {day}", uses(mean, round))]
fn summary(hours: &[Hour], station: &str, day: Date) -> Day {
    let celsius = || hours.iter().filter_map(|hour| hour.celsius);
    Day {
        station: station.to_owned(),
        date: day.to_string(),
        hours: hours.len(),
        celsius_min: celsius().reduce(f64::min),
        celsius_mean: mean(celsius()),
        celsius_max: celsius().reduce(f64::max),
        rain_mm: round(hours.iter().filter_map(|hour| hour.rain_mm).sum()),
        wind_m_s_mean: mean(hours.iter().filter_map(|hour| hour.wind_m_s)),
        gust_m_s_max: hours.iter().filter_map(|hour| hour.gust_m_s).reduce(f64::max),
    }
}

#[task(remote, target = "{path}/climate/{station}.csv", name = "climate {station}", uses(mean, round))]
fn climate(days: &[Day], station: &str) -> Vec<Month> {
    let mut months: BTreeMap<String, Vec<&Day>> = BTreeMap::new();
    for day in days.iter().filter(|day| day.station == station) {
        months.entry(day.date[..7].to_owned()).or_default().push(day);
    }
    let month = |(month, days): (String, Vec<&Day>)| Month {
        month,
        days: days.len(),
        celsius_min: days.iter().filter_map(|day| day.celsius_min).reduce(f64::min),
        celsius_mean: mean(days.iter().filter_map(|day| day.celsius_mean)),
        celsius_max: days.iter().filter_map(|day| day.celsius_max).reduce(f64::max),
        rain_mm: round(days.iter().map(|day| day.rain_mm).sum()),
        rainy_days: days.iter().filter(|day| day.rain_mm >= 1.0).count(),
        wind_m_s_mean: mean(days.iter().filter_map(|day| day.wind_m_s_mean)),
    };
    months.into_iter().map(month).collect()
}

#[task(remote, target = "{path}/report.json", uses(mean, round))]
fn report(days: &[Day]) -> Report {
    let year = |station: &str| {
        let days: Vec<&Day> = days.iter().filter(|day| day.station == station).collect();
        let most = |value: fn(&Day) -> Option<f64>| {
            let extremes = days.iter().filter_map(|day| Some(Extreme { date: day.date.clone(), value: value(day)? }));
            extremes.reduce(|most, next| if next.value > most.value { next } else { most })
        };
        let observed = days.iter().map(|day| day.hours).sum();
        if observed < 365 * 24 * 9 / 10 {
            tracing::warn!("{station}: {observed} of {} hours were observed", 365 * 24);
        }
        Year {
            hours_observed: observed,
            hours_missing: 365 * 24 - observed,
            celsius_mean: mean(days.iter().filter_map(|day| day.celsius_mean)),
            rain_mm: round(days.iter().map(|day| day.rain_mm).sum()),
            hottest: most(|day| day.celsius_max),
            coldest: most(|day| day.celsius_min.map(|celsius| -celsius))
                .map(|coldest| Extreme { value: -coldest.value, ..coldest }),
            wettest: most(|day| Some(day.rain_mm)),
            windiest: most(|day| day.gust_m_s_max),
        }
    };
    Report { stations: STATIONS.iter().map(|station| ((*station).to_owned(), year(station))).collect() }
}

/// Draws the temperatures through the year, a panel a station: the range of each day, and the mean of the 15 days around.
#[task(remote, save = false, target = "{path}/temperatures.svg")]
fn plot(days: &[Day], #[target] to: &Path) -> Result<(), Error> {
    const BAND: RGBColor = RGBColor(158, 193, 214);
    const LINE: RGBColor = RGBColor(178, 58, 38);
    let root = SVGBackend::new(to, (1000, 960)).into_drawing_area();
    root.fill(&WHITE)?;
    let root =
        root.titled("New York's airports, 2013: each day's temperatures, and the mean of 15 days", ("sans-serif", 22))?;
    for (panel, station) in root.split_evenly((3, 1)).iter().zip(STATIONS) {
        let days: Vec<&Day> = days.iter().filter(|day| day.station == station && day.celsius_mean.is_some()).collect();
        let first = date(2013, 1, 1);
        let number = |day: &Day| day.date.parse::<Date>().map_or(0, |day| (day - first).get_days());
        let mut chart = ChartBuilder::on(panel)
            .caption(station, ("sans-serif", 19))
            .margin(8)
            .margin_right(24)
            .y_label_area_size(52)
            .build_cartesian_2d(0..365, -20.0..40.0)?;
        let starts: Vec<i32> = (1..=12).map(|month| (date(2013, month, 1) - first).get_days()).collect();
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .y_labels(7)
            .y_desc("°C")
            .y_label_formatter(&|celsius| format!("{celsius:.0}"))
            .label_style(("sans-serif", 14))
            .draw()?;
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let style = ("sans-serif", 14).into_font().color(&BLACK);
        chart.draw_series(
            starts.iter().zip(names).map(|(start, name)| Text::new(name, (start + 10, -15.5), style.clone())),
        )?;
        chart.draw_series(
            starts.iter().skip(1).map(|start| PathElement::new(vec![(*start, -20.0), (*start, 40.0)], BLACK.mix(0.08))),
        )?;
        chart.draw_series(days.iter().filter_map(|day| {
            let corners = [(number(day), day.celsius_min?), (number(day) + 1, day.celsius_max?)];
            Some(Rectangle::new(corners, BAND.filled()))
        }))?;
        let smooth = days
            .windows(15)
            .filter_map(|days| Some((number(days[7]), mean(days.iter().filter_map(|day| day.celsius_mean))?)));
        chart.draw_series(LineSeries::new(smooth, LINE.stroke_width(2)))?;
    }
    root.present()?;
    Ok(())
}

#[helper(uses(round))]
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| round(sum / f64::from(count)))
}

/// Two digits are more than the instruments have.
#[helper]
fn round(value: f64) -> f64 {
    (100.0 * value).round() / 100.0
}

#[flow(path = out)]
fn weather(csv: PathBuf, out: &Path) -> pipex::Result<Report> {
    // Lazy: once all the days are clean, the hourly files can be deleted, and the big file is not read again. Kept: what one
    // day has loaded of its station, the others share.
    let hourly = split(csv).lazy();
    let hourly =
        BTreeMap::from([("EWR", hourly.ewr.keep()?), ("JFK", hourly.jfk.keep()?), ("LGA", hourly.lga.keep()?)]);
    let days = grid!(station in STATIONS, day in days())
        .submit(|(station, day)| clean(&hourly[station], station, day))
        .submit(|(station, day), hours| summary(hours, station, day));
    for (station, days) in days.group_by(|(station, _)| *station) {
        // Nobody asks for it: if it fails, the flow fails.
        let _ = climate(days, station).submit();
    }
    plot(&days).run()?;
    report(&days).run()?.load()
}

#[pipex::main]
fn main() -> Result<(), Error> {
    let out = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("out/weather"), PathBuf::from);
    let csv = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/nyc-weather-2013.csv");

    pipex::logging::init();
    let started = Instant::now();
    let report = weather(csv, &out)?;
    let elapsed = started.elapsed();

    for (station, year) in &report.stations {
        let show = |extreme: &Option<Extreme>, unit| {
            extreme.as_ref().map(|day| format!("{} {unit} on {}", day.value, day.date)).unwrap_or_default()
        };
        println!("{station}: up to {}, down to {}", show(&year.hottest, "°C"), show(&year.coldest, "°C"));
    }
    let (elapsed, out) = (elapsed.as_secs_f64(), out.display());
    let mode = std::env::var("PIPEX").unwrap_or_default();
    if !mode.ends_with("cache") {
        println!("\n{elapsed:.3} s. Nothing was kept but what a function writes itself, {out}/temperatures.svg.");
        println!("Run it with PIPEX=cache to keep every output.");
    } else {
        println!("\n{elapsed:.3} s");
        println!("Look at {out}/temperatures.svg and {out}/report.json. Then delete something and run it again:");
        println!("  rm {out}/clean/EWR/2013-07-04.csv {out}/daily/EWR/2013-07-04.json");
    }
    Ok(())
}
