//! Writes values of many types, each in bincode, compressed, and as JSON to compare with.

use std::collections::BTreeMap;

use pipex::{flow, task};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Reading {
    station: String,
    celsius: Option<f64>,
    at: (u32, u8),
}

#[derive(Clone, Serialize, Deserialize)]
struct Particle {
    place: [f32; 3],
    id: u32,
    kind: u8,
}

#[derive(Clone, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Serialize, Deserialize)]
struct Metres(f64);

#[derive(Clone, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Clone, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Circle(Metres),
    Rectangle(f64, f64),
    Text { text: String, kind: Kind },
}

#[derive(Clone, Serialize, Deserialize)]
enum Kind {
    Plain,
    Styled(Option<Vec<i16>>),
}

#[derive(Clone, Serialize, Deserialize)]
struct Everything {
    flags: (bool, bool),
    character: char,
    integers: (i8, i16, i32, i64, i128, u8, u16, u32, u64, u128),
    floats: (f32, f64),
    text: String,
    nothing: (),
    unit: Unit,
    height: Metres,
    pair: Pair,
    shapes: Vec<Shape>,
    maybe: Option<Option<u8>>,
    by_name: BTreeMap<String, Vec<f64>>,
    by_number: BTreeMap<u16, Reading>,
    nested: Vec<Vec<(i32, i32)>>,
    boxed: Option<Box<Everything>>,
}

fn reading(station: &str, celsius: Option<f64>) -> Reading {
    Reading { station: station.to_owned(), celsius, at: (2013, 7) }
}

/// Each value by a task of its own, whose base says how it is written.
macro_rules! values {
    ($($name:ident: $type:ty = $value:expr;)*) => {
        $(
            #[task(target = "{path}/{base}")]
            fn $name() -> $type {
                $value
            }
        )*

        #[flow]
        fn write() -> pipex::Result<()> {
            for end in ["", ".zst", ".json"] {
                $($name().base(format!("{}{end}", stringify!($name))).run()?;)*
            }
            // What is no bincode.
            floats().base("other.jsonl.zst").run()?;
            Ok(())
        }
    };
}
values! {
    number: u64 = 7;
    text: String = "°C, and more".to_owned();
    nothing: Option<u8> = None;
    empty: Vec<f64> = Vec::new();
    floats: Vec<f64> = (0..100_000).map(|number| f64::from(number) / 3.0).collect();
    halves: Vec<f32> = vec![0.5, -1.5];
    bytes: Vec<u8> = (0..=255).collect();
    signs: Vec<i8> = vec![-1, 1];
    large: Vec<u128> = vec![1, u128::from(u64::MAX)];
    flags: Vec<bool> = vec![true, false];
    grid: Vec<Vec<f64>> = vec![vec![0.5; 3], Vec::new(), vec![1.5]];
    points: Vec<[f32; 3]> = vec![[0.5, 1.5, -2.5]; 4];
    pairs: Vec<(u32, f64)> = vec![(1, 0.5), (2, 1.5)];
    particles: Vec<Particle> = (0..3).map(|id| Particle { place: [0.5, 1.5, 2.5], id, kind: 9 }).collect();
    readings: Vec<Reading> = vec![reading("EWR", Some(0.5)), reading("JFK", None)];
    units: Vec<()> = vec![(); 3];
    shapes: Vec<Shape> = vec![
        Shape::Nothing,
        Shape::Circle(Metres(0.5)),
        Shape::Rectangle(1.5, 2.5),
        Shape::Text { text: "a".to_owned(), kind: Kind::Plain },
        Shape::Text { text: "é".to_owned(), kind: Kind::Styled(Some(vec![-3])) },
        Shape::Text { text: "𝄞".to_owned(), kind: Kind::Styled(None) },
    ];
    everything: Everything = Everything {
        flags: (true, false),
        character: '€',
        integers: (-1, -2, -3, -4, -5, 1, 2, 3, 4, 5),
        floats: (0.25, 0.1),
        text: String::new(),
        nothing: (),
        unit: Unit,
        height: Metres(1.75),
        pair: Pair(1, "one".to_owned()),
        shapes: shapes_of_everything(),
        maybe: Some(Some(1)),
        by_name: [("a".to_owned(), vec![0.5]), ("b".to_owned(), Vec::new())].into(),
        by_number: [(7, reading("LGA", Some(-1.5)))].into(),
        nested: vec![vec![(1, 2)], vec![]],
        boxed: None,
    };
}

fn shapes_of_everything() -> Vec<Shape> {
    vec![Shape::Circle(Metres(2.5)), Shape::Nothing]
}

fn main() -> pipex::Result<()> {
    write()
}
